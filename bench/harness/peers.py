"""Other libraries that rank exactly, each used as its documentation says, on one thread.

All of them get their best case: rows and queries of length 1, so that an inner product is a cosine.
Ours normalizes itself, and keeps exact sums beside its rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.harness.vectors import Matrix
from effective_embeddings import _core

__all__ = ["OURS", "Answer", "Ask", "contenders", "ours"]

Answer = tuple[NDArray[Any], NDArray[Any]]
Ask = Callable[[Matrix], Answer]

OURS = "effective-embeddings"


def contenders(rows: Matrix, k: int) -> tuple[dict[str, Ask], list[str]]:
    """Return the contenders on these rows, and the names of missing ones."""
    found: dict[str, Ask] = {OURS: ours(rows, k), "numpy": _numpy(rows, k)}
    missing = []
    for name, make in (
        ("FAISS IndexFlatIP", _faiss),
        ("usearch exact", _usearch),
        ("NumKong", _numkong),
    ):
        try:
            found[name] = make(rows, k)
        except ImportError:
            missing.append(f"{name} is not installed; `pip install .[bench]` brings it.")
    return found, missing


def ours(rows: Matrix, k: int, *, threads: int = 1) -> Ask:
    """A CategoryMatrix whose categories have these bases."""
    matrix = _core.CategoryMatrix(rows.shape[1], threads=threads)
    for start in range(0, len(rows), 10_000):
        matrix.add_rows(rows[start : start + 10_000])
    return lambda query: matrix.top_k(query, k)


def best_of(scores: NDArray[np.float32], k: int) -> Answer:
    """The k best of each row of scores, best first."""
    if scores.ndim == 1:
        k = min(k, len(scores))
        some = np.argpartition(scores, len(scores) - k)[len(scores) - k :]
        order = some[np.argsort(scores[some])[::-1]]
        return order, scores[order]
    k = min(k, scores.shape[1])
    some = np.argpartition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k :]
    values = np.take_along_axis(scores, some, axis=1)
    order = np.argsort(values, axis=1)[:, ::-1]
    return np.take_along_axis(some, order, axis=1), np.take_along_axis(values, order, axis=1)


def _numpy(rows: Matrix, k: int) -> Ask:
    def ask(query: Matrix) -> Answer:
        return best_of(rows @ query if query.ndim == 1 else query @ rows.T, k)

    return ask


def _faiss(rows: Matrix, k: int) -> Ask:
    import faiss  # noqa: PLC0415 - optional

    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows)
    k = min(k, len(rows))

    def ask(query: Matrix) -> Answer:
        scores, ids = index.search(query if query.ndim > 1 else query[None], k)
        return ids, scores

    return ask


def _usearch(rows: Matrix, k: int) -> Ask:
    from usearch import compiled, index  # noqa: PLC0415 - optional

    k = min(k, len(rows))

    def ask(query: Matrix) -> Answer:
        found = index.search(rows, query, k, compiled.MetricKind.IP, exact=True, threads=1)
        return found.keys, 1.0 - found.distances

    return ask


def _numkong(rows: Matrix, k: int) -> Ask:
    import numkong  # noqa: PLC0415 - optional

    # Its packed form is meant for repeated queries on the same rows.
    packed = numkong.dots_pack(rows, dtype="f32")

    def ask(query: Matrix) -> Answer:
        asked = query if query.ndim > 1 else query[None]
        return best_of(np.asarray(numkong.dots_packed(asked, packed)), k)

    return ask
