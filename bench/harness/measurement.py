"""The outcome of a bench: figures, each with its target."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["Bound", "Figure", "Outcome", "Series", "Table"]


class Bound(StrEnum):
    """The side of its target on which a figure should be."""

    AT_LEAST = "≥"
    AT_MOST = "≤"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number with its unit, its target, and the measurements behind it.

    Attributes:
        what: A name, short enough for a table.
        value: The number.
        unit: Its unit; "×" for a ratio.
        target: The value to reach or to stay below; None: no target.
        bound: Whether the target is to be reached or to stay below.
        parts: The measurements behind the number, each named with its unit.
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
        """Whether the target is met; None without a target."""
        if self.target is None:
            return None
        if self.bound is Bound.AT_LEAST:
            return self.value >= self.target
        return self.value <= self.target

    def to_json(self) -> dict[str, Any]:
        """All attributes, and whether the target is met."""
        return asdict(self) | {"met": self.met}


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a plot: points (x, y) under a name."""

    name: str
    points: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the report: texts, the first column a name and the others numbers."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


@dataclass(slots=True)
class Outcome:
    """The outcome of a bench.

    Attributes:
        figures: Its figures, in the order of the report.
        series: Lines that its plot shows beyond the figures.
        tables: Tables that the report shows beyond the figures.
        notes: Sentences for the report, for example what was left out, and why.
    """

    figures: list[Figure] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
