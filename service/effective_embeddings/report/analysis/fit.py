"""How well members fit their own categories without themselves, beside the best other category.

With V = w'·b + Σ wᵢ·xᵢ, a member's own score is cos(x, V − w·x), w' being that of the remaining
members and a window being full again, exactly as after an Unassign.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from effective_embeddings.report.analysis.centroids import Centroids, base_weight, cosine, unit
from effective_embeddings.report.caps import MOST_SCORED
from effective_embeddings.report.sources.drawing import drawn
from effective_embeddings.report.sources.progress import OnProgress
from effective_embeddings.report.sources.state import State, Vectors, Whole

__all__ = ["Fit", "member_fit"]

# Scores in one block, which bounds the memory that they take.
_SCORES = 4_000_000
_LARGEST_BLOCK = 1_024
_EQUAL = 1e-9


@dataclass(frozen=True, slots=True)
class Fit:
    """The fit of memberships; all columns have one entry each.

    Attributes:
        membership: Row of the membership.
        own: Its score without itself; NaN: the category has no embedding then.
        other: Row of the best category that the item is not in; −1: none has an embedding.
        score: The score of that one; NaN: none.
        total: How many memberships there are; more than these if some were not drawn.
    """

    membership: Whole
    own: Vectors
    other: Whole
    score: Vectors
    total: int

    @property
    def lead(self) -> Vectors:
        """By how much the other category fits better; negative: the own one does; NaN: unknown."""
        return self.score - self.own

    @property
    def is_elsewhere(self) -> NDArray[np.bool_]:
        """Which ones fit another category better than their own, by more than rounding."""
        with np.errstate(invalid="ignore"):
            found: NDArray[np.bool_] = self.lead > _EQUAL
        return found


def member_fit(state: State, learned: Centroids, progress: OnProgress) -> Fit:
    """Score all memberships, or those of items drawn by their keys."""
    of = state.memberships
    rows = _drawn_memberships(state)
    own = np.full(len(rows), np.nan)
    score = np.full(len(rows), np.nan)
    other = np.full(len(rows), -1, dtype=np.int64)
    directions = unit(learned.numerators)
    least = np.array(
        [each.min_score if each.HasField("min_score") else -2.0 for each in state.categories]
    )
    block = max(1, min(_LARGEST_BLOCK, _SCORES // max(1, len(directions))))
    for start in range(0, len(rows), block):
        progress("compare members", start, len(rows))
        part = slice(start, start + block)
        found = rows[part]
        vectors = unit(state.vectors[of.item[found]])
        scores = vectors @ directions.T
        scores[:, ~learned.has_embedding] = -np.inf
        scores[scores < least] = -np.inf
        _leave_out_own(scores, state, found)
        if scores.shape[1]:
            best = scores.argmax(axis=1)
            values = scores[np.arange(len(found)), best]
            known = np.isfinite(values)
            other[part] = np.where(known, best, -1)
            score[part] = np.where(known, values, np.nan)
        own[part] = cosine(vectors, _without_self(state, learned, found))
    return Fit(rows, own, other, score, len(of.item))


def _drawn_memberships(state: State) -> Whole:
    of = state.memberships
    items = np.unique(of.item)
    kept = drawn([int(row) for row in items], state.keys, MOST_SCORED)
    if len(kept) == len(items):
        return np.arange(len(of.item))
    chosen = np.zeros(len(state.keys), dtype=bool)
    chosen[kept] = True
    return np.flatnonzero(chosen[of.item])[:MOST_SCORED]


def _leave_out_own(scores: Vectors, state: State, found: Whole) -> None:
    of = state.memberships
    scores[np.arange(len(found)), of.category[found]] = -np.inf
    if state.namespace.membership == "single":
        return
    # Memberships are in the order of their items.
    for place, item in enumerate(of.item[found]):
        first, last = np.searchsorted(of.item, (item, item + 1))
        scores[place, of.category[first:last]] = -np.inf


def _without_self(state: State, learned: Centroids, found: Whole) -> Vectors:
    """Return the numerator of each membership's category without it."""
    of = state.memberships
    category = of.category[found]
    sums, weights = learned.sums[category].copy(), learned.weights[category].copy()
    counted = np.flatnonzero(learned.counting[found])
    _add(state, sums, weights, counted, found[counted], -1.0)
    refills = learned.refills[found]
    refilled = counted[refills[counted] >= 0]
    _add(state, sums, weights, refilled, refills[refilled], 1.0)
    # The last one leaves nothing, and not what rounding leaves of it.
    alone = np.bincount(of.category[learned.counting], minlength=len(state.categories)) == 1
    last = counted[alone[category[counted]] & (refills[counted] < 0)]
    sums[last], weights[last] = 0.0, 0.0
    shares = np.array(
        [base_weight(state, row, weight) for row, weight in zip(category, weights, strict=True)]
    )
    numerators: Vectors = sums + shares[:, None] * state.bases[category]
    return numerators


def _add(
    state: State, sums: Vectors, weights: Vectors, places: Whole, memberships: Whole, sign: float
) -> None:
    items = state.memberships.item[memberships]
    weight = sign * state.weights[items]
    sums[places] += weight[:, None] * state.vectors[items]
    weights[places] += weight
