"""Repeated writes: with the same request_id a write is applied once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.client.errors import (
    Cancelled,
    DeadlineExceeded,
    FailedPrecondition,
    Unavailable,
)
from effective_embeddings.client.transport.retry import is_repeatable, next_pause
from effective_embeddings.server import ServerHandle
from effective_embeddings.v1 import service_pb2 as pb
from tests.support.proxy import slow_to_connect


@pytest.fixture
def notes(client: Client, ns: str) -> str:
    client.create_namespace(ns, 2)
    client.put_categories(ns, [CategoryUpdate("a", base=[1, 0]), CategoryUpdate("b", base=[0, 1])])
    client.assign(ns, ["one", "two"], "a", [[1, 1], [1, 2]])
    return ns


def test_a_slow_connection_is_waited_for(
    shared_server: ServerHandle,
) -> None:
    """Connecting takes longer than the first retry pause, as with a distant server or TLS."""
    with slow_to_connect(shared_server.target, 0.5) as target, Client(target) as client:
        client._transport.retries = False  # type: ignore[misc]
        assert client.service_info().version


_WRITES: dict[str, Callable[[Client, str, str], Any]] = {
    "put_categories": lambda c, ns, id_: c.put_categories(
        ns, [CategoryUpdate("new")], request_id=id_
    ),
    "delete_categories": lambda c, ns, id_: c.delete_categories(ns, "a", request_id=id_),
    "reanchor": lambda c, ns, id_: c.reanchor(ns, "a", request_id=id_),
    "rename_category": lambda c, ns, id_: c.rename_category(ns, "a", "c", request_id=id_),
    "merge_categories": lambda c, ns, id_: c.merge_categories(ns, "a", "b", request_id=id_),
    "put_items": lambda c, ns, id_: c.put_items(ns, "new", [3, 3], request_id=id_),
    "put_items with parts": lambda c, ns, id_: c.put_items(
        ns, "new", parts={"one": 1, "two": 2}, request_id=id_
    ),
    "delete_items": lambda c, ns, id_: c.delete_items(ns, "one", request_id=id_),
    "assign": lambda c, ns, id_: c.assign(ns, "one", "b", request_id=id_),
    "unassign": lambda c, ns, id_: c.unassign(ns, "one", request_id=id_),
    "unassign and delete": lambda c, ns, id_: c.unassign(
        ns, "one", delete_items=True, request_id=id_
    ),
    "dismiss": lambda c, ns, id_: c.dismiss(ns, "one", "b", request_id=id_),
    # Revision 3 is the assignment.
    "undo": lambda c, ns, id_: c.undo(ns, 3, request_id=id_),
    "update_namespace": lambda c, ns, id_: c.update_namespace(
        ns, description="new", request_id=id_
    ),
}


@pytest.mark.parametrize("write", _WRITES.values(), ids=_WRITES)
def test_a_repeated_write_gets_the_first_answer_and_writes_nothing(
    client: Client, notes: str, write: Callable[[Client, str, str], Any]
) -> None:
    first = write(client, notes, "id")
    after = client.get_namespace(notes)
    assert write(client, notes, "id") == first
    assert client.get_namespace(notes) == after


def test_a_repeated_write_does_not_undo_later_writes(client: Client, notes: str) -> None:
    first = client.assign(notes, "one", "b", request_id="move")
    client.assign(notes, "one", "a")
    assert client.assign(notes, "one", "b", request_id="move") == first
    assert client.get_item(notes, "one").memberships[0].category == "a"


def test_a_write_that_changed_nothing_is_remembered_too(client: Client, notes: str) -> None:
    """The late retry of a no-op must not become a move."""
    first = client.assign(notes, "one", "a", request_id="stay")
    assert not first.results[0].changed
    client.assign(notes, "one", "b")
    assert client.assign(notes, "one", "a", request_id="stay") == first
    assert client.get_item(notes, "one").memberships[0].category == "b"


def test_a_refused_write_can_be_repeated_once_it_fits(client: Client, notes: str) -> None:
    with pytest.raises(Exception, match="CATEGORY_NOT_FOUND"):
        client.assign(notes, "one", "new", request_id="early")
    client.put_categories(notes, [CategoryUpdate("new")])
    reply = client.assign(notes, "one", "new", request_id="early")
    assert reply.results[0].changed


def test_validate_only_does_not_use_up_the_request_id(client: Client, notes: str) -> None:
    told = client.assign(notes, "one", "b", request_id="id", validate_only=True)
    done = client.assign(notes, "one", "b", request_id="id")
    assert told.results == done.results
    assert done.results[0].changed
    assert client.get_item(notes, "one").memberships[0].category == "b"


def test_a_request_id_is_scoped_to_its_namespace(
    client: Client, notes: str, new_name: Callable[[], str]
) -> None:
    other = new_name()
    client.create_namespace(other, 2)
    client.put_items(notes, "new", [1, 1], request_id="id")
    assert client.put_items(other, "new", [1, 1], request_id="id").results[0].created


def test_a_request_id_of_create_and_delete_is_scoped_to_the_name(
    client: Client, notes: str, new_name: Callable[[], str], tmp_path: Path
) -> None:
    """Ids were once shared with namespaces that the caller may not see."""
    one, other, copy = new_name(), new_name(), new_name()
    snapshot = tmp_path / "snapshot"
    client.snapshot(notes, snapshot)
    made = client.create_namespace(one, 2, request_id="id")
    assert client.create_namespace(other, 3, request_id="id").dimension == 3
    restored = client.restore(snapshot, copy, request_id="id")
    assert client.create_namespace(one, 2, request_id="id") == made
    client.delete_namespace(one, request_id="gone")
    client.delete_namespace(other, request_id="gone")
    client.delete_namespace(one, request_id="gone")
    assert client.restore(snapshot, copy, request_id="id") == restored


def test_an_id_is_bound_to_its_method(client: Client, notes: str) -> None:
    client.delete_items(notes, "one", request_id="id")
    with pytest.raises(FailedPrecondition) as caught:
        client.delete_categories(notes, "a", request_id="id")
    assert caught.value.reason == "REQUEST_ID_REUSED"


def test_ids_are_remembered_after_a_restart(data_dir: Path) -> None:
    with Client.embedded(data_dir) as client:
        client.create_namespace("ns", 2)
        client.put_categories("ns", [CategoryUpdate("a"), CategoryUpdate("b")])
        first = client.assign("ns", "one", "a", [1, 1], request_id="id")
        client.assign("ns", "one", "b")
    with Client.embedded(data_dir) as client:
        assert client.assign("ns", "one", "a", [1, 1], request_id="id") == first
        assert client.get_item("ns", "one").memberships[0].category == "b"


def test_many_threads_that_repeat_one_write_apply_it_once(client: Client, notes: str) -> None:
    before = client.get_namespace(notes).revision
    replies = []

    def repeat() -> None:
        replies.append(client.assign(notes, "one", "b", request_id="at once"))

    threads = [threading.Thread(target=repeat) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(replies) == 8
    assert all(reply == replies[0] for reply in replies)
    assert client.get_namespace(notes).revision == before + 1


def test_the_client_repeats_only_reads_and_writes_with_an_id() -> None:
    with_id = pb.WriteOptions(request_id="x")
    assert is_repeatable("Match", pb.MatchRequest())
    assert is_repeatable("Assign", pb.AssignRequest(write=with_id))
    rehearsal = pb.WriteOptions(validate_only=True)
    assert is_repeatable("Assign", pb.AssignRequest(write=rehearsal))
    assert not is_repeatable("Assign", pb.AssignRequest())


def test_the_client_does_not_retry_permanent_errors() -> None:
    unavailable = Unavailable("gone")
    assert next_pause(1, unavailable, None) is not None
    assert next_pause(1, unavailable, 0.01) is None, "no time is left"
    assert next_pause(5, unavailable, None) is None, "often enough"
    assert next_pause(1, DeadlineExceeded("late"), None) is None
    assert next_pause(1, Cancelled("Channel closed!"), None) is None
    assert next_pause(1, Unavailable("disk", "STORE_FAILED"), None) is None


def test_the_client_retries_calls_that_grpc_cancelled_under_load() -> None:
    """gRPC ends calls beyond its queue with CANCELLED and without a reason."""
    ended = Cancelled("CANCELLED")
    assert next_pause(1, ended, None) is not None
    assert next_pause(1, ended, None, repeatable=False) is None, "it may have been done"
