"""A namespace at one revision, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from effective_embeddings.client import Client, Namespace, SnapshotProgress, read_frames
from effective_embeddings.report.caps import MOST_TEXT
from effective_embeddings.report.sources.progress import OnProgress
from effective_embeddings.v1 import resources_pb2

__all__ = ["Memberships", "State", "read_state"]

Vectors = NDArray[np.float64]
Whole = NDArray[np.int64]

# Metadata that may hold the words of an item, the likeliest first.
_TEXTS = ("text", "title", "name", "subject", "summary", "description")


@dataclass(frozen=True, slots=True)
class Memberships:
    """Which items are in which categories; all columns have one entry a membership.

    Attributes:
        item: Row of the item.
        category: Row of the category.
        sequence: Its place in the order of assignment.
        time: When it was assigned, in milliseconds since 1970, UTC.
        actor: By whom.
    """

    item: Whole
    category: Whole
    sequence: Whole
    time: Whole
    actor: list[str]


@dataclass(frozen=True, slots=True)
class State:
    """Everything in a namespace at one revision.

    Attributes:
        namespace: Its settings and counts.
        categories: Keys and settings, by key; their bases are not in them.
        bases: (c, d); zeros where a category has no base.
        has_base: (c,).
        keys: Keys of the items, in order.
        texts: Words of each item, from its metadata; empty: it has none.
        vectors: (n, d) float32, on disk.
        weights: (n,).
        memberships: Who is where.
    """

    namespace: Namespace
    categories: list[resources_pb2.Category]
    bases: Vectors
    has_base: NDArray[np.bool_]
    keys: list[str]
    texts: list[str]
    vectors: NDArray[np.float32]
    weights: Vectors
    memberships: Memberships

    @property
    def inbox(self) -> list[int]:
        """Rows of the items that are in no category."""
        assigned = np.zeros(len(self.keys), dtype=bool)
        assigned[self.memberships.item] = True
        return [int(row) for row in np.flatnonzero(~assigned)]


@dataclass(slots=True)
class _Columns:
    item: list[int] = field(default_factory=list)
    category: list[int] = field(default_factory=list)
    sequence: list[int] = field(default_factory=list)
    time: list[int] = field(default_factory=list)
    actor: list[str] = field(default_factory=list)


def read_state(client: Client, ns: str, folder: Path, progress: OnProgress) -> State:
    """Read a namespace by a snapshot.

    Vectors of items go to a file in ``folder``, not to memory: the state must not be used once
    the folder is gone.

    Raises:
        NotFound: The namespace does not exist.
        DataLoss: Stored data does not match its checksum.
        OSError: The folder has too little room.
    """
    file = folder / "state.snapshot"

    def report(done: SnapshotProgress) -> None:
        total = done.category_total + done.item_total
        progress("read items", done.categories + done.items, total)

    namespace = client.snapshot(ns, file, progress=report).namespace
    state = _parse(namespace, file, folder / "vectors")
    file.unlink()
    return state


def _parse(namespace: Namespace, file: Path, vectors_file: Path) -> State:
    count, dimension = namespace.item_count, namespace.dimension
    vectors: NDArray[np.float32] = (
        np.memmap(vectors_file, dtype="<f4", mode="w+", shape=(count, dimension))
        if count
        else np.zeros((0, dimension), dtype=np.float32)
    )
    weights = np.ones(count)
    bases = np.zeros((namespace.category_count, dimension))
    has_base = np.zeros(len(bases), dtype=bool)
    categories: list[resources_pb2.Category] = []
    rows: dict[str, int] = {}
    keys: list[str] = []
    texts: list[str] = []
    columns = _Columns()
    for frame in read_frames(file):
        for category in frame.categories.categories:
            row = rows[category.key] = len(categories)
            if category.HasField("base"):
                bases[row], has_base[row] = _vector(category.base), True
                category.ClearField("base")
            categories.append(category)
        for item in frame.items.items:
            row = len(keys)
            vectors[row] = _vector(item.embedding)
            weights[row] = item.weight
            keys.append(item.key)
            texts.append(_text(item.metadata))
            for each in item.memberships:
                columns.item.append(row)
                columns.category.append(rows[each.category])
                columns.sequence.append(each.sequence)
                columns.time.append(each.assign_time.ToMilliseconds())
                columns.actor.append(each.actor)
    memberships = Memberships(
        np.array(columns.item, dtype=np.int64),
        np.array(columns.category, dtype=np.int64),
        np.array(columns.sequence, dtype=np.int64),
        np.array(columns.time, dtype=np.int64),
        columns.actor,
    )
    return State(namespace, categories, bases, has_base, keys, texts, vectors, weights, memberships)


def _vector(message: resources_pb2.Embedding) -> NDArray[np.float32]:
    return np.frombuffer(message.data, dtype="<f4")


def _text(metadata: Mapping[str, str]) -> str:
    # Twice the room that is shown: spaces in a row become one.
    return next((metadata[name][: 2 * MOST_TEXT] for name in _TEXTS if metadata.get(name)), "")
