"""What the product is compared with: nearest neighbours, and logistic regression trained again.

Logistic regression is scikit-learn's, which is optional.
"""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from effective_embeddings.evaluation.labelled import Labelled, Labels, Part, Vectors
from effective_embeddings.evaluation.product import Predictions

__all__ = [
    "LOGISTIC_REGRESSION",
    "NEIGHBOURS",
    "has_scikit_learn",
    "nearest",
    "nearest_stream",
    "neighbours_label",
    "regression",
    "regression_stream",
]

LOGISTIC_REGRESSION = "logistic regression"
#: Numbers of neighbours that vote.
NEIGHBOURS = (1, 5)

# By trial on Banking77 and public APIs, where 1 to 100 were tried: the baseline at its best.
_INVERSE_PENALTY = 10.0
_MOST_ITERATIONS = 300
_BLOCK = 512


def has_scikit_learn() -> bool:
    """Return whether scikit-learn is installed."""
    return find_spec("sklearn") is not None


def neighbours_label(count: int) -> str:
    """Return the name of a vote of so many neighbours."""
    return f"{count}-NN"


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)


def _vote(cosines: Vectors, labels: Labels, count: int) -> tuple[Labels, NDArray[np.float64]]:
    """The label that most of the nearest have, ties by the nearest; and the nearest's cosine."""
    count = min(count, cosines.shape[1])
    if count == 1:
        nearest_row = cosines.argmax(axis=1)
        return labels[nearest_row], cosines.max(axis=1).astype(np.float64)
    some = np.sort(np.argpartition(-cosines, count - 1, axis=1)[:, :count], axis=1)
    order = np.argsort(-np.take_along_axis(cosines, some, axis=1), axis=1, kind="stable")
    near = np.take_along_axis(some, order, axis=1)
    voted = np.empty(len(cosines), np.int64)
    for row, neighbours in enumerate(labels[near]):
        values, first, votes = np.unique(neighbours, return_index=True, return_counts=True)
        voted[row] = values[np.lexsort((first, -votes))[0]]
    best = np.take_along_axis(cosines, near[:, :1], axis=1)[:, 0].astype(np.float64)
    return voted, best


def nearest(items: Part, vectors: Vectors, count: int) -> Predictions:
    """Let the items nearest by cosine vote, without names."""
    if not len(items):
        return _nothing(len(vectors))
    known, labels, confidence = _unit(items.vectors), [], []
    for start in range(0, len(vectors), _BLOCK):
        cosines = _unit(vectors[start : start + _BLOCK]) @ known.T
        voted, best = _vote(cosines, items.labels, count)
        labels.append(voted)
        confidence.append(best)
    return Predictions(np.concatenate(labels), np.concatenate(confidence))


def nearest_stream(items: Part, count: int) -> NDArray[np.bool_]:
    """Predict each item from those before it; return for each whether that was right."""
    rows = _unit(items.vectors)
    right = np.zeros(len(items), np.bool_)
    for start in range(0, len(items), _BLOCK):
        end = min(start + _BLOCK, len(items))
        cosines = rows[start:end] @ rows[:end].T
        # An item is compared with those before it only.
        later = np.arange(end)[None, :] >= np.arange(start, end)[:, None]
        cosines[later] = -np.inf
        for row in range(max(start, 1), end):
            before = cosines[row - start : row - start + 1, :row]
            voted, _ = _vote(before, items.labels[:row], count)
            right[row] = voted[0] == items.labels[row]
    return right


def regression(data: Labelled, items: Part, vectors: Vectors) -> Predictions:
    """Train on the names and the items; the confidence is the largest probability."""
    # Optional, and slow to load.
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    names = data.names()
    rows = _unit(np.concatenate([names.vectors, items.vectors]))
    labels = np.concatenate([names.labels, items.labels])
    if len(np.unique(labels)) < 2:  # noqa: PLR2004 - a classifier needs two classes
        return _nothing(len(vectors))
    model: Any = LogisticRegression(C=_INVERSE_PENALTY, max_iter=_MOST_ITERATIONS)
    # Threads of a matrix product wait for each other by spinning: on a busy machine one thread is
    # ten times as fast. Few items a class, and a solver that stops early, are no news here.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(rows, labels)
        probabilities = model.predict_proba(_unit(vectors))
    best = probabilities.argmax(axis=1)
    found = model.classes_[best].astype(np.int64)
    return Predictions(found, probabilities.max(axis=1).astype(np.float64))


def regression_stream(data: Labelled, items: Part, step: int) -> NDArray[np.bool_]:
    """Predict each item, trained again every `step` items; return for each whether it was right."""
    right = np.zeros(len(items), np.bool_)
    for start in range(0, len(items), step):
        rows = slice(start, start + step)
        known = items.take(range(start))
        found = regression(data, known, items.vectors[rows]).labels
        right[rows] = found == items.labels[rows]
    return right


def _nothing(count: int) -> Predictions:
    return Predictions(np.full(count, -1, np.int64), np.full(count, -np.inf))
