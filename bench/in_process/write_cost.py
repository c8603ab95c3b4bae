"""The cost of an Assign as data grows: more items, larger categories, windows.

The data is in memory, where a sync costs nothing, so that the disk does not hide a difference in
work.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from itertools import count

import numpy as np

from bench.harness.fixtures import fill, folder, in_memory_folder
from bench.harness.interleave import interleave
from bench.harness.measurement import Bound, Figure, Outcome
from bench.harness.vectors import unit_vectors
from effective_embeddings import CategoryUpdate, Client

__all__ = ["run"]

_DIMENSION = 384
_CATEGORIES = 100
_VECTORS = unit_vectors(512, _DIMENSION, seed=31)
_NUMBERS = count()


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Compare an engine with few items to one with many, and small to large categories."""
    outcome = Outcome()
    many = 1_000_000 if full else 100_000
    members = 100_000 if full else 20_000
    with ExitStack() as stack:
        clients: dict[str, Client] = {}
        for name, items in (("few", 1_000), ("many", many)):
            memory = stack.enter_context(in_memory_folder())
            place = memory or stack.enter_context(folder())
            clients[name] = stack.enter_context(Client.embedded(place))
            fill(clients[name], "bench", _CATEGORIES, _DIMENSION)
            _add(clients[name], items, _spread)
        measured = interleave(
            {name: _one(client, _spread) for name, client in clients.items()},
            41 if full else 21,
            0.1,
        )
        ratio, spread = measured.ratio("many", "few")
        outcome.figures.append(
            Figure(
                what=f"an Assign with {many:,} items stored over one with 1,000",
                value=ratio,
                target=1.2,
                bound=Bound.AT_MOST,
                spread=spread,
                parts={f"{name} µs": measured.median(name) * 1e6 for name in clients},
            )
        )
        for window in (0, 10):
            outcome.figures.append(_by_members(clients["few"], members, window, full=full))
    return outcome


def _by_members(client: Client, members: int, window: int, *, full: bool) -> Figure:
    kind = f"window of {window}" if window else "no window"
    names = {size: f"{size}-{window}" for size in (10, members)}
    base = unit_vectors(1, _DIMENSION, seed=32)[0]
    for size, name in names.items():
        client.put_categories("bench", [CategoryUpdate(name, base=base, window=window)])
        _add(client, size, lambda _, name=name: name)  # type: ignore[misc]
    calls = {f"{size:,} members": _there_and_back(client, name) for size, name in names.items()}
    measured = interleave(calls, 41 if full else 21, 0.1)
    small, large = calls
    ratio, spread = measured.ratio(large, small)
    return Figure(
        what=f"an Assign to a category of {members:,} over one of 10 ({kind})",
        value=ratio,
        target=1.2,
        bound=Bound.AT_MOST,
        spread=spread,
        parts={f"{name}: µs": measured.median(name) * 1e6 for name in calls},
    )


def _spread(number: int) -> str:
    return f"c{number % _CATEGORIES}"


def _add(client: Client, items: int, category: Callable[[int], str]) -> None:
    for start in range(0, items, 2_000):
        numbers = [next(_NUMBERS) for _ in range(min(2_000, items - start))]
        client.assign(
            "bench",
            [f"item-{n}" for n in numbers],
            [category(n) for n in numbers],
            _VECTORS[np.array(numbers) % len(_VECTORS)],
        )


def _one(client: Client, category: Callable[[int], str]) -> Callable[[int], object]:
    def assign(_: int) -> None:
        number = next(_NUMBERS)
        client.assign("bench", f"item-{number}", category(number), _VECTORS[number % 512])

    return assign


def _there_and_back(client: Client, category: str) -> Callable[[int], object]:
    """Assign and unassign a new item, so that the category keeps its size."""

    def assign(_: int) -> None:
        number = next(_NUMBERS)
        client.assign("bench", f"item-{number}", category, _VECTORS[number % 512])
        client.unassign("bench", f"item-{number}", delete_items=True)

    return assign
