"""The oracle of confidence, in numpy and 64 bits, straight from the formula.

With the counting members x_i of a category, their weights w_i, and V_i the numerator that the other
members alone would make (the base weighs what it weighs then):

    s_i        = cos(x_i, V_i)
    confidence = place of the score among the s_i, linear between two of them, over n + 1

for the n newest counting members that leave something behind, at most 1,024. The place is 1 below
the least, k at the k-th least, and n + 1 from the largest on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.model.oracle import Model, Real, cosine
from tests.model.ranking import NEIGHBOUR_LIMIT

__all__ = ["Bounds", "confidence", "left_out_scores"]

Bounds = tuple[float, float]

_EQUAL = 1e-6
# Scores that are within this of each other may count as equal, or not.
_CLOSE = 2e-6
# Less than this of its parts is nothing.
_NOTHING = 1e-6


def left_out_scores(model: Model, category: str) -> Real:
    """The scores of the counting members with their category without them."""
    told = model.categories[category]
    counting = model.counting(category)
    members = [model.items[key] for key in counting]
    weights: NDArray[np.float64] = np.array([np.float32(each.weight) for each in members], float)
    vectors = [each.embedding.astype(np.float64) for each in members]
    scores = []
    for at in range(max(0, len(members) - NEIGHBOUR_LIMIT), len(members)):
        others = [place for place in range(len(members)) if place != at]
        base_weight, scaled = model.weights(category, [counting[place] for place in others])
        rest = np.zeros(model.dimension)
        parts = weights[at] * np.linalg.norm(vectors[at])
        for place, weight in zip(others, scaled, strict=True):
            rest += weight * vectors[place]
        if told.base is not None:
            rest += base_weight * told.base.astype(np.float64)
        if np.linalg.norm(rest) > _NOTHING * parts:
            scores.append(cosine(vectors[at], rest))
    return np.array(scores)


def confidence(scores: Real, score: float) -> Bounds | None:
    """The least and the largest confidence of a query that rounding may make; None: it has none."""
    if not len(scores):
        return None
    return _place(scores, score - _CLOSE), _place(scores, score + _CLOSE)


def _place(scores: Real, score: float) -> float:
    ordered = np.sort(scores)
    below = int((ordered <= score + _EQUAL).sum())
    if below == 0:
        place = 1.0
    elif below == len(ordered):
        place = below + 1.0
    else:
        last, following = ordered[below - 1], ordered[below]
        place = below + max(0.0, float((score - last) / (following - last)))
    return place / (len(ordered) + 1)
