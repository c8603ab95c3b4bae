"""The plots of the report: readable in grey, each line and bar labelled directly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.harness.peers import OURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Plot", "draw"]

_INK, _QUIET, _GRID, _OURS = "#1b1f24", "#6b7178", "#e3e6e8", "#0b5c8f"


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot of a bench."""

    title: str
    file: str


def draw(found: dict[str, Any], folder: Path) -> dict[str, list[Plot]]:
    """Draw the plots of all present results; without matplotlib, draw nothing."""
    try:
        from matplotlib.figure import Figure as Canvas  # noqa: PLC0415 - optional
    except ImportError:
        return {}
    plots: dict[str, list[Plot]] = {}
    for name, (title, paint, height) in _PAINTERS.items():
        if name not in found:
            continue
        canvas = Canvas(figsize=(9, height), dpi=130, facecolor="white", layout="constrained")
        axes = canvas.subplots()
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        axes.tick_params(colors=_QUIET, length=0)
        axes.set_title(title, loc="left", color=_INK, weight="bold")
        paint(axes, found[name])
        canvas.savefig(folder / f"{name}.png")
        plots[name] = [Plot(title, f"{name}.png")]
    if found:
        canvas = Canvas(figsize=(9, 9), dpi=130, facecolor="white", layout="constrained")
        canvas.suptitle(
            "Every target: • met, ✖ missed; right of the line is better than asked",
            color=_INK,
            weight="bold",
            fontsize=11,
        )
        _targets(canvas.subplots(), found)
        canvas.savefig(folder / "targets.png")
        first = next(iter(found))
        plots.setdefault(first, []).insert(0, Plot("All targets", "targets.png"))
    return plots


def _in_process(axes: Axes, result: dict[str, Any]) -> None:
    """Time of each contender by shape, on a log scale."""
    figures = result["figures"]
    names = [key.removesuffix(" µs") for key in figures[0]["parts"] if key.endswith(" µs")]
    for name in names:
        ours = name == OURS
        values = [figure["parts"][f"{name} µs"] for figure in figures]
        axes.plot(
            range(len(values)),
            values,
            marker="o" if ours else "s",
            linewidth=2.6 if ours else 1.2,
            linestyle="-" if ours else "--",
            color=_OURS if ours else _QUIET,
        )
    # Labels at the ends of lines, one text line lower where they would overlap.
    last = sorted(names, key=lambda name: figures[-1]["parts"][f"{name} µs"])
    place = 0.0
    for name in last:
        value = figures[-1]["parts"][f"{name} µs"]
        place = max(value, place * 1.5)
        axes.annotate(
            name,
            (len(figures) - 1, value),
            xytext=(len(figures) - 0.9, place),
            va="center",
            color=_OURS if name == OURS else _INK,
            weight="bold" if name == OURS else "normal",
        )
    axes.set_yscale("log")
    axes.set_xticks(range(len(figures)), [figure["what"] for figure in figures], fontsize=8)
    axes.set_xlim(-0.2, len(figures) + 0.4)
    axes.set_ylim(top=axes.get_ylim()[1] * 2)
    axes.set_ylabel("µs a query, one thread (log scale)", color=_INK)
    axes.grid(axis="y", color=_GRID)
    axes.set_axisbelow(True)


def _bars(axes: Axes, result: dict[str, Any]) -> None:
    """One bar for each figure, with its target as a line across it."""
    figures = [figure for figure in result["figures"] if figure["unit"] == "×"][::-1]
    for place, figure in enumerate(figures):
        axes.barh(place, figure["value"], color=_OURS, height=0.5)
        if figure["target"]:
            axes.plot([figure["target"]] * 2, [place - 0.4, place + 0.4], color=_INK, linewidth=2)
        text = f" {figure['value']:.2f}"
        if figure["target"]:
            text += f"  (target {figure['bound']} {figure['target']:g})"
        beside = max(figure["value"], figure["target"] or 0)
        axes.annotate(text, (beside, place), va="center", color=_INK, fontsize=9)
    axes.set_yticks(range(len(figures)), [figure["what"] for figure in figures], fontsize=8)
    axes.set_xlim(0, 1.6 * max(max(f["value"], f["target"] or 0) for f in figures))
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks([])


def _learning(axes: Axes, result: dict[str, Any]) -> None:
    """Learning curves of each data set; the label is at the end of its line."""
    styles = {"LOCAL": "-", "COSINE": "--", "names": ":", "logistic": "-."}
    last: list[float] = []
    for series in sorted(result["series"], key=lambda each: -each["points"][-1][1]):
        x, y = zip(*series["points"], strict=True)
        method = series["name"].split(": ")[1].split()[0]
        ours = method in ("LOCAL", "COSINE")
        places = range(len(x))
        colour = _OURS if ours else _QUIET
        axes.plot(places, y, color=colour, linewidth=2, linestyle=styles[method])
        height = min(y[-1], last[-1] - 2.4) if last else y[-1]
        last.append(height)
        axes.annotate(
            series["name"], (len(x) - 0.92, height), color=colour, fontsize=8, va="center"
        )
    axes.set_xticks(range(4), ["1", "5", "20", "all"])
    axes.set_xlim(-0.1, 4.6)
    axes.set_xlabel("items a category", color=_INK)
    axes.set_ylabel("first match right, %", color=_INK)
    axes.grid(axis="y", color=_GRID)


def _targets(axes: Axes, found: dict[str, Any]) -> None:
    """The distance of each figure from its target, in one plot: further right is better."""
    rows = [
        (f"{result['title'].split(':')[0]}: {figure['what']}", _margin(figure), figure["met"])
        for result in found.values()
        for figure in result["figures"]
        if figure["target"]
    ][::-1]
    for place, (_, margin, met) in enumerate(rows):
        axes.plot([1, margin], [place, place], color=_GRID, linewidth=3, zorder=1)
        axes.scatter(
            margin,
            place,
            marker="o" if met else "X",
            s=46,
            color=_OURS if met else _INK,
            zorder=2,
        )
    axes.axvline(1, color=_INK, linewidth=1.2)
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), [name[:80] for name, _, _ in rows], fontsize=7)
    axes.set_xlabel("times as good as the target (log scale)", color=_INK)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=_QUIET, length=0)
    axes.grid(axis="x", color=_GRID)
    axes.set_axisbelow(True)


def _margin(figure: dict[str, Any]) -> float:
    value, target = max(figure["value"], 1e-9), figure["target"]
    margin: float = value / target if figure["bound"] == "≥" else target / value
    return min(max(margin, 0.05), 20.0)


_PAINTERS = {
    "in_process": ("The best 10 of N rows, exactly: time of one query", _in_process, 5.0),
    "grpc_match": ("Match over an empty echo", _bars, 3.0),
    "grpc_assign": ("Assign over an empty echo", _bars, 3.0),
    "writes": ("Assign over bare SQLite, and group commit", _bars, 3.2),
    "write_cost": ("What an Assign costs as data grows", _bars, 2.6),
    "in_process_worst": ("Data that defeats the sketches: over an exact scan", _bars, 3.6),
    "learning": ("Categories learn what people put into them", _learning, 5.0),
}
