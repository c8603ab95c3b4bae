"""ReviewDuplicates, ReviewActors and ReviewCategories against numpy in 64 bits."""

from __future__ import annotations

import dataclasses
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effective_embeddings import (
    CategoryReview,
    CategoryUpdate,
    Client,
    Duplicate,
    DuplicateScope,
    MembershipMode,
    kernels,
)
from effective_embeddings.v1 import service_pb2 as pb
from tests.contract.bad_input.cases import Bad, assert_refused, make_good_state, table
from tests.contract.test_review_members import CATEGORIES, WEIGHTS, fill
from tests.model.oracle import Model, ModelItem, cosine
from tests.support.raw import Raw

_MODES: tuple[MembershipMode, ...] = ("single", "multiple")
_SCOPES: tuple[DuplicateScope, ...] = ("same", "other", "any")


# Duplicates.


def _fill_duplicates(client: Client, ns: str, count: int = 90, dimension: int = 6) -> Model:
    """Three categories whose members are near to each other in groups, within and across."""
    generator = np.random.default_rng(5)
    centers = generator.normal(size=(12, dimension))
    client.create_namespace(ns, dimension)
    client.put_categories(ns, [CategoryUpdate(key) for key in "abc"])
    model = Model(dimension)
    model.categories = dict.fromkeys("abc", CATEGORIES["bare"])
    for number in range(count):
        vector = centers[generator.integers(12)] + 0.12 * generator.normal(size=dimension)
        stored = vector.astype(np.float32)
        item, category = f"i{number:03}", "abc"[generator.integers(3)]
        client.assign(ns, item, category, stored)
        model.items[item] = ModelItem(stored)
        model.join(item, category)
    return model


def _duplicates(model: Model, scope: str, least: float) -> list[tuple[Any, ...]]:
    """What is listed, from all pairs: item, category, original, its category, cosine, count."""
    listed = []
    for (item, category), sequence in model.members.items():
        vector = model.items[item].embedding.astype(np.float64)
        near = [
            (-cosine(vector, model.items[other].embedding.astype(np.float64)), earlier, other, its)
            for (other, its), earlier in model.members.items()
            if earlier < sequence and (scope == "any" or (its == category) == (scope == "same"))
        ]
        near = [each for each in near if -each[0] >= least]
        if near:
            similarity, _, original, its = min(near)
            place = (category, sequence)
            listed.append((place, item, category, original, its, -similarity, len(near)))
    return [each[1:] for each in sorted(listed)]


def _told(found: list[Duplicate]) -> list[tuple[Any, ...]]:
    return [
        (
            *(each.item, each.category, each.original, each.original_category),
            pytest.approx(each.similarity, abs=1e-9),
            each.duplicate_count,
        )
        for each in found
    ]


@pytest.mark.parametrize("scope", _SCOPES)
def test_duplicates_are_those_of_all_pairs(client: Client, ns: str, scope: DuplicateScope) -> None:
    model = _fill_duplicates(client, ns)
    for least in (0.8, 0.95, 1.0):
        found = list(client.review_duplicates(ns, scope, min_similarity=least))
        assert _told(found) == _duplicates(model, scope, least)
    assert list(client.review_duplicates(ns, scope, min_similarity=1)) == []
    assert len(list(client.review_duplicates(ns, scope, min_similarity=0.8))) > 20
    default = list(client.review_duplicates(ns, scope))
    assert default == list(client.review_duplicates(ns, scope, min_similarity=0.98))


def test_pages_of_duplicates_are_one_list(client: Client, raw: Raw, ns: str) -> None:
    _fill_duplicates(client, ns)
    for scope in (pb.DUPLICATE_SCOPE_SAME_CATEGORY, pb.DUPLICATE_SCOPE_ANY_CATEGORY):
        request = pb.ReviewDuplicatesRequest(namespace=ns, scope=scope, min_similarity=0.8)
        whole = list(raw.call("ReviewDuplicates", request).duplicates)
        paged = []
        request.page_size = 2
        while True:
            reply = raw.call("ReviewDuplicates", request)
            assert len(reply.duplicates) <= 2
            paged += reply.duplicates
            request.page_token = reply.next_page_token
            if not reply.next_page_token:
                break
        assert paged == whole


def test_a_filter_chooses_the_later_ones(client: Client, ns: str) -> None:
    _fill_duplicates(client, ns)
    whole = list(client.review_duplicates(ns, "any", min_similarity=0.8))
    middle = sorted(each.assign_time for each in whole)[len(whole) // 2]
    cases: list[tuple[dict[str, Any], list[Duplicate]]] = [
        ({"category": "b"}, [each for each in whole if each.category == "b"]),
        ({"since": middle}, [each for each in whole if each.assign_time >= middle]),
        ({"key_prefix": "i04"}, [each for each in whole if each.item.startswith("i04")]),
    ]
    for wanted, expected in cases:
        found = list(client.review_duplicates(ns, "any", min_similarity=0.8, **wanted))
        assert found == expected
        assert found


def test_an_item_of_two_categories_is_no_duplicate_of_itself(client: Client, ns: str) -> None:
    client.create_namespace(ns, 2, membership="multiple")
    client.put_categories(ns, [CategoryUpdate("a"), CategoryUpdate("b")])
    client.assign(ns, ["one", "one"], ["a", "b"], [[1, 2], [1, 2]])
    client.assign(ns, "two", "a", [2, 4])
    (found,) = client.review_duplicates(ns, "any")
    assert (found.item, found.original, found.duplicate_count) == ("two", "one", 2)
    assert found.similarity == pytest.approx(1, abs=1e-12)


# Actors.


@pytest.mark.parametrize("membership", _MODES)
def test_influences_are_those_of_the_model_without_the_actor(
    client: Client, ns: str, membership: MembershipMode
) -> None:
    model = fill(client, ns, membership)
    everyone = list(client.review_members(ns, "misfit", min_difference=-2))
    alone = list(client.review_members(ns, "influence"))
    actors = {(each.item, each.category): each.actor for each in [*everyone, *alone]}
    assert set(actors) == set(model.members)
    # Two actors have taught the same categories.
    for number, (item, category) in enumerate(sorted(actors)):
        if number % 3 == 0:
            client.unassign(ns, item, category)
            client.assign(ns, item, category, actor="second")
            del model.members[item, category]
            model.join(item, category)
            actors[item, category] = "second"
    found = list(client.review_actors(ns))
    pairs = Counter((actor, category) for (_, category), actor in actors.items())
    assert {(each.actor, each.category): each.member_count for each in found} == pairs
    movements = [each.movement for each in found]
    assert movements == sorted(movements, reverse=True)
    for each in found:
        own = {
            item
            for (item, category), actor in actors.items()
            if (actor, category) == (each.actor, each.category)
        }
        counting = own & set(model.counting(each.category))
        weight = sum(float(WEIGHTS[int(item[1:])]) for item in counting)
        before = model.stats(each.category)
        assert each.counting_count == len(counting)
        assert each.weight == pytest.approx(weight)
        if counting:
            told = model.categories[each.category]
            base = 0.0
            if told.base is not None:
                share = told.min_base_share
                base = max(told.base_weight, share / (1 - share) * before.weight)
            assert each.weight_share == pytest.approx(weight / (before.weight + base))
        left = dict(model.members)
        for item in own:
            del model.members[item, each.category]
        after = model.stats(each.category)
        model.members = left
        expected = 2.0
        if before.numerator is not None and after.numerator is not None:
            unit = before.numerator / np.linalg.norm(before.numerator)
            moved = unit - after.numerator / np.linalg.norm(after.numerator)
            expected = float(moved @ moved) / 2
        elif before.numerator is None and after.numerator is None:
            expected = 0.0
        assert each.movement == pytest.approx(expected, rel=1e-6, abs=1e-12)
        assert each.first_assign_time <= each.last_assign_time


def test_an_influence_is_that_of_the_real_unassignment(client: Client, ns: str) -> None:
    fill(client, ns)
    client.assign(ns, ["i13", "i20"], "plain", actor="second")
    for each in client.review_actors(ns):
        if each.category == "bare":
            continue
        members = [
            own.item
            for own in client.review_members(ns, min_difference=-2, category=each.category)
            if own.actor == each.actor
        ]
        before = client.get_category(ns, each.category, include_embeddings=True).effective
        revision = client.unassign(ns, members, actor="tester").revision
        after = client.get_category(ns, each.category, include_embeddings=True).effective
        assert before is not None
        assert after is not None
        moved = 1 - cosine(before.astype(np.float64), after.astype(np.float64))
        assert each.movement == pytest.approx(moved, abs=1e-6)
        client.undo(ns, revision)


def test_a_filter_measures_a_part_of_what_an_actor_did(client: Client, ns: str) -> None:
    fill(client, ns)
    (whole,) = client.review_actors(ns, category="plain")
    times = sorted(
        each.assign_time for each in client.review_members(ns, category="plain", min_difference=-2)
    )
    assert (whole.first_assign_time, whole.last_assign_time) == (times[0], times[-1])
    assert list(client.review_actors(ns, since=times[-1] + timedelta(days=1))) == []
    (part,) = client.review_actors(ns, category="plain", key_prefix="i00")
    assert (part.member_count, part.counting_count) == (1, 1)
    (alone,) = client.review_members(ns, "influence", category="plain", key_prefix="i00")
    assert part.movement == pytest.approx(alone.movement, rel=1e-12)


def test_pages_of_actors_are_one_list(client: Client, raw: Raw, ns: str) -> None:
    fill(client, ns, "multiple")
    request = pb.ReviewActorsRequest(namespace=ns)
    whole = raw.call("ReviewActors", request)
    assert whole.influence_count == len(whole.influences) == 6
    paged = []
    request.page_size = 4
    while True:
        reply = raw.call("ReviewActors", request)
        assert reply.influence_count == 6
        paged += reply.influences
        request.page_token = reply.next_page_token
        if not reply.next_page_token:
            break
    assert paged == list(whole.influences)


# Categories.


@pytest.mark.parametrize("membership", _MODES)
def test_health_is_that_of_the_model(client: Client, ns: str, membership: MembershipMode) -> None:
    model = fill(client, ns, membership)
    found = {each.category: each for each in client.review_categories(ns)}
    assert list(found) == sorted(CATEGORIES)
    for key, each in found.items():
        stats = model.stats(key)
        category = client.get_category(ns, key)
        assert (each.member_count, each.counting_count) == (stats.members, stats.counting)
        assert (each.drift, each.spread) == (category.drift, category.spread)
        reviewed = model.members_of(key) if key == "frozen" else model.counting(key)
        assert each.reviewed_count == len(reviewed)
        vectors = [model.items[item].embedding.astype(np.float64) for item in reviewed]
        assert stats.effective is not None
        mean = np.mean([cosine(vector, stats.effective) for vector in vectors])
        assert each.cohesion == pytest.approx(mean, abs=1e-6)
        others = [
            (cosine(stats.effective, other), name)
            for name in CATEGORIES
            if name != key and (other := model.stats(name).effective) is not None
        ]
        similarity, nearest = max(others)
        assert each.nearest_category == nearest
        assert each.nearest_similarity == pytest.approx(similarity, abs=1e-6)
        misfits = [
            own for own in client.review_members(ns, category=key) if own.item in set(reviewed)
        ]
        assert each.misfit_count == len(misfits)
        confused = Counter(own.other_category for own in misfits)
        assert {own.category: own.count for own in each.confused} == confused
        counts = [(-own.count, own.category) for own in each.confused]
        assert counts == sorted(counts)


def test_only_the_newest_members_are_reviewed(client: Client, raw: Raw, ns: str) -> None:
    fill(client, ns)
    (whole,) = client.review_categories(ns, "plain")
    (few,) = client.review_categories(ns, "plain", members=5)
    assert (whole.reviewed_count, few.reviewed_count) == (12, 5)
    newest = [f"i{index:02}" for index in range(7, 12)]
    misfits = [
        each.item for each in client.review_members(ns, category="plain") if each.item in newest
    ]
    assert few.misfit_count == len(misfits)
    assert few.split is not None
    listed = {item for half in few.split.halves for item in half.items}
    assert listed == set(newest)
    request = pb.ReviewCategoriesRequest(namespace=ns, page_size=2)
    keys = []
    while True:
        reply = raw.call("ReviewCategories", request)
        keys += [each.category for each in reply.categories]
        request.page_token = reply.next_page_token
        if not reply.next_page_token:
            break
    assert keys == sorted(CATEGORIES)


def test_movement_is_that_since_a_revision_or_a_time(client: Client, ns: str) -> None:
    model = fill(client, ns)
    assert {each.movement for each in client.review_categories(ns)} == {None}
    before = {key: model.stats(key).numerator for key in CATEGORIES}
    revision = client.get_namespace(ns).revision
    client.assign(ns, "i30", "plain")
    client.assign(ns, ["more", "most"], ["window", "bare"], np.eye(2, 12), weights=5)
    client.put_items(ns, "i50", np.full(12, -1.0))
    client.put_categories(
        ns, [CategoryUpdate("share", base=np.arange(12.0)), CategoryUpdate("new")]
    )
    first = next(client.history(ns, first_revision=revision + 1, newest_first=False))
    del model.members["i30", "share"]
    model.join("i30", "plain")
    for number, (item, category) in enumerate([("more", "window"), ("most", "bare")]):
        model.items[item] = ModelItem(np.eye(2, 12)[number].astype(np.float32), 5.0)
        model.join(item, category)
    model.items["i50"].embedding = np.full(12, -1.0, dtype=np.float32)
    model.categories["share"] = dataclasses.replace(
        model.categories["share"], base=np.arange(12.0, dtype=np.float32)
    )
    found = {each.category: each.movement for each in client.review_categories(ns, since=revision)}
    assert found.pop("new") is None
    for key, movement in found.items():
        earlier, now = before[key], model.stats(key).numerator
        assert earlier is not None
        assert now is not None
        unit = earlier / np.linalg.norm(earlier) - now / np.linalg.norm(now)
        assert movement == pytest.approx(float(unit @ unit) / 2, rel=1e-6, abs=1e-14)
    moved = {key for key, movement in found.items() if movement}
    assert moved == {"plain", "window", "bare", "share"}
    by_time = client.review_categories(ns, since=first.time)
    assert {each.category: each.movement for each in by_time} == {**found, "new": None}
    (none,) = client.review_categories(ns, "plain", since=client.get_namespace(ns).revision)
    assert none.movement == 0.0
    ages = client.review_categories(ns, since=first.time - timedelta(days=9))
    assert {each.movement for each in ages} == {None}


def _gain(vectors: Any, second: Any) -> tuple[float, float]:
    """The gain of a split, each member without itself, and the cosine of the halves, in f64."""
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    gains = []
    for index, unit in enumerate(units):
        others = np.arange(len(units)) != index
        means = [
            units[chosen].mean(axis=0) for chosen in (others, others & (second == second[index]))
        ]
        whole, half = (float((unit - mean) @ (unit - mean)) for mean in means)
        gains.append(whole - half)
    halves = [units[second == which].sum(axis=0) for which in (False, True)]
    return float(np.mean(gains)), cosine(halves[0], halves[1])


def _review(client: Client, ns: str, vectors: Any) -> CategoryReview:
    keys = [f"i{index:03}" for index in range(len(vectors))]
    client.create_namespace(ns, vectors.shape[1])
    client.put_categories(ns, CategoryUpdate("c"))
    client.assign(ns, keys, "c", vectors)
    (found,) = client.review_categories(ns)
    return found


def test_two_topics_are_told_from_one(client: Client, ns: str) -> None:
    generator = np.random.default_rng(8)
    centers = generator.normal(size=(2, 32)) * [[1.0], [1.0]]
    second = np.arange(80) % 4 == 0
    noise = generator.normal(size=(80, 32)).astype(np.float64)
    two = (centers[second.astype(int)] + 0.7 * noise).astype(np.float32)
    split = _review(client, ns, two).split
    assert split is not None
    gain, similarity = _gain(two.astype(np.float64), second)
    assert split.gain == pytest.approx(gain, abs=1e-5)
    assert split.similarity == pytest.approx(similarity, abs=1e-5)
    assert gain > 0.2
    assert [half.member_count for half in split.halves] == [60, 20]
    for half, which in zip(split.halves, (False, True), strict=True):
        units = two / np.linalg.norm(two, axis=1, keepdims=True)
        mean = units[second == which].sum(axis=0)
        own = np.flatnonzero(second == which)
        nearest = own[np.argsort(-(units[own] @ mean))][:5]
        assert list(half.items) == [f"i{index:03}" for index in nearest]
    one = (centers[0] + 0.7 * noise).astype(np.float32)
    split = _review(client, f"{ns}-one", one).split
    assert split is None or split.gain < 0.05


def test_what_cannot_be_compared_is_unset(client: Client, ns: str) -> None:
    client.create_namespace(ns, 2)
    client.put_categories(ns, CategoryUpdate("empty"))
    (empty,) = client.review_categories(ns)
    assert (empty.drift, empty.spread, empty.cohesion, empty.split) == (None,) * 4
    assert (empty.nearest_category, empty.nearest_similarity) == (None, None)
    client.put_categories(ns, CategoryUpdate("base", base=[1, 0]))
    base, empty = client.review_categories(ns)
    assert (base.drift, base.cohesion, base.nearest_category) == (0.0, None, None)
    assert base.reviewed_count == 0


@pytest.mark.parametrize("kernel", kernels())
def test_every_kernel_reviews_alike(tmp_path: Path, kernel: str) -> None:
    with (
        Client.embedded(tmp_path / kernel, kernel=kernel) as client,
        Client.embedded(tmp_path / "other", kernel="scalar") as other,
    ):
        told = []
        for each in (client, other):
            _fill_duplicates(each, "duplicates")
            fill(each, "n")
            near = each.review_duplicates("duplicates", "any", min_similarity=0.8)
            told.append(
                (
                    [(own.item, own.original, own.similarity) for own in near],
                    [(own.actor, own.category, own.movement) for own in each.review_actors("n")],
                    list(each.review_categories("n")),
                )
            )
        assert told[0] == told[1]


def _bad(method: str, name: str, field: str, reason: str = "OUT_OF_RANGE", **fields: Any) -> Bad:
    code = "NOT_FOUND" if reason == "CATEGORY_NOT_FOUND" else "INVALID_ARGUMENT"
    request = getattr(pb, f"{method}Request")
    return Bad(name, method, lambda ns: request(namespace=ns, **fields), code, reason, field)


_FILTERS = [
    _bad(method, f"{method}: {name}", field, reason, filter=wanted)
    for method in ("ReviewDuplicates", "ReviewActors")
    for name, field, reason, wanted in [
        ("a key", "filter.category", "INVALID_KEY", {"category": "b\n"}),
        ("a category", "filter.category", "CATEGORY_NOT_FOUND", {"category": "no"}),
        ("an actor", "filter.actor", "TOO_LARGE", {"actor": "x" * 257}),
        ("a time", "filter.end_time.nanos", "OUT_OF_RANGE", {"end_time": {"nanos": -1}}),
    ]
]
_PAGES = [
    _bad(method, f"{method}: {field}", field, reason, **{field: value})
    for method in ("ReviewDuplicates", "ReviewActors", "ReviewCategories")
    for field, reason, value in [
        ("page_size", "OUT_OF_RANGE", 1001),
        ("page_token", "INVALID_PAGE_TOKEN", "00"),
    ]
]


@table(
    [
        *_FILTERS,
        *_PAGES,
        _bad("ReviewDuplicates", "a scope", "scope", scope=7),
        _bad("ReviewDuplicates", "a low cosine", "min_similarity", min_similarity=0.4),
        _bad("ReviewDuplicates", "a high cosine", "min_similarity", min_similarity=1.1),
        _bad("ReviewDuplicates", "no cosine", "min_similarity", min_similarity=float("nan")),
        _bad("ReviewCategories", "revision 0", "since_revision", since_revision=0),
        _bad("ReviewCategories", "a time", "since_time.nanos", since_time={"nanos": -1}),
        _bad("ReviewCategories", "no members", "member_limit", member_limit=0),
        _bad("ReviewCategories", "2001 members", "member_limit", member_limit=2001),
        _bad("ReviewCategories", "a key", "category", "INVALID_KEY", category="b\n"),
        _bad("ReviewCategories", "a category", "category", "CATEGORY_NOT_FOUND", category="no"),
    ]
)
def test_bad_requests_are_refused(bad: Bad, client: Client, raw: Raw, ns: str) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))
