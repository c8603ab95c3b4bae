"""Writes that are made only if an item, or the namespace, is as the caller has seen it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client, read_frames
from effective_embeddings.errors import FailedPrecondition
from effective_embeddings.v1 import service_pb2 as pb
from tests.contract.bad_input.cases import Bad, assert_refused, assignment, make_good_state, table
from tests.support.raw import Raw, RefusedError


@pytest.fixture
def notes(client: Client, ns: str) -> str:
    """``one`` in a, ``two`` in b, ``three`` in the inbox; revision 4."""
    client.create_namespace(ns, 2)
    client.put_categories(ns, [CategoryUpdate(key) for key in "abc"])
    client.assign(ns, ["one", "two"], ["a", "b"], [[1, 0], [0, 1]])
    client.put_items(ns, "three", [1, 1])
    return ns


def _categories(client: Client, ns: str) -> dict[str, list[str]]:
    return {
        item.key: [each.category for each in item.memberships] for item in client.list_items(ns)
    }


def test_an_assignment_is_made_only_from_the_expected_category(client: Client, notes: str) -> None:
    client.assign(notes, ["one", "two", "three"], "c", expected=["a", "b", ""])
    assert _categories(client, notes) == {"one": ["c"], "two": ["c"], "three": ["c"]}
    client.assign(notes, "four", "c", [2, 1], expected="")
    with pytest.raises(FailedPrecondition) as refused:
        client.assign(notes, ["four", "five"], "a", [[2, 1], [3, 1]], expected=["c", "c"])
    error = refused.value
    assert error.reason == "CATEGORY_MISMATCH"
    assert error.metadata == {
        "field": "assignments[1].expected_category",
        "item": "five",
        "expected": "c",
        "actual": "",
    }
    assert _categories(client, notes)["four"] == ["c"]
    assert "five" not in _categories(client, notes)


def test_all_entries_are_compared_before_the_first_is_applied(client: Client, notes: str) -> None:
    reply = client.assign(notes, ["one", "one"], "c", expected="a")
    assert [each.changed for each in reply.results] == [True, False]


def test_an_item_is_unassigned_or_changed_only_where_it_is_expected(
    client: Client, notes: str
) -> None:
    before = client.get_namespace(notes)
    with pytest.raises(FailedPrecondition) as left:
        client.unassign(notes, ["one", "two"], expected="a")
    assert left.value.metadata["field"] == "unassignments[1].expected_category"
    assert left.value.metadata["actual"] == "b"
    with pytest.raises(FailedPrecondition) as put:
        client.put_items(notes, ["three", "one"], weights=2, expected="")
    assert put.value.metadata["field"] == "items[1].expected_category"
    assert client.get_namespace(notes) == before
    client.put_items(notes, ["three", "one"], weights=2, expected=["", "a"])
    client.unassign(notes, ["one", "two"], expected=["a", "b"])
    client.unassign(notes, "one", delete_items=True, expected="")
    assert _categories(client, notes) == {"two": [], "three": []}


def test_one_of_several_categories_is_enough(client: Client, ns: str) -> None:
    client.create_namespace(ns, 2, membership="multiple")
    client.put_categories(ns, [CategoryUpdate(key) for key in "abc"])
    client.assign(ns, "one", ["a", "b"], [1, 0])
    client.assign(ns, "one", "c", expected="b")
    for expected in ("", "d"):
        with pytest.raises(FailedPrecondition) as refused:
            client.unassign(ns, "one", expected=expected)
        assert refused.value.metadata["actual"] == "a"


def test_a_write_is_made_only_at_the_revision(client: Client, notes: str) -> None:
    with pytest.raises(FailedPrecondition) as refused:
        client.assign(notes, "one", "b", if_revision=3)
    error = refused.value
    assert error.reason == "REVISION_MISMATCH"
    assert error.metadata == {"field": "write.if_revision", "expected": "3", "actual": "4"}
    told = client.assign(notes, "one", "b", if_revision=4, validate_only=True)
    assert told.results[0].changed
    client.assign(notes, "one", "b", if_revision=4, request_id="mine")
    with pytest.raises(FailedPrecondition):
        client.put_categories(notes, [CategoryUpdate("d")], if_revision=4)
    again = client.assign(notes, "one", "b", if_revision=4, request_id="mine")
    assert again.revision == 5, "a retry gets the first answer"


def test_a_batch_in_parts_has_no_revision(client: Client, notes: str) -> None:
    with pytest.raises(ValueError, match="if_revision: the batch is too large for one request"):
        client.put_items(
            notes,
            [f"item {number}" for number in range(10_001)],
            np.ones((10_001, 2)),
            if_revision=4,
        )
    assert client.get_namespace(notes).revision == 4, "no part of it was written"


def test_of_many_writers_at_a_revision_one_succeeds(client: Client, notes: str) -> None:
    made, refused = [], []

    def write(number: int) -> None:
        try:
            client.assign(notes, "one", "bc"[number % 2], if_revision=4, actor=f"{number}")
            made.append(number)
        except FailedPrecondition as error:
            refused.append(error.reason)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(made) == 1
    assert refused == ["REVISION_MISMATCH"] * 7
    (change,) = client.history(notes, first_revision=5)
    assert change.actor == f"{made[0]}"


def _bad(name: str, method: str, field: str, reason: str, request: Any) -> Bad:
    def make(ns: str) -> Any:
        if isinstance(request, pb.CreateNamespaceRequest):
            request.namespace.name = f"{ns}.new"
        else:
            request.namespace = ns
        return request

    return Bad(name, method, make, "INVALID_ARGUMENT", reason, field)


_AT_3 = pb.WriteOptions(if_revision=3)


@table(
    [
        _bad(
            "an expected key",
            "Assign",
            "assignments[0].expected_category",
            "INVALID_KEY",
            pb.AssignRequest(assignments=[assignment(expected_category="a\n")]),
        ),
        _bad(
            "an expected key of an item",
            "PutItems",
            "items[0].expected_category",
            "INVALID_KEY",
            pb.PutItemsRequest(items=[pb.ItemUpdate(key="known", expected_category="k" * 513)]),
        ),
        _bad(
            "an expected key of a removal",
            "Unassign",
            "unassignments[0].expected_category",
            "INVALID_KEY",
            pb.UnassignRequest(
                unassignments=[pb.Unassignment(item="known", expected_category="\0")]
            ),
        ),
        _bad(
            "a revision of a new namespace",
            "CreateNamespace",
            "write.if_revision",
            "OUT_OF_RANGE",
            pb.CreateNamespaceRequest(namespace={"dimension": 2}, write=_AT_3),
        ),
        _bad(
            "a revision of a deletion",
            "DeleteNamespace",
            "write.if_revision",
            "OUT_OF_RANGE",
            pb.DeleteNamespaceRequest(force=True, write=_AT_3),
        ),
    ]
)
def test_bad_requests_are_refused(bad: Bad, client: Client, raw: Raw, ns: str) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))


def test_a_restore_has_no_revision(client: Client, raw: Raw, notes: str, tmp_path: Path) -> None:
    client.snapshot(notes, tmp_path / "snapshot")
    copy = f"{notes}.copy"
    requests = [
        pb.RestoreRequest(namespace=copy, frame=frame, write=_AT_3)
        for frame in read_frames(tmp_path / "snapshot")
    ]
    with pytest.raises(RefusedError) as refused:
        raw.restore(requests)
    assert (refused.value.reason, list(refused.value.fields)) == (
        "OUT_OF_RANGE",
        ["write.if_revision"],
    )
