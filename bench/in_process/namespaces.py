"""Many namespaces under a memory budget: each answers, cold or warm, without starving others."""

from __future__ import annotations

import random
import time

from bench.harness.fixtures import folder
from bench.harness.interleave import quantile
from bench.harness.measurement import Bound, Figure, Outcome
from bench.harness.vectors import unit_vectors
from effective_embeddings import CategoryUpdate, Client

__all__ = ["run"]

_DIMENSION, _CATEGORIES = 384, 10


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Match in loaded and in unloaded namespaces, in process."""
    outcome = Outcome()
    count = 100_000 if full else 3_000
    # A tenth of the memory of all namespaces, whatever their number.
    budget = 1024**3 if full else 5 * 1024**2
    bases = unit_vectors(_CATEGORIES, _DIMENSION, seed=60)
    query = unit_vectors(1, _DIMENSION, seed=61)[0]
    generator = random.Random(62)
    with folder() as data:
        begin = time.perf_counter()
        with Client.embedded(data, memory_budget=budget) as client:
            updates = [CategoryUpdate(f"c{i}", base=base) for i, base in enumerate(bases)]
            for number in range(count):
                client.create_namespace(f"n{number}", dimension=_DIMENSION)
                client.put_categories(f"n{number}", updates)
        filled = time.perf_counter() - begin
        with Client.embedded(data, memory_budget=budget) as client:
            right = client.match("n0", query)[0].matches
            alone = [_timed(client, "n0", query, right) for _ in range(2_000)]
            names = [f"n{number}" for number in range(count)]
            generator.shuffle(names)
            cold = [_timed(client, name, query, right) for name in names]
            warm: list[float] = []
            # One namespace in constant use, while others are loaded and evicted.
            for name in names[:2_000]:
                _timed(client, name, query, right)
                warm.append(_timed(client, "n0", query, right))
    parts: dict[str, float | str] = {
        "namespaces": count,
        "MiB of budget": budget / 1024**2,
        "cold p50 ms": quantile(cold, 0.5) * 1e3,
        "cold worst ms": max(cold) * 1e3,
        "s to create them": filled,
    }
    outcome.figures.append(
        Figure(
            what=f"{count:,} namespaces: cold Match p99, in process",
            value=quantile(cold, 0.99) * 1e3,
            unit="ms",
            target=10.0,
            bound=Bound.AT_MOST,
            parts=parts,
        )
    )
    outcome.figures.append(
        Figure(
            what="a warm Match p50 during loads and evictions of others, over the same alone",
            value=quantile(warm, 0.5) / quantile(alone, 0.5),
            target=1.5,
            bound=Bound.AT_MOST,
            parts={
                "alone p50 µs": quantile(alone, 0.5) * 1e6,
                "warm p50 µs": quantile(warm, 0.5) * 1e6,
                "alone p99 µs": quantile(alone, 0.99) * 1e6,
                "warm p99 µs": quantile(warm, 0.99) * 1e6,
            },
        )
    )
    outcome.notes.append(
        "Every namespace has the same categories, so every answer must be the same. A warm Match "
        "after a cold one finds the processor's caches filled by the other: that explains the rest."
    )
    return outcome


def _timed(client: Client, name: str, query: object, right: object) -> float:
    begin = time.perf_counter()
    found = client.match(name, query)[0].matches  # type: ignore[arg-type]
    seconds = time.perf_counter() - begin
    if found != right:
        message = f"{name} answers {found}, it should be {right}"
        raise AssertionError(message)
    return seconds
