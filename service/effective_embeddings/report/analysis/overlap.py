"""Which other category each category is nearest to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from effective_embeddings.report.analysis.centroids import Centroids, unit
from effective_embeddings.report.sources.state import Vectors, Whole

__all__ = ["Neighbours", "nearest_others"]

_BLOCK = 512
_PAIR = 2


@dataclass(frozen=True, slots=True)
class Neighbours:
    """For each category the nearest other one: its row (−1: none), and the cosine (NaN: none)."""

    category: Whole
    similarity: Vectors


def nearest_others(learned: Centroids) -> Neighbours:
    """Compare the effective embeddings of all categories with each other."""
    directions = unit(learned.numerators)
    count = len(directions)
    nearest = np.full(count, -1, dtype=np.int64)
    similarity = np.full(count, np.nan)
    if learned.has_embedding.sum() < _PAIR:
        return Neighbours(nearest, similarity)
    for start in range(0, count, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, count))
        scores = directions[rows] @ directions.T
        scores[:, ~learned.has_embedding] = -np.inf
        scores[np.arange(len(rows)), rows] = -np.inf
        nearest[rows] = scores.argmax(axis=1)
        similarity[rows] = scores.max(axis=1)
    nearest[~learned.has_embedding] = -1
    similarity[~learned.has_embedding] = np.nan
    return Neighbours(nearest, similarity)
