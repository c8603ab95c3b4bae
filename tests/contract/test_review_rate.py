"""What a level leaves to a person: each member is matched as after an Unassign, and comes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client, ReviewRate
from tests.support.vectors import random_vectors

_DIMENSION = 10
_LEVELS = [0.05, 0.1, 0.3, 0.5, 0.9]


def _fill(client: Client, ns: str, *, multiple: bool = False, lengths: bool = False) -> None:
    """Eight categories of all kinds that overlap, and 60 members."""
    client.create_namespace(ns, _DIMENSION, membership="multiple" if multiple else "single")
    bases = random_vectors(8, _DIMENSION, seed=1) + 0.5
    names = [CategoryUpdate(f"c{number}", base=base) for number, base in enumerate(bases)]
    client.put_categories(ns, names)
    settings: list[dict[str, Any]] = [
        {"window": 4},
        {"window": 1, "base_weight": 0},
        {"frozen": True},
        {"min_base_share": 0.3},
        {"min_score": 0.5},
    ]
    client.put_categories(
        ns, [CategoryUpdate(f"c{number}", **each) for number, each in enumerate(settings)]
    )
    client.put_categories(ns, [CategoryUpdate("c5", clear_base=True), CategoryUpdate("only")])
    rng = np.random.default_rng(2)
    members = bases[np.arange(60) % 7] + 0.7 * rng.normal(size=(60, _DIMENSION))
    if lengths:
        members *= 10 ** rng.uniform(-1, 1, size=(60, 1))
    keys = [f"i{number}" for number in range(60)]
    weights = rng.choice([0.5, 1, 3], 60)
    client.assign(ns, keys, [f"c{number % 7}" for number in range(60)], members, weights=weights)
    client.assign(ns, "alone", "only", members[0])
    if multiple:
        client.assign(ns, keys[:20], [f"c{number % 5 + 2}" for number in range(20)])


def _one_after_the_other(
    client: Client, ns: str, items: Sequence[tuple[str, str]], **dials: Any
) -> tuple[list[ReviewRate], float]:
    """Unassign, match and undo in earnest."""
    outcomes = []
    for item, category in items:
        own = [each.category for each in client.get_item(ns, item).memberships]
        assert category in own
        revision = client.unassign(ns, item).revision
        (result,) = client.match(ns, item, limit=1, confidence=True, **dials)
        client.undo(ns, revision=revision)
        best = result.best
        sure = None if best is None else best.confidence
        outcomes.append((best is not None and best.category in own, -1 if sure is None else sure))
    rates = []
    for level in _LEVELS:
        taken = [right for right, sure in outcomes if sure >= level]
        wrong = taken.count(False) / len(taken) if taken else None
        rates.append(ReviewRate(level, 1 - len(taken) / len(outcomes), wrong))
    return rates, sum(not right for right, _ in outcomes) / len(outcomes)


def _counting(client: Client, ns: str) -> list[tuple[str, str]]:
    """The members that count: item and category, by the category's key and place."""
    found = []
    for category in client.list_categories(ns):
        members = [each.key for each in client.list_items(ns, category=category.key)]
        found += [(key, category.key) for key in reversed(members[: category.counting_count])]
    return found


def _check(client: Client, ns: str, items: Sequence[tuple[str, str]], **options: Any) -> None:
    sample = {name: options.pop(name) for name in list(options) if name == "sample"}
    before = client.get_namespace(ns)
    found = client.estimate_review_rate(ns, _LEVELS, **sample, **options)
    assert client.get_namespace(ns) == before, "it changes nothing"
    rates, wrong = _one_after_the_other(client, ns, items, **options)
    assert client.get_namespace(ns).digest == before.digest
    assert found.sample_count == len(items)
    assert found.error_share == wrong
    for one, other in zip(found.rates, rates, strict=True):
        assert one.level == other.level
        assert one.review_share == pytest.approx(other.review_share, abs=1e-12)
        assert one.error_share == other.error_share


@pytest.mark.parametrize(
    "dials",
    [
        {},
        {"ranking": "cosine", "fairness": 1.0},
        {"ranking": "local", "fairness": 0.0},
        {"ranking": "local"},
    ],
)
def test_each_member_is_matched_as_after_an_unassign(
    client: Client, ns: str, dials: dict[str, Any]
) -> None:
    _fill(client, ns, lengths=True)
    items = _counting(client, ns)
    assert client.estimate_review_rate(ns).member_count == len(items)
    _check(client, ns, items, **dials)


def test_an_item_leaves_all_of_its_categories(client: Client, ns: str) -> None:
    _fill(client, ns, multiple=True)
    _check(client, ns, _counting(client, ns), ranking="local")


def test_a_sample_is_spaced_evenly_and_always_the_same(client: Client, ns: str) -> None:
    _fill(client, ns)
    items = _counting(client, ns)
    count = len(items)
    sample = [items[(2 * place + 1) * count // 14] for place in range(7)]
    _check(client, ns, sample, sample=7)
    again = [client.estimate_review_rate(ns, _LEVELS, sample=7) for _ in range(2)]
    assert again[0] == again[1]


def test_without_members_nothing_is_estimated(client: Client, ns: str) -> None:
    client.create_namespace(ns, 2)
    client.put_categories(ns, [CategoryUpdate("a", base=[1, 0])])
    found = client.estimate_review_rate(ns, [0.5])
    assert (found.sample_count, found.member_count, found.error_share) == (0, 0, None)
    assert found.rates == (ReviewRate(0.5, None, None),)
    assert [each.level for each in client.estimate_review_rate(ns).rates] == [
        *(0.05, 0.1, 0.2, 0.3, 0.4, 0.5),
    ]


def test_a_category_of_more_members_than_are_compared(shared_embedded: Client) -> None:
    client, ns = shared_embedded, "large-category"
    rng = np.random.default_rng(4)
    client.create_namespace(ns, 4, ranking="local")
    client.put_categories(ns, [CategoryUpdate(key, base=rng.normal(size=4)) for key in "ab"])
    for key, count in (("a", 1200), ("b", 40)):
        vectors = rng.normal(size=(count, 4)) + (1 if key == "a" else 0)
        client.assign(ns, [f"{key}{n:04}" for n in range(count)], key, vectors)
    items = _counting(client, ns)
    sample = [items[(2 * place + 1) * len(items) // 60] for place in range(30)]
    _check(client, ns, sample, sample=30)
