"""The four kinds of rows that a file can hold, and the one table of their fields.

To add a field, add it to its class: every format reads and writes it by its type. None means
"missing": an existing row keeps its value, a new one takes the default.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from effective_embeddings.formats.values import (
    COUNT,
    METADATA,
    NUMBER,
    NUMBER_64,
    PARTS,
    TEXT,
    TRUTH,
    VECTOR,
    ValueType,
    Vector,
)

__all__ = [
    "COLUMNS",
    "FIELDS",
    "REQUIRED",
    "ROWS",
    "VECTORS",
    "AssignmentRow",
    "CategoryRow",
    "DismissalRow",
    "ItemRow",
    "Kind",
    "Row",
    "key_of",
    "vector_of",
]


class Kind(StrEnum):
    """The kind of the rows of a file."""

    CATEGORIES = "categories"
    ITEMS = "items"
    ASSIGNMENTS = "assignments"
    DISMISSALS = "dismissals"

    @property
    def singular(self) -> str:
        """The word for one row."""
        return {Kind.CATEGORIES: "category"}.get(self, self.value.removesuffix("s"))


def _required(value_type: ValueType) -> Any:
    return dataclasses.field(metadata={"type": value_type})


def _optional(value_type: ValueType) -> Any:
    return dataclasses.field(default=None, metadata={"type": value_type})


@dataclass(frozen=True, slots=True, eq=False)
class CategoryRow:
    """A category to create or change; its fields are those of CategoryUpdate."""

    key: str = _required(TEXT)
    base: Vector | None = _optional(VECTOR)
    base_weight: float | None = _optional(NUMBER)
    window: int | None = _optional(COUNT)
    min_base_share: float | None = _optional(NUMBER_64)
    frozen: bool | None = _optional(TRUTH)
    min_score: float | None = _optional(NUMBER_64)
    max_actor_share: float | None = _optional(NUMBER_64)
    metadata: Mapping[str, str] | None = _optional(METADATA)
    place: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ItemRow:
    """An item to store or change; a composite one has the weights of its parts by key."""

    key: str = _required(TEXT)
    embedding: Vector | None = _optional(VECTOR)
    weight: float | None = _optional(NUMBER)
    metadata: Mapping[str, str] | None = _optional(METADATA)
    parts: Mapping[str, float] | None = _optional(PARTS)
    place: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class AssignmentRow:
    """An item to assign to a category; a new item brings its embedding, or its parts."""

    item: str = _required(TEXT)
    category: str = _required(TEXT)
    embedding: Vector | None = _optional(VECTOR)
    weight: float | None = _optional(NUMBER)
    metadata: Mapping[str, str] | None = _optional(METADATA)
    parts: Mapping[str, float] | None = _optional(PARTS)
    place: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class DismissalRow:
    """An item to dismiss from a category."""

    item: str = _required(TEXT)
    category: str = _required(TEXT)
    place: str = ""


Row = CategoryRow | ItemRow | AssignmentRow | DismissalRow

#: The class of each kind's rows.
ROWS: Mapping[Kind, type[Row]] = {
    Kind.CATEGORIES: CategoryRow,
    Kind.ITEMS: ItemRow,
    Kind.ASSIGNMENTS: AssignmentRow,
    Kind.DISMISSALS: DismissalRow,
}

#: The fields of each kind with their types, in the order in which they are written.
COLUMNS: Mapping[Kind, Mapping[str, ValueType]] = {
    kind: {
        field.name: field.metadata["type"]
        for field in dataclasses.fields(row)
        if "type" in field.metadata
    }
    for kind, row in ROWS.items()
}

#: The names of the fields of each kind.
FIELDS: Mapping[Kind, tuple[str, ...]] = {kind: tuple(COLUMNS[kind]) for kind in Kind}

#: The fields that every row must have: the keys.
REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    kind: tuple(name for name, value_type in COLUMNS[kind].items() if value_type is TEXT)
    for kind in Kind
}

#: The name of the vector of each kind that has one.
VECTORS: Mapping[Kind, str] = {
    kind: name
    for kind in Kind
    for name, value_type in COLUMNS[kind].items()
    if value_type is VECTOR
}


def key_of(row: Row) -> str:
    """Return the key of the category or item that a row is about."""
    return row.item if isinstance(row, AssignmentRow | DismissalRow) else row.key


def vector_of(row: Row) -> Vector | None:
    """Return a row's vector, whose field has a name by its kind."""
    if isinstance(row, DismissalRow):
        return None
    return row.base if isinstance(row, CategoryRow) else row.embedding
