"""ReviewImpact: the answers for other items with and without an actor's members, against numpy."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effective_embeddings import Client, ImpactReview, MembershipMode, kernels
from effective_embeddings.v1 import service_pb2 as pb
from tests.contract.bad_input.cases import Bad, assert_refused, make_good_state, table
from tests.contract.test_review_members import DIMENSION, fill
from tests.model.oracle import Model, ModelItem
from tests.support.raw import Raw

_MODES: tuple[MembershipMode, ...] = ("single", "multiple")


def _fill(client: Client, ns: str, membership: MembershipMode = "single") -> tuple[Model, set[Any]]:
    """The namespace of the other reviews, 200 inbox items, and 9 members that eve has assigned."""
    model = fill(client, ns, membership)
    waiting = np.random.default_rng(11).normal(size=(200, DIMENSION)).astype(np.float32)
    client.put_items(ns, [f"w{number:03}" for number in range(200)], waiting)
    wrong = np.random.default_rng(12).normal(size=(9, DIMENSION)).astype(np.float32) * 2
    keys = [f"x{number}" for number in range(9)]
    places = ["plain", "window", "bare"] * 3
    client.assign(ns, keys, places, wrong, weights=3, actor="eve")
    for key, place, vector in zip(keys, places, wrong, strict=True):
        model.items[key] = ModelItem(vector, 3.0)
        model.join(key, place)
    for number, vector in enumerate(waiting):
        model.items[f"w{number:03}"] = ModelItem(vector)
    return model, set(zip(keys, places, strict=True))


def _compare(found: ImpactReview, model: Model, eve: set[Any]) -> None:
    others = [key for key in model.items if key not in {item for item, _ in eve}]
    now = {key: model.rank(model.items[key].embedding, taken_in=True)[0] for key in others}
    left = dict(model.members)
    moved = {}
    before = {category: model.stats(category).numerator for category in model.categories}
    for membership in eve:
        del model.members[membership]
    for category, numerator in before.items():
        after = model.stats(category).numerator
        assert numerator is not None
        assert after is not None
        unit = numerator / np.linalg.norm(numerator) - after / np.linalg.norm(after)
        moved[category] = float(unit @ unit) / 2
    without = {key: model.rank(model.items[key].embedding, taken_in=True)[0] for key in others}
    model.members = left
    changed = sorted(key for key in others if now[key][0] != without[key][0])
    assert (found.member_count, found.item_count) == (len(eve), len(others))
    assert found.changed_count == len(changed) > 5
    assert [each.item for each in found.changes] == changed[: len(found.changes)]
    for each in found.changes:
        assert (each.category, each.category_without) == (now[each.item][0], without[each.item][0])
        assert each.score == pytest.approx(now[each.item][1], abs=1e-6)
        assert each.score_without == pytest.approx(without[each.item][1], abs=1e-6)
    flows = Counter((without[key][0], now[key][0]) for key in changed)
    assert {(each.category_without, each.category): each.count for each in found.flows} == flows
    counts = [each.count for each in found.flows]
    assert counts == sorted(counts, reverse=True)
    touched = {category: movement for category, movement in moved.items() if movement > 1e-15}
    assert {each.category for each in found.categories} == set(touched)
    for own in found.categories:
        assert own.movement == pytest.approx(touched[own.category], rel=1e-6)
    movements = [each.movement for each in found.categories]
    assert movements == sorted(movements, reverse=True)


@pytest.mark.parametrize("membership", _MODES)
def test_an_impact_is_that_of_the_model(
    client: Client, ns: str, membership: MembershipMode
) -> None:
    model, eve = _fill(client, ns, membership)
    found = client.review_impact(ns, "eve", changes=1000)
    _compare(found, model, eve)
    assert len(found.changes) == found.changed_count
    few = client.review_impact(ns, "eve", changes=2)
    assert few.changes == found.changes[:2]
    assert (few.changed_count, few.flows) == (found.changed_count, found.flows)
    one = {membership for membership in eve if membership[1] == "plain"}
    part = client.review_impact(ns, "eve", category="plain")
    assert part.member_count == len(one) == 3
    assert [each.category for each in part.categories] == ["plain"]


def test_the_answers_without_are_those_after_the_real_unassignment(client: Client, ns: str) -> None:
    _, eve = _fill(client, ns)
    found = client.review_impact(ns, "eve", changes=1000)
    client.unassign(ns, [item for item, _ in sorted(eve)])
    for each in found.changes:
        (match,) = client.match(ns, each.item, limit=1, ranking="cosine", fairness=0)
        assert match.best is not None
        assert (match.best.category, match.best.score) == (
            each.category_without,
            each.score_without,
        )


def test_who_has_assigned_nothing_has_changed_nothing(client: Client, ns: str) -> None:
    _fill(client, ns)
    nobody = client.review_impact(ns, "nobody")
    assert (nobody.member_count, nobody.changed_count) == (0, 0)
    assert (nobody.changes, nobody.flows, nobody.categories) == ((), (), ())
    assert nobody.item_count == 269
    last = max(each.assign_time for each in client.review_members(ns, "influence"))
    later = client.review_impact(ns, "eve", since=last + timedelta(milliseconds=1))
    assert later.member_count == 0
    assert later.item_count == 269


def test_a_sample_is_always_the_same_one(client: Client, ns: str) -> None:
    _fill(client, ns)
    whole = client.review_impact(ns, "eve", changes=1000)
    some = client.review_impact(ns, "eve", items=100, changes=1000)
    assert 60 < some.item_count < 140
    assert some == client.review_impact(ns, "eve", items=100, changes=1000)
    assert set(some.changes) < set(whole.changes)


@pytest.mark.parametrize("kernel", kernels())
def test_every_kernel_measures_alike(tmp_path: Path, kernel: str) -> None:
    with (
        Client.embedded(tmp_path / kernel, kernel=kernel) as client,
        Client.embedded(tmp_path / "other", kernel="scalar") as other,
    ):
        for each in (client, other):
            _fill(each, "n")
        assert client.review_impact("n", "eve") == other.review_impact("n", "eve")


def _bad(name: str, field: str, reason: str = "OUT_OF_RANGE", **fields: Any) -> Bad:
    code = "NOT_FOUND" if reason == "CATEGORY_NOT_FOUND" else "INVALID_ARGUMENT"
    fields.setdefault("filter", {"actor": "eve"})

    def request(ns: str) -> pb.ReviewImpactRequest:
        return pb.ReviewImpactRequest(namespace=ns, **fields)

    return Bad(name, "ReviewImpact", request, code, reason, field)


@table(
    [
        _bad("no actor", "filter.actor", "REQUIRED_FIELD", filter={}),
        _bad("a long actor", "filter.actor", "TOO_LARGE", filter={"actor": "x" * 257}),
        _bad(
            "a category",
            "filter.category",
            "CATEGORY_NOT_FOUND",
            filter={"actor": "eve", "category": "no"},
        ),
        _bad("no items", "item_limit", item_limit=0),
        _bad("100001 items", "item_limit", item_limit=100_001),
        _bad("1001 changes", "change_limit", change_limit=1001),
    ]
)
def test_bad_requests_are_refused(bad: Bad, client: Client, raw: Raw, ns: str) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))
