"""Columns over time: a stack of figures a period."""

from __future__ import annotations

from collections.abc import Sequence

from effective_embeddings.report.analysis.periods import Periods
from effective_embeddings.report.charts.canvas import Canvas, ticks, words
from effective_embeddings.report.markup import Markup, element, number

__all__ = ["draw_columns", "time_axis"]

_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 14, 26
_LETTER = 6.4


def draw_columns(
    covered: Periods, stacks: Sequence[tuple[str, Sequence[int]]], canvas: Canvas
) -> tuple[int, list[Markup]]:
    """Return the height and the drawing.

    Args:
        covered: The periods.
        stacks: CSS class and figures of each layer, the lowest first.
        canvas: The width.
    """
    height = 190 if canvas.is_narrow else 230
    totals = [sum(each) for each in zip(*(values for _, values in stacks), strict=True)]
    marks = ticks(max(totals), 4)
    room = height - _TOP - _BOTTOM
    scale = room / marks[-1]
    floor = height - _BOTTOM
    drawn: list[Markup] = []
    for mark in marks:
        y = floor - mark * scale
        drawn.append(
            element("path", d=f"M{_LEFT} {number(y)}H{canvas.width - _RIGHT}", class_="grid")
        )
        if float(mark).is_integer():
            drawn.append(words(_LEFT - 6, y + 4, f"{mark:,.0f}", "end"))
    step = (canvas.width - _LEFT - _RIGHT) / covered.count
    wide = min(step * 0.78, 60)
    tops = [0.0] * covered.count
    for name, values in stacks:
        for place, value in enumerate(values):
            if value:
                x = _LEFT + (place + 0.5) * step - wide / 2
                tops[place] += value
                y = floor - tops[place] * scale
                drawn.append(
                    element("rect", x=x, y=y, width=wide, height=value * scale, class_=name)
                )
    drawn += time_axis(covered, canvas, left=_LEFT, right=_RIGHT, y=height - 8)
    return height, drawn


def time_axis(
    covered: Periods, canvas: Canvas, *, left: float, right: float, y: float
) -> list[Markup]:
    """Return the labels of the periods, as many as have room."""
    step = (canvas.width - left - right) / covered.count
    label_width = len(covered.label(0)) * _LETTER + 14
    every = max(1, -int(-label_width // step))
    return [
        words(left + (place + 0.5) * step, y, covered.label(place), "middle")
        for place in range(0, covered.count, every)
        if left + (place + 0.5) * step + label_width / 2 - 7 <= canvas.width
    ]
