"""Writes one batch of rows, and says what became of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from effective_embeddings.cli.shared.batching import vector_of
from effective_embeddings.client import (
    CategoryUpdate,
    Client,
    EffectiveEmbeddingsError,
    WriteOptions,
)
from effective_embeddings.formats import AssignmentRow, CategoryRow, ItemRow, Row, RowError

__all__ = ["Counts", "refused_row", "write_batch"]


@dataclass(slots=True)
class Counts:
    """What became of rows: in categories and items, new ones; in assignments, new memberships."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    bad: int = 0

    def add(self, other: Counts) -> None:
        """Adds another's counts."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    @property
    def rows(self) -> int:
        """All rows seen."""
        return self.new + self.changed + self.unchanged + self.bad


def write_batch(
    client: Client,
    namespace: str,
    rows: Sequence[Row],
    *,
    request_id: str,
    actor: str,
    reason: str,
    dry_run: bool,
    model: str,
) -> Counts:
    """Writes rows of one kind in one request: all of them, or none."""
    counts = Counts()
    write: WriteOptions = {
        # What writes nothing has nothing to repeat.
        "request_id": None if dry_run else request_id,
        "actor": actor,
        "reason": reason,
        "validate_only": dry_run,
        "embedding_model": model,
    }
    vectors = [vector for row in rows if (vector := vector_of(row)) is not None]
    matrix = np.stack(vectors) if len(vectors) == len(rows) else None
    weights = [row.weight for row in rows if isinstance(row, ItemRow | AssignmentRow)]
    given_weights = None if None in weights else [float(weight or 0) for weight in weights]
    metadata = [row.metadata for row in rows]
    if isinstance(rows[0], CategoryRow):
        updates = [_update(row) for row in rows if isinstance(row, CategoryRow)]
        for put in client.put_categories(namespace, updates, **write).results:
            _count(counts, new=put.created, changed=put.changed)
    elif isinstance(rows[0], ItemRow):
        keys = [row.key for row in rows if isinstance(row, ItemRow)]
        for put in client.put_items(
            namespace, keys, matrix, weights=given_weights, metadata=metadata, **write
        ).results:
            _count(counts, new=put.created, changed=put.changed)
    else:
        pairs = [(row.item, row.category) for row in rows if isinstance(row, AssignmentRow)]
        items, categories = (list(each) for each in zip(*pairs, strict=True))
        for result in client.assign(
            namespace,
            items,
            categories,
            matrix,
            weights=given_weights,
            metadata=metadata,
            **write,
        ).results:
            new = result.changed and not result.previous_category
            _count(counts, new=new, changed=result.changed)
    return counts


def refused_row(error: EffectiveEmbeddingsError, rows: Sequence[Row]) -> RowError | None:
    """The row that a refusal is about, if it names one such as `items[3].embedding`."""
    paths = [each.field for each in error.field_violations]
    paths.append(str(error.metadata.get("field", "")))
    for path in paths:
        found = re.match(r"\w+\[(\d+)\]\.?(.*)", path)
        if found and int(found[1]) < len(rows):
            row = rows[int(found[1])]
            # The place in the request means nothing to who reads this; the place in the file does.
            told = error.message.removeprefix(path).lstrip(": ")
            return RowError(row.place, found[2], f"{told} ({error.reason})")
    return None


def _update(row: CategoryRow) -> CategoryUpdate:
    return CategoryUpdate(
        row.key,
        base=row.base,
        base_weight=row.base_weight,
        window=row.window,
        min_base_share=row.min_base_share,
        frozen=row.frozen,
        metadata=row.metadata or None,  # an empty one would clear what is there
    )


def _count(counts: Counts, *, new: bool, changed: bool) -> None:
    if new:
        counts.new += 1
    elif changed:
        counts.changed += 1
    else:
        counts.unchanged += 1
