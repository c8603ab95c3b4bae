"""RenameCategory: another key, and everything else stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from effective_embeddings import Category, CategoryUpdate, Client, Membership, errors
from effective_embeddings.v1 import service_pb2 as pb
from tests.contract.bad_input.cases import Bad, assert_refused, make_good_state, table
from tests.support.raw import Raw


def _teach(client: Client, ns: str, key: str) -> str:
    """A window, an anchor, and members that have come and gone."""
    client.create_namespace(ns, 2)
    client.put_categories(
        ns, [CategoryUpdate(key, base=[1, 0], window=3), CategoryUpdate("other", base=[0, 1])]
    )
    client.assign(ns, ["one", "two"], key, [[1, 1], [2, 1]], actor="ann", reason="first")
    client.reanchor(ns, key, keep_last=1)
    client.assign(ns, ["three", "four"], key, [[3, 1], [1, 3]], actor="bob")
    client.assign(ns, "five", key, [1, 5], weights=2)
    return ns


@pytest.fixture
def notes(client: Client, ns: str) -> str:
    return _teach(client, ns, "health")


def _members(client: Client, ns: str) -> list[tuple[str, list[Membership]]]:
    return [(item.key, list(item.memberships)) for item in client.list_items(ns)]


def test_members_settings_and_order_stay(client: Client, notes: str) -> None:
    before, members = client.get_category(notes, "health"), _members(client, notes)

    reply = client.rename_category(notes, "health", "fitness", actor="eve", reason="clearer")

    assert (reply.changed, reply.category.key, reply.revision) == (True, "fitness", 7)
    assert reply.category.member_count == 5
    after = client.get_category(notes, "fitness")
    assert _facts(after) == {**_facts(before), "key": "fitness"}
    assert _members(client, notes) == [
        (
            key,
            [
                Membership("fitness", own.sequence, own.assign_time, own.actor, own.reason)
                for own in memberships
            ],
        )
        for key, memberships in members
    ]
    with pytest.raises(errors.NotFound):
        client.get_category(notes, "health")
    assert client.verify(notes).ok
    # The window turns as if nothing had happened: "three" was the oldest of the three that count.
    client.unassign(notes, "five")
    assert client.get_category(notes, "fitness").counting_count == 3


def _facts(category: Category) -> dict[str, Any]:
    names = [name for name in Category.__slots__ if name not in ("base", "effective")]
    vectors = {
        name: None if (vector := getattr(category, name)) is None else vector.tolist()
        for name in ("base", "effective")
    }
    return {name: getattr(category, name) for name in names} | vectors


@pytest.mark.parametrize("ranking", ["cosine", "local"])
def test_the_digest_and_answers_are_those_of_a_category_that_always_had_the_key(
    client: Client, notes: str, ranking: Any
) -> None:
    other = _teach(client, f"{notes}-other", "fitness")
    client.rename_category(notes, "health", "fitness")
    for ns in (notes, other):
        client.update_namespace(ns, ranking=ranking)
        client.assign(ns, "six", "fitness", [4, 1])
    assert client.get_namespace(notes).digest == client.get_namespace(other).digest
    query = np.array([[1, 2], [3, 1]])
    found, expected = (
        [[(each.category, each.score) for each in result.matches] for result in found]
        for found in (client.match(ns, query) for ns in (notes, other))
    )
    assert found == expected


def test_ties_and_pages_follow_the_new_key(client: Client, ns: str) -> None:
    client.create_namespace(ns, 2)
    client.put_categories(ns, [CategoryUpdate(key, base=[1, 0]) for key in "abcd"])
    client.rename_category(ns, "a", "c2")
    assert [each.category for each in client.match(ns, [1, 0])[0].matches] == ["b", "c", "c2", "d"]
    assert [each.key for each in client.list_categories(ns)] == ["b", "c", "c2", "d"]


def test_a_page_token_goes_on_in_the_order_of_the_new_keys(
    raw: Raw, client: Client, ns: str
) -> None:
    client.create_namespace(ns, 2)
    client.put_categories(ns, [CategoryUpdate(key) for key in "abcd"])
    first = raw.call("ListCategories", pb.ListCategoriesRequest(namespace=ns, page_size=2))
    client.rename_category(ns, "a", "d2")
    rest = raw.call(
        "ListCategories",
        pb.ListCategoriesRequest(namespace=ns, page_size=5, page_token=first.next_page_token),
    )
    assert [each.key for each in rest.categories] == ["c", "d", "d2"]


def test_categories_can_swap_their_keys(client: Client, notes: str) -> None:
    members = client.get_category(notes, "health").member_count
    client.rename_category(notes, "health", "spare")
    client.rename_category(notes, "other", "health")
    client.rename_category(notes, "spare", "other")
    assert client.get_category(notes, "other").member_count == members
    assert client.get_category(notes, "health").member_count == 0
    assert client.verify(notes).ok


def test_the_history_shows_it_under_both_keys(client: Client, notes: str) -> None:
    client.rename_category(notes, "health", "fitness", actor="eve", reason="clearer")
    client.assign(notes, "six", "fitness", [1, 1])
    (change,) = [each for each in client.history(notes) if each.kind == "category_renamed"]
    assert (change.category, change.from_category, change.to_category) == (
        "fitness",
        "health",
        "fitness",
    )
    assert (change.actor, change.reason, change.revision) == ("eve", "clearer", 7)
    old = [each.revision for each in client.history(notes, category="health")]
    new = [each.revision for each in client.history(notes, category="fitness")]
    assert (max(old), min(new)) == (7, 7), "a change has the key of its time"
    assert max(new) == 8


def test_it_can_be_taken_back(client: Client, notes: str) -> None:
    digest, members = client.get_namespace(notes).digest, _members(client, notes)
    client.rename_category(notes, "health", "fitness")
    undone = client.undo(notes, 7)
    assert [(each.kind, each.category) for each in undone.changes] == [
        ("category_renamed", "health")
    ]
    assert client.get_namespace(notes).digest == digest
    assert _members(client, notes) == members


def test_earlier_changes_are_taken_back_under_the_new_key(client: Client, notes: str) -> None:
    """The rename stays: it does not depend on them."""
    client.rename_category(notes, "health", "fitness")
    client.undo(notes, 6)  # "five"
    assert client.get_category(notes, "fitness").member_count == 4
    with pytest.raises(errors.FailedPrecondition) as caught:
        client.undo(notes, 2)  # the category itself
    assert caught.value.reason == "UNDO_CONFLICT"


def test_the_past_has_the_old_key(client: Client, notes: str) -> None:
    before = _facts(client.get_category(notes, "health"))
    client.rename_category(notes, "health", "fitness")
    client.assign(notes, "one", "other")
    assert _facts(client.get_category(notes, "health", at_revision=6)) == before
    found = client.match(notes, [1, 1], at_revision=6)[0].matches
    assert {each.category for each in found} == {"health", "other"}
    with pytest.raises(errors.NotFound):
        client.get_category(notes, "fitness", at_revision=6)


def test_the_key_that_it_has_changes_nothing(client: Client, notes: str) -> None:
    before = client.get_namespace(notes)
    reply = client.rename_category(notes, "health", "health")
    assert (reply.changed, reply.revision) == (False, before.revision)
    assert client.get_namespace(notes) == before


def test_a_preview_writes_nothing(client: Client, notes: str) -> None:
    before = client.get_namespace(notes)
    preview = client.rename_category(notes, "health", "fitness", validate_only=True)
    assert client.get_namespace(notes) == before
    done = client.rename_category(notes, "health", "fitness")
    assert (preview.changed, preview.category) == (done.changed, done.category)


def test_more_members_than_a_write_reads_itself(client: Client, ns: str) -> None:
    """Their hashes are computed beside the writes of other namespaces."""
    other = f"{ns}-other"
    keys = [f"i{number}" for number in range(10_001)]
    vectors = np.stack([np.linspace(0.1, 1, len(keys)), np.ones(len(keys))], axis=1)
    for space, key in ((ns, "old"), (other, "new")):
        client.create_namespace(space, 2)
        client.put_categories(space, [CategoryUpdate(key)])
        client.assign(space, keys, key, vectors)
    client.rename_category(ns, "old", "new")
    assert client.get_namespace(ns).digest == client.get_namespace(other).digest
    assert client.verify(ns).ok


def test_it_survives_a_snapshot(client: Client, notes: str, tmp_path: Any) -> None:
    client.rename_category(notes, "health", "fitness")
    client.snapshot(notes, tmp_path / "s")
    restored = client.restore(tmp_path / "s", f"{notes}-again")
    assert restored.digest == client.get_namespace(notes).digest


def _bad(name: str, reason: str, code: str, field: str, key: str, new_key: str) -> Bad:
    def request(ns: str) -> pb.RenameCategoryRequest:
        return pb.RenameCategoryRequest(namespace=ns, category=key, new_key=new_key)

    return Bad(name, "RenameCategory", request, code, reason, field)


@table(
    [
        _bad("a key that is taken", "CATEGORY_EXISTS", "ALREADY_EXISTS", "new_key", "a", "b"),
        _bad("no category", "CATEGORY_NOT_FOUND", "NOT_FOUND", "category", "no", "c"),
        _bad("no category but a key", "CATEGORY_NOT_FOUND", "NOT_FOUND", "category", "no", "a"),
        _bad("no key", "INVALID_KEY", "INVALID_ARGUMENT", "category", "", "c"),
        _bad("no new key", "INVALID_KEY", "INVALID_ARGUMENT", "new_key", "a", ""),
        _bad("a key too long", "INVALID_KEY", "INVALID_ARGUMENT", "new_key", "a", "x" * 513),
        _bad("a control character", "INVALID_KEY", "INVALID_ARGUMENT", "new_key", "a", "x\n"),
    ]
)
def test_what_cannot_be_renamed_is_refused(bad: Bad, client: Client, raw: Raw, ns: str) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))


def test_the_refusal_names_the_key_that_is_taken(client: Client, notes: str) -> None:
    with pytest.raises(errors.AlreadyExists) as caught:
        client.rename_category(notes, "health", "other")
    assert caught.value.metadata == {"field": "new_key", "category": "other"}
