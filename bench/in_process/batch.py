"""64 queries at once, next to the bare multiplication: one sgemm without the top 10."""

from __future__ import annotations

from collections.abc import Callable

from bench.harness.interleave import Call, interleave
from bench.harness.measurement import Figure, Outcome
from bench.harness.oracle import check_ranking, true_scores
from bench.harness.peers import OURS, contenders
from bench.harness.vectors import Matrix, unit_vectors

__all__ = ["run"]

_QUERIES = 64
_SGEMM = "sgemm alone"


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Measure 64 × 10,000 × 1024 and two neighbours."""
    outcome = Outcome()
    for count, target in ((1_000, None), (10_000, 1.2), (100_000, None)):
        if count > 10_000 and not full:
            continue
        rows = unit_vectors(count, 1024, seed=count)
        queries = unit_vectors(_QUERIES, 1024, seed=2)
        asks, _ = contenders(rows, 10)
        for name, ask in asks.items():
            ids, scores = ask(queries)
            for index in (0, _QUERIES - 1):
                right = true_scores(rows, queries[index])
                check_ranking(name, right, ids[index], scores[index], 1e-5)
        turned = rows.T
        calls = {name: asking_all(ask, queries) for name, ask in asks.items()}
        calls[_SGEMM] = asking_all(lambda asked, turned=turned: asked @ turned, queries)  # type: ignore[misc]
        measured = interleave(calls, 25 if full else 11, slice_seconds=0.05)
        ratio, spread = measured.ratio(_SGEMM, OURS)
        peer = measured.fastest([name for name in asks if name != OURS])
        parts: dict[str, float | str] = {
            f"{name} µs a query": measured.median(name) / _QUERIES * 1e6 for name in calls
        }
        parts["over the fastest peer with its top 10"] = measured.ratio(peer, OURS)[0]
        outcome.figures.append(
            Figure(
                what=f"64 queries × {count:,} × 1024, next to one sgemm",
                value=ratio,
                target=target,
                spread=spread,
                parts=parts,
            )
        )
    return outcome


def asking_all(ask: Callable[[Matrix], object], queries: Matrix) -> Call:
    """Return a call that ranks all queries at once."""
    return lambda _: ask(queries)
