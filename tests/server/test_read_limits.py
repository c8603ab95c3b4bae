"""Limits of Explain, of reviews, of Suggest, of a page of history and of a watch, each exceeded."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client, errors
from effective_embeddings.v1 import service_pb2
from tests.server.limit_requests import LIMITS, explain, impact, put, suggest
from tests.support.raw import EmbeddedRaw, RefusedError, embedding


def test_explain_defaults(raw: EmbeddedRaw) -> None:
    categories = [
        service_pb2.CategoryUpdate(key=f"c{n:03}", base=embedding([1, n])) for n in range(10)
    ]
    raw.call(
        "PutCategories", service_pb2.PutCategoriesRequest(namespace="n", categories=categories)
    )
    _assign(raw, [(f"i{n}", [1, 0], 1) for n in range(50)], "c000")
    found = raw.call(*explain()).explanations
    assert len(found) == LIMITS["default_explain_limit"].value
    (found,) = raw.call(*explain(categories=["c000"])).explanations
    assert len(found.members) == LIMITS["default_explain_members"].value


def _assign(raw: EmbeddedRaw, items: list[tuple[str, list[float], float]], category: str) -> None:
    entries = [
        service_pb2.Assignment(
            item=key, category=category, embedding=embedding(vector), weight=weight
        )
        for key, vector, weight in items
    ]
    raw.call("Assign", service_pb2.AssignRequest(namespace="n", assignments=entries))


def test_explain_what_ifs(raw: EmbeddedRaw) -> None:
    limit = int(LIMITS["explain_what_ifs"].value)
    _assign(raw, [("i", [1, 0], 1)], "c")
    change = service_pb2.WhatIf(item="i", weight=2)
    assert len(raw.call(*explain(what_if=[change] * limit)).what_if) == limit
    with pytest.raises(RefusedError) as caught:
        raw.call(*explain(what_if=[change] * (limit + 1)))
    assert (caught.value.reason, caught.value.metadata["field"]) == ("TOO_LARGE", "what_if")
    assert caught.value.metadata["limit"] == str(limit)


def test_explain_members_read(raw: EmbeddedRaw) -> None:
    """The oldest member has the largest part, and is read as long as it is among the newest."""
    limit = int(LIMITS["explain_members_read"].value)
    _assign(raw, [("oldest", [1, 0], 1000)], "c")
    for first in range(1, limit, 1000):
        others = range(first, min(first + 1000, limit))
        _assign(raw, [(f"i{n}", [0, 1], 1) for n in others], "c")
    request = explain(categories=["c"], member_limit=1)
    (found,) = raw.call(*request).explanations
    assert found.members[0].item == "oldest"
    _assign(raw, [("newest", [0, 1], 1)], "c")
    (found,) = raw.call(*request).explanations
    assert found.members[0].item != "oldest"


def test_copied_category_bytes(tmp_path: Path) -> None:
    """A component of a category takes 17 bytes."""
    dimension = 16_384
    most = int(LIMITS["copied_category_bytes"].value) // (17 * dimension)
    review = service_pb2.ReviewMembersRequest(namespace="n")
    past = service_pb2.GetCategoryRequest(namespace="n", category="c0", at_revision=2)
    with Client.embedded(tmp_path / "data") as client:
        client.create_namespace("n", dimension)
        raw = EmbeddedRaw(client._transport._engine)  # type: ignore[attr-defined]
        client.put_categories("n", [CategoryUpdate(f"c{number}") for number in range(most)])
        assert raw.call("ReviewMembers", review).member_count == 0
        assert raw.call("GetCategory", past).revision == 2
        client.put_categories("n", [CategoryUpdate("more")])
        for method, request in (("ReviewMembers", review), ("GetCategory", past)):
            with pytest.raises(RefusedError) as caught:
                raw.call(method, request)
            refusal = caught.value
            assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "TOO_LARGE")
            assert refusal.metadata == {"limit": str(most), "category_count": str(most + 1)}


def test_concurrent_copied_bytes(tmp_path: Path) -> None:
    """Five reviews at a time, each of more than a quarter of the bytes."""
    dimension = 16_384
    limit = int(LIMITS["concurrent_copied_bytes"].value)
    count = limit // 4 // (17 * dimension) + 1
    review = service_pb2.ReviewMembersRequest(namespace="n")
    past = service_pb2.GetCategoryRequest(namespace="n", category="c0", at_revision=2)
    with Client.embedded(tmp_path / "data") as client:
        client.create_namespace("n", dimension)
        client.put_categories("n", [CategoryUpdate(f"c{number}") for number in range(count)])
        raw = EmbeddedRaw(client._transport._engine)  # type: ignore[attr-defined]
        refused: list[RefusedError] = []

        def copies(method: str, request: Any) -> None:
            try:
                for _ in range(3):
                    raw.call(method, request)
            except RefusedError as error:
                refused.append(error)

        both = (("ReviewMembers", review), ("GetCategory", past))
        threads = [threading.Thread(target=copies, args=both[number % 2]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert refused
        for refusal in refused:
            assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
            assert refusal.metadata == {"limit": "concurrent_copied_bytes", "value": str(limit)}
        # All of them are given back, and the client tries again when the refusal says.
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: list(client.review_members("n")), range(8)))
        assert found == [[]] * 8
        assert client._transport._engine.stats()["copied_bytes"] == 0  # type: ignore[attr-defined]


def test_review_levels(raw: EmbeddedRaw) -> None:
    most = int(LIMITS["review_levels"].value)
    request = service_pb2.EstimateReviewRateRequest(namespace="n", levels=[0.5] * most)
    assert len(raw.call("EstimateReviewRate", request).rates) == most
    request.levels.append(0.5)
    with pytest.raises(RefusedError) as caught:
        raw.call("EstimateReviewRate", request)
    assert (caught.value.code, caught.value.reason) == ("INVALID_ARGUMENT", "TOO_LARGE")
    assert caught.value.metadata["limit"] == str(most)


def test_review_sample(raw: EmbeddedRaw) -> None:
    most = int(LIMITS["review_sample"].value)
    request = service_pb2.EstimateReviewRateRequest(namespace="n", sample_size=most)
    raw.call("EstimateReviewRate", request)
    request.sample_size += 1
    with pytest.raises(RefusedError) as caught:
        raw.call("EstimateReviewRate", request)
    assert (caught.value.code, caught.value.reason) == ("INVALID_ARGUMENT", "OUT_OF_RANGE")
    default = int(LIMITS["default_review_sample"].value)
    _assign(raw, [(f"i{number}", [1, 0.001 * number], 1) for number in range(default + 1)], "c")
    request.sample_size = 0
    reply = raw.call("EstimateReviewRate", request)
    assert (reply.sample_count, reply.member_count > default) == (default, True)


def test_suggest_defaults(raw: EmbeddedRaw) -> None:
    items = [service_pb2.ItemUpdate(key=f"i{n}", embedding=embedding([1, n])) for n in range(20)]
    raw.call("PutItems", service_pb2.PutItemsRequest(namespace="n", items=items))
    base = service_pb2.CategoryUpdate(key="c", base=embedding([1, 1]))
    raw.call("PutCategories", service_pb2.PutCategoriesRequest(namespace="n", categories=[base]))
    (group,) = raw.call(*suggest(order=service_pb2.SUGGEST_ORDER_GROUPED)).groups
    assert len(group.suggestions) == LIMITS["default_suggest_group_size"].value


def test_suggest_pairs(tmp_path: Path) -> None:
    limit = int(LIMITS["suggest_pairs"].value)
    categories, items = 100_000, 10_000
    assert categories * items == limit
    with Client.embedded(tmp_path / "data") as client:
        client.create_namespace("n", 1)
        client.put_categories("n", [CategoryUpdate(f"c{n}", base=[1]) for n in range(categories)])
        client.put_items("n", [f"i{n}" for n in range(items)], np.ones((items, 1)))
        client.put_items("n", "another", [1])
        with pytest.raises(errors.InvalidArgument) as caught:
            client.suggest("n")
        assert caught.value.reason == "TOO_LARGE"
        assert caught.value.metadata["limit"] == str(limit)
        assert caught.value.metadata["actual"] == str(limit + categories)
        assert str(limit) in caught.value.message
        page = client.suggest("n", key_prefix="i99", page_size=1)
        assert page.item_count == 111
        assert page.suggestions[0].best.category == "c0"


def _put_categories(raw: EmbeddedRaw, keys: list[str]) -> None:
    categories = [
        service_pb2.CategoryUpdate(key=key, base=embedding([1, number]))
        for number, key in enumerate(keys)
    ]
    raw.call(
        "PutCategories", service_pb2.PutCategoriesRequest(namespace="n", categories=categories)
    )


def test_review_members(raw: EmbeddedRaw) -> None:
    """By default not all members are reviewed, and few of a half are listed."""
    limit = int(LIMITS["default_review_members"].value)
    vectors = [[1, number % 2 * 3] for number in range(limit + 1)]
    _assign(raw, [(f"i{n}", [float(x) for x in v], 1) for n, v in enumerate(vectors)], "c")
    (found,) = raw.call(
        "ReviewCategories", service_pb2.ReviewCategoriesRequest(namespace="n", category="c")
    ).categories
    assert found.reviewed_count == limit
    halves = found.split.halves
    assert [half.member_count for half in halves] == [limit // 2] * 2
    assert {len(half.items) for half in halves} == {LIMITS["split_listed"].value}


def test_confused_listed(raw: EmbeddedRaw) -> None:
    limit = int(LIMITS["confused_listed"].value)
    keys = [f"c{number:02}" for number in range(limit + 2)]
    _put_categories(raw, keys)
    # Each fits another category exactly.
    items = [(f"i{n}", [1.0, float(n)], 0.01) for n in range(1, limit + 2)]
    _assign(raw, items, keys[0])
    (found,) = raw.call(
        "ReviewCategories", service_pb2.ReviewCategoriesRequest(namespace="n", category=keys[0])
    ).categories
    assert (found.misfit_count, len(found.confused)) == (limit + 1, limit)


def test_review_members_read(raw: EmbeddedRaw) -> None:
    """A page ends behind the category with which so many members were read."""
    each = int(LIMITS["review_members"].value)
    enough = int(LIMITS["review_members_read"].value) // each
    keys = [f"c{number:03}" for number in range(enough + 1)]
    _put_categories(raw, keys)
    for key in keys:
        _assign(raw, [(f"{key}-{n}", [1.0, 0.0], 1) for n in range(each)], key)
    request = service_pb2.ReviewCategoriesRequest(namespace="n", member_limit=each, page_size=1000)
    page = raw.call("ReviewCategories", request)
    assert page.categories[-1].category == keys[enough - 1]
    assert page.next_page_token


def test_duplicate_members_read(raw: EmbeddedRaw) -> None:
    """Blocks of 1,024 members are each compared with all earlier ones and with themselves."""
    limit = int(LIMITS["duplicate_members_read"].value)
    items = 12 * 1_024
    assert items * (items / 1_024 + 1) / 2 < limit < 2 * items * (2 * items / 1_024 + 1) / 2
    request = service_pb2.ReviewDuplicatesRequest(
        namespace="n", filter={"category": "c"}, min_similarity=1.0
    )
    replies = []
    for first in range(0, 2 * items, 6_144):
        angles = [n / items for n in range(first, first + 6_144)]
        some = [(f"i{first + n}", [1.0, angle], 1.0) for n, angle in enumerate(angles)]
        _assign(raw, some, "c")
        replies.append(raw.call("ReviewDuplicates", request))
    assert [bool(reply.next_page_token) for reply in replies[:2]] == [False, False]
    assert replies[-1].next_page_token


def _impact(raw: EmbeddedRaw, **fields: Any) -> service_pb2.ReviewImpactResponse:
    reply: service_pb2.ReviewImpactResponse = raw.call(*impact(**fields))
    return reply


def test_default_impact_items(raw: EmbeddedRaw) -> None:
    limit = int(LIMITS["default_impact_items"].value)
    _many(raw, limit // 2, "")
    before = _impact(raw).item_count
    assert before == limit // 2
    items = [
        service_pb2.ItemUpdate(key=f"more{n}", embedding=embedding([1, 0])) for n in range(limit)
    ]
    raw.call("PutItems", service_pb2.PutItemsRequest(namespace="n", items=items))
    assert abs(_impact(raw).item_count - limit) < limit / 20
    assert _impact(raw, item_limit=2 * limit).item_count == before + limit


def test_impact_listed(raw: EmbeddedRaw) -> None:
    """Eve pulls each category to the place of the next, and items at their places change hands."""
    limit = int(LIMITS["impact_listed"].value)
    assert limit == LIMITS["default_impact_changes"].value
    count = limit + 5
    keys = [f"c{number:03}" for number in range(count)]
    slopes = [1.05 ** (number - count / 2) for number in range(count)]
    categories = [
        service_pb2.CategoryUpdate(key=key, base=embedding([1, slope]))
        for key, slope in zip(keys, slopes, strict=True)
    ]
    raw.call(
        "PutCategories", service_pb2.PutCategoriesRequest(namespace="n", categories=categories)
    )
    entries = [
        service_pb2.Assignment(
            item=f"e{key}", category=key, embedding=embedding([1, slope * 1.05]), weight=100
        )
        for key, slope in zip(keys, slopes, strict=True)
    ]
    write = service_pb2.WriteOptions(actor="eve")
    raw.call("Assign", service_pb2.AssignRequest(namespace="n", assignments=entries, write=write))
    items = [
        service_pb2.ItemUpdate(key=f"q{number:03}", embedding=embedding([1, slope]))
        for number, slope in enumerate(slopes)
    ]
    raw.call("PutItems", service_pb2.PutItemsRequest(namespace="n", items=items))
    reply = _impact(raw)
    assert reply.changed_count > limit
    assert [len(reply.changes), len(reply.flows), len(reply.categories)] == [limit] * 3


def _history_of_nobody(raw: EmbeddedRaw) -> bool:
    """Whether one page reads the whole history."""
    nobody = service_pb2.HistoryFilter(actor="nobody")
    request = service_pb2.ListHistoryRequest(namespace="n", filter=nobody)
    page = raw.call("ListHistory", request)
    assert not page.changes
    return not page.next_page_token


def test_history_page_revisions(raw: EmbeddedRaw) -> None:
    # Two revisions made the namespace.
    for number in range(int(LIMITS["history_page_revisions"].value) - 2):
        raw.call(*put(weight=1 + number % 2))
    assert _history_of_nobody(raw)
    raw.call(*put(weight=3))
    assert not _history_of_nobody(raw)


def test_history_page_log_bytes(raw: EmbeddedRaw) -> None:
    limit = int(LIMITS["history_page_log_bytes"].value)
    entry = 900 * 4000
    for number in range(limit // entry + 2):
        # Each item gets other metadata, else nothing is written.
        metadata = {"k": f"{number:04}" * 1000}
        items = [
            service_pb2.ItemUpdate(key=f"i{n}", embedding=embedding([1, 0]), metadata=metadata)
            for n in range(900)
        ]
        raw.call("PutItems", service_pb2.PutItemsRequest(namespace="n", items=items))
        if number * entry < limit // 4:
            assert _history_of_nobody(raw)
    assert not _history_of_nobody(raw)


def test_watch_heartbeat_seconds(tmp_path: Path) -> None:
    pause = LIMITS["watch_heartbeat_seconds"].value
    with Client.embedded(tmp_path / "data") as client:
        client.create_namespace("n", 2)
        watch = client.watch_history("n", after_revision=1)
        next(watch)
        begin = time.monotonic()
        assert not next(watch).changes
        assert pause * 0.9 < time.monotonic() - begin < pause + 10


def _undo(raw: EmbeddedRaw, first: int, last: int) -> service_pb2.UndoResponse:
    reply: service_pb2.UndoResponse = raw.call(
        "Undo",
        service_pb2.UndoRequest(
            namespace="n",
            range=service_pb2.RevisionRange(first_revision=first, last_revision=last),
            skip_conflicts=True,
            write=service_pb2.WriteOptions(validate_only=True),
        ),
    )
    return reply


def _many(raw: EmbeddedRaw, count: int, text: str) -> int:
    items = [
        service_pb2.ItemUpdate(key=f"i{n}", embedding=embedding([1, 0]), metadata={"k": text})
        for n in range(count)
    ]
    request = service_pb2.PutItemsRequest(namespace="n", items=items)
    return int(raw.call("PutItems", request).revision)


def _assert_undo_refused(raw: EmbeddedRaw, first: int, last: int, limit: int) -> None:
    with pytest.raises(RefusedError) as caught:
        _undo(raw, first, last)
    assert caught.value.reason == "TOO_LARGE"
    assert caught.value.metadata["limit"] == str(limit)
    assert str(limit) in caught.value.message


def test_past_changes(raw: EmbeddedRaw) -> None:
    limit = int(LIMITS["past_changes"].value)
    last = 0
    for number in range(limit // 10_000):
        last = _many(raw, 10_000, str(number))
    query = service_pb2.Query(item="i0")
    at_revision = last - limit // 10_000
    request = service_pb2.MatchRequest(namespace="n", queries=[query], at_revision=at_revision)
    with pytest.raises(RefusedError) as caught:
        raw.call("Match", request)
    assert caught.value.reason == "ITEM_NOT_FOUND"
    _many(raw, 1, "more")
    with pytest.raises(RefusedError) as caught:
        raw.call("Match", request)
    assert caught.value.reason == "TOO_LARGE"
    assert caught.value.metadata == {"field": "at_revision", "limit": str(limit)}


def test_undo_changes(raw: EmbeddedRaw) -> None:
    limit = int(LIMITS["undo_changes"].value)
    last = 0
    for number in range(limit // 10_000):
        last = _many(raw, 10_000, str(number))
    assert _undo(raw, 3, last).change_count == limit
    last = _many(raw, 1, "more")
    _assert_undo_refused(raw, 3, last, limit)
    _undo(raw, 4, last)


def test_undo_listed(raw: EmbeddedRaw) -> None:
    limit = int(LIMITS["undo_listed"].value)
    created = _many(raw, limit + 1, "first")
    last = _many(raw, limit + 1, "second")
    reply = _undo(raw, last, last)
    assert (len(reply.changes), reply.change_count) == (limit, limit + 1)
    reply = _undo(raw, created, created)
    assert (len(reply.conflicts), reply.conflict_count) == (limit, limit + 1)


def test_undo_log_bytes(raw: EmbeddedRaw) -> None:
    limit = int(LIMITS["undo_log_bytes"].value)
    entry = 5_000 * 8_000
    last = 0
    for number in range(limit // entry + 2):
        last = _many(raw, 5_000, f"{number:04}" * 2000)
    _undo(raw, 4, 5)
    _assert_undo_refused(raw, 4, last, limit)
