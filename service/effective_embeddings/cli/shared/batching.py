"""Cuts a stream of rows into batches, each of which is one atomic write."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from effective_embeddings.formats import CategoryRow, Row, RowError
from effective_embeddings.formats.rows import Vector, key_of

__all__ = ["Batch", "batches", "request_id", "vector_of"]

_MOST_BYTES = 2 << 20


@dataclass(slots=True)
class Batch:
    """Rows to write together, and the bad rows that stood among them."""

    rows: list[Row] = field(default_factory=list)
    bad: list[RowError] = field(default_factory=list)


def vector_of(row: Row) -> Vector | None:
    """The row's vector, whatever its kind calls it."""
    return row.base if isinstance(row, CategoryRow) else row.embedding


def batches(rows: Iterable[Row | RowError], size: int) -> Iterator[Batch]:
    """Groups rows, in their order, as they can go into one request.

    A batch ends when it is full, when a key comes again (the later row must win, and one request
    may not say two things of one key), and when rows begin or cease to bring a vector or a weight
    (a request is one array of each, or none).
    """
    batch = Batch()
    keys: set[str] = set()
    shape: tuple[bool, bool] | None = None
    room = _MOST_BYTES
    for row in rows:
        if isinstance(row, RowError):
            batch.bad.append(row)
            if len(batch.bad) >= size:
                yield batch
                batch, keys, room = Batch(), set(), _MOST_BYTES
            continue
        vector, key, row_shape = vector_of(row), key_of(row), _shape(row)
        room -= 0 if vector is None else vector.nbytes
        room -= sum(len(name) + len(text) for name, text in row.metadata.items())
        full = len(batch.rows) >= size or room < 0
        if batch.rows and (full or key in keys or row_shape != shape):
            yield batch
            batch, keys, room = Batch(), set(), _MOST_BYTES
        batch.rows.append(row)
        keys.add(key)
        shape = row_shape
    if batch.rows or batch.bad:
        yield batch


def request_id(run: str, namespace: str, rows: Iterable[Row]) -> str:
    """An id for one batch of one run: the same for a second try, another for other content.

    The run is part of it on purpose. Ids are remembered for a day, and a later run of the same
    file is not a second try: what was deleted in between has to be written again.
    """
    digest = hashlib.sha256(f"{run}\0{namespace}".encode())
    for row in rows:
        vector = vector_of(row)
        digest.update(repr([_said(row), None if vector is None else vector.shape]).encode())
        if vector is not None:
            digest.update(np.ascontiguousarray(vector).tobytes())
    return f"import-{digest.hexdigest()[:40]}"


def _said(row: Row) -> list[object]:
    names = [name for name in row.__slots__ if name not in ("base", "embedding", "place")]
    return [getattr(row, name) for name in names]


def _shape(row: Row) -> tuple[bool, bool]:
    if isinstance(row, CategoryRow):
        return (True, True)  # each category is an update of its own: any mix can go together
    return (vector_of(row) is not None, row.weight is not None)
