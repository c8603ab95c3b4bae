"""The history: every change with its author, in pages of any size, filtered."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client, HistoryChange
from effective_embeddings.v1 import service_pb2 as pb
from tests.contract.bad_input.cases import Bad, assert_refused, make_good_state, table
from tests.support.raw import Raw


@pytest.fixture
def notes(client: Client, ns: str) -> str:
    """Two categories, two items, a move, and changes of everything else; twelve revisions."""
    client.create_namespace(ns, 2)
    client.put_categories(ns, [CategoryUpdate("a"), CategoryUpdate("b")], actor="ann")
    client.put_items(ns, "one", [1, 0], metadata={"text": "One"}, actor="ann")
    client.assign(ns, "one", "a", actor="ann", reason="looks like it")
    client.assign(ns, "two", "a", [0, 1], weights=2, actor="bob", request_id="request 5")
    client.assign(ns, "one", "b", actor="bob", reason="no, that")
    client.put_items(ns, "two", weights=3, metadata={"text": "Two"}, actor="bob")
    client.put_categories(ns, [CategoryUpdate("b", window=5)], actor="ann")
    client.reanchor(ns, "b", actor="ann")
    client.unassign(ns, "one", actor="ann")
    client.delete_items(ns, "two", actor="ann")
    client.delete_categories(ns, "a", actor="ann")
    client.update_namespace(ns, description="mine", actor="ann")
    return ns


def _line(change: HistoryChange) -> str:
    path = f"{change.from_category or '-'}>{change.to_category or '-'}"
    return f"{change.revision}.{change.index} {change.actor} {change.kind} {change.item} {path}"


def test_every_change_is_listed_with_its_author(client: Client, notes: str) -> None:
    lines = [_line(change) for change in client.history(notes, newest_first=False)]
    assert lines[1:] == [
        "2.0 ann category_created  ->-",
        "2.1 ann category_created  ->-",
        "3.0 ann item_created one ->-",
        "4.0 ann assigned one ->a",
        "5.0 bob item_created two ->-",
        "5.1 bob assigned two ->a",
        "6.0 bob assigned one a>b",
        "7.0 bob item_updated two ->-",
        "8.0 ann category_updated  ->-",
        "9.0 ann category_reanchored  ->-",
        "10.0 ann unassigned one b>-",
        "11.0 ann unassigned two a>-",
        "11.1 ann item_deleted two ->-",
        "12.0 ann category_deleted  ->-",
        "13.0 ann namespace_updated  ->-",
    ]
    assert [_line(change) for change in client.history(notes)] == lines[::-1]


def test_a_change_has_what_was_before(client: Client, notes: str) -> None:
    changes = {(each.revision, each.index): each for each in client.history(notes)}
    moved = changes[6, 0]
    assert (moved.reason, moved.request_id != "") == ("no, that", True)
    ended = moved.ended_membership
    assert ended is not None
    assert (ended.category, ended.actor, ended.reason) == ("a", "ann", "looks like it")
    assert ended.assign_time == changes[4, 0].time
    assert changes[5, 1].request_id == "request 5"
    updated = changes[7, 0]
    assert (updated.weight_before, updated.metadata_before) == (2.0, {})
    assert changes[11, 1].metadata_before == {"text": "Two"}
    settings = changes[8, 0].category_before
    assert settings is not None
    assert (settings.key, settings.window, settings.base) == ("b", 0, None)
    assert changes[9, 0].anchor_before == 0
    assert changes[12, 0].category == "a"
    assert changes[12, 0].category_before is not None
    before = changes[13, 0].namespace_before
    assert before is not None
    assert (before.description, before.ranking) == ("", "cosine")
    assert changes[4, 0].namespace_before is None


def test_changes_are_filtered_by_every_field(client: Client, notes: str) -> None:
    everything = list(client.history(notes))

    def numbers(**wanted: Any) -> list[tuple[int, int]]:
        return [(each.revision, each.index) for each in client.history(notes, **wanted)]

    assert numbers(item="one") == [(10, 0), (6, 0), (4, 0), (3, 0)]
    assert numbers(category="a") == [(12, 0), (11, 0), (6, 0), (5, 1), (4, 0), (2, 0)]
    assert numbers(item="one", category="a") == [(6, 0), (4, 0)]
    assert numbers(actor="bob") == [(7, 0), (6, 0), (5, 1), (5, 0)]
    assert numbers(actor="bo") == numbers(item="on") == numbers(category="nothing") == []
    assert numbers(first_revision=11, last_revision=12) == [(12, 0), (11, 1), (11, 0)]
    assert numbers(first_revision=14) == []
    for change in everything:
        since = numbers(since=change.time)
        until = numbers(until=change.time)
        expected = [(each.revision, each.index) for each in everything if each.time >= change.time]
        assert since == expected
        assert until == [
            (each.revision, each.index) for each in everything if each.time < change.time
        ]
    assert numbers(since=datetime.now(UTC) + timedelta(days=1)) == []
    assert numbers(since=datetime(1970, 1, 1, tzinfo=UTC)) == numbers()


@pytest.mark.parametrize("size", [1, 2, 3, 16, 1000])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_pages_of_any_size_are_the_whole(
    size: int, order: int, client: Client, raw: Raw, notes: str
) -> None:
    whole = [(each.revision, each.index) for each in client.history(notes, newest_first=order != 2)]
    request = pb.ListHistoryRequest(namespace=notes, page_size=size, order=order)  # type: ignore[arg-type]
    paged = []
    while True:
        reply = raw.call("ListHistory", request)
        assert 0 < len(reply.changes) <= size
        paged += [(each.revision, each.index) for each in reply.changes]
        if not reply.next_page_token:
            break
        request.page_token = reply.next_page_token
    assert paged == whole


def test_the_history_replayed_is_the_present(client: Client, ns: str) -> None:
    """A model in plain Python: the memberships that follow from the changes are the stored ones."""
    rng = random.Random(7)
    client.create_namespace(ns, 3)
    client.put_categories(ns, [CategoryUpdate(key) for key in "abc"])
    items = [f"item {number}" for number in range(12)]
    vectors = np.random.default_rng(3).normal(size=(len(items), 3))
    for _ in range(60):
        some = rng.sample(range(len(items)), rng.randint(1, 4))
        keys = [items[index] for index in some]
        match rng.randint(0, 5):
            case 0:
                known = {item.key for item in client.list_items(ns)}
                if leaving := sorted(known.intersection(keys)):
                    client.unassign(ns, leaving)
            case 1:
                client.delete_items(ns, keys, allow_missing=True)
            case _:
                client.assign(ns, keys, rng.choice("abc"), vectors[some])
    state: dict[str, str | None] = {}
    for change in client.history(ns, newest_first=False):
        if change.kind == "item_created":
            assert change.item not in state
            state[change.item] = None
        elif change.kind == "item_deleted":
            assert state.pop(change.item) is None
        elif change.kind in {"assigned", "unassigned"}:
            assert state[change.item] == change.from_category
            state[change.item] = change.to_category
    stored = {
        item.key: item.memberships[0].category if item.memberships else None
        for item in client.list_items(ns)
    }
    assert state == stored
    revisions = [change.revision for change in client.history(ns)]
    assert {revision for revision, _ in itertools.groupby(revisions)} == set(
        range(1, client.get_namespace(ns).revision + 1)
    )


def test_a_time_needs_a_zone(client: Client, notes: str) -> None:
    with pytest.raises(ValueError, match="since must have a time zone"):
        list(client.history(notes, since=datetime(2026, 1, 1)))  # noqa: DTZ001
    with pytest.raises(TypeError, match="until must be a datetime, not str"):
        list(client.history(notes, until="2026-01-01"))  # type: ignore[arg-type]


def _bad(name: str, field: str, reason: str = "OUT_OF_RANGE", **fields: Any) -> Bad:
    return Bad(
        name,
        "ListHistory",
        lambda ns: pb.ListHistoryRequest(namespace=ns, **fields),
        "INVALID_ARGUMENT",
        reason,
        field,
    )


def _filter(**fields: Any) -> dict[str, Any]:
    return {"filter": pb.HistoryFilter(**fields)}


@table(
    [
        _bad("an order", "order", order=3),
        _bad("a page size", "page_size", page_size=1001),
        _bad("an item's key", "filter.item", "INVALID_KEY", **_filter(item="a\n")),
        _bad("a category's key", "filter.category", "INVALID_KEY", **_filter(category="k" * 513)),
        _bad("an actor", "filter.actor", "TOO_LARGE", **_filter(actor="a" * 257)),
        _bad(
            "nanoseconds",
            "filter.start_time.nanos",
            filter={"start_time": {"seconds": 5, "nanos": 1_000_000_000}},
        ),
        _bad("seconds", "filter.end_time.seconds", filter={"end_time": {"seconds": 2**63 - 1}}),
        _bad(
            "a period from its end",
            "filter.end_time",
            filter={"start_time": {"seconds": 5}, "end_time": {"seconds": 4}},
        ),
        _bad(
            "revisions from their end",
            "filter.last_revision",
            **_filter(first_revision=5, last_revision=4),
        ),
        _bad("a token", "page_token", "INVALID_PAGE_TOKEN", page_token="abcdef"),  # noqa: S106,
    ]
)
def test_bad_requests_are_refused(bad: Bad, client: Client, raw: Raw, ns: str) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))


def test_a_token_belongs_to_its_filter_and_order(client: Client, raw: Raw, ns: str) -> None:
    make_good_state(client, ns)
    request = pb.ListHistoryRequest(namespace=ns, page_size=1)
    token = raw.call("ListHistory", request).next_page_token
    for other in (_filter(item="known"), {"order": 2}, _filter(first_revision=1)):
        bad = _bad("another list's", "page_token", "INVALID_PAGE_TOKEN", page_token=token, **other)
        assert_refused(bad, client, raw, ns)
