"""Cuts a stream of rows into batches, each of which is one atomic write."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from effective_embeddings.client.limits import PART_BYTES
from effective_embeddings.formats import FIELDS, DismissalRow, Kind, Row, RowError
from effective_embeddings.formats.rows import VECTORS, key_of, vector_of

__all__ = ["Batch", "batches", "request_id"]

_MOST_BYTES = 2 << 20


@dataclass(slots=True)
class Batch:
    """Rows to write together, and the bad rows among them."""

    rows: list[Row] = field(default_factory=list)
    bad: list[RowError] = field(default_factory=list)


def batches(rows: Iterable[Row | RowError], size: int) -> Iterator[Batch]:
    """Yield batches of rows, in their order, that one request can hold.

    A batch ends when it has ``size`` rows or about 2 MiB, and when an item comes again, for
    another category: one request must not say two things about one item.
    """
    batch = Batch()
    keys: set[str | tuple[str, str]] = set()
    room = _MOST_BYTES
    for row in rows:
        if isinstance(row, RowError):
            batch.bad.append(row)
            if len(batch.bad) >= size:
                yield batch
                batch, keys, room = Batch(), set(), _MOST_BYTES
            continue
        vector = vector_of(row)
        # An item can be dismissed from several categories at once.
        key = (row.item, row.category) if isinstance(row, DismissalRow) else key_of(row)
        room -= 0 if vector is None else vector.nbytes
        metadata = getattr(row, "metadata", None) or {}
        room -= sum(len(name) + len(text) for name, text in metadata.items())
        room -= len(getattr(row, "parts", None) or ()) * PART_BYTES
        if batch.rows and (len(batch.rows) >= size or room < 0 or key in keys):
            yield batch
            batch, keys, room = Batch(), set(), _MOST_BYTES
        batch.rows.append(row)
        keys.add(key)
    if batch.rows or batch.bad:
        yield batch


def request_id(run: str, namespace: str, kind: Kind, rows: Iterable[Row]) -> str:
    """Return an id for one batch of one run: the same for a retry, another for other content.

    The run is part of it on purpose. Ids are remembered for a day, and a later run of the same
    file is not a retry: rows that were deleted in between have to be written again.
    """
    digest = hashlib.sha256(f"{run}\0{namespace}".encode())
    names = [name for name in FIELDS[kind] if name != VECTORS.get(kind)]
    for row in rows:
        vector = vector_of(row)
        values = [getattr(row, name) for name in names]
        digest.update(repr([values, None if vector is None else vector.shape]).encode())
        if vector is not None:
            digest.update(np.ascontiguousarray(vector).tobytes())
    return f"import-{digest.hexdigest()[:40]}"
