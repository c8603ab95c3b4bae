"""The demo on a terminal: parts as they begin, the stream as it goes, figures at the end."""

from __future__ import annotations

from collections import deque

from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from effective_embeddings.demo.person import Step
from effective_embeddings.demo.reference import STATIC
from effective_embeddings.demo.results import Measurement, Results

__all__ = ["Screen", "figures_table"]

_RECENT = 200


class Screen:
    """An audience with a terminal; without one it tells less."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._recent: deque[bool] = deque(maxlen=_RECENT)
        self._corrections = 0
        self._by_names = 0.0
        self._total = 1

    def act(self, title: str) -> None:
        """Prints the title of a part."""
        self._console.print(f"\n[bold]{title}[/bold]")

    def measured(self, measurement: Measurement) -> None:
        """Prints an accuracy, with the first digits of the digest it was measured at."""
        self._console.print(
            f"  {measurement.stage:<24}{measurement.accuracy:6.2f} %"
            f"  [dim]{measurement.assigned:>6} assigned  digest {measurement.digest[:10]}[/dim]",
            highlight=False,
        )

    def stream_begins(self, messages: int, names_alone: int) -> None:
        """Puts up the bar."""
        self._total = messages
        self._by_names = names_alone / messages
        self._progress = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=8),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[told]}"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("sorting", total=messages, told="")
        self._progress.start()

    def step(self, step: Step) -> None:
        """Moves the bar."""
        self._recent.append(step.right)
        self._corrections += not step.right
        if self._progress is not None:
            recent = 100 * sum(self._recent) / len(self._recent)
            saved = self._by_names * step.number - self._corrections
            self._progress.update(
                self._task,
                completed=step.number,
                told=f"[bold]{recent:.0f} %[/bold] right lately,"
                f" {self._corrections:,} wrong, {saved:,.0f} saved",
            )

    def stream_ends(self) -> None:
        """Takes the bar down."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def figures_table(results: Results) -> Table:
    """All measurements, one a line."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("stage", no_wrap=True)
    for name in ("assigned", "right", "accuracy", "gain"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("digest", no_wrap=True)
    static = results.at(STATIC).accuracy
    for each in results.measurements:
        gain = each.accuracy - static
        table.add_row(
            each.stage,
            f"{each.assigned:,}",
            f"{each.right:,} / {each.tested:,}",
            f"{each.accuracy:.2f} %",
            "" if each.stage == STATIC else f"{gain:+.2f}",
            each.digest[:10],
        )
    return table
