"""A progress bar on standard error, if that is a terminal."""

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


def bar(*shown: str) -> Progress:
    """Return a bar with percentage, the task fields named in `shown`, time elapsed and left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        *(TextColumn(f"{{task.fields[{name}]}}") for name in shown),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )
