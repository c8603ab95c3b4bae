"""One query against N rows on one thread, numpy in, ids and scores out: ours and the peers'."""

from __future__ import annotations

import numpy as np

from bench.harness.interleave import Call, interleave
from bench.harness.measurement import Figure, Outcome
from bench.harness.oracle import check_ranking, true_scores
from bench.harness.peers import OURS, Ask, contenders
from bench.harness.vectors import Matrix, unit_vectors

__all__ = ["run"]

_K = 10
_QUERIES = 16
# Peers sum in f32; ours sums f32 components in f64.
_TOLERANCE = 1e-5
_READING = "reading a byte for each component"

# Rows, dimension, target ratio to the fastest peer.
_SHAPES = (
    (10, 1024, 2.0),
    (100, 1024, 4.0),
    (1_000, 1024, 2.5),
    (10_000, 1024, 4.5),
    (100_000, 384, 3.5),
    (100_000, 1024, 3.5),
)
_LARGE_SHAPES = ((1_000_000, 384, 3.5),)


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Measure every shape; the largest only in full length."""
    outcome = Outcome()
    for count, dimension, target in _SHAPES + (_LARGE_SHAPES if full else ()):
        _measure(outcome, count, dimension, target, rounds=31 if full else 15)
    outcome.notes = sorted(set(outcome.notes))
    if not full:
        outcome.notes.append("1,000,000 × 384 is measured with `--full` only.")
    return outcome


def _measure(outcome: Outcome, count: int, dimension: int, target: float, rounds: int) -> None:
    rows = unit_vectors(count, dimension, seed=count)
    queries = unit_vectors(_QUERIES, dimension, seed=1)
    asks, missing = contenders(rows, _K)
    outcome.notes += missing
    scores = [true_scores(rows, query) for query in queries[:3]]
    for name, ask in asks.items():
        for query, right in zip(queries, scores, strict=False):
            check_ranking(name, right, *ask(query), tolerance=_TOLERANCE)
    calls = {name: asking(ask, queries) for name, ask in asks.items()}
    calls[_READING] = reading(count * dimension)
    measured = interleave(calls, rounds, slice_seconds=0.02)
    peer = measured.fastest([name for name in asks if name != OURS])
    ratio, spread = measured.ratio(peer, OURS)
    parts: dict[str, float | str] = {
        f"{name} µs": measured.median(name) * 1e6 for name in (*asks, _READING)
    }
    parts["fastest peer"] = peer
    parts["ours over that reading"] = measured.ratio(OURS, _READING)[0]
    outcome.figures.append(
        Figure(
            what=f"{count:,} × {dimension}",
            value=ratio,
            target=target,
            spread=spread,
            parts=parts,
        )
    )


def reading(size: int) -> Call:
    """Read as many bytes once, as fast as numpy can: a lower bound for any full scan."""
    numbers = np.ones(max(1, size // 8), dtype=np.uint64)
    return lambda _: numbers.max()


def asking(ask: Ask, queries: Matrix) -> Call:
    """Return a call that ranks the queries one after the other."""
    return lambda number: ask(queries[number % len(queries)])
