"""The worked example: Health, the gym and the meals, with values computed by hand.

Vectors of three components, so that every value can be computed on paper: the word "Health" is
(1, 0, 0), going to the gym is (0, 1, 0), preparing meals is (0, 0, 1).
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from effective_embeddings import Category, CategoryUpdate, Client, Query, QueryPart
from tests.support.vectors import present

_HEALTH = np.array([1, 0, 0], dtype=np.float32)
_GYM = np.array([0, 1, 0], dtype=np.float32)
_MEALS = np.array([0, 0, 1], dtype=np.float32)
_MONEY = np.array([0, 0.6, 0.8], dtype=np.float32)
# Similar to the gym, and a little to health.
_SWIMMING = np.array([0.28, 0.96, 0], dtype=np.float32)


@pytest.fixture
def notes(client: Client, ns: str) -> str:
    client.create_namespace(ns, 3)
    client.put_categories(
        ns, [CategoryUpdate("Health", base=_HEALTH), CategoryUpdate("Money", base=_MONEY)]
    )
    return ns


def _effective(client: Client, ns: str, key: str = "Health") -> NDArray[np.float32]:
    return present(client.get_category(ns, key).effective)


def _score(client: Client, ns: str, query: NDArray[np.float32], key: str = "Health") -> float:
    (result,) = client.match(ns, query, include=[key])
    assert result.best is not None
    return result.best.score


def test_an_empty_category_is_its_base(client: Client, notes: str) -> None:
    health = client.get_category(notes, "Health")
    np.testing.assert_array_equal(health.effective, _HEALTH)
    assert health.member_count == 0
    assert health.drift == pytest.approx(0, abs=1e-12)
    assert health.spread is None
    assert _score(client, notes, _SWIMMING) == pytest.approx(0.28)


def test_a_category_with_one_item_is_half_way_to_it(client: Client, notes: str) -> None:
    reply = client.assign(notes, "gym", "Health", _GYM)
    np.testing.assert_allclose(_effective(client, notes), [0.5, 0.5, 0], rtol=1e-6)
    (result,) = reply.results
    assert result.score_before == pytest.approx(0, abs=1e-9)
    assert result.category_member_count == 1
    assert result.category_drift == pytest.approx(1 - 1 / np.sqrt(2))


def test_each_assignment_teaches_at_once(client: Client, notes: str) -> None:
    scores = [_score(client, notes, _SWIMMING)]
    client.assign(notes, "gym", "Health", _GYM)
    scores.append(_score(client, notes, _SWIMMING))
    client.assign(notes, "meals", "Health", _MEALS)
    scores.append(_score(client, notes, _SWIMMING))
    # cos of (0.28, 0.96, 0) with (1, 0, 0), (1, 1, 0) and (1, 1, 1).
    assert scores == pytest.approx([0.28, 1.24 / np.sqrt(2), 1.24 / np.sqrt(3)])


def test_gym_and_meals_make_health_their_mean(client: Client, notes: str) -> None:
    client.assign(notes, ["gym", "meals"], "Health", [_GYM, _MEALS])
    health = client.get_category(notes, "Health")
    np.testing.assert_allclose(present(health.effective), [1 / 3, 1 / 3, 1 / 3], rtol=1e-6)
    assert health.counting_weight == 2
    assert health.drift == pytest.approx(1 - 1 / np.sqrt(3))
    # The mean of the two is (0, ½, ½); each is √½ away from it.
    assert health.spread == pytest.approx(np.sqrt(0.5))


def test_an_item_near_another_name_moves_to_health_once_health_has_learned(
    client: Client, notes: str
) -> None:
    (before,) = client.match(notes, _SWIMMING)
    assert before.best is not None
    assert before.best.category == "Money"
    client.assign(notes, "gym", "Health", _GYM)
    (after,) = client.match(notes, _SWIMMING)
    assert [match.category for match in after.matches] == ["Health", "Money"]
    assert after.margin == pytest.approx(1.24 / np.sqrt(2) - 0.576)
    assert [match.count for match in after.matches] == [1, 0]


@pytest.mark.parametrize(("weight", "expected"), [(2, [0.5, 0.25, 0.25]), (3, [0.6, 0.2, 0.2])])
def test_a_base_of_weight_n_counts_as_n_items(
    client: Client, notes: str, weight: float, expected: list[float]
) -> None:
    client.put_categories(notes, [CategoryUpdate("Health", base_weight=weight)])
    np.testing.assert_array_equal(_effective(client, notes), _HEALTH)
    client.assign(notes, ["gym", "meals"], "Health", [_GYM, _MEALS])
    np.testing.assert_allclose(_effective(client, notes), expected, rtol=1e-6)


def test_a_heavier_item_teaches_more(client: Client, notes: str) -> None:
    client.assign(notes, ["gym", "meals"], "Health", [_GYM, _MEALS], weights=[4, 1])
    np.testing.assert_allclose(_effective(client, notes), [1 / 6, 4 / 6, 1 / 6], rtol=1e-6)


def test_a_wrong_assignment_put_right_teaches_one_and_unteaches_the_other(
    client: Client, notes: str
) -> None:
    client.assign(notes, "meals", "Health", _MEALS)
    digest, learned = client.get_namespace(notes).digest, _effective(client, notes).tobytes()
    client.assign(notes, "tax", "Health", _MONEY)
    np.testing.assert_allclose(_effective(client, notes), [1 / 3, 0.2, 0.6], rtol=1e-6)

    reply = client.assign(notes, "tax", "Money")
    (result,) = reply.results
    assert result.previous_category == "Health"
    assert result.score_before == pytest.approx(1)
    assert _effective(client, notes).tobytes() == learned
    np.testing.assert_allclose(_effective(client, notes, "Money"), _MONEY, rtol=1e-6)

    client.unassign(notes, "tax", delete_items=True)
    assert client.get_namespace(notes).digest == digest


def test_a_window_forgets_the_oldest(client: Client, notes: str) -> None:
    client.put_categories(notes, [CategoryUpdate("Health", window=2)])
    client.assign(notes, ["gym", "meals", "tax"], "Health", [_GYM, _MEALS, _MONEY])
    health = client.get_category(notes, "Health")
    assert (health.member_count, health.counting_count) == (3, 2)
    # Health, meals and tax: the gym has left the window.
    np.testing.assert_allclose(present(health.effective), [1 / 3, 0.2, 0.6], rtol=1e-6)
    client.unassign(notes, "tax")
    # The window has space again, and the gym counts again.
    np.testing.assert_allclose(_effective(client, notes), [1 / 3, 1 / 3, 1 / 3], rtol=1e-6)


def test_a_minimum_base_share_keeps_the_base_in_the_mean(client: Client, notes: str) -> None:
    client.put_categories(notes, [CategoryUpdate("Health", min_base_share=0.5)])
    client.assign(notes, "gym", "Health", _GYM)
    np.testing.assert_allclose(_effective(client, notes), [0.5, 0.5, 0], rtol=1e-6)
    client.assign(notes, "meals", "Health", _MEALS)
    np.testing.assert_allclose(_effective(client, notes), [0.5, 0.25, 0.25], rtol=1e-6)


def test_reanchoring_restarts_from_the_base(client: Client, notes: str) -> None:
    client.assign(notes, ["gym", "meals"], "Health", [_GYM, _MEALS])
    health = client.reanchor(notes, "Health")
    assert (health.member_count, health.counting_count) == (2, 0)
    assert health.drift == pytest.approx(0, abs=1e-12)
    np.testing.assert_array_equal(_effective(client, notes), _HEALTH)
    client.assign(notes, "tax", "Health", _MONEY)
    np.testing.assert_allclose(_effective(client, notes), [0.5, 0.3, 0.4], rtol=1e-6)


def test_reanchoring_can_keep_the_most_recent_members(client: Client, notes: str) -> None:
    client.assign(notes, ["gym", "meals"], "Health", [_GYM, _MEALS])
    health: Category = client.reanchor(notes, "Health", keep_last=1)
    assert (health.member_count, health.counting_count) == (2, 1)
    np.testing.assert_allclose(_effective(client, notes), [0.5, 0, 0.5], rtol=1e-6)
    members = [item.key for item in client.list_items(notes, category="Health")]
    assert members == ["meals", "gym"], "who is left behind stays a member"


def test_a_frozen_category_records_and_does_not_learn(client: Client, notes: str) -> None:
    client.put_categories(notes, [CategoryUpdate("Health", frozen=True)])
    client.assign(notes, ["gym", "meals"], "Health", [_GYM, _MEALS])
    health = client.get_category(notes, "Health")
    assert (health.member_count, health.counting_count) == (2, 0)
    np.testing.assert_array_equal(health.effective, _HEALTH)
    client.put_categories(notes, [CategoryUpdate("Health", frozen=False)])
    np.testing.assert_allclose(_effective(client, notes), [1 / 3, 1 / 3, 1 / 3], rtol=1e-6)


def test_a_category_without_a_base_is_the_mean_of_its_members(client: Client, notes: str) -> None:
    client.put_categories(notes, [CategoryUpdate("Chores")])
    chores = client.get_category(notes, "Chores")
    assert (chores.effective, chores.drift) == (None, None)
    (result,) = client.match(notes, _GYM, limit=0)
    assert [match.category for match in result.matches] == ["Money", "Health"]
    client.assign(notes, "gym", "Chores", _GYM)
    np.testing.assert_array_equal(_effective(client, notes, "Chores"), _GYM)
    assert _score(client, notes, _GYM, "Chores") == pytest.approx(1)


def test_a_project_is_the_weighted_mean_of_its_tasks(client: Client, notes: str) -> None:
    client.put_items(notes, ["gym", "meals"], [_GYM, _MEALS])
    project = Query(
        parts=[
            QueryPart(item="gym", weight=3),
            QueryPart(item="meals", weight=1),
            QueryPart(embedding=_HEALTH, weight=2),
        ]
    )
    (by_parts,) = client.match(notes, project)
    mean = (3 * _GYM + _MEALS + 2 * _HEALTH) / 6
    (by_mean,) = client.match(notes, mean)
    scores = {match.category: match.score for match in by_parts.matches}
    # (2, 3, 1)/√14 with (1, 0, 0) and with (0, 0.6, 0.8).
    assert scores == pytest.approx({"Health": 2 / np.sqrt(14), "Money": 2.6 / np.sqrt(14)})
    for match in by_mean.matches:
        assert match.score == pytest.approx(scores[match.category], abs=1e-7)
