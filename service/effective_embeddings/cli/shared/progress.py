"""A progress bar on the standard error, where that is a terminal."""

from __future__ import annotations

from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from effective_embeddings.cli.shared.output import errors

__all__ = ["bar"]


def bar(*told: str) -> Progress:
    """A bar with percentage, the task fields named in `told`, time gone and time left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        *(TextColumn(f"{{task.fields[{name}]}}") for name in told),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )
