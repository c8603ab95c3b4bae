"""ReviewMembers: misfits and influences against numpy, Explain and real writes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effective_embeddings import (
    AsyncClient,
    CategoryUpdate,
    Client,
    MemberReview,
    MembershipMode,
    ReviewedMembers,
    ReviewOrder,
    kernels,
)
from effective_embeddings.server import ServerHandle
from effective_embeddings.v1 import service_pb2 as pb
from tests.contract.bad_input.cases import Bad, assert_refused, make_good_state, table
from tests.model.oracle import Model, ModelCategory, ModelItem, cosine
from tests.support.raw import Raw

DIMENSION = 12
_ORDERS: tuple[ReviewOrder, ...] = ("misfit", "influence")


def _vectors(count: int, seed: int) -> Any:
    return np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)


BASES = _vectors(5, 1)
MEMBERS = _vectors(60, 2) + np.repeat(BASES, 12, axis=0) * np.float32(0.5)
WEIGHTS = np.random.default_rng(3).choice([0.25, 1.0, 1.5, 4.0], 60).astype(np.float32)
CATEGORIES = {
    "plain": ModelCategory(BASES[0], base_weight=2),
    "window": ModelCategory(BASES[1], window=7),
    "share": ModelCategory(BASES[2], min_base_share=0.4),
    "frozen": ModelCategory(BASES[3], frozen=True),
    "bare": ModelCategory(),
}


def fill(client: Client, ns: str, membership: MembershipMode = "single") -> Model:
    """Five categories of twelve members each; in a MULTIPLE namespace, some members of two."""
    multiple = membership == "multiple"
    client.create_namespace(ns, DIMENSION, membership=membership)
    model = Model(DIMENSION, multiple=multiple)
    client.put_categories(
        ns,
        [
            CategoryUpdate(
                key,
                base=each.base,
                base_weight=each.base_weight,
                window=each.window,
                min_base_share=each.min_base_share,
                frozen=each.frozen,
            )
            for key, each in CATEGORIES.items()
        ],
    )
    model.categories = dict(CATEGORIES)
    for number, category in enumerate(CATEGORIES):
        some = range(12 * number, 12 * number + 12)
        keys = [f"i{index:02}" for index in some]
        client.assign(
            ns, keys, category, MEMBERS[some], weights=WEIGHTS[some], actor=f"actor {number % 3}"
        )
        for index, key in zip(some, keys, strict=True):
            model.items[key] = ModelItem(MEMBERS[index], float(WEIGHTS[index]))
            model.join(key, category)
    if multiple:
        keys = [f"i{index:02}" for index in range(0, 60, 7)]
        client.assign(ns, keys, "bare", actor="actor 3")
        for key in keys:
            if (key, "bare") not in model.members:
                model.join(key, "bare")
    return model


def _expected(model: Model, item: str, category: str) -> dict[str, Any]:
    """What a review says of a member, from the model before and after it has left."""
    vector = model.items[item].embedding.astype(np.float64)
    before = model.stats(category).numerator
    counts = item in model.counting(category)
    others = [
        (cosine(vector, numerator), key)
        for key in model.categories
        if (item, key) not in model.members
        and (numerator := model.stats(key).numerator) is not None
    ]
    place = model.members.pop((item, category))
    after = model.stats(category).numerator
    model.members[item, category] = place
    if not counts:
        after = before
    movement = 0.0
    if before is not None and after is not None:
        unit = before / np.linalg.norm(before) - after / np.linalg.norm(after)
        movement = float(unit @ unit) / 2
    elif before is not None or after is not None:
        movement = 2.0
    other = max(others, default=None)
    score = None if after is None else cosine(vector, after)
    return {
        "counts": counts,
        "score": score,
        "other": other,
        "difference": None if score is None or other is None else other[0] - score,
        "movement": movement,
    }


def _check(found: list[MemberReview], model: Model) -> None:
    for each in found:
        expected = _expected(model, each.item, each.category)
        assert each.counts == expected["counts"]
        assert each.score == pytest.approx(expected["score"], abs=1e-6)
        score, other = expected["other"]
        assert each.other_category == other
        assert each.other_score == pytest.approx(score, abs=1e-6)
        assert each.difference == each.other_score - each.score  # type: ignore[operator]
        assert each.movement == pytest.approx(expected["movement"], rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("membership", ["single", "multiple"])
def test_misfits_are_those_of_the_model(
    client: Client, ns: str, membership: MembershipMode
) -> None:
    model = fill(client, ns, membership)
    found = list(client.review_members(ns))
    _check(found, model)
    differences = {
        (item, category): _expected(model, item, category)["difference"]
        for item, category in list(model.members)
    }
    misfits = {each for each, difference in differences.items() if difference > 0}
    assert {(each.item, each.category) for each in found} == misfits
    assert 5 < len(misfits) < len(differences) / 2
    listed = [each.difference for each in found]
    assert listed == sorted(listed, reverse=True)  # type: ignore[type-var]
    everyone = list(client.review_members(ns, min_difference=-2))
    _check(everyone, model)
    assert len(everyone) == len(differences)
    half = list(client.review_members(ns, min_difference=listed[3]))
    assert half == found[:4]


@pytest.mark.parametrize("membership", ["single", "multiple"])
def test_influences_are_those_of_the_model(
    client: Client, ns: str, membership: MembershipMode
) -> None:
    model = fill(client, ns, membership)
    found = list(client.review_members(ns, "influence"))
    _check(found, model)
    counting = {(key, category) for category in CATEGORIES for key in model.counting(category)}
    assert {(each.item, each.category) for each in found} == counting
    movements = [each.movement for each in found]
    assert movements == sorted(movements, reverse=True)
    assert min(movements) > 0


def test_a_score_is_that_of_explain_and_of_the_real_unassignment(client: Client, ns: str) -> None:
    model = fill(client, ns)
    for each in client.review_members(ns, min_difference=-2):
        keys = [each.category, each.other_category or ""]
        own, other = sorted(
            client.explain(ns, each.item, keys).explanations, key=lambda e: keys.index(e.category)
        )
        told = own.score if own.leave_one_out is None else own.leave_one_out.score
        assert (each.score, each.other_score) == (told, other.score)
        assert (own.leave_one_out is not None) == each.counts
    for category in model.categories:
        first = next(client.review_members(ns, "misfit", category=category, min_difference=-2))
        client.unassign(ns, first.item)
        (match,) = client.match(ns, first.item, limit=0, include=category)
        assert match.matches[0].score == first.score


def test_pages_are_one_list_and_follow_writes(client: Client, ns: str) -> None:
    fill(client, ns)
    for order in _ORDERS:
        whole = list(client.review_members(ns, order))
        assert list(client.review_members(ns, order, page_size=3)) == whole
        pages = client.review_members(ns, order, page_size=2)
        first = [next(pages), next(pages)]
        assert first == whole[:2]
        # Its turn would come next.
        client.unassign(ns, whole[2].item)
        assert whole[2].item not in [each.item for each in pages]
        client.assign(ns, whole[2].item, whole[2].category)


def test_the_iterator_has_the_counts_and_the_revision_of_its_latest_page(
    client: Client, ns: str
) -> None:
    fill(client, ns)
    everyone = len(list(client.review_members(ns, min_difference=-2)))
    misfits = client.review_members(ns, page_size=2)
    unread = misfits.reviewed
    assert unread is None
    next(misfits)
    revision = client.get_namespace(ns).revision
    listed = len(list(client.review_members(ns)))
    assert misfits.reviewed == ReviewedMembers(everyone, listed, revision)
    client.put_items(ns, "another", _vectors(1, 9))
    assert len(list(misfits)) == listed - 1
    assert misfits.reviewed == ReviewedMembers(everyone, listed, revision + 1)
    none = client.review_members(ns, min_difference=1.99)
    assert list(none) == []
    assert none.reviewed == ReviewedMembers(everyone, 0, revision + 1)


def test_the_asynchronous_client_reviews_the_same(shared_server: ServerHandle, ns: str) -> None:
    async def reviewed() -> tuple[list[MemberReview], ReviewedMembers | None]:
        async with AsyncClient(shared_server.target) as client:
            found = client.review_members(ns)
            return [each async for each in found], found.reviewed

    with Client(shared_server.target) as client:
        fill(client, ns)
        found = client.review_members(ns)
        assert (list(found), found.reviewed) == asyncio.run(reviewed())


def test_the_filter_chooses_members_and_changes_nothing_else(client: Client, ns: str) -> None:
    fill(client, ns)
    everyone = {(e.item, e.category): e for e in client.review_members(ns, min_difference=-2)}

    def chosen(**wanted: Any) -> list[MemberReview]:
        found = list(client.review_members(ns, min_difference=-2, **wanted))
        assert all(everyone[each.item, each.category] == each for each in found)
        return found

    assert {each.category for each in chosen(category="share")} == {"share"}
    assert {each.category for each in chosen(actor="actor 0")} == {"plain", "frozen"}
    assert len(chosen(key_prefix="i1")) == 10
    times = sorted(each.assign_time for each in everyone.values())
    middle, end = times[len(times) // 2], times[-1] + timedelta(milliseconds=1)
    since = chosen(since=middle)
    assert {each.item for each in since} == {
        each.item for each in everyone.values() if each.assign_time >= middle
    }
    assert len(chosen(until=middle)) + len(since) == len(everyone)
    assert len(chosen(since=times[0], until=end)) == len(everyone)
    assert chosen(since=end) == []
    assert chosen(category="plain", actor="actor 1") == []


def test_a_member_without_which_nothing_is_left(client: Client, ns: str) -> None:
    client.create_namespace(ns, 2)
    client.put_categories(ns, [CategoryUpdate("only"), CategoryUpdate("other", base=[0, 1])])
    client.assign(ns, "one", "only", [1, 1])
    assert list(client.review_members(ns, min_difference=-2)) == []
    (one,) = client.review_members(ns, "influence")
    assert (one.score, one.difference, one.movement) == (None, None, 2.0)
    assert one.other_category == "other"
    client.delete_categories(ns, "other")
    (one,) = client.review_members(ns, "influence")
    assert (one.other_category, one.other_score) == (None, None)


def test_the_reply_counts_what_was_reviewed_and_what_is_listed(
    client: Client, raw: Raw, ns: str
) -> None:
    fill(client, ns)
    misfits = len(list(client.review_members(ns)))
    for request, listed in [
        (pb.ReviewMembersRequest(page_size=1), misfits),
        (pb.ReviewMembersRequest(page_size=1, min_difference=2), 0),
        (pb.ReviewMembersRequest(page_size=1, order=pb.REVIEW_ORDER_INFLUENCE), 12 * 3 + 7),
    ]:
        request.namespace = ns
        reply = raw.call("ReviewMembers", request)
        assert (reply.member_count, reply.listed_count) == (60, listed)
        assert reply.revision == client.get_namespace(ns).revision
        assert bool(reply.next_page_token) == (listed > 1)


@pytest.mark.parametrize("kernel", kernels())
def test_every_kernel_reviews_alike(tmp_path: Path, kernel: str) -> None:
    with (
        Client.embedded(tmp_path / kernel, kernel=kernel) as client,
        Client.embedded(tmp_path / "other", kernel="scalar") as other,
    ):
        for each in (client, other):
            fill(each, "n")
        for order in _ORDERS:
            found, expected = (
                [(e.item, e.category, e.score, e.other_score, e.movement) for e in every]
                for every in (c.review_members("n", order) for c in (client, other))
            )
            assert found == expected


def test_arguments_are_checked(client: Client, ns: str) -> None:
    with pytest.raises(ValueError, match="order must be one of 'misfit', 'influence'"):
        client.review_members(ns, "worst")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="since must have a time zone"):
        client.review_members(ns, since=datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(TypeError, match="actor must be"):
        client.review_members(ns, actor=7)  # type: ignore[arg-type]
    client.create_namespace(ns, 2)
    assert list(client.review_members(ns, since=datetime(2026, 1, 1, tzinfo=UTC))) == []


def _bad(name: str, field: str, reason: str = "OUT_OF_RANGE", **fields: Any) -> Bad:
    code = "NOT_FOUND" if reason == "CATEGORY_NOT_FOUND" else "INVALID_ARGUMENT"

    def request(ns: str) -> pb.ReviewMembersRequest:
        return pb.ReviewMembersRequest(namespace=ns, **fields)

    return Bad(name, "ReviewMembers", request, code, reason, field)


@table(
    [
        _bad("an order", "order", order=7),
        _bad("1001 members", "page_size", page_size=1001),
        _bad("a token", "page_token", "INVALID_PAGE_TOKEN", page_token="00"),  # noqa: S106
        _bad("a difference", "min_difference", min_difference=2.5),
        _bad("no number", "min_difference", min_difference=float("nan")),
        _bad(
            "a difference of an influence",
            "min_difference",
            order=pb.REVIEW_ORDER_INFLUENCE,
            min_difference=0.5,
        ),
        _bad("a key", "filter.category", "INVALID_KEY", filter={"category": "b\n"}),
        _bad("a category", "filter.category", "CATEGORY_NOT_FOUND", filter={"category": "no"}),
        _bad("an actor", "filter.actor", "TOO_LARGE", filter={"actor": "x" * 257}),
        _bad("a prefix", "filter.key_prefix", "TOO_LARGE", filter={"key_prefix": "x" * 513}),
        _bad(
            "an end before its start",
            "filter.end_time",
            filter={"start_time": {"seconds": 9}, "end_time": {"seconds": 8}},
        ),
        _bad("a time", "filter.start_time.nanos", filter={"start_time": {"nanos": -1}}),
    ]
)
def test_bad_requests_are_refused(bad: Bad, client: Client, raw: Raw, ns: str) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))


def test_a_token_belongs_to_its_order_and_filter(client: Client, raw: Raw, ns: str) -> None:
    fill(client, ns)
    request = pb.ReviewMembersRequest(namespace=ns, page_size=1)
    request.page_token = raw.call("ReviewMembers", request).next_page_token
    assert raw.call("ReviewMembers", request).members
    for fields in ({"order": 2}, {"filter": {"category": "plain"}}, {"min_difference": -1}):
        other = pb.ReviewMembersRequest(**fields)
        other.MergeFrom(request)
        with pytest.raises(Exception, match="INVALID_PAGE_TOKEN"):
            raw.call("ReviewMembers", other)
