"""The gain of a second core for one query."""

from __future__ import annotations

import os

from bench.harness.interleave import interleave
from bench.harness.measurement import Figure, Outcome
from bench.harness.oracle import check_ranking, true_scores
from bench.harness.peers import Ask, ours
from bench.harness.vectors import unit_vectors
from bench.in_process.match import asking

__all__ = ["run"]


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Compare one thread with two; peers are left out."""
    outcome = Outcome()
    if (os.cpu_count() or 1) < 2:
        outcome.notes.append("There is one core only.")
        return outcome
    shapes = [(10_000, 1024), (100_000, 384)] + [(100_000, 1024)] * full
    for count, dimension in shapes:
        rows = unit_vectors(count, dimension, seed=count)
        queries = unit_vectors(16, dimension, seed=3)
        asks: dict[str, Ask] = {"one": ours(rows, 10), "two": ours(rows, 10, threads=2)}
        right = true_scores(rows, queries[0])
        for name, ask in asks.items():
            check_ranking(name, right, *ask(queries[0]), tolerance=1e-6)
        calls = {name: asking(ask, queries) for name, ask in asks.items()}
        measured = interleave(calls, 31 if full else 15, slice_seconds=0.05)
        ratio, spread = measured.ratio("one", "two")
        outcome.figures.append(
            Figure(
                what=f"{count:,} × {dimension}, two threads over one",
                value=ratio,
                target=1.7,
                spread=spread,
                parts={f"{name} µs": measured.median(name) * 1e6 for name in asks},
            )
        )
    outcome.notes.append("Needs both cores: any other load takes the second one away.")
    return outcome
