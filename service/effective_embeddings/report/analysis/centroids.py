"""Effective embeddings from a state, in double precision, by the formula of the contract.

The service sums in fixed point and rounds rows to float32: these embeddings agree with its own to
1e-6 of their length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from effective_embeddings.report.sources.state import State, Vectors, Whole
from effective_embeddings.v1 import resources_pb2

__all__ = ["Centroids", "base_weight", "centroids", "cosine", "counting_members", "unit"]

_CHUNK = 4_096


@dataclass(frozen=True, slots=True)
class Centroids:
    """The categories of a state.

    Attributes:
        sums: (c, d), Σ wᵢ·xᵢ over the counting members.
        weights: (c,), Σ wᵢ.
        member_counts: (c,), members, whether they count or not.
        counting: (m,), for each membership, whether it counts.
        numerators: (c, d), w'·b + Σ wᵢ·xᵢ; zeros without an effective embedding.
        has_embedding: (c,).
        drifts: (c,), 1 − cos(base, effective); NaN without one of these.
    """

    sums: Vectors
    weights: Vectors
    member_counts: Whole
    counting: NDArray[np.bool_]
    numerators: Vectors
    has_embedding: NDArray[np.bool_]
    drifts: Vectors


def centroids(state: State) -> Centroids:
    """Return the effective embeddings of all categories."""
    shape = state.bases.shape
    sums, weights = np.zeros(shape), np.zeros(shape[0])
    counts = np.zeros(shape[0], dtype=np.int64)
    of = state.memberships
    counting = np.zeros(len(of.item), dtype=bool)
    order = np.lexsort((of.sequence, of.category))
    starts = np.searchsorted(of.category[order], np.arange(shape[0] + 1))
    for row, settings in enumerate(state.categories):
        members = order[starts[row] : starts[row + 1]]
        counts[row] = len(members)
        inside = counting_members(settings, members, of.sequence)
        counting[inside] = True
        for start in range(0, len(inside), _CHUNK):
            items = of.item[inside[start : start + _CHUNK]]
            sums[row] += state.weights[items] @ state.vectors[items].astype(np.float64)
            weights[row] += state.weights[items].sum()
    numerators = np.array(
        [
            sums[row] + base_weight(state, row, weights[row]) * state.bases[row]
            for row in range(shape[0])
        ]
    ).reshape(shape)
    has_embedding = np.any(numerators != 0, axis=1)
    drifts = 1.0 - cosine(state.bases, numerators)
    return Centroids(sums, weights, counts, counting, numerators, has_embedding, drifts)


def counting_members(settings: resources_pb2.Category, members: Whole, sequence: Whole) -> Whole:
    """Return the memberships of a category that count.

    Args:
        settings: The category's.
        members: Its memberships, the earliest first.
        sequence: Places in the order of assignment, of all memberships.
    """
    if settings.frozen:
        return members[:0]
    since = members[sequence[members] > settings.anchor]
    return since[-settings.window :]  # all of them where the window is 0


def base_weight(state: State, row: int, weight: float) -> float:
    """Return w', the weight of a category's base beside members of this weight in all."""
    if not state.has_base[row]:
        return 0.0
    if weight == 0:
        return 1.0
    settings = state.categories[row]
    return max(
        settings.base_weight, settings.min_base_share / (1 - settings.min_base_share) * weight
    )


def unit(vectors: Vectors | NDArray[np.float32]) -> Vectors:
    """Return rows of length 1, in double precision; zeros stay."""
    rows = np.asarray(vectors, dtype=np.float64)
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    scaled: Vectors = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    return scaled


def cosine(left: Vectors, right: Vectors) -> Vectors:
    """Return the cosine of each pair of rows; NaN where one of them is zero."""
    products = np.einsum("ij,ij->i", left, right)
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    found: Vectors = np.divide(products, norms, out=np.full(len(norms), np.nan), where=norms > 0)
    return found.clip(-1.0, 1.0)
