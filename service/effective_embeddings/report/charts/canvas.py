"""The frame of a chart: a figure with a title, a text alternative, and a drawing a width."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from effective_embeddings.report.markup import Child, Markup, element

__all__ = ["NARROW", "WIDE", "Canvas", "figure", "ticks", "words"]


@dataclass(frozen=True, slots=True)
class Canvas:
    """A width to draw for; a unit is a pixel where the page has that width.

    Attributes:
        name: The CSS class, which hides the drawing on pages of the other width.
        width: In pixels.
    """

    name: str
    width: int

    @property
    def is_narrow(self) -> bool:
        """True for telephones."""
        return self.name == "narrow"


WIDE = Canvas("wide", 1000)
NARROW = Canvas("narrow", 350)

_STEPS = (1, 2, 5)


def figure(
    key: str,
    title: str,
    alternative: str,
    draw: Callable[[Canvas], tuple[int, Child]],
    *below: Child,
) -> Markup:
    """Return a chart.

    Args:
        key: Begins the ids of its elements.
        title: What it is, in a few words.
        alternative: What it shows, for those who do not see it.
        draw: Returns the height and the content for a width.
        below: What stands below it: a legend, a caption.
    """
    drawings = []
    for canvas in (WIDE, NARROW):
        height, content = draw(canvas)
        name, description = f"{key}-{canvas.name}-title", f"{key}-{canvas.name}-text"
        drawings.append(
            element(
                "svg",
                element("title", title, id=name),
                element("desc", alternative, id=description),
                content,
                viewBox=f"0 0 {canvas.width} {height}",
                class_=f"chart {canvas.name}",
                role="img",
                aria_labelledby=f"{name} {description}",
            )
        )
    return element("figure", drawings, below)


def words(x: float, y: float, content: str, class_: str = "", **more: str) -> Markup:
    """Return a text of a chart."""
    return element("text", content, x=x, y=y, class_=class_ or None, **more)


def ticks(most: float, count: int) -> list[float]:
    """Return round values from 0 that reach ``most``, about ``count`` of them."""
    if most <= 0:
        return [0.0, 1.0]
    size = 10.0**-12
    while True:
        for step in _STEPS:
            if most / (step * size) <= count:
                number = -int(-most // (step * size))
                return [round(step * size * each, 12) for each in range(number + 1)]
        size *= 10
