"""The three kinds of rows that a file can hold.

A value of None means "not said": an existing thing keeps what it has, a new one takes the
default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FIELDS",
    "REQUIRED",
    "AssignmentRow",
    "CategoryRow",
    "ItemRow",
    "Kind",
    "Row",
    "Vector",
    "key_of",
]

Vector = NDArray[np.float32]


class Kind(StrEnum):
    """What the rows of a file are."""

    CATEGORIES = "categories"
    ITEMS = "items"
    ASSIGNMENTS = "assignments"


@dataclass(frozen=True, slots=True, eq=False)
class CategoryRow:
    """A category to create or change."""

    key: str
    base: Vector | None = None
    base_weight: float | None = None
    window: int | None = None
    min_base_share: float | None = None
    frozen: bool | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    place: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ItemRow:
    """An item to store or change."""

    key: str
    embedding: Vector | None = None
    weight: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    place: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class AssignmentRow:
    """An item to put into a category; an unknown item brings its embedding."""

    item: str
    category: str
    embedding: Vector | None = None
    weight: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    place: str = ""


Row = CategoryRow | ItemRow | AssignmentRow

#: The fields of each kind, in the order in which they are written.
FIELDS: Mapping[Kind, tuple[str, ...]] = {
    Kind.CATEGORIES: (
        "key",
        "base",
        "base_weight",
        "window",
        "min_base_share",
        "frozen",
        "metadata",
    ),
    Kind.ITEMS: ("key", "embedding", "weight", "metadata"),
    Kind.ASSIGNMENTS: ("item", "category", "embedding", "weight", "metadata"),
}


#: The fields that every row must have.
REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    Kind.CATEGORIES: ("key",),
    Kind.ITEMS: ("key",),
    Kind.ASSIGNMENTS: ("item", "category"),
}


def key_of(row: Row) -> str:
    """What the row is about: a category's or an item's key."""
    return row.item if isinstance(row, AssignmentRow) else row.key
