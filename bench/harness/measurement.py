"""What a bench finds: figures, each with what it was asked to be."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["Bound", "Figure", "Outcome", "Series"]


class Bound(StrEnum):
    """Which side of its target a figure should be on."""

    AT_LEAST = "≥"
    AT_MOST = "≤"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number with its unit, its target, and the measurements that it was made of.

    Attributes:
        what: Names it, in words that a table can hold.
        value: The number.
        unit: Of the number; "×" for a ratio.
        target: What it should reach, or stay below; None: it is for information.
        bound: Which of the two.
        parts: The measurements behind it, each named with its unit.
        spread: Lower and upper quartile of the number over the rounds; None: measured once.
    """

    what: str
    value: float
    unit: str = "×"
    target: float | None = None
    bound: Bound = Bound.AT_LEAST
    parts: dict[str, float | str] = field(default_factory=dict)
    spread: tuple[float, float] | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.target is None:
            return None
        if self.bound is Bound.AT_LEAST:
            return self.value >= self.target
        return self.value <= self.target

    def to_json(self) -> dict[str, Any]:
        """Everything, and whether the target is met."""
        return asdict(self) | {"met": self.met}


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a plot: points (x, y) under a name."""

    name: str
    points: list[tuple[float, float]]


@dataclass(slots=True)
class Outcome:
    """What a bench found.

    Attributes:
        figures: Its figures, in the order of the report.
        series: What its plot shows beyond the figures.
        notes: Sentences for the report: what was left out, and why.
    """

    figures: list[Figure] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
