"""The state is a function of the assignments: neither their order nor detours leave a trace."""

from __future__ import annotations

import random
from collections.abc import Callable

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from effective_embeddings import Category, CategoryUpdate, Client, Normalization
from effective_embeddings.v1 import service_pb2
from tests.support.raw import Raw, embedding, values
from tests.support.vectors import present, random_vectors

_DIMENSION = 16
_BASES = random_vectors(3, _DIMENSION, seed=1)
_VECTORS = random_vectors(40, _DIMENSION, seed=2) * np.float32(1 / 3)
_ITEMS = [f"item-{number:02}" for number in range(len(_VECTORS))]
_WEIGHTS = [1.0, 0.1, 3.3, 1 / 1024]
NewName = Callable[[], str]


def _create(client: Client, ns: str, normalization: Normalization = "raw") -> None:
    client.create_namespace(ns, _DIMENSION, normalization=normalization)
    client.put_categories(
        ns, [CategoryUpdate(f"category-{number}", base=base) for number, base in enumerate(_BASES)]
    )


def _category_of(number: int) -> str:
    return f"category-{number % len(_BASES)}"


def _assign(client: Client, ns: str, numbers: list[int]) -> None:
    client.assign(
        ns,
        [_ITEMS[number] for number in numbers],
        [_category_of(number) for number in numbers],
        _VECTORS[numbers],
        weights=[_WEIGHTS[number % len(_WEIGHTS)] for number in numbers],
    )


def _digest(client: Client, ns: str) -> bytes:
    return client.get_namespace(ns).digest


def _learned(client: Client, ns: str, key: str) -> tuple[object, ...]:
    """The derived values of a category, with the bits of its vectors."""
    category: Category = client.get_category(ns, key)
    figures = (category.member_count, category.counting_weight, category.drift, category.spread)
    return (*figures, present(category.effective).tobytes())


def test_unassigning_restores_the_digest_bit_for_bit(client: Client, ns: str) -> None:
    _create(client, ns)
    _assign(client, ns, list(range(20)))
    before, learned = _digest(client, ns), _learned(client, ns, "category-0")
    _assign(client, ns, list(range(20, 40)))
    assert _digest(client, ns) != before
    assert _learned(client, ns, "category-0") != learned
    client.unassign(ns, _ITEMS[20:], delete_items=True)
    assert _digest(client, ns) == before
    assert _learned(client, ns, "category-0") == learned


def test_unassigning_to_the_inbox_leaves_the_category_as_it_was(client: Client, ns: str) -> None:
    _create(client, ns)
    client.put_items(ns, _ITEMS, _VECTORS)
    before, learned = _digest(client, ns), _learned(client, ns, "category-1")
    _assign(client, ns, list(range(1, 40, 3)))
    client.put_items(ns, _ITEMS, weights=1)
    client.unassign(ns, [_ITEMS[number] for number in range(1, 40, 3)])
    assert _digest(client, ns) == before
    assert _learned(client, ns, "category-1") == learned


@pytest.mark.parametrize("normalization", ["raw", "unit"])
def test_any_order_of_assignments_gives_the_same_digest(
    client: Client, new_name: NewName, normalization: Normalization
) -> None:
    digests = set()
    for seed in range(6):
        ns, order = new_name(), random.Random(seed).sample(range(40), 40)
        _create(client, ns, normalization)
        for start in range(0, 40, 7):
            _assign(client, ns, order[start : start + 7])
        digests.add(_digest(client, ns))
    assert len(digests) == 1


def test_a_batch_and_single_calls_give_the_same_digest(client: Client, new_name: NewName) -> None:
    batch, single = new_name(), new_name()
    _create(client, batch)
    _create(client, single)
    _assign(client, batch, list(range(40)))
    for number in range(40):
        _assign(client, single, [number])
    assert _digest(client, batch) == _digest(client, single)


def test_moving_items_away_and_back_restores_the_digest(client: Client, ns: str) -> None:
    _create(client, ns)
    _assign(client, ns, list(range(40)))
    before = _digest(client, ns)
    for shift in (1, 2):
        categories = [_category_of(number + shift) for number in range(40)]
        client.assign(ns, _ITEMS, categories)
        assert _digest(client, ns) != before
    client.assign(ns, _ITEMS, [_category_of(number) for number in range(40)])
    assert _digest(client, ns) == before


def test_another_embedding_and_back_restores_the_digest(client: Client, ns: str) -> None:
    _create(client, ns)
    _assign(client, ns, list(range(40)))
    before = _digest(client, ns)
    client.put_items(ns, _ITEMS, _VECTORS[::-1], weights=7)
    assert _digest(client, ns) != before
    client.put_items(ns, _ITEMS, _VECTORS, weights=[_WEIGHTS[n % 4] for n in range(40)])
    assert _digest(client, ns) == before


@pytest.mark.parametrize(
    "change",
    [
        CategoryUpdate("category-0", window=3),
        CategoryUpdate("category-0", frozen=True),
        CategoryUpdate("category-0", min_base_share=0.5),
        CategoryUpdate("category-0", min_score=0.5),
        CategoryUpdate("category-0", max_actor_share=0.5),
        CategoryUpdate("category-0", base_weight=2),
        CategoryUpdate("category-0", clear_base=True),
        CategoryUpdate("category-0", metadata={"note": "changed"}),
    ],
    ids=[
        "window",
        "frozen",
        "min_base_share",
        "min_score",
        "max_actor_share",
        "base_weight",
        "clear_base",
        "metadata",
    ],
)
def test_a_setting_and_back_restores_the_digest(
    client: Client, ns: str, change: CategoryUpdate
) -> None:
    _create(client, ns)
    _assign(client, ns, list(range(40)))
    before = _digest(client, ns)
    client.put_categories(ns, [change])
    assert _digest(client, ns) != before
    back = CategoryUpdate(
        "category-0",
        base=_BASES[0],
        base_weight=1,
        window=0,
        min_base_share=0,
        frozen=False,
        min_score=-1,
        max_actor_share=1,
        metadata={},
    )
    client.put_categories(ns, [back])
    assert _digest(client, ns) == before


def test_deleting_a_category_and_making_it_again_restores_the_digest(
    client: Client, ns: str
) -> None:
    _create(client, ns)
    _assign(client, ns, list(range(40)))
    before, learned = _digest(client, ns), _learned(client, ns, "category-2")
    client.delete_categories(ns, "category-2")
    client.put_categories(ns, [CategoryUpdate("category-2", base=_BASES[2])])
    _assign(client, ns, list(range(2, 40, 3)))
    assert _digest(client, ns) == before
    assert _learned(client, ns, "category-2") == learned


def test_bytes_and_numbers_are_the_same_vector(raw: Raw, client: Client, new_name: NewName) -> None:
    digests = set()
    for form in (embedding, values):
        ns = new_name()
        _create(client, ns)
        assignments = [
            service_pb2.Assignment(item=key, category="category-0", embedding=form(vector))
            for key, vector in zip(_ITEMS, _VECTORS, strict=True)
        ]
        raw.call("Assign", service_pb2.AssignRequest(namespace=ns, assignments=assignments))
        digests.add(_digest(client, ns))
    assert len(digests) == 1


def test_the_digest_ignores_names_times_and_actors(client: Client, new_name: NewName) -> None:
    digests = set()
    for actor in ("ann", "ben"):
        ns = new_name()
        _create(client, ns)
        client.assign(ns, "gym", "category-0", _VECTORS[0], actor=actor, reason=f"said {actor}")
        client.update_namespace(ns, description=actor, labels={"owner": actor})
        digests.add(_digest(client, ns))
    assert len(digests) == 1


def test_the_digest_covers_the_settings_of_the_namespace(client: Client, new_name: NewName) -> None:
    namespaces = [
        client.create_namespace(new_name(), 4),
        client.create_namespace(new_name(), 5),
        client.create_namespace(new_name(), 4, embedding_model="other"),
        client.create_namespace(new_name(), 4, normalization="unit"),
        client.create_namespace(new_name(), 4, membership="multiple"),
    ]
    assert len({namespace.digest for namespace in namespaces}) == len(namespaces)


@given(
    lengths=st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=12),
    order=st.randoms(use_true_random=False),
)
def test_sums_of_any_size_cancel_exactly(
    shared_embedded: Client, new_name: NewName, lengths: list[float], order: random.Random
) -> None:
    client, ns = shared_embedded, new_name()
    _create(client, ns)
    before = _digest(client, ns)
    keys = _ITEMS[: len(lengths)]
    vectors = _VECTORS[: len(lengths)] * np.array(lengths, dtype=np.float32)[:, None]
    client.assign(ns, keys, "category-0", vectors)
    client.unassign(ns, order.sample(keys, len(keys)), delete_items=True)
    assert _digest(client, ns) == before


def test_repeated_assignments_and_removals_accumulate_no_rounding(client: Client, ns: str) -> None:
    """Running sums in floating point would have lost precision here."""
    _create(client, ns)
    _assign(client, ns, list(range(30)))
    before = _digest(client, ns)
    for round_ in range(20):
        keys, category = _ITEMS[30:], _category_of(round_)
        client.assign(ns, keys, category, _VECTORS[30:] * np.float32(1 + round_ / 7))
    client.unassign(ns, _ITEMS[30:], delete_items=True)
    assert _digest(client, ns) == before
    assert client.verify(ns).ok
