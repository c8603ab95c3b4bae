"""Comparison of a namespace with the model, in every value that a client can read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from effective_embeddings import Category, Client, MatchResult
from tests.model.oracle import Model, Real, Stats

__all__ = ["TOLERANCE", "assert_category", "assert_ranking", "assert_same", "figure"]

TOLERANCE = 1e-6
#: Categories whose scores differ by less may be ranked in either order.
_NEAR_TIE = 1e-9


def figure(expected: float | None) -> Any:
    """The expected value, within rounding; None: absent."""
    return None if expected is None else pytest.approx(expected, abs=TOLERANCE, rel=TOLERANCE)


def assert_same(client: Client, ns: str, model: Model, queries: Any) -> None:
    """Compare everything: counts, categories, items, memberships, orders and rankings."""
    namespace = client.get_namespace(ns)
    counts = (namespace.category_count, namespace.item_count, namespace.membership_count)
    assert counts == (len(model.categories), len(model.items), len(model.members))
    assert namespace.revision == model.revision
    listed = list(client.list_categories(ns, include_embeddings=True))
    assert [each.key for each in listed] == sorted(model.categories, key=str.encode)
    for category in listed:
        assert_category(category, model)
        _assert_shares(client.get_category(ns, category.key), model)
        members = [item.key for item in client.list_items(ns, category=category.key)]
        assert members == model.members_of(category.key)[::-1]
    _assert_items(client, ns, model)
    inbox = [item.key for item in client.list_items(ns, unassigned=True)]
    assigned = {item for item, _ in model.members}
    assert inbox == sorted(set(model.items) - assigned, key=str.encode)
    if model.categories:
        for query, result in zip(queries, client.match(ns, queries, limit=0), strict=True):
            assert_ranking(result, model, model.take_in(query))


def assert_category(category: Category, model: Model) -> None:
    """Compare one category, read with its embeddings."""
    told, stats = model.categories[category.key], model.stats(category.key)
    assert category.base_weight == np.float32(told.base_weight)
    settings = (category.window, category.min_base_share, category.frozen, category.anchor)
    assert settings == (told.window, told.min_base_share, told.frozen, told.anchor)
    assert category.min_score == told.min_score
    assert category.max_actor_share == told.max_actor_share
    assert category.metadata == told.metadata
    assert (category.member_count, category.counting_count) == (stats.members, stats.counting)
    assert category.counting_weight == pytest.approx(stats.weight, rel=1e-12)
    assert category.drift == figure(stats.drift)
    _assert_spread(category.spread, stats)
    if told.base is None:
        assert category.base is None
    else:
        np.testing.assert_array_equal(category.base, told.base)
    _assert_vector(category.effective, stats.effective)


def _assert_shares(category: Category, model: Model) -> None:
    """Compare the shares of actors, which a category with a cap has."""
    counting = model.counting(category.key)
    base_weight, weights = model.weights(category.key, counting)
    shares: dict[str, float] = {}
    if category.max_actor_share is not None:
        for item, weight in zip(counting, weights, strict=True):
            actor = model.actors[model.members[item, category.key]]
            shares[actor] = shares.get(actor, 0.0) + weight / (base_weight + weights.sum())
    assert {each.actor: each.share for each in category.actor_shares} == pytest.approx(
        shares, abs=1e-9
    )


def _assert_spread(actual: float | None, stats: Stats) -> None:
    """Compare squares, where the rounding happens; lighter members have more of it."""
    if stats.spread is None:
        assert actual is None
        return
    assert actual is not None
    rounding = stats.counting * 2.0**-36 / stats.weight
    assert abs(actual**2 - stats.spread**2) < rounding + TOLERANCE * stats.spread**2


def _assert_vector(actual: Any, expected: Real | None) -> None:
    if expected is None:
        assert actual is None
    else:
        np.testing.assert_allclose(actual, expected, rtol=TOLERANCE, atol=TOLERANCE)


def _assert_items(client: Client, ns: str, model: Model) -> None:
    items = list(client.list_items(ns, include_embeddings=True))
    assert [item.key for item in items] == sorted(model.items, key=str.encode)
    for item in items:
        told = model.items[item.key]
        np.testing.assert_array_equal(item.embedding, told.embedding)
        assert item.weight == np.float32(told.weight)
        assert item.metadata == told.metadata
        assert [each.category for each in item.memberships] == model.categories_of(item.key)
        parts = {part.item: part.weight for part in item.parts}
        assert parts == {key: np.float32(weight) for key, weight in told.parts.items()}
        assert list(parts) == sorted(parts, key=str.encode)
        dismissed = sorted((own for key, own in model.dismissed if key == item.key), key=str.encode)
        assert [each.category for each in item.dismissals] == dismissed
        places = [model.members[item.key, each.category] for each in item.memberships]
        assert [each.sequence for each in item.memberships] == places


def assert_ranking(result: MatchResult, model: Model, query: Any) -> None:
    """Compare the complete ranking (limit 0) of a vector as the service stores it."""
    ranked = model.rank(query, taken_in=True)
    scores = dict(ranked)
    actual = {match.category for match in result.matches}
    expected = [
        (key, score) for key, score in ranked if _reaches(model, key, score, found=key in actual)
    ]
    assert len(result.matches) == len(expected)
    for match, (key, score) in zip(result.matches, expected, strict=True):
        assert match.score == pytest.approx(scores[match.category], abs=TOLERANCE)
        assert match.count == model.stats(match.category).counting
        # Ranks may differ from the model's only for nearly equal scores.
        assert match.category == key or abs(scores[match.category] - score) < _NEAR_TIE
    # The margin is over all that are ranked, also over those below their own least score.
    margin = ranked[0][1] - ranked[1][1] if len(ranked) > 1 else None
    assert result.margin == figure(margin)


def _reaches(model: Model, key: str, score: float, *, found: bool) -> bool:
    """Whether a category reaches its own least score; what was found, if rounding decides."""
    least = model.categories[key].min_score
    if least is None:
        return True
    return found if abs(score - least) < _NEAR_TIE else score > least
