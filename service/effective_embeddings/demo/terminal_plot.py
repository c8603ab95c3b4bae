"""The learning curve in a terminal, by plotext."""

from __future__ import annotations

import math
from importlib import import_module

from effective_embeddings.demo.reference import LEARNED, STATIC
from effective_embeddings.demo.results import Results
from effective_embeddings.demo.scenario import WRONG

__all__ = ["terminal_plot"]

# Lines of the plot around its canvas: title, frame, ticks, label.
_AROUND = 6


def terminal_plot(results: Results, *, width: int = 78, height: int = 20) -> str:
    """Return the plot as text, without colours.

    Raises:
        ImportError: plotext 6 is not installed.
    """
    plotext = import_module("plotext")
    if not hasattr(plotext, "figure") or not hasattr(plotext.figure, "signal"):
        msg = "plotext 6 is needed"
        raise ImportError(msg)
    figure = plotext.figure
    curve = results.curve()
    # plotext's own logarithmic scale does not combine with given ticks.
    places = [math.log10(each.assigned) for each in curve]
    values = [each.accuracy for each in curve]
    static = results.at(STATIC).accuracy
    learned = results.at(LEARNED).accuracy
    wrong = results.at(WRONG).accuracy
    low, high = min(static, *values), max(static, *values)
    row = (high - low) / (height - _AROUND - 4) or 1.0

    figure.clear()
    figure.plot_size(width, height)
    figure.title("first match right, %")
    figure.label("messages assigned (log scale)", "x")
    figure.ruler("x").ticks(places, [f"{each.assigned:,}" for each in curve])
    figure.ruler("x").lim(places[0] - 0.05, places[-1] + 0.05)
    figure.ruler("y").lim(low - 2 * row, high + 2 * row)
    figure.line(static, style="dotted")
    figure.draw(figure.signal(places, values, marker="braille").lines())
    figure.draw(figure.signal(places, values, marker="●"))
    figure.draw(figure.signal([places[-1]], [wrong], marker="x"))
    for label, height_of in (
        (f"learned: {learned:.2f}", learned + row),
        (f"x a tenth wrong: {wrong:.2f}", wrong - 2 * row),
        (f"names alone: {static:.2f}", static + row),
    ):
        figure.draw(figure.text(places[-1], height_of, label, alignment="right"))
    text: str = figure.build().string(True)  # noqa: FBT003 - without colours
    return text
