"""The reference answer: every score in f64, without optimizations."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.harness.vectors import Matrix

__all__ = ["WrongAnswerError", "check_ranking", "true_scores"]


class WrongAnswerError(Exception):
    """A contender returned a wrong answer."""


def true_scores(rows: Matrix, query: Matrix) -> NDArray[np.float64]:
    """The cosine of the query with every row."""
    wide = query.astype(np.float64)
    wide /= np.linalg.norm(wide)
    scores = np.empty(len(rows))
    for start in range(0, len(rows), 16_384):
        part = rows[start : start + 16_384].astype(np.float64)
        scores[start : start + len(part)] = part @ wide / np.linalg.norm(part, axis=1)
    return scores


def check_ranking(
    who: str, scores: NDArray[np.float64], ids: ArrayLike, found: ArrayLike, tolerance: float
) -> None:
    """Compare an answer with the right one, rank by rank.

    Two rows whose true scores differ by less than ``tolerance`` may be swapped: rows are f32.

    Raises:
        WrongAnswerError: The answer is wrong.
    """
    got = np.asarray(ids).ravel()
    told = np.asarray(found, dtype=np.float64).ravel()
    best = np.sort(scores)[::-1][: len(got)]
    if len(set(got.tolist())) != len(got):
        message = f"{who} names a row twice"
        raise WrongAnswerError(message)
    if np.abs(scores[got] - best).max() > tolerance or np.abs(told - best).max() > tolerance:
        message = f"{who} answers {got.tolist()} with {told.tolist()}, it should be {best.tolist()}"
        raise WrongAnswerError(message)
