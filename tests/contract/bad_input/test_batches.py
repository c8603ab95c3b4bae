"""Batches that are empty or contradict themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from effective_embeddings import Client, errors
from effective_embeddings.v1 import service_pb2 as pb
from tests.contract.bad_input.cases import (
    GOOD,
    Bad,
    assert_refused,
    assignment,
    make_good_state,
    table,
)
from tests.support.raw import Raw, embedding

_KNOWN = pb.Query(item="known")


def _invalid(name: str, method: str, request: Any, reason: str, field: str, **details: str) -> Bad:
    def make(ns: str) -> Any:
        request.namespace = ns
        return request

    return Bad(name, method, make, "INVALID_ARGUMENT", reason, field, details)


def _assign(*entries: pb.Assignment) -> pb.AssignRequest:
    return pb.AssignRequest(assignments=entries)


def _unassign(*entries: pb.Unassignment) -> pb.UnassignRequest:
    return pb.UnassignRequest(unassignments=entries)


def _put(*items: pb.ItemUpdate) -> pb.PutItemsRequest:
    return pb.PutItemsRequest(items=items)


_EMPTY = [
    _invalid(f"{method} of nothing", method, request, "REQUIRED_FIELD", field)
    for method, request, field in [
        ("Assign", pb.AssignRequest(), "assignments"),
        ("Unassign", pb.UnassignRequest(), "unassignments"),
        ("PutCategories", pb.PutCategoriesRequest(), "categories"),
        ("PutItems", pb.PutItemsRequest(), "items"),
        ("DeleteCategories", pb.DeleteCategoriesRequest(), "categories"),
        ("DeleteItems", pb.DeleteItemsRequest(), "items"),
        ("Match", pb.MatchRequest(), "queries"),
        ("Match", pb.MatchRequest(queries=[pb.Query()]), "queries[0]"),
        (
            "Match",
            pb.MatchRequest(queries=[pb.Query(parts=pb.QueryParts())]),
            "queries[0].parts.parts",
        ),
        (
            "Match",
            pb.MatchRequest(queries=[pb.Query(parts=pb.QueryParts(parts=[pb.QueryPart()]))]),
            "queries[0].parts.parts[0]",
        ),
    ]
]

_CONTRADICTIONS = [
    _invalid(name, method, request, "CONFLICTING_ENTRIES", field, key=key, first=first)
    for name, method, request, field, key, first in [
        (
            "two categories of one item",
            "Assign",
            _assign(assignment("new"), assignment("other"), assignment("new", "b")),
            "assignments[2]",
            "new",
            "assignments[0]",
        ),
        (
            "two embeddings of one item",
            "Assign",
            _assign(assignment("new"), assignment("new", embedding=embedding(-GOOD))),
            "assignments[1]",
            "new",
            "assignments[0]",
        ),
        (
            "two weights of one item",
            "Assign",
            _assign(assignment("known", weight=1), assignment("known", weight=2)),
            "assignments[1]",
            "known",
            "assignments[0]",
        ),
        (
            "two metadata of one item",
            "Assign",
            _assign(assignment("new", metadata={"a": "1"}), assignment("new", metadata={"a": "2"})),
            "assignments[1]",
            "new",
            "assignments[0]",
        ),
        (
            "out of one and out of all",
            "Unassign",
            _unassign(pb.Unassignment(item="known", category="a"), pb.Unassignment(item="known")),
            "unassignments[1]",
            "known",
            "unassignments[0]",
        ),
        (
            "out, and deleted",
            "Unassign",
            _unassign(
                pb.Unassignment(item="known"), pb.Unassignment(item="known", delete_item=True)
            ),
            "unassignments[1]",
            "known",
            "unassignments[0]",
        ),
        (
            "two weights of a stored item",
            "PutItems",
            _put(pb.ItemUpdate(key="known", weight=1), pb.ItemUpdate(key="known", weight=2)),
            "items[1]",
            "known",
            "items[0]",
        ),
        (
            "two windows of one category",
            "PutCategories",
            pb.PutCategoriesRequest(
                categories=[
                    pb.CategoryUpdate(key="a", window=1),
                    pb.CategoryUpdate(key="a", window=2),
                ]
            ),
            "categories[1]",
            "a",
            "categories[0]",
        ),
    ]
]

_BOTH = [
    _invalid(
        "a base and its removal",
        "PutCategories",
        pb.PutCategoriesRequest(
            categories=[pb.CategoryUpdate(key="a", base=embedding(GOOD), clear_base=True)]
        ),
        "OUT_OF_RANGE",
        "categories[0].clear_base",
    ),
    _invalid(
        "out of one category, and deleted",
        "Unassign",
        _unassign(pb.Unassignment(item="known", category="a", delete_item=True)),
        "OUT_OF_RANGE",
        "unassignments[0].delete_item",
    ),
]


@table([*_EMPTY, *_CONTRADICTIONS, *_BOTH])
def test_a_bad_batch_is_refused(bad: Bad, client: Client, raw: Raw, ns: str) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))


def test_a_batch_that_fails_at_its_end_changes_nothing(client: Client, raw: Raw, ns: str) -> None:
    make_good_state(client, ns)
    entries = [assignment(f"new-{number}") for number in range(50)]
    request = _assign(*entries, assignment("new-50", "nowhere"))
    request.namespace = ns
    bad = Bad(
        "unknown category",
        "Assign",
        lambda _: request,
        "NOT_FOUND",
        "CATEGORY_NOT_FOUND",
        "assignments[50].category",
        {"category": "nowhere"},
    )
    assert_refused(bad, client, raw, ns)


@pytest.mark.parametrize("mode", ["single", "multiple"])
def test_repeating_an_entry_in_a_batch_is_no_conflict(
    client: Client, raw: Raw, ns: str, mode: Any
) -> None:
    make_good_state(client, ns, membership=mode)
    request = _assign(
        assignment("new", weight=2), pb.Assignment(item="new", category="a", weight=2)
    )
    request.namespace = ns
    first, second = raw.call("Assign", request).results
    assert (first.changed, first.item_created) == (True, True)
    assert (second.changed, second.item_created, second.previous_category) == (False, False, "a")


def test_every_invalid_field_is_reported_at_once(client: Client, ns: str) -> None:
    client.create_namespace(ns, 4)
    with pytest.raises(errors.InvalidArgument) as caught:
        client.assign(ns, ["", "b"], ["health", ""], np.full((2, 4), np.nan), weights=[1, -1])
    error = caught.value
    assert [(each.field, each.reason) for each in error.field_violations] == [
        ("assignments[0].item", "INVALID_KEY"),
        ("assignments[0].embedding", "INVALID_VECTOR"),
        ("assignments[1].category", "INVALID_KEY"),
        ("assignments[1].embedding", "INVALID_VECTOR"),
        ("assignments[1].weight", "INVALID_WEIGHT"),
    ]
    assert all(each.field not in each.description for each in error.field_violations)
    assert (error.reason, error.metadata["violations"]) == ("INVALID_KEY", "5")
    assert error.message.startswith("assignments[0].item: ")
    assert error.message.endswith("(and 4 more invalid fields)")
