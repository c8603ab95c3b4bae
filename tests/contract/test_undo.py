"""Undo: afterwards it is as if the changes had never been made."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from effective_embeddings import (
    CategoryUpdate,
    Client,
    Item,
    UndoConflict,
    UndoneChange,
    UndoReply,
    errors,
)
from effective_embeddings.v1 import service_pb2 as pb
from tests.contract.bad_input.cases import Bad, assert_refused, make_good_state, table
from tests.support.raw import Raw


@pytest.fixture
def notes(client: Client, ns: str) -> str:
    """Two categories, one with a window of two members, and three members; four revisions."""
    client.create_namespace(ns, 2)
    client.put_categories(
        ns, [CategoryUpdate("a", base=[1, 0], window=2), CategoryUpdate("b", base=[0, 1])]
    )
    client.assign(ns, ["one", "two"], "a", [[1, 1], [2, 1]], actor="ann", reason="first")
    client.assign(ns, "three", "a", [3, 1], actor="ann")
    return ns


def _state(client: Client, ns: str) -> tuple[bytes, list[Item], list[Any]]:
    categories = list(client.list_categories(ns, include_embeddings=True))
    seen = [
        (each.key, each.member_count, each.counting_count, each.effective.tobytes())
        for each in categories
        if each.effective is not None
    ]
    return client.get_namespace(ns).digest, list(client.list_items(ns)), seen


def test_a_membership_is_restored_with_its_place_time_and_actor(client: Client, notes: str) -> None:
    """The window counts the same members as before: the oldest stays out of it."""
    before = _state(client, notes)
    client.assign(notes, ["one", "three"], "b", actor="eve", reason="nonsense")
    client.unassign(notes, "two", delete_items=True, actor="eve")
    assert _state(client, notes) != before

    reply = client.undo(notes, revisions=(5, 6), actor="ann", reason="wrong teacher")

    assert _state(client, notes) == before
    assert reply.revision == client.get_namespace(notes).revision == 7
    assert (reply.change_count, reply.conflicts) == (len(reply.changes), ())
    assert reply.changes[:2] == (
        UndoneChange(6, "item_created", "two", ""),
        UndoneChange(6, "assigned", "two", "a"),
    )
    one = client.get_item(notes, "one").memberships[0]
    assert (one.actor, one.reason) == ("ann", "first")
    assert client.verify(notes).ok


def test_the_digest_is_that_of_a_namespace_in_which_it_never_happened(
    client: Client, ns: str
) -> None:
    def build(name: str, *, with_eve: bool) -> None:
        client.create_namespace(name, 2)
        client.put_categories(name, [CategoryUpdate("a", base=[1, 0], window=2)])
        for number in range(6):
            client.assign(name, f"good {number}", "a", [number, 1], actor="ann")
            if with_eve:
                client.assign(name, f"bad {number}", "a", [-1, -number], actor="eve")

    start = datetime.now(UTC) - timedelta(minutes=1)
    build(ns, with_eve=True)
    build(f"{ns}-without", with_eve=False)
    digest = client.get_namespace(f"{ns}-without").digest
    assert client.get_namespace(ns).digest != digest
    assert client.undo(ns, by="nobody", since=start).change_count == 0
    assert client.undo(ns, by="eve", since=datetime.now(UTC) + timedelta(hours=1)).changes == ()
    reply = client.undo(ns, by="eve", since=start)
    assert reply.change_count == 12
    assert client.get_namespace(ns).digest == digest
    again = client.undo(ns, by="eve", since=start)
    assert (again.change_count, again.revision) == (0, reply.revision)


def test_only_what_the_actor_did_since_the_time_is_taken_back(client: Client, notes: str) -> None:
    client.assign(notes, "early", "b", [1, 2], actor="eve")
    time.sleep(0.005)
    between = next(client.history(notes)).time + timedelta(milliseconds=1)
    client.assign(notes, "late", "b", [1, 3], actor="eve")
    client.undo(notes, by="eve", since=between)
    assert {each.key for each in client.list_items(notes)} == {"one", "two", "three", "early"}


def test_a_preview_writes_nothing_and_a_redo_brings_all_back(client: Client, notes: str) -> None:
    client.assign(notes, "one", "b", actor="eve")
    taught = _state(client, notes)
    preview = client.undo(notes, 5, validate_only=True)
    assert _state(client, notes) == taught
    assert preview.revision == client.get_namespace(notes).revision == 5
    assert preview.changes == (
        UndoneChange(5, "unassigned", "one", "b"),
        UndoneChange(5, "assigned", "one", "a"),
    )
    done = client.undo(notes, 5)
    assert (done.changes, done.revision) == (preview.changes, 6)
    # It is in the history, with what it takes back: a move is one change there.
    (change,) = client.history(notes, first_revision=6)
    assert (change.undoes_revision, change.from_category, change.to_category) == (5, "b", "a")
    assert next(client.history(notes, last_revision=5)).undoes_revision == 0

    client.undo(notes, done.revision)
    assert _state(client, notes) == taught
    # The move was taken back and has come again, so it can be taken back again.
    assert client.undo(notes, 5).change_count == 2


def test_conflicts_are_named_and_change_nothing_or_are_left_out(client: Client, notes: str) -> None:
    client.assign(notes, ["one", "two"], "b", actor="eve")
    client.assign(notes, "two", "a", actor="bob")
    before = _state(client, notes)
    with pytest.raises(errors.FailedPrecondition) as caught:
        client.undo(notes, 5)
    assert caught.value.reason == "UNDO_CONFLICT"
    named = caught.value.metadata
    assert named["conflicts"] == "2"
    for field, expected in {"revision": "5", "item": "two", "by_revision": "6"}.items():
        assert named[f"conflicts[0].{field}"] == expected
    assert "revision 5" in str(caught.value)
    assert _state(client, notes) == before

    reply = client.undo(notes, 5, skip_conflicts=True)
    assert reply.conflict_count == 2
    assert set(reply.conflicts) == {
        UndoConflict(5, "assigned", "two", "b", 6),
        UndoConflict(5, "unassigned", "two", "a", 6),
    }
    assert {change.item for change in reply.changes} == {"one"}
    assert client.get_item(notes, "one").memberships[0].category == "a"
    assert client.verify(notes).ok


def test_settings_categories_and_the_namespace_are_taken_back(client: Client, notes: str) -> None:
    before = _state(client, notes)
    client.put_categories(notes, [CategoryUpdate("a", base=[0, 1], window=1)])
    client.reanchor(notes, "a")
    client.put_items(notes, "one", [5, 5], weights=4, metadata={"k": "v"})
    client.update_namespace(notes, description="other", ranking="local")
    client.put_categories(notes, [CategoryUpdate("new")])
    client.delete_categories(notes, "a")
    client.undo(notes, revisions=(5, 10))
    assert _state(client, notes) == before
    assert client.get_namespace(notes).description == ""


def test_another_namespace_of_the_name_has_a_history_of_its_own(client: Client, ns: str) -> None:
    """What happened before it was created is not in it; a restored one begins again too."""
    for _ in range(2):
        client.create_namespace(ns, 2)
        client.put_items(ns, ["one", "two"], [[1, 0], [0, 1]])
        client.put_items(ns, "one", [2, 0])
        with pytest.raises(errors.FailedPrecondition) as caught:
            client.undo(ns, 4)
        assert caught.value.reason == "REVISION_NOT_REACHED"
        assert caught.value.metadata == {"expected": "4", "actual": "3"}
        client.delete_namespace(ns, force=True)


def test_the_largest_write_can_be_taken_back(client: Client, ns: str) -> None:
    """Ten thousand moves with new embeddings are thirty thousand changes; 1,000 are listed."""
    client.create_namespace(ns, 2)
    client.put_categories(ns, [CategoryUpdate("a"), CategoryUpdate("b")])
    keys = [f"i{number}" for number in range(10_000)]
    client.assign(ns, keys, "a", [[number / 1e4 + 0.1, 1] for number in range(10_000)])
    digest = client.get_namespace(ns).digest
    client.assign(ns, keys, "b", [[1, number / 1e4] for number in range(10_000)])
    last = client.get_namespace(ns).revision
    reply = client.undo(ns, revisions=(_first_of_b(client, ns), last))
    # An item whose embedding stays is not updated.
    assert reply.change_count in {29_999, 30_000}
    assert len(reply.changes) == 1000
    assert client.get_namespace(ns).digest == digest


def _first_of_b(client: Client, ns: str) -> int:
    changes = client.history(ns, category="b", newest_first=False)
    return next(each.revision for each in changes if each.to_category == "b")


def test_what_was_trimmed_cannot_be_taken_back(client: Client, notes: str) -> None:
    start = datetime.now(UTC) - timedelta(minutes=1)
    client.assign(notes, "one", "b", actor="ann")
    client.trim_history(notes, before_revision=4)
    before = _state(client, notes)
    for given in ({"revision": 3}, {"revisions": (2, 5)}, {"by": "ann", "since": start}):
        with pytest.raises(errors.FailedPrecondition) as caught:
            client.undo(notes, **given)
        assert caught.value.reason == "HISTORY_TRIMMED"
        assert caught.value.metadata["first_revision"] == "4"
    assert _state(client, notes) == before
    assert client.undo(notes, revisions=(4, 5)).change_count == 4


def test_only_at_a_revision_and_only_one_request_of_an_id(client: Client, notes: str) -> None:
    with pytest.raises(errors.FailedPrecondition, match="revision"):
        client.undo(notes, 4, if_revision=3)
    first = client.undo(notes, 4, if_revision=4, request_id="undo")
    assert client.undo(notes, 4, if_revision=4, request_id="undo") == first
    with pytest.raises(errors.FailedPrecondition) as caught:
        client.undo(notes, 3, request_id="undo")
    assert caught.value.reason == "REQUEST_ID_REUSED"
    assert isinstance(first, UndoReply)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"revision": 3, "by": "ann"},
        {"by": "ann"},
        {"since": datetime.now(UTC)},
        {"by": "ann", "since": datetime.now()},  # noqa: DTZ005 - a time without a zone
        {"revision": 3, "revisions": (3, 4)},
    ],
)
def test_what_to_take_back_is_given_in_one_way(
    client: Client, notes: str, given: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"must"):
        client.undo(notes, **given)


def _bad(name: str, field: str, reason: str, **fields: Any) -> Bad:
    return Bad(
        name,
        "Undo",
        lambda ns: pb.UndoRequest(namespace=ns, **fields),
        "INVALID_ARGUMENT",
        reason,
        field,
    )


@table(
    [
        _bad("nothing", "selection", "REQUIRED_FIELD"),
        _bad("revision zero", "revision", "OUT_OF_RANGE", revision=0),
        _bad("the creation", "revision", "OUT_OF_RANGE", revision=1),
        _bad("no range", "range.first_revision", "OUT_OF_RANGE", range=pb.RevisionRange()),
        _bad(
            "a range from its end",
            "range.last_revision",
            "OUT_OF_RANGE",
            range=pb.RevisionRange(first_revision=3, last_revision=2),
        ),
        _bad(
            "no actor",
            "actor_since.actor",
            "REQUIRED_FIELD",
            actor_since=pb.ActorChanges(start_time=datetime.now(UTC)),
        ),
        _bad(
            "no time",
            "actor_since.start_time",
            "REQUIRED_FIELD",
            actor_since=pb.ActorChanges(actor="ann"),
        ),
        _bad(
            "an actor that is too long",
            "actor_since.actor",
            "TOO_LARGE",
            actor_since=pb.ActorChanges(actor="a" * 257, start_time=datetime.now(UTC)),
        ),
        Bad(
            "a revision to come",
            "Undo",
            lambda ns: pb.UndoRequest(
                namespace=ns, range=pb.RevisionRange(first_revision=2, last_revision=2**64 - 1)
            ),
            "FAILED_PRECONDITION",
            "REVISION_NOT_REACHED",
            metadata={"expected": str(2**64 - 1)},
        ),
    ]
)
def test_what_cannot_be_taken_back_is_refused(bad: Bad, client: Client, raw: Raw, ns: str) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))
