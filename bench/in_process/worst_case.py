"""Rows that defeat the sketches: at worst the time of an exact scan, never a wrong answer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bench.harness.interleave import interleave
from bench.harness.measurement import Bound, Figure, Outcome
from bench.harness.oracle import check_ranking, true_scores
from bench.harness.peers import Ask, ours
from bench.harness.vectors import Matrix, unit_vectors
from bench.in_process.match import asking

__all__ = ["run"]

_COUNT = 10_000
_DIMENSION = 1024


def _clustered() -> Matrix:
    centres = unit_vectors(50, _DIMENSION, seed=4)
    noise = unit_vectors(_COUNT, _DIMENSION, seed=5)
    return centres[np.arange(_COUNT) % 50] + 0.5 * noise


def _near_ties() -> Matrix:
    return unit_vectors(1, _DIMENSION, seed=6) + 1e-3 * unit_vectors(_COUNT, _DIMENSION, seed=7)


def _one_huge() -> Matrix:
    rows = unit_vectors(_COUNT, _DIMENSION, seed=8)
    rows[np.arange(_COUNT), np.arange(_COUNT) % _DIMENSION] = 100.0
    return rows


def _all_equal() -> Matrix:
    return np.repeat(unit_vectors(1, _DIMENSION, seed=9), _COUNT, axis=0)


def _opposite() -> Matrix:
    rows = unit_vectors(_COUNT, _DIMENSION, seed=10)
    rows[1::2] = -rows[::2]
    return rows


def _sparse() -> Matrix:
    rows = np.zeros((_COUNT, _DIMENSION), dtype=np.float32)
    generator = np.random.default_rng(11)
    for row in rows:
        row[generator.integers(0, _DIMENSION, 8)] = generator.standard_normal(8)
    return rows


_KINDS: dict[str, Callable[[], Matrix]] = {
    "random": lambda: unit_vectors(_COUNT, _DIMENSION, seed=12),
    "clustered": _clustered,
    "opposite signs": _opposite,
    "sparse": _sparse,
    "one huge component": _one_huge,
    "near ties": _near_ties,
    "all equal": _all_equal,
}


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Compare the best 10 with a ranking of all rows, which scores every row exactly."""
    outcome = Outcome()
    for kind, make in _KINDS.items():
        rows = make()
        queries = rows[:8] + 0.1 * unit_vectors(8, _DIMENSION, seed=13)
        asks: dict[str, Ask] = {"best 10": ours(rows, 10), "every row": ours(rows, 0)}
        for name, ask in asks.items():
            for query in queries[:2]:
                check_ranking(f"{name}, {kind}", true_scores(rows, query), *ask(query), 1e-6)
        calls = {name: asking(ask, queries) for name, ask in asks.items()}
        measured = interleave(calls, 15 if full else 7, slice_seconds=0.03)
        ratio, spread = measured.ratio("best 10", "every row")
        outcome.figures.append(
            Figure(
                what=f"{kind}: the best 10 over scoring every row",
                value=ratio,
                target=1.0,
                bound=Bound.AT_MOST,
                spread=spread,
                parts={f"{name} µs": measured.median(name) * 1e6 for name in asks},
            )
        )
    outcome.notes.append("10,000 × 1024; each query is a row with a tenth of noise.")
    return outcome
