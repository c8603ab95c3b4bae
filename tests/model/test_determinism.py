"""Answers are bit-identical for any kernel, threads, memory, restarts and concurrent calls."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client, EffectiveEmbeddingsError, kernels
from tests.support.vectors import random_vectors

_DIMENSION = 48
_CATEGORIES = 400
_QUERIES = random_vectors(30, _DIMENSION, seed=80)


def _fill(client: Client, ns: str) -> None:
    bases = random_vectors(_CATEGORIES, _DIMENSION, seed=81)
    members = random_vectors(3 * _CATEGORIES, _DIMENSION, seed=82)
    client.create_namespace(ns, _DIMENSION)
    client.put_categories(ns, [CategoryUpdate(f"{n}", base=base) for n, base in enumerate(bases)])
    keys = [f"item {number}" for number in range(len(members))]
    client.assign(ns, keys, [f"{n % _CATEGORIES}" for n in range(len(members))], members)


def test_any_kernel_threads_and_memory_give_the_same_bits(data_dir: Path) -> None:
    with Client.embedded(data_dir) as client:
        _fill(client, "ns")
        expected = client.match("ns", _QUERIES, limit=0)
        digest = client.get_namespace("ns").digest
    for kernel in kernels():
        for threads, memory_budget in ((1, None), (4, None), (2, 1)):
            with Client.embedded(
                data_dir, kernel=kernel, threads=threads, memory_budget=memory_budget
            ) as client:
                assert client.service_info().kernel == kernel
                assert client.match("ns", _QUERIES, limit=0) == expected
                (tenth,) = client.match("ns", _QUERIES[:1], limit=10)
                assert tenth.matches == expected[0].matches[:10]
                assert client.get_namespace("ns").digest == digest


@pytest.mark.parametrize("settings", [{"kernel": "abacus"}, {"threads": 0}, {"memory_budget": -1}])
def test_an_invalid_engine_setting_is_refused(data_dir: Path, settings: dict[str, object]) -> None:
    with pytest.raises((ValueError, OverflowError, EffectiveEmbeddingsError)):
        Client.embedded(data_dir, **settings)  # type: ignore[arg-type]


def test_evicted_namespaces_are_loaded_unchanged(data_dir: Path) -> None:
    """A memory budget for one or two namespaces, and twenty in use."""
    names = [f"ns-{number}" for number in range(20)]
    vectors = random_vectors(20, _DIMENSION, seed=83)
    with Client.embedded(data_dir, memory_budget=20_000) as client:
        for name, base in zip(names, vectors, strict=True):
            client.create_namespace(name, _DIMENSION)
            client.put_categories(name, [CategoryUpdate("c", base=base), CategoryUpdate("empty")])
        for round_ in range(3):
            for number, name in enumerate(names):
                client.assign(name, f"item {round_}", "c", vectors[(number + round_) % 20])
        for number, name in enumerate(names):
            members = vectors[[(number + each) % 20 for each in range(3)]].astype(np.float64)
            mean = (vectors[number] + members.sum(axis=0)) / 4
            effective = client.get_category(name, "c").effective
            assert effective is not None
            np.testing.assert_allclose(effective, mean, atol=1e-6)
            assert client.verify(name).ok


def test_writes_from_many_threads_add_up_exactly(
    client: Client, new_name: Callable[[], str]
) -> None:
    together, alone = new_name(), new_name()
    vectors = random_vectors(160, _DIMENSION, seed=84)
    for ns in (together, alone):
        client.create_namespace(ns, _DIMENSION)
        client.put_categories(ns, [CategoryUpdate(key) for key in "abcd"])
    revisions: list[int] = []

    def work(worker: int) -> None:
        rng = random.Random(worker)
        for number in range(worker * 20, worker * 20 + 20):
            # A detour first: another category, or another vector.
            for category, vector in (
                (rng.choice("abcd"), vectors[rng.randrange(160)]),
                ("abcd"[number % 4], vectors[number]),
            ):
                reply = client.assign(together, f"{number}", category, vector)
                if reply.results[0].changed:
                    revisions.append(reply.revision)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(revisions) == list(range(3, 3 + len(revisions))), "no gap and no repeat"
    keys = [f"{number}" for number in range(160)]
    client.assign(alone, keys, ["abcd"[number % 4] for number in range(160)], vectors)
    assert client.get_namespace(together).digest == client.get_namespace(alone).digest
    assert client.verify(together).ok


def test_a_ranking_is_of_one_revision_under_concurrent_writes(client: Client, ns: str) -> None:
    """Each write moves one item between two categories: a read never sees it in both or neither."""
    client.create_namespace(ns, 2)
    client.put_categories(ns, [CategoryUpdate("a", base=[1, 0]), CategoryUpdate("b", base=[1, 0])])
    client.assign(ns, "item", "a", [0, 1])
    stop = threading.Event()

    def trade() -> None:
        number = 0
        while not stop.is_set():
            client.assign(ns, "item", "ba"[number % 2])
            number += 1

    trader = threading.Thread(target=trade)
    trader.start()
    try:
        for _ in range(150):
            (result,) = client.match(ns, [0.0, 1.0], limit=0)
            assert sorted(match.count for match in result.matches) == [0, 1]
            counts = [each.member_count for each in client.list_categories(ns)]
            assert sorted(counts) == [0, 1]
    finally:
        stop.set()
        trader.join()
