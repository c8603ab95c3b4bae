"""Lines over time, each with its name at its end."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from effective_embeddings.report.analysis.periods import Periods
from effective_embeddings.report.charts.canvas import Canvas, ticks, words
from effective_embeddings.report.charts.columns import time_axis
from effective_embeddings.report.charts.labels import text_width
from effective_embeddings.report.markup import Markup, element, number, shortened

__all__ = ["Line", "draw_lines"]

_LEFT, _TOP, _BOTTOM = 44, 12, 26
_APART = 14.0
_SIZE = 12.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its name, and a value at the end of each period."""

    name: str
    values: Sequence[float]


def draw_lines(covered: Periods, lines: Sequence[Line], canvas: Canvas) -> tuple[int, list[Markup]]:
    """Return the height and the drawing."""
    height = 240 if canvas.is_narrow else 280
    most = 16 if canvas.is_narrow else 34
    names = [shortened(line.name, most) for line in lines]
    right = max(text_width(name) for name in names) * _SIZE + 18
    marks = ticks(max(max(line.values) for line in lines), 4)
    floor = height - _BOTTOM
    scale = (floor - _TOP) / marks[-1]
    step = (canvas.width - _LEFT - right) / covered.count
    drawn: list[Markup] = []
    for mark in marks:
        y = floor - mark * scale
        end = canvas.width - right
        drawn.append(element("path", d=f"M{_LEFT} {number(y)}H{number(end)}", class_="grid"))
        drawn.append(words(_LEFT - 6, y + 4, f"{mark:g}", "end"))
    ends = _apart([floor - line.values[-1] * scale for line in lines], floor)
    for place, (line, name, y) in enumerate(zip(lines, names, ends, strict=True)):
        points = [
            (_LEFT + step / 2 + at * step, floor - value * scale)
            for at, value in enumerate(line.values)
        ]
        path = "L".join(f"{number(x)} {number(value)}" for x, value in points)
        drawn.append(element("path", d=f"M{path}", class_=f"line s{place}"))
        last = points[-1]
        drawn.append(element("circle", cx=last[0], cy=last[1], r=3.5, class_=f"spot s{place}"))
        drawn.append(words(canvas.width - right + 10, y + 4, name, f"name t{place}"))
    drawn += time_axis(covered, canvas, left=_LEFT, right=right, y=height - 8)
    return height, drawn


def _apart(places: Sequence[float], floor: float) -> list[float]:
    """Return the places of labels, moved so that they do not cover each other."""
    order = sorted(range(len(places)), key=lambda row: (places[row], row))
    moved = list(places)
    for before, row in itertools.pairwise(order):
        moved[row] = max(moved[row], moved[before] + _APART)
    below = moved[order[-1]] - floor
    if below > 0:
        moved[order[-1]] -= below
        for row, after in zip(reversed(order[:-1]), reversed(order[1:]), strict=True):
            moved[row] = min(moved[row], moved[after] - _APART)
    return moved
