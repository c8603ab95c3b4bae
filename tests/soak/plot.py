"""The plot of a soak: the server's resources and the call latencies over time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.soak.load import REFERENCE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SHOWN", "draw"]

_INK, _QUIET, _GRID = "#1b1f24", "#6b7178", "#e3e6e8"
_COLOURS = ("#0b5c8f", "#b3541e", "#3f7d4e", "#7a4d8c", "#8a8f98")
_MIB = 2.0**20
#: The plotted kinds of call.
SHOWN = ("match", "get item", "assign", "assign batch", REFERENCE)


def draw(measured: dict[str, Any], seconds: float, file: Path) -> None:
    """Draw what was measured.

    Args:
        measured: ``Result.measured``.
        seconds: The duration of the load.
        file: The file of the plot.
    """
    from matplotlib.figure import Figure as Canvas  # noqa: PLC0415 - optional

    canvas = Canvas(figsize=(11, 10), dpi=110, facecolor="white", layout="constrained")
    axes = canvas.subplots(3, 2, sharex=True)
    samples = measured["samples"]
    minutes = [each["at"] / 60 for each in samples]

    def lines(place: Axes, title: str, series: dict[str, list[float]]) -> None:
        for colour, (name, values) in zip(_COLOURS, series.items(), strict=False):
            place.plot(minutes, values, color=colour, label=name, linewidth=1.4)
        _dress(place, title)

    def mib(name: str) -> list[float]:
        return [each[name] / _MIB for each in samples]

    lines(axes[0, 0], "memory of the server, MiB", {"": mib("memory")})
    lines(
        axes[0, 1],
        "open files and connections, threads",
        {name: [each[name] for each in samples] for name in ("descriptors", "threads")},
    )
    lines(axes[1, 0], "write-ahead log, MiB", {"": mib("wal")})
    _tables(axes[1, 1], measured["tables"])
    _latencies(axes[2, 0], "p50", measured["intervals"])
    _latencies(axes[2, 1], "p95", measured["intervals"])
    for place in axes[2]:
        place.set_xlabel("minutes", color=_INK)
        place.set_xlim(0, seconds / 60)
    canvas.savefig(file)


def _tables(place: Axes, tables: list[dict[str, Any]]) -> None:
    minutes = [each["at"] / 60 for each in tables]
    parts = {
        "rows": [each["rows"] / _MIB for each in tables],
        "free pages": [each["free"] / _MIB for each in tables],
        "history": [each["history"] / _MIB for each in tables],
        "answers for request ids": [each["answers"] / _MIB for each in tables],
    }
    place.stackplot(minutes, *parts.values(), labels=list(parts), colors=_COLOURS, alpha=0.85)
    _dress(place, "the database, MiB: history and answers grow by design")


def _latencies(place: Axes, share: str, intervals: list[dict[str, Any]]) -> None:
    for colour, kind in zip(_COLOURS, SHOWN, strict=True):
        own = [each for each in intervals if each["kind"] == kind]
        place.plot(
            [each["from"] / 60 for each in own],
            [each[f"{share}_ms"] for each in own],
            color=colour,
            label=kind,
            linewidth=1.4,
            linestyle=":" if kind == REFERENCE else "-",
        )
    place.set_yscale("log")
    _dress(place, f"{share} of calls from when they were due, ms (log scale)")


def _dress(place: Axes, title: str) -> None:
    place.set_title(title, loc="left", color=_INK, fontsize=10, weight="bold")
    for side in ("top", "right"):
        place.spines[side].set_visible(False)
    place.tick_params(colors=_QUIET, length=0)
    place.grid(axis="y", color=_GRID)
    place.set_axisbelow(True)
    if place.get_yscale() == "linear":
        place.set_ylim(bottom=0)
    if any(label for label in place.get_legend_handles_labels()[1]):
        place.legend(fontsize="small", frameon=False)
