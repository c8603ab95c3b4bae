"""MergeCategories: members of some categories become members of another one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client, MergedCategory, errors
from effective_embeddings.v1 import service_pb2 as pb
from tests.contract.bad_input.cases import Bad, assert_refused, make_good_state, table
from tests.support.raw import Raw

_VECTORS = {"one": [1, 1], "two": [2, 1], "three": [3, 1], "four": [1, 3], "five": [1, 5]}


def _create(client: Client, ns: str, membership: Any = "single") -> str:
    client.create_namespace(ns, 2, membership=membership)
    client.put_categories(
        ns,
        [
            CategoryUpdate("gym", base=[1, 0], metadata={"name": "Gym"}),
            CategoryUpdate("sports", base=[1, 1], window=1),
            CategoryUpdate("fitness", base=[2, 1], window=3, min_base_share=0.25),
            CategoryUpdate("work", base=[0, 1]),
        ],
    )
    return ns


def _assign(client: Client, ns: str, *pairs: tuple[str, str]) -> None:
    for item, category in pairs:
        client.assign(ns, item, category, _VECTORS[item], actor=f"by {item}", reason=category)


@pytest.fixture
def notes(client: Client, ns: str) -> str:
    _create(client, ns)
    _assign(client, ns, ("one", "gym"), ("two", "fitness"), ("three", "sports"), ("four", "gym"))
    _assign(client, ns, ("five", "work"))
    return ns


def test_members_keep_place_time_and_actor(client: Client, notes: str) -> None:
    before = {item.key: item.memberships for item in client.list_items(notes)}
    reply = client.merge_categories(notes, ["gym", "sports"], "fitness", actor="eve")
    assert reply.revision == client.get_namespace(notes).revision == 8
    for item in client.list_items(notes):
        (own,), (earlier,) = item.memberships, before[item.key]
        assert own.category == ("work" if item.key == "five" else "fitness")
        assert (own.sequence, own.assign_time, own.actor, own.reason) == (
            earlier.sequence,
            earlier.assign_time,
            earlier.actor,
            earlier.reason,
        )
    assert [each.key for each in client.list_categories(notes)] == ["fitness", "work"]
    newest = [item.key for item in client.list_items(notes, category="fitness")]
    assert newest == ["four", "three", "two", "one"]
    # The window of the target counts the newest three, whatever counted before.
    assert reply.category.counting_count == 3
    assert reply.category.metadata == {}
    assert client.verify(notes).ok


@pytest.mark.parametrize("membership", ["single", "multiple"])
def test_it_is_as_if_all_had_been_assigned_to_the_target(
    client: Client, ns: str, membership: Any
) -> None:
    pairs = [("one", "gym"), ("two", "fitness"), ("three", "sports"), ("four", "gym")]
    if membership == "multiple":
        pairs += [("one", "sports"), ("two", "gym"), ("four", "fitness"), ("five", "work")]
        pairs += [("five", "sports")]
    straight = f"{ns}-straight"
    _create(client, ns, membership)
    _create(client, straight, membership)
    _assign(client, ns, *pairs)
    into = {"gym": "fitness", "sports": "fitness"}
    _assign(client, straight, *((item, into.get(category, category)) for item, category in pairs))
    reply = client.merge_categories(ns, ["gym", "sports", "gym"], "fitness")
    client.delete_categories(straight, ["gym", "sports"])
    assert client.get_namespace(ns).digest == client.get_namespace(straight).digest
    order = [
        [item.key for item in client.list_items(space, category="fitness")]
        for space in (ns, straight)
    ]
    assert order[0] == order[1]
    assert [each.category for each in reply.sources] == ["gym", "sports"]
    moved = [(each.member_count, each.moved_count) for each in reply.sources]
    assert moved == ([(3, 1), (3, 2)] if membership == "multiple" else [(2, 2), (1, 1)])


def test_a_member_of_several_has_its_earliest_place(client: Client, ns: str) -> None:
    _create(client, ns, "multiple")
    _assign(client, ns, ("one", "gym"), ("two", "fitness"), ("one", "fitness"), ("two", "gym"))
    client.merge_categories(ns, "gym", "fitness")
    for item in client.list_items(ns):
        (own,) = item.memberships
        expected = {"one": (1, "gym"), "two": (2, "fitness")}[item.key]
        assert (own.sequence, own.reason) == expected


def test_the_preview_says_what_the_merge_then_does(client: Client, notes: str) -> None:
    before = client.get_namespace(notes)
    preview = client.merge_categories(notes, ["gym", "sports"], "fitness", validate_only=True)
    assert client.get_namespace(notes) == before
    effective = {
        each.key: np.asarray(each.effective, dtype=np.float64)
        for each in client.list_categories(notes, include_embeddings=True)
    }
    drift = client.get_category(notes, "fitness").drift
    done = client.merge_categories(notes, ["gym", "sports"], "fitness")
    assert (preview.sources, preview.drift_before, preview.category) == (
        done.sources,
        done.drift_before,
        done.category,
    )

    def cosine(one: str, other: str) -> float:
        a, b = effective[one], effective[other]
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    for source, members in zip(preview.sources, (2, 1), strict=True):
        assert (source.member_count, source.moved_count) == (members, members)
        assert source.cosine == pytest.approx(cosine(source.category, "fitness"), abs=1e-6)
    assert preview.drift_before == drift
    after = client.get_category(notes, "fitness")
    assert preview.category.drift == after.drift != drift


def test_it_is_taken_back_exactly(client: Client, notes: str) -> None:
    client.reanchor(notes, "gym", keep_last=1)
    state = client.get_namespace(notes).digest, list(client.list_items(notes))
    categories = list(client.list_categories(notes))
    merged = client.merge_categories(notes, ["gym", "sports"], "fitness")
    undone = client.undo(notes, merged.revision)
    assert (client.get_namespace(notes).digest, list(client.list_items(notes))) == state
    assert list(client.list_categories(notes)) == categories
    client.undo(notes, undone.revision)
    assert client.get_category(notes, "fitness").member_count == 4
    assert client.verify(notes).ok


def test_the_history_shows_each_move_and_deletion(client: Client, notes: str) -> None:
    merged = client.merge_categories(notes, ["gym"], "fitness", actor="eve", reason="the same")
    changes = client.history(notes, first_revision=merged.revision, newest_first=False)
    assert [(each.kind, each.item, each.from_category, each.to_category) for each in changes] == [
        ("assigned", "one", "gym", "fitness"),
        ("assigned", "four", "gym", "fitness"),
        ("category_deleted", "", None, None),
    ]


def test_an_empty_category_without_a_base_is_merged(client: Client, notes: str) -> None:
    client.put_categories(notes, [CategoryUpdate("empty"), CategoryUpdate("none")])
    reply = client.merge_categories(notes, "empty", "none")
    assert reply.sources == (MergedCategory("empty", 0, 0, None),)
    assert (reply.drift_before, reply.category.drift) == (None, None)


def test_items_in_the_inbox_stay_there(client: Client, notes: str) -> None:
    client.put_items(notes, "waiting", [1, 1])
    client.merge_categories(notes, ["gym", "sports", "work"], "fitness")
    assert [item.key for item in client.list_items(notes, unassigned=True)] == ["waiting"]


def _bad(name: str, code: str, reason: str, field: str, sources: list[str], target: str) -> Bad:
    def request(ns: str) -> pb.MergeCategoriesRequest:
        return pb.MergeCategoriesRequest(namespace=ns, sources=sources, target=target)

    return Bad(name, "MergeCategories", request, code, reason, field)


@table(
    [
        _bad("nothing", "INVALID_ARGUMENT", "REQUIRED_FIELD", "sources", [], "a"),
        _bad("no key", "INVALID_ARGUMENT", "INVALID_KEY", "sources[1]", ["a", ""], "b"),
        _bad("no target", "INVALID_ARGUMENT", "INVALID_KEY", "target", ["a"], ""),
        _bad("itself", "INVALID_ARGUMENT", "CONFLICTING_ENTRIES", "sources[1]", ["b", "a"], "a"),
        _bad("no such source", "NOT_FOUND", "CATEGORY_NOT_FOUND", "sources[1]", ["a", "c"], "b"),
        _bad("no such target", "NOT_FOUND", "CATEGORY_NOT_FOUND", "target", ["a"], "c"),
    ]
)
def test_what_cannot_be_merged_is_refused(bad: Bad, client: Client, raw: Raw, ns: str) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))


def test_a_sum_out_of_range_refuses_it(client: Client, ns: str) -> None:
    client.create_namespace(ns, 2)
    client.put_categories(ns, [CategoryUpdate("a"), CategoryUpdate("b")])
    for category in "ab":
        keys = [f"{category}{number}" for number in range(150)]
        client.assign(ns, keys, category, [[32_000, 1]] * 150)
    before = client.get_namespace(ns)
    with pytest.raises(errors.FailedPrecondition) as caught:
        client.merge_categories(ns, "a", "b")
    assert (caught.value.reason, caught.value.metadata["category"]) == ("SUM_OVERFLOW", "b")
    assert client.get_namespace(ns) == before
