"""The product under evaluation: namespaces of an embedded client, asked as any caller asks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from effective_embeddings.client import Client, MatchResult, RankingMode, ReviewRates
from effective_embeddings.evaluation.labelled import Labelled, Labels, Part, Vectors

__all__ = ["COSINE", "LOCAL", "Dials", "Predictions", "Product", "State", "product"]

_PER_CALL = 500
# Vectors are stored as an item and in the log, and the write-ahead log is a copy of both.
_BYTES_FOR_A_BYTE = 8
_SPARE_BYTES = 128 << 20
_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of our own in it


@dataclass(frozen=True, slots=True)
class Dials:
    """A ranking and its fairness, 0 to 1."""

    ranking: RankingMode
    fairness: float

    @property
    def label(self) -> str:
        """A name for tables and plots."""
        return (
            self.ranking.upper()
            if self.fairness == 0
            else f"{self.ranking.upper()} {self.fairness:g}"
        )


COSINE = Dials("cosine", 0.0)
LOCAL = Dials("local", 0.5)


@dataclass(frozen=True, slots=True)
class Predictions:
    """The first match of each query.

    Attributes:
        labels: (n,) int64, the index of its category; -1 where no category matches.
        confidence: (n,) float64, what its order follows: the rank score, or a method's own value.
    """

    labels: Labels
    confidence: NDArray[np.float64]


class Product:
    """Makes namespaces with the categories of some data, one after the other."""

    def __init__(self, client: Client, data: Labelled) -> None:
        self._client = client
        self._data = data
        self._made = 0

    @contextmanager
    def state(self) -> Iterator[State]:
        """Create a namespace with all categories and no items; delete it at the end."""
        self._made += 1
        name = f"evaluation-{self._made}"
        # Members are in memory from the start, and each Match names its own dials.
        self._client.create_namespace(
            name, self._data.dimension, normalization=self._data.normalization, ranking="local"
        )
        self._client.put_categories(name, list(self._data.categories))
        try:
            yield State(self._client, name, self._data.keys)
        finally:
            self._client.delete_namespace(name, force=True)


class State:
    """One namespace."""

    def __init__(self, client: Client, name: str, keys: Sequence[str]) -> None:
        self._client = client
        self._name = name
        self._keys = list(keys)
        self._index = {key: index for index, key in enumerate(keys)}
        self._items = 0

    def assign(self, items: Part) -> None:
        """Assign new items to their categories, in this order."""
        count = len(items)
        self._client.assign(
            self._name,
            [f"item-{number}" for number in range(self._items, self._items + count)],
            [self._keys[label] for label in items.labels.tolist()],
            items.vectors,
            weights=None if items.weights is None else items.weights.tolist(),
        )
        self._items += count

    def predict(self, vectors: Vectors, dials: Dials) -> Predictions:
        """Match (n, d) vectors."""
        labels: list[int] = []
        confidence: list[float] = []
        for result in self.match(vectors, dials, limit=1):
            best = result.best
            labels.append(-1 if best is None else self._index[best.category])
            confidence.append(-np.inf if best is None else best.rank_score)
        return Predictions(np.array(labels, np.int64), np.array(confidence, np.float64))

    def match(self, vectors: Vectors, dials: Dials, **options: Any) -> Iterator[MatchResult]:
        """Match (n, d) vectors, with further options of Client.match."""
        for start in range(0, len(vectors), _PER_CALL):
            yield from self._client.match(
                self._name,
                vectors[start : start + _PER_CALL],
                ranking=dials.ranking,
                fairness=dials.fairness,
                **options,
            )

    def review_rates(self, levels: Sequence[float], dials: Dials, sample: int) -> ReviewRates:
        """Estimate from the members what each level leaves to a person."""
        return self._client.estimate_review_rate(
            self._name, levels, sample=sample, ranking=dials.ranking, fairness=dials.fairness
        )

    def right(self, items: Part, dials: Dials) -> NDArray[np.bool_]:
        """Return for each item whether its first match is its category."""
        found: NDArray[np.bool_] = self.predict(items.vectors, dials).labels == items.labels
        return found


@contextmanager
def product(data: Labelled) -> Iterator[Product]:
    """Open the product on a temporary directory, in memory if there is room.

    Thousands of writes one at a time are part of an evaluation, and none of them has to last.
    """
    items = len(data.train) + len(data.categories)
    needed = _SPARE_BYTES + items * data.dimension * 4 * _BYTES_FOR_A_BYTE
    in_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= needed
    with ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(
                prefix="effemb-evaluate-", dir=_MEMORY if in_memory else None
            )
        )
        client = stack.enter_context(Client.embedded(folder, actor="evaluation"))
        yield Product(client, data)
