"""The curve of the demo in a terminal, by plotext."""

from __future__ import annotations

from importlib import import_module

from effective_embeddings.demo.reference import LEARNED, STATIC
from effective_embeddings.demo.results import Results
from effective_embeddings.demo.story import WRONG

__all__ = ["terminal_plot"]


def terminal_plot(results: Results, *, width: int = 78, height: int = 18) -> str:
    """The plot as text; raises ImportError where plotext (version 5) is not installed."""
    plot = import_module("plotext")
    if not hasattr(plot, "clear_figure"):
        msg = "plotext 5 is needed"
        raise ImportError(msg)
    curve = results.curve()
    assigned = [each.assigned for each in curve]
    static = results.at(STATIC).accuracy
    wrong = results.at(WRONG)
    plot.clear_figure()
    plot.theme("clear")
    plot.plotsize(width, height)
    plot.xscale("log")
    plot.xticks(assigned, [f"{each:,}" for each in assigned])
    plot.xlabel("messages assigned (log scale)")
    plot.title("first guess right, %")
    plot.plot(assigned, [each.accuracy for each in curve], marker="braille")
    plot.scatter(
        assigned,
        [each.accuracy for each in curve],
        marker="●",
        label=f"learned, {results.at(LEARNED).accuracy:.2f} %",
    )
    plot.plot(
        [assigned[0], assigned[-1]],
        [static, static],
        marker="-",
        label=f"names alone, {static:.2f} %",
    )
    plot.scatter(
        [wrong.assigned],
        [wrong.accuracy],
        marker="x",
        label=f"10 % wrong, {wrong.accuracy:.2f} %",
    )
    text: str = plot.build()
    return text
