"""The learning curve as a PNG, by matplotlib.

Readable in grey and without a legend: each line has its label beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from effective_embeddings.demo.reference import LEARNED, STATIC
from effective_embeddings.demo.results import Measurement, Results
from effective_embeddings.demo.scenario import CORRECTED, WRONG

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["save_png"]

_INK = "#1b1f24"
_QUIET = "#6b7178"
_GRID = "#e3e6e8"
_BLUE = "#0b5c8f"
_RED = "#c2410c"


def save_png(results: Results, path: Path) -> None:
    """Draw the plot.

    Raises:
        ImportError: matplotlib is not installed.
    """
    # Optional, and slow to load.
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(11.5, 5.6), dpi=150, facecolor="white")
    left, right, lists = figure.subplots(
        1, 3, gridspec_kw={"width_ratios": [2.9, 1.15, 1.1], "wspace": 0.16}
    )
    figure.subplots_adjust(left=0.055, right=0.985, top=0.81, bottom=0.19)
    for axes in (left, right, lists):
        _quiet(axes)
    right.sharey(left)
    right.tick_params(labelleft=False)
    _draw_curve(left, results)
    _draw_mistakes(right, results)
    _draw_lists(lists, results)
    lowest = min(each.accuracy for each in results.measurements)
    highest = max(each.accuracy_local for each in results.measurements)
    room = (highest - lowest) * 0.12 + 0.5
    left.set_ylim(lowest - 1.3 * room, highest + 1.3 * room)
    _write_titles(figure, results)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _quiet(axes: Axes) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_QUIET)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="both", colors=_QUIET, labelsize=9, length=0)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0f} %")


def _draw_curve(axes: Axes, results: Results) -> None:
    curve = results.curve()
    assigned = [each.assigned for each in curve]
    static = results.at(STATIC).accuracy
    axes.set_xscale("log")
    axes.axhline(static, color=_QUIET, linewidth=1.6, linestyle=(0, (5, 3)))
    for values, colour, marker in (
        ([each.accuracy_local for each in curve], _RED, "s"),
        ([each.accuracy for each in curve], _BLUE, "o"),
    ):
        axes.plot(assigned, values, color=colour, linewidth=2.2)
        axes.scatter(assigned, values, s=36, marker=marker, color=colour, zorder=3)
    for each in curve:
        _value(axes, each.assigned, each.accuracy_local, _RED)
        _value(axes, each.assigned, each.accuracy, _BLUE, below=True)
    axes.annotate(
        f"names alone, regardless of assignments: {static:.2f} %",
        (assigned[-1], static),
        xytext=(0, -6),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=10,
        color=_QUIET,
    )
    for text, place, side, colour in (
        ("LOCAL: the nearest members count too", (0.02, 0.83), "left", _RED),
        ("COSINE: the centroid of name and members", (0.98, 0.29), "right", _BLUE),
    ):
        axes.annotate(
            text, place, xycoords="axes fraction", ha=side, fontsize=10, color=colour, weight="bold"
        )
    count = results.categories
    axes.set_xticks(assigned, [_tick(each, count, curve[-1]) for each in assigned], minor=False)
    axes.minorticks_off()
    axes.set_xlim(assigned[0] / 1.25, assigned[-1] * 1.25)
    axes.set_xlabel(
        "messages assigned (log scale), and the average per category",
        fontsize=9.5,
        color=_INK,
        labelpad=8,
    )


def _draw_mistakes(axes: Axes, results: Results) -> None:
    stages = [results.at(LEARNED), results.at(WRONG), results.at(CORRECTED)]
    places = list(range(len(stages)))
    axes.plot(
        places, [each.accuracy for each in stages], color=_QUIET, linewidth=1.4, linestyle=":"
    )
    for place, each, marker, colour in zip(
        places, stages, ("o", "X", "o"), (_BLUE, _RED, _BLUE), strict=True
    ):
        axes.scatter(place, each.accuracy, s=70, marker=marker, color=colour, zorder=3)
        below = each.stage == WRONG
        _value(axes, place, each.accuracy, colour, below=below, digits=2)
    same = results.at(CORRECTED).digest == results.at(LEARNED).digest
    axes.set_xticks(
        places,
        ["all\nassigned", f"{results.moved_wrongly:,}\nmoved", "corrected"],
    )
    axes.set_xlim(-0.55, 2.55)
    axes.set_xlabel(
        "the same bits as before" if same else "NOT the same bits as before",
        fontsize=9.5,
        color=_INK,
        labelpad=8,
    )


def _draw_lists(axes: Axes, results: Results) -> None:
    """Share of right rows half-way through the list, with the corrections in all."""
    colours = (_QUIET, _BLUE, _RED)
    for place, (each, colour) in enumerate(zip(results.lists, colours, strict=False)):
        axes.bar(place, each.half_way, 0.62, color=colour)
        _value(axes, place, each.half_way, colour)
    axes.set_ylim(0, 100)
    axes.set_xticks(
        range(len(results.lists)),
        [
            f"{each.ranking.replace('names alone', 'names')}\n{each.corrections} wrong"
            for each in results.lists
        ],
    )
    if results.lists:
        axes.set_xlabel(
            f"one list of {results.lists[0].projects} projects:\nright half-way, wrong in all",
            fontsize=9.5,
            color=_INK,
            labelpad=8,
        )


def _value(
    axes: Axes, x: float, value: float, colour: str, *, below: bool = False, digits: int = 1
) -> None:
    axes.annotate(
        f"{value:.{digits}f}",
        (x, value),
        xytext=(0, -9 if below else 8),
        textcoords="offset points",
        ha="center",
        va="top" if below else "bottom",
        fontsize=8 + digits,
        color=colour,
    )


def _tick(assigned: int, categories: int, last: Measurement) -> str:
    each = assigned / categories
    average = f"{each:.0f} each" if assigned != last.assigned else "all"
    return f"{assigned:,}\n{average}"


def _write_titles(figure: Figure, results: Results) -> None:
    stream = results.stream
    figure.text(
        0.06,
        0.925,
        "Categories learn what people put into them",
        fontsize=16,
        weight="bold",
        color=_INK,
    )
    summary = (
        f"{results.dataset}: first match right, on {results.measurements[0].tested:,} texts"
        + (
            f" never assigned. Sorting {stream.messages:,} takes {stream.corrections_local:,}"
            f" corrections by LOCAL, {stream.corrections:,} by COSINE,"
            f" {stream.corrections_by_names_alone:,} by names alone."
            if stream
            else " never assigned."
        )
    )
    figure.text(0.06, 0.872, summary, fontsize=10.5, color=_QUIET)
    figure.text(
        0.06,
        0.022,
        f"Data: {results.attribution}. Order of the stream: seed {results.seed}.",
        fontsize=8,
        color=_QUIET,
    )
