"""The demo on a terminal: stages as they begin, progress of the stream, results at the end."""

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

from effective_embeddings.demo.reference import STATIC
from effective_embeddings.demo.results import ListResults, Measurement, Results
from effective_embeddings.demo.simulated_user import SortedMessage

__all__ = ["TerminalObserver", "results_table"]

_RECENT = 200


class TerminalObserver:
    """Shows the scenario on a console; only a terminal gets a progress bar."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._recent: deque[bool] = deque(maxlen=_RECENT)
        self._corrections = 0
        self._by_names = 0.0
        self._total = 1

    def stage_begins(self, title: str) -> None:
        """Print the title of a stage."""
        self._console.print(f"\n[bold]{title}[/bold]")

    def measured(self, measurement: Measurement) -> None:
        """Print both accuracies, with the first digits of the state digest."""
        self._console.print(
            f"  {measurement.stage:<18}{measurement.accuracy:6.2f} %"
            f"  LOCAL {measurement.accuracy_local:5.2f} %"
            f"  [dim]{measurement.assigned:>6} assigned  digest {measurement.digest[:10]}[/dim]",
            highlight=False,
        )

    def stream_begins(self, messages: int, names_alone: int) -> None:
        """Show the progress bar."""
        self._total = messages
        self._by_names = names_alone / messages
        self._progress = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=8),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[recent]}"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("sorting", total=messages, recent="")
        self._progress.start()

    def sorted(self, message: SortedMessage) -> None:
        """Advance the progress bar."""
        self._recent.append(message.right)
        self._corrections += not message.right
        if self._progress is not None:
            recent = 100 * sum(self._recent) / len(self._recent)
            saved = self._by_names * message.number - self._corrections
            self._progress.update(
                self._task,
                completed=message.number,
                recent=f"[bold]{recent:.0f} %[/bold] right lately,"
                f" {self._corrections:,} wrong, {saved:,.0f} saved",
            )

    def stream_ends(self) -> None:
        """Remove the progress bar."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def lists_worked(self, lists: list[ListResults]) -> None:
        """Print what each list cost."""
        for each in lists:
            self._console.print(
                f"  {each.ranking:<18}{each.corrections:>4} corrections for {each.projects}"
                f" projects; half-way {each.half_way:.0f} % of the list is right",
                highlight=False,
            )


def results_table(results: Results) -> Table:
    """Return all measurements, one per line: first matches right by both rankings."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("stage", no_wrap=True)
    for name in ("assigned", "COSINE", "LOCAL", "gain"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("digest", no_wrap=True)
    static = results.at(STATIC).accuracy
    for each in results.measurements:
        gain = each.accuracy_local - static
        table.add_row(
            each.stage,
            f"{each.assigned:,}",
            f"{each.accuracy:.2f} %",
            f"{each.accuracy_local:.2f} %",
            "" if each.stage == STATIC else f"{gain:+.2f}",
            each.digest[:10],
        )
    return table
