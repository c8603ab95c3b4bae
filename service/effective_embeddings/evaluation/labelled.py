"""Labelled data of an evaluation: categories, and items of known category, some held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from effective_embeddings.client import CategoryUpdate, Normalization
from effective_embeddings.evaluation.dataset import Dataset
from effective_embeddings.evaluation.ordering import shuffled

__all__ = ["DataError", "Labelled", "Labels", "Part", "Vectors", "held_out", "no_vectors"]

Vectors = NDArray[np.float32]
Labels = NDArray[np.int64]

_HELD_OUT = 0.25


class DataError(Exception):
    """Data that cannot be evaluated; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Part:
    """Items of known category.

    Attributes:
        vectors: (n, d) float32.
        labels: (n,) int64, the index of each item's category.
        weights: (n,) float64, how much each item teaches; None: 1 each.
    """

    vectors: Vectors
    labels: Labels
    weights: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Sequence[int] | Labels) -> Self:
        """Return some of the items, in this order."""
        index = np.asarray(rows, dtype=np.int64)
        weights = None if self.weights is None else self.weights[index]
        return replace(
            self, vectors=self.vectors[index], labels=self.labels[index], weights=weights
        )


def no_vectors(dimension: int) -> Vectors:
    """Return (0, d) vectors."""
    return np.empty((0, dimension), np.float32)


@dataclass(frozen=True, slots=True)
class Labelled:
    """Data to evaluate on.

    Attributes:
        name: What the data is called in tables.
        categories: The categories, with the embeddings of their names and all other settings.
        train: Items that are assigned.
        test: Items that are never assigned.
        out_of_scope: (m, d) float32, items that belong to none of the categories.
        normalization: As in a namespace.
        notes: Sentences on what was left out, or drawn, and why.
    """

    name: str
    categories: tuple[CategoryUpdate, ...]
    train: Part
    test: Part
    out_of_scope: Vectors
    normalization: Normalization = "raw"
    notes: tuple[str, ...] = field(default=())

    @property
    def dimension(self) -> int:
        """Number of components of each vector."""
        return int(self.train.vectors.shape[1])

    @property
    def has_names(self) -> bool:
        """Whether every category has the embedding of its name."""
        return all(each.base is not None for each in self.categories)

    @property
    def keys(self) -> list[str]:
        """The keys of the categories."""
        return [each.key for each in self.categories]

    def names(self) -> Part:
        """The embeddings of the names, each as an item of its category."""
        rows = [row for row, each in enumerate(self.categories) if each.base is not None]
        vectors = [np.asarray(self.categories[row].base, np.float32) for row in rows]
        stacked = np.stack(vectors) if vectors else no_vectors(self.dimension)
        return Part(stacked, np.array(rows, np.int64))

    @classmethod
    def of(cls, dataset: Dataset) -> Labelled:
        """Return a data set as data to evaluate on, in its own split."""
        keys = zip(dataset.categories, dataset.bases, strict=True)
        return cls(
            name=dataset.name,
            categories=tuple(CategoryUpdate(key, base=base) for key, base in keys),
            train=Part(dataset.train.vectors, dataset.train.labels.astype(np.int64)),
            test=Part(dataset.test.vectors, dataset.test.labels.astype(np.int64)),
            out_of_scope=no_vectors(dataset.dimension),
        )


def held_out(labels: Labels, seed: str) -> tuple[list[int], list[int]]:
    """Split items into those to assign and a quarter to test on, in each category by itself.

    A category of one item keeps it; of two or more, at least one is tested on.
    """
    train: list[int] = []
    test: list[int] = []
    for label in np.unique(labels):
        rows = shuffled(np.flatnonzero(labels == label).tolist(), f"{seed} held out")
        count = min(max(1, round(_HELD_OUT * len(rows))), len(rows) - 1)
        test += rows[:count]
        train += rows[count:]
    return sorted(train), sorted(test)
