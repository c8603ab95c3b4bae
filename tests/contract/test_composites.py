"""Composite items: a project is the weighted mean of its tasks, and follows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from effective_embeddings import (
    CategoryUpdate,
    Client,
    Item,
    ItemPart,
    WhatIf,
    errors,
)
from effective_embeddings.v1 import resources_pb2
from effective_embeddings.v1 import service_pb2 as pb
from tests.contract.bad_input.cases import Bad, assert_refused, make_good_state, table
from tests.support.raw import Raw, embedding
from tests.support.vectors import present

# In f64, as numpy has it; components are exact in f32, so that means can be compared exactly.
TASKS = {
    "bills": np.array([1.0, 0.0, 0.0]),
    "gym": np.array([0.0, 1.0, 0.0]),
    "meals": np.array([0.0, 0.5, 0.5]),
    "run": np.array([0.0, 1.0, 1.0]),
}


@pytest.fixture(params=["raw", "unit"])
def plan(client: Client, ns: str, request: pytest.FixtureRequest) -> str:
    """Areas "money" and "health", four tasks in the inbox, and the project "fit"; revision 4."""
    client.create_namespace(ns, 3, normalization=request.param)
    client.put_categories(
        ns, [CategoryUpdate("health", base=[0, 1, 1]), CategoryUpdate("money", base=[1, 0, 0])]
    )
    client.put_items(ns, list(TASKS), list(TASKS.values()))
    client.put_items(ns, "fit", parts={"gym": 2, "run": 1})
    return ns


def _mean(client: Client, ns: str, parts: Mapping[str, float]) -> Any:
    """The mean of stored items, in f64."""
    rows = [present(client.get_item(ns, key).embedding).astype(np.float64) for key in parts]
    mean = np.average(rows, axis=0, weights=list(parts.values()))
    unit = client.get_namespace(ns).normalization == "unit"
    return mean / np.linalg.norm(mean) if unit else mean


def _assert_made_of(client: Client, ns: str, key: str, parts: Mapping[str, float]) -> Item:
    item = client.get_item(ns, key)
    assert item.parts == tuple(ItemPart(part, parts[part]) for part in sorted(parts))
    np.testing.assert_allclose(present(item.embedding), _mean(client, ns, parts), rtol=0, atol=1e-7)
    report = client.verify(ns)
    assert report.findings == ()
    return item


def test_it_is_the_weighted_mean_of_its_parts(client: Client, plan: str) -> None:
    item = _assert_made_of(client, plan, "fit", {"gym": 2, "run": 1})
    assert (item.weight, item.metadata, item.memberships) == (1.0, {}, ())
    (listed,) = [each for each in client.list_items(plan) if each.key == "fit"]
    assert listed.parts == item.parts
    assert client.get_item(plan, "gym").parts == ()
    reply = client.put_items(plan, "fit", parts={"run": 1, "gym": 2})
    assert not reply.results[0].changed
    assert client.get_namespace(plan).revision == 4


def test_suggest_offers_it_and_assign_accepts(client: Client, plan: str) -> None:
    """The example of the idea: an unassigned project against the areas."""
    found = {each.item: each for each in client.suggest(plan).suggestions}
    assert found["fit"].best.category == "health"
    by_vector = client.match(plan, present(client.get_item(plan, "fit").embedding))[0]
    by_key = client.match(plan, "fit")[0]
    assert by_key.matches == by_vector.matches
    assert found["fit"].best.score == by_key.matches[0].score
    client.assign(plan, "fit", "health", actor="ann")
    assert "fit" not in {each.item for each in client.suggest(plan).suggestions}
    explained = client.explain(plan, [0, 1, 1], ["health"]).explanations[0]
    assert [part.item for part in explained.members] == ["fit"]
    _assert_made_of(client, plan, "fit", {"gym": 2, "run": 1})


def test_a_page_of_suggestions_follows_a_part(client: Client, plan: str) -> None:
    before = {each.item: each.best for each in client.suggest(plan).suggestions}
    client.put_items(plan, "gym", [9, 0, 1])
    after = {each.item: each.best for each in client.suggest(plan).suggestions}
    assert after["fit"].score == client.match(plan, "fit")[0].matches[0].score
    assert after["fit"] != before["fit"]
    assert after["bills"] == before["bills"]


@pytest.mark.parametrize("ranking", ["cosine", "local"])
def test_its_categories_follow_at_once(client: Client, plan: str, ranking: Any) -> None:
    client.update_namespace(plan, ranking=ranking)
    client.assign(plan, ["fit", "bills"], ["health", "money"])
    client.match(plan, [1, 1, 1])  # The members are in memory from here on.
    first = client.get_namespace(plan).revision + 1
    client.put_items(plan, ["gym", "run"], [[0, 3, 1], [1, 1, 1]])
    item = _assert_made_of(client, plan, "fit", {"gym": 2, "run": 1})
    health = client.get_category(plan, "health")
    np.testing.assert_allclose(
        present(health.effective), (present(health.base) + present(item.embedding)) / 2, atol=1e-6
    )
    changes = client.history(plan, first_revision=first, newest_first=False)
    told = [(each.kind, each.item) for each in changes]
    assert told == [("item_updated", "gym"), ("item_updated", "run"), ("item_updated", "fit")]
    # The same state, built without the detour, gives the same bits.
    other = f"{plan}-other"
    client.create_namespace(other, 3, normalization=client.get_namespace(plan).normalization)
    client.update_namespace(other, ranking=ranking)
    client.put_categories(
        other, [CategoryUpdate("money", base=[1, 0, 0]), CategoryUpdate("health", base=[0, 1, 1])]
    )
    now = TASKS | {"gym": [0, 3, 1], "run": [1, 1, 1]}
    client.put_items(other, list(now), list(now.values()))
    client.assign(other, "bills", "money")
    client.assign(other, "fit", "health", parts={"run": 1, "gym": 2})
    assert client.get_namespace(other).digest == client.get_namespace(plan).digest
    for query in ([1, 1, 1], "fit", "meals"):
        found = [client.match(ns, query, confidence=True)[0] for ns in (plan, other)]
        assert found[0].matches == found[1].matches


def test_weight_and_metadata_are_its_own(client: Client, plan: str) -> None:
    client.assign(plan, "fit", "health", weights=3, metadata={"text": "Get fit"})
    client.put_items(plan, "gym", weights=50, metadata={"text": "gym"})
    item = _assert_made_of(client, plan, "fit", {"gym": 2, "run": 1})
    assert (item.weight, item.metadata) == (3, {"text": "Get fit"})
    assert client.get_category(plan, "health").counting_weight == 3


def test_an_embedding_makes_it_plain_and_parts_make_it_composite(client: Client, plan: str) -> None:
    digest = client.get_namespace(plan).digest
    client.put_items(plan, "fit", [1, 1, 0])
    assert client.get_item(plan, "fit").parts == ()
    own = present(client.get_item(plan, "fit").embedding)
    client.put_items(plan, "gym", [5, 0, 0])
    np.testing.assert_array_equal(present(client.get_item(plan, "fit").embedding), own)
    client.put_items(plan, "gym", TASKS["gym"])
    client.put_items(plan, "fit", parts={"gym": 2, "run": 1})
    assert client.get_namespace(plan).digest == digest
    client.put_items(plan, "fit", parts={"gym": 1, "meals": 1})
    _assert_made_of(client, plan, "fit", {"gym": 1, "meals": 1})
    kinds = [
        (each.kind, each.part and (each.part.item, each.part.weight))
        for each in client.history(plan, item="fit", newest_first=False)
        if each.revision == client.get_namespace(plan).revision
    ]
    assert kinds[0] == ("item_updated", None)
    assert sorted(kinds[1:], key=str) == [
        ("part_added", ("gym", 1.0)),
        ("part_added", ("meals", 1.0)),
        ("part_removed", ("gym", 2.0)),
        ("part_removed", ("run", 1.0)),
    ]


def test_parts_can_come_in_the_same_batch(client: Client, plan: str) -> None:
    client.put_items(
        plan,
        ["swim", "sport"],
        [[0, 0, 1], None],
        parts=[None, {"swim": 1, "gym": 1}],
    )
    _assert_made_of(client, plan, "sport", {"swim": 1, "gym": 1})
    with pytest.raises(errors.NotFound) as caught:
        client.put_items(plan, ["late", "row"], [None, [1, 1, 1]], parts=[{"row": 1}, None])
    assert caught.value.metadata == {
        "field": "items[0].parts[0].item",
        "item": "row",
        "composite": "late",
    }
    client.assign(
        plan, ["row", "late"], "health", [[1, 1, 1], None], parts=[None, {"row": 3, "run": 1}]
    )
    _assert_made_of(client, plan, "late", {"row": 3, "run": 1})


def test_a_deleted_part_leaves_it(client: Client, plan: str) -> None:
    client.assign(plan, "fit", "health")
    digest = client.get_namespace(plan).digest
    deleted = client.delete_items(plan, "run")
    _assert_made_of(client, plan, "fit", {"gym": 2})
    told = [
        (each.kind, each.item, each.part and each.part.item)
        for each in client.history(plan, first_revision=deleted.revision, newest_first=False)
    ]
    assert told == [
        ("part_removed", "fit", "run"),
        ("item_deleted", "run", None),
        ("item_updated", "fit", None),
    ]
    kept = present(client.get_item(plan, "fit").embedding)
    last = client.unassign(plan, "gym", delete_items=True)
    item = client.get_item(plan, "fit")
    assert item.parts == ()
    np.testing.assert_array_equal(present(item.embedding), kept)
    assert [each.category for each in item.memberships] == ["health"]
    # Brought back, it is a part again.
    client.undo(plan, deleted.revision)
    _assert_made_of(client, plan, "fit", {"run": 1})
    client.undo(plan, last.revision)
    assert client.get_namespace(plan).digest == digest
    _assert_made_of(client, plan, "fit", {"gym": 2, "run": 1})


def test_a_deleted_composite_leaves_its_parts(client: Client, plan: str) -> None:
    client.assign(plan, "fit", "health", actor="ann")
    before = client.get_namespace(plan).digest
    place = client.get_item(plan, "fit").memberships
    deleted = client.delete_items(plan, "fit")
    assert {item.key for item in client.list_items(plan)} == set(TASKS)
    client.put_items(plan, "gym", [4, 4, 4])
    client.undo(plan, deleted.revision)
    assert _assert_made_of(client, plan, "fit", {"gym": 2, "run": 1}).memberships == place
    client.put_items(plan, "gym", TASKS["gym"])
    assert client.get_namespace(plan).digest == before
    report = client.verify(plan)
    assert report.findings == ()


def test_everything_about_it_can_be_taken_back(client: Client, plan: str) -> None:
    client.put_items(plan, "solo", [1, 2, 3], metadata={"text": "own"})
    digests = [client.get_namespace(plan).digest]
    for change in (
        lambda: client.put_items(plan, "solo", parts={"bills": 1, "gym": 1}),
        lambda: client.put_items(plan, "solo", weights=2),
        lambda: client.put_items(plan, ["gym", "bills"], [[1, 1, 1], [2, 0, 1]]),
        lambda: client.put_items(plan, "solo", parts={"bills": 4, "meals": 1}),
        lambda: client.delete_items(plan, "bills"),
        lambda: client.put_items(plan, "solo", [0, 0, 2], metadata={"text": "other"}),
        lambda: client.delete_items(plan, "solo"),
    ):
        change()
        digests.append(client.get_namespace(plan).digest)
    last = client.get_namespace(plan).revision
    for back in range(1, len(digests)):
        client.undo(plan, last - back + 1)
        assert client.get_namespace(plan).digest == digests[-1 - back], back
        assert client.verify(plan).findings == ()
    client.undo(plan, revisions=(last + 1, last + len(digests) - 1))
    assert client.get_namespace(plan).digest == digests[-1]


def test_what_came_later_is_a_conflict(client: Client, plan: str) -> None:
    removed = client.put_items(plan, "fit", parts={"gym": 2})
    client.put_items(plan, "fit", [1, 0, 0])
    with pytest.raises(errors.FailedPrecondition) as caught:
        client.undo(plan, removed.revision)
    assert caught.value.reason == "UNDO_CONFLICT"
    assert caught.value.metadata["conflicts[0].item"] == "fit"
    preview = client.undo(plan, removed.revision, skip_conflicts=True, validate_only=True)
    assert [each.kind for each in preview.conflicts] == ["part_removed"]
    assert preview.change_count == 0
    # A task that is used cannot be as if it had never been stored.
    with pytest.raises(errors.FailedPrecondition):
        client.undo(plan, 3)


def test_the_past_has_it_as_it_was(client: Client, plan: str) -> None:
    client.assign(plan, ["fit", "meals"], "health")
    then = client.get_namespace(plan).revision
    seen = (
        client.get_category(plan, "health"),
        client.match(plan, ["fit", "gym"], limit=0),
        client.explain(plan, "fit", ["health"]).explanations,
    )
    client.put_items(plan, ["gym", "run"], [[3, 0, 1], [1, 1, 0]])
    client.delete_items(plan, "run")
    client.put_items(plan, "fit", [1, 0, 0])
    client.put_items(plan, "fit", parts={"gym": 1, "bills": 1})
    client.delete_items(plan, "fit")
    client.put_items(plan, "fit", [7, 7, 7])
    assert client.get_category(plan, "health", at_revision=then) == seen[0]
    past = client.match(plan, ["fit", "gym"], limit=0, at_revision=then)
    assert [each.matches for each in past] == [each.matches for each in seen[1]]
    assert client.explain(plan, "fit", ["health"], at_revision=then).explanations == seen[2]


def test_what_if_it_joined(client: Client, plan: str) -> None:
    told = client.explain(plan, [0, 1, 1], what_if=[WhatIf("fit", joins="money")])
    client.assign(plan, "fit", "money")
    after = {m.category: m.score for m in client.match(plan, [0, 1, 1], limit=0)[0].matches}
    assert {each.category: each.score for each in told.what_if[0].categories} == after


def test_a_change_of_a_part_is_refused_if_the_mean_would_vanish(client: Client, plan: str) -> None:
    client.put_items(plan, "pair", parts={"bills": 1, "gym": 1})
    client.assign(plan, "pair", "money")
    before = client.get_namespace(plan)
    items = list(client.list_items(plan))
    for change in (
        lambda: client.put_items(plan, "gym", [-1, 0, 0]),
        lambda: client.assign(plan, "gym", "health", [-1, 0, 0]),
    ):
        with pytest.raises(errors.FailedPrecondition) as caught:
            change()
        assert caught.value.reason == "DEGENERATE_COMPOSITE"
        assert caught.value.metadata["item"] == "pair"
        assert "norm" in str(caught.value)
    assert client.get_namespace(plan) == before
    assert list(client.list_items(plan)) == items


def test_a_preview_changes_nothing_and_a_retry_is_answered_once(client: Client, plan: str) -> None:
    before = client.get_namespace(plan)
    write: dict[str, Any] = {"parts": {"meals": 1}, "request_id": "r-1"}
    preview = client.put_items(plan, "food", parts={"meals": 1}, validate_only=True)
    assert client.get_namespace(plan) == before
    first = client.put_items(plan, "food", **write)
    assert preview.results == first.results
    assert client.put_items(plan, "food", **write) == first
    assert client.get_namespace(plan).revision == before.revision + 1
    with pytest.raises(errors.FailedPrecondition) as caught:
        client.put_items(plan, "food", parts={"meals": 2}, request_id="r-1")
    assert caught.value.reason == "REQUEST_ID_REUSED"


def test_a_snapshot_has_it(client: Client, plan: str, tmp_path: Any) -> None:
    """Its key is before those of its parts: they come later."""
    client.put_items(plan, "a", parts={"run": 0.3, "bills": 1})
    client.assign(plan, ["a", "fit"], "health")
    client.snapshot(plan, tmp_path / "s")
    again = f"{plan}-again"
    restored = client.restore(tmp_path / "s", again)
    assert restored.digest == client.get_namespace(plan).digest
    assert list(client.list_items(again)) == list(client.list_items(plan))
    for ns in (plan, again):
        client.put_items(ns, "run", [1, 2, 1])
    assert client.get_namespace(again).digest == client.get_namespace(plan).digest
    assert client.verify(again).findings == ()


def test_the_history_of_a_part_names_what_it_is_a_part_of(client: Client, plan: str) -> None:
    client.put_items(plan, "fit", parts={"run": 1})
    told = [(each.kind, each.item) for each in client.history(plan, item="gym")]
    assert told == [("part_removed", "fit"), ("part_added", "fit"), ("item_created", "gym")]


def _bad(name: str, code: str, reason: str, field: str = "", **metadata: str) -> Bad:
    def part(item: str, **weight: float) -> resources_pb2.ItemPart:
        return resources_pb2.ItemPart(item=item, **weight)

    entries: dict[str, list[pb.ItemUpdate]] = {
        "embedding and parts": [
            pb.ItemUpdate(key="new", embedding=embedding([1, 0, 0, 0]), parts=[part("known")])
        ],
        "no key": [pb.ItemUpdate(key="new", parts=[part("known"), part("")])],
        "a weight of 0": [pb.ItemUpdate(key="new", parts=[part("known", weight=0)])],
        "a negative weight": [pb.ItemUpdate(key="new", parts=[part("known", weight=-1)])],
        "twice": [pb.ItemUpdate(key="new", parts=[part("known"), part("waiting"), part("known")])],
        "itself": [pb.ItemUpdate(key="known", parts=[part("waiting"), part("known")])],
        "unknown": [pb.ItemUpdate(key="new", parts=[part("known"), part("nobody")])],
        "a composite": [
            pb.ItemUpdate(key="made", parts=[part("known")]),
            pb.ItemUpdate(key="new", parts=[part("waiting"), part("made")]),
        ],
        "a part": [
            pb.ItemUpdate(key="made", parts=[part("known")]),
            pb.ItemUpdate(key="known", parts=[part("waiting")]),
        ],
        "two kinds": [
            pb.ItemUpdate(key="new", embedding=embedding([1, 0, 0, 0])),
            pb.ItemUpdate(key="new", parts=[part("waiting")]),
        ],
        "other parts": [
            pb.ItemUpdate(key="new", parts=[part("known", weight=2)]),
            pb.ItemUpdate(key="new", parts=[part("known")]),
        ],
        "nothing left": [
            pb.ItemUpdate(key="minus", embedding=embedding([-0.5, 1, -2, -0.25])),
            pb.ItemUpdate(key="new", parts=[part("known"), part("minus")]),
        ],
    }

    def request(ns: str) -> pb.PutItemsRequest:
        return pb.PutItemsRequest(namespace=ns, items=entries[name])

    return Bad(name, "PutItems", request, code, reason, field, metadata)


_INVALID, _STATE = "INVALID_ARGUMENT", "FAILED_PRECONDITION"


@table(
    [
        _bad("embedding and parts", _INVALID, "OUT_OF_RANGE", "items[0].parts"),
        _bad("no key", _INVALID, "INVALID_KEY", "items[0].parts[1].item"),
        _bad("a weight of 0", _INVALID, "INVALID_WEIGHT", "items[0].parts[0].weight"),
        _bad("a negative weight", _INVALID, "INVALID_WEIGHT", "items[0].parts[0].weight"),
        _bad(
            "twice",
            _INVALID,
            "CONFLICTING_ENTRIES",
            "items[0].parts[2].item",
            key="known",
            first="items[0].parts[0]",
        ),
        _bad(
            "itself",
            _INVALID,
            "CONFLICTING_ENTRIES",
            "items[0].parts[1].item",
            key="known",
            first="items[0].key",
        ),
        _bad(
            "unknown",
            "NOT_FOUND",
            "ITEM_NOT_FOUND",
            "items[0].parts[1].item",
            item="nobody",
            composite="new",
        ),
        _bad(
            "a composite",
            _STATE,
            "NESTED_COMPOSITE",
            "items[1].parts[1].item",
            item="new",
            part="made",
        ),
        _bad("a part", _STATE, "NESTED_COMPOSITE", "items[1].parts", item="made", part="known"),
        _bad("two kinds", _INVALID, "CONFLICTING_ENTRIES", "items[1]", first="items[0]"),
        _bad("other parts", _INVALID, "CONFLICTING_ENTRIES", "items[1]", first="items[0]"),
        _bad("nothing left", _STATE, "DEGENERATE_COMPOSITE", item="new"),
    ]
)
def test_what_cannot_be_composed_is_refused(bad: Bad, client: Client, raw: Raw, ns: str) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ({}, ValueError),
        ({"gym": "1"}, TypeError),
        ({1: 1.0}, TypeError),
        (["gym"], TypeError),
        ([{"gym": 1}, {"run": 1}], ValueError),
    ],
)
def test_what_is_no_column_of_parts_is_not_sent(
    client: Client, plan: str, parts: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match="parts"):
        client.put_items(plan, "new", parts=parts)
