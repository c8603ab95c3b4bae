"""The map: items as dots, categories as discs with arrows from their bases."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from effective_embeddings.report.analysis.projection import Mapped, MappedItem
from effective_embeddings.report.caps import MOST_MAP_LABELS
from effective_embeddings.report.charts.canvas import Canvas, words
from effective_embeddings.report.charts.labels import Label, place_labels
from effective_embeddings.report.markup import Markup, element, number, shortened

__all__ = ["draw_map"]

_MARGIN = 14
_HEAD = 5.0
_LONGEST_LABEL = {"wide": 26, "narrow": 18}
_LABELS_NARROW = 16
_ITEMS_NARROW = 500
_SIZE = {"wide": 12.0, "narrow": 10.5}

_Point = tuple[float, float]


def draw_map(mapped: Mapped, keys: Sequence[str], canvas: Canvas) -> tuple[int, list[Markup]]:
    """Return the height and the drawing.

    Args:
        mapped: Categories and items with their places.
        keys: Keys of all categories.
        canvas: The width.
    """
    height = 400 if canvas.is_narrow else 720
    scale = _Scale(mapped, canvas.width, height)
    drawn: list[Markup] = []
    # Items are in the order of their keys: every nth is of all kinds.
    nth = -(-len(mapped.items) // _ITEMS_NARROW) if canvas.is_narrow else 1
    items = mapped.items[:: max(nth, 1)]
    for name, some in _kinds(items):
        drawn.append(element("path", d=_dots(some, scale), class_=f"dots {name}"))
    points = []
    for each in mapped.categories:
        x, y = scale(each.effective)
        shapes = [element("circle", cx=x, cy=y, r=3 if canvas.is_narrow else 4, class_="effective")]
        if each.base is not None:
            shapes.insert(0, element("path", d=_arrow(scale(each.base), (x, y)), class_="drift"))
        title = element("title", shortened(keys[each.row], 80))
        drawn.append(element("g", title, shapes))
        points.append(
            Label(shortened(keys[each.row], _LONGEST_LABEL[canvas.name]), round(x, 1), round(y, 1))
        )
    placed = place_labels(
        points,
        width=canvas.width,
        height=height,
        size=_SIZE[canvas.name],
        most=_LABELS_NARROW if canvas.is_narrow else MOST_MAP_LABELS,
    )
    for label in placed:
        if label.leader is not None:
            start = f"M{number(label.label.x)} {number(label.label.y)}"
            end = f"L{number(label.leader[0])} {number(label.leader[1])}"
            drawn.append(element("path", d=start + end, class_="leader"))
    drawn.extend(words(label.x, label.y, label.label.text, "name") for label in placed)
    return height, drawn


class _Scale:
    """Places of the plane to places of the drawing, equal in both directions."""

    def __init__(self, mapped: Mapped, width: int, height: int) -> None:
        places = [each.place for each in mapped.items]
        places += [each.effective for each in mapped.categories]
        places += [each.base for each in mapped.categories if each.base is not None]
        lefts, tops = ([place[axis] for place in places] for axis in (0, 1))
        across, down = max(lefts) - min(lefts), max(tops) - min(tops)
        self._scale = min(
            (width - 2 * _MARGIN) / across if across > 0 else math.inf,
            (height - 2 * _MARGIN) / down if down > 0 else math.inf,
        )
        if math.isinf(self._scale):
            self._scale = 1.0
        self._x = width / 2 - self._scale * (max(lefts) + min(lefts)) / 2
        self._y = height / 2 + self._scale * (max(tops) + min(tops)) / 2

    def __call__(self, place: _Point) -> _Point:
        return self._x + self._scale * place[0], self._y - self._scale * place[1]


def _kinds(items: Sequence[MappedItem]) -> Iterable[tuple[str, list[MappedItem]]]:
    kinds: dict[str, list[MappedItem]] = {"member": [], "waiting": [], "elsewhere": []}
    for item in items:
        name = "waiting" if item.is_waiting else "elsewhere" if item.is_elsewhere else "member"
        kinds[name].append(item)
    return [(name, found) for name, found in kinds.items() if found]


def _dots(items: Iterable[MappedItem], scale: _Scale) -> str:
    # A line of no length with round ends is a dot: a few bytes each, in one element.
    places = (scale(item.place) for item in items)
    return "".join(f"M{number(x)} {number(y)}h0" for x, y in places)


def _arrow(start: _Point, end: _Point) -> str:
    """Return a line with a head that ends at the rim of the disc."""
    across, down = end[0] - start[0], end[1] - start[1]
    long = math.hypot(across, down)
    line = f"M{number(start[0])} {number(start[1])}"
    if long < 2 * _HEAD:
        return f"{line}L{number(end[0])} {number(end[1])}"
    across, down = across / long, down / long
    tip = end[0] - 4 * across, end[1] - 4 * down
    back = tip[0] - _HEAD * across, tip[1] - _HEAD * down
    sides = [
        (back[0] + side * _HEAD / 2 * down, back[1] - side * _HEAD / 2 * across) for side in (1, -1)
    ]
    head = "L".join(f"{number(x)} {number(y)}" for x, y in (sides[0], tip, sides[1]))
    return f"{line}L{number(tip[0])} {number(tip[1])}M{head}"
