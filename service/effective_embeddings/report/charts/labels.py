"""Places for the labels of points: beside their points, without covering each other."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Label", "Placed", "place_labels", "text_width"]

_WIDE = 1.0
_USUAL = 0.58
_CAPITAL = 0.7
_NARROW = 0.3
_DISTANCES = (7.0, 14.0, 24.0)
_PADDING = 1.5


@dataclass(frozen=True, slots=True)
class Label:
    """A text that belongs to a point."""

    text: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Placed:
    """A label with its place: the left end of its base line, and where its leader begins."""

    label: Label
    x: float
    y: float
    leader: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def place_labels(
    labels: Sequence[Label], *, width: float, height: float, size: float, most: int
) -> list[Placed]:
    """Return the labels that have room, the earlier ones first.

    Args:
        labels: All labels, the most important first.
        width: Of the drawing.
        height: Of the drawing.
        size: Of the letters.
        most: How many labels to place.
    """
    taken = [_Box(each.x - 3, each.y - 3, each.x + 3, each.y + 3) for each in labels]
    placed: list[Placed] = []
    for label in labels:
        if len(placed) == most:
            break
        long = text_width(label.text) * size
        for distance in _DISTANCES:
            found = _free_place(label, long, size, distance, taken, width, height)
            if found is not None:
                left, top = found
                taken.append(_Box(left, top, left + long, top + size))
                leader = None
                if distance > _DISTANCES[0]:
                    leader = _nearest(label, left, top, long, size)
                placed.append(Placed(label, left, top + 0.8 * size, leader))
                break
    return placed


def _free_place(
    label: Label,
    long: float,
    size: float,
    distance: float,
    taken: Sequence[_Box],
    width: float,
    height: float,
) -> tuple[float, float] | None:
    right, left = label.x + distance, label.x - distance - long
    above, below = label.y - distance - size, label.y + distance
    middle, centre = label.y - size / 2, label.x - long / 2
    places = (
        (right, middle),
        (left, middle),
        (centre, above),
        (centre, below),
        (right, above),
        (right, below),
        (left, above),
        (left, below),
    )
    for x, y in places:
        if x < 0 or y < 0 or x + long > width or y + size > height:
            continue
        box = _Box(x - _PADDING, y - _PADDING, x + long + _PADDING, y + size + _PADDING)
        if not any(box.meets(other) for other in taken):
            return x, y
    return None


def _nearest(
    label: Label, left: float, top: float, long: float, size: float
) -> tuple[float, float]:
    """Return the point of the box that is nearest to the label's point."""
    return (
        min(max(label.x, left), left + long),
        min(max(label.y, top), top + size),
    )


def text_width(text: str) -> float:
    """Return about how wide a text is, in units of the size of its letters."""
    return sum(_width(each) for each in text)


def _width(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF":
        return _WIDE
    if letter.isupper() or letter in "mw@%&":
        return _CAPITAL
    return _NARROW if letter in "iIljt.,:;|'!()[] " else _USUAL
