"""The figures of an evaluation as a picture, by matplotlib.

Readable in grey: lines of the product are solid and have markers, others are dashed or dotted.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from effective_embeddings.evaluation.baselines import LOGISTIC_REGRESSION
from effective_embeddings.evaluation.evaluate import NAMES, Evaluation
from effective_embeddings.evaluation.product import COSINE, LOCAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["save_picture"]

_INK = "#1b1f24"
_QUIET = "#6b7178"
_GRID = "#e3e6e8"
# Colour, line style, marker of each method.
_STYLES: dict[str, tuple[str, str, str]] = {
    NAMES: ("#6b7178", "--", ""),
    COSINE.label: ("#0b5c8f", "-", "o"),
    LOCAL.label: ("#c2410c", "-", "s"),
    "1-NN": ("#8a6d00", ":", ""),
    "5-NN": ("#4d7c0f", ":", ""),
    LOGISTIC_REGRESSION: ("#6d28d9", "-.", ""),
}


def save_picture(result: Evaluation, path: Path) -> None:
    """Draw the picture; the suffix of the path decides its format.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: matplotlib cannot write this format.
    """
    # Optional, and slow to load.
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(12, 8.4), dpi=130, facecolor="white")
    grid = figure.add_gridspec(
        2, 2, left=0.065, right=0.975, top=0.84, bottom=0.075, hspace=0.36, wspace=0.16
    )
    _stream(figure.add_subplot(grid[0, 0]), result)
    _curve(figure.add_subplot(grid[0, 1]), result)
    if result.half_taught:
        wide = grid[1, 0] if result.out_of_scope else grid[1, :]
        _half_taught(figure.add_subplot(wide), result)
    if result.out_of_scope:
        wide = grid[1, 1] if result.half_taught else grid[1, :]
        _out_of_scope(figure.add_subplot(wide), result)
    _title(figure, result)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _quiet(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=10.5, color=_INK, weight="bold")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_QUIET)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_QUIET, labelsize=9, length=0)


def _shown(labels: Iterable[str]) -> list[str]:
    return [label for label in _STYLES if label in set(labels)]


def _stream(axes: Axes, result: Evaluation) -> None:
    _quiet(axes, "Corrections over a stream of items (one order)")
    for label in _shown(result.progress):
        colour, style, _ = _STYLES[label]
        places, wrong = zip(*result.progress[label], strict=True)
        axes.plot(places, wrong, color=colour, linestyle=style, linewidth=2, label=label)
    axes.set_xlabel("items assigned so far", fontsize=9.5, color=_INK)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=9, labelcolor=_INK)


def _curve(axes: Axes, result: Evaluation) -> None:
    _quiet(axes, "First match right, %, on other items (band: all draws)")
    places = list(range(len(result.sizes)))
    for label in _shown(result.curve):
        colour, style, marker = _STYLES[label]
        values = result.curve[label]
        means = [each.mean for each in values]
        axes.plot(places, means, color=colour, linestyle=style, marker=marker, label=label)
        axes.fill_between(
            places,
            [each.least for each in values],
            [each.most for each in values],
            color=colour,
            alpha=0.12,
            linewidth=0,
        )
    axes.set_xticks(places, [*(f"{size}" for size in result.sizes[:-1]), "all"])
    axes.set_xlabel("items a category", fontsize=9.5, color=_INK)


def _half_taught(axes: Axes, result: Evaluation) -> None:
    _quiet(axes, "Half of the categories are names only: first match right, %")
    labels = list(result.half_taught)
    for number, label in enumerate(labels):
        each = result.half_taught[label]
        for shift, spread, colour in (
            (-0.2, each.untaught, "#c2410c"),
            (0.2, each.taught, "#0b5c8f"),
        ):
            axes.bar(
                number + shift,
                spread.mean,
                0.38,
                color=colour,
                hatch="//" if shift < 0 else None,
                edgecolor="white",
                yerr=[[spread.mean - spread.least], [spread.most - spread.mean]],
                error_kw={"ecolor": _INK, "elinewidth": 1},
                label=("items of names only" if shift < 0 else "items of the others")
                if number == 0
                else None,
            )
    names = [
        label.replace("logistic", "logistic\n").replace("names ", "names\n") for label in labels
    ]
    axes.set_xticks(range(len(labels)), [name.replace(" 0", "\n0") for name in names])
    axes.tick_params(axis="x", labelsize=8)
    axes.set_ylim(0, 108)
    axes.legend(frameon=False, fontsize=9, ncols=2, loc="upper center")


def _out_of_scope(axes: Axes, result: Evaluation) -> None:
    _quiet(axes, "Items out of scope: area under the ROC curve")
    labels = _shown(result.out_of_scope)
    for number, label in enumerate(labels):
        value = result.out_of_scope[label]
        axes.bar(number, value, 0.6, color=_STYLES[label][0])
        axes.annotate(f"{value:.3f}", (number, value), ha="center", va="bottom", fontsize=9)
    axes.set_xticks(range(len(labels)), [label.replace(" ", "\n") for label in labels])
    axes.tick_params(axis="x", labelsize=8)
    axes.axhline(0.5, color=_QUIET, linestyle="--", linewidth=1)
    axes.set_ylim(0, 1.08)


def _title(figure: Figure, result: Evaluation) -> None:
    facts = result.facts
    figure.text(0.065, 0.955, result.name, fontsize=15, weight="bold", color=_INK)
    summary = (
        f"{facts['categories']:,} categories, {facts['train']:,} items to assign,"
        f" {facts['test']:,} to test on, {facts['dimension']:,} components; seed {result.seed}"
    )
    figure.text(0.065, 0.928, summary, fontsize=9.5, color=_QUIET)
    if result.advice is not None:
        advice = (
            f"Recommended: ranking {result.advice.ranking}, fairness {result.advice.fairness:g}"
        )
        figure.text(0.065, 0.9, advice, fontsize=10.5, color=_INK, weight="bold")
