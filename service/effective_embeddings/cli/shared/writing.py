"""Writes one batch of rows and counts the results."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from effective_embeddings.client import (
    CategoryUpdate,
    Client,
    EffectiveEmbeddingsError,
    WriteOptions,
)
from effective_embeddings.formats import (
    FIELDS,
    CategoryRow,
    DismissalRow,
    ItemRow,
    Kind,
    Row,
    RowError,
)

__all__ = ["Counts", "refused_rows", "write_batch"]


@dataclass(slots=True)
class Counts:
    """The results of rows; a new row created a category, item, membership or dismissal."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    bad: int = 0

    def add(self, other: Counts) -> None:
        """Add other counts."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    @property
    def rows(self) -> int:
        """Number of all rows."""
        return self.new + self.changed + self.unchanged + self.bad


def write_batch(client: Client, namespace: str, rows: Sequence[Row], write: WriteOptions) -> Counts:
    """Write rows of one kind in one request: all of them, or, if it is refused, no row."""
    counts = Counts()
    # A value that a row does not have is None in its column, and stays unchanged.
    columns: dict[str, Any] = {
        name: [getattr(row, name, None) for row in rows]
        for name in ("key", "item", "category", "embedding", "weight", "parts", "metadata")
    }
    values = {
        "embeddings": _column(columns["embedding"]),
        "weights": _column(columns["weight"]),
        "parts": _column(columns["parts"]),
        "metadata": _column(columns["metadata"]),
    }
    if isinstance(rows[0], CategoryRow):
        names = FIELDS[Kind.CATEGORIES]
        updates = [CategoryUpdate(**{name: getattr(row, name) for name in names}) for row in rows]
        for put in client.put_categories(namespace, updates, **write).results:
            _count(counts, new=put.created, changed=put.changed)
    elif isinstance(rows[0], ItemRow):
        for put in client.put_items(namespace, columns["key"], **values, **write).results:
            _count(counts, new=put.created, changed=put.changed)
    elif isinstance(rows[0], DismissalRow):
        pairs = (columns["item"], columns["category"])
        for dismissed in client.dismiss(namespace, *pairs, **write).results:
            _count(counts, new=dismissed.changed, changed=dismissed.changed)
    else:
        for result in client.assign(
            namespace, columns["item"], columns["category"], **values, **write
        ).results:
            new = result.changed and not result.previous_category
            _count(counts, new=new, changed=result.changed)
    return counts


def _column(values: list[Any]) -> list[Any] | None:
    return None if all(value is None for value in values) else values


def refused_rows(error: EffectiveEmbeddingsError, rows: Sequence[Row]) -> list[RowError]:
    """Return the rows that a refusal names, such as ``items[3].embedding``."""
    # The reader of a message knows the place in the file, not the place in the request.
    refused: dict[str, RowError] = {}
    named = [(each.field, each.description) for each in error.field_violations]
    for path, description in [*named, (str(error.metadata.get("field", "")), error.message)]:
        found = re.match(r"\w+\[(\d+)\]\.?(.*)", path)
        if found and int(found[1]) < len(rows):
            place = rows[int(found[1])].place
            problem = description.removeprefix(path).lstrip(": ")
            refused.setdefault(place, RowError(place, found[2], f"{problem} ({error.reason})"))
    return list(refused.values())


def _count(counts: Counts, *, new: bool, changed: bool) -> None:
    if new:
        counts.new += 1
    elif changed:
        counts.changed += 1
    else:
        counts.unchanged += 1
