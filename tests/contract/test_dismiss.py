"""Dismiss: somebody says that an item does not belong to a category."""

from __future__ import annotations

from typing import Any

import pytest

from effective_embeddings import CategoryUpdate, Client, Dismissal, errors
from effective_embeddings.v1 import service_pb2 as pb
from tests.contract.bad_input.cases import Bad, assert_refused, make_good_state, table
from tests.support.raw import Raw


def _updates(keys: str) -> list[CategoryUpdate]:
    bases = [[1, 0], [0, 1], [1, 1]]
    return [CategoryUpdate(key, base=base) for key, base in zip(keys, bases, strict=True)]


@pytest.fixture(params=["single", "multiple"])
def notes(client: Client, ns: str, request: pytest.FixtureRequest) -> str:
    """Three categories; ``one`` is in a, ``two`` and ``three`` are in the inbox; revision 4."""
    client.create_namespace(ns, 2, membership=request.param)
    client.put_categories(ns, _updates("abc"))
    client.assign(ns, "one", "a", [1, 0])
    client.put_items(ns, ["two", "three"], [[1, 2], [2, 1]])
    return ns


def _dismissed(client: Client, ns: str) -> dict[str, list[str]]:
    found = {
        item.key: [each.category for each in item.dismissals] for item in client.list_items(ns)
    }
    return {key: categories for key, categories in found.items() if categories}


def test_it_is_told_with_author_time_and_reason(client: Client, notes: str) -> None:
    reply = client.dismiss(notes, "two", ["b", "a"], actor="ann", reason="private")
    assert [(each.item, each.category, each.changed) for each in reply.results] == [
        ("two", "b", True),
        ("two", "a", True),
    ]
    assert reply.revision == client.get_namespace(notes).revision == 5
    first, second = client.get_item(notes, "two").dismissals
    (change,) = [each for each in client.history(notes, first_revision=5) if each.category == "a"]
    assert first == Dismissal("a", change.time, "ann", "private")
    assert (second.category, change.kind, change.item) == ("b", "dismissed", "two")
    assert client.verify(notes).ok


def test_scores_do_not_change(client: Client, notes: str) -> None:
    before = client.match(notes, "two", limit=0)[0].matches
    categories = list(client.list_categories(notes, include_embeddings=True))
    client.dismiss(notes, "two", "b")
    assert client.match(notes, "two", limit=0)[0].matches == before
    assert list(client.list_categories(notes, include_embeddings=True)) == categories


def test_said_twice_it_changes_nothing(client: Client, notes: str) -> None:
    client.dismiss(notes, "two", "b", actor="ann")
    before = client.get_namespace(notes)
    again = client.dismiss(notes, ["two", "two"], "b", actor="bob")
    assert [each.changed for each in again.results] == [False, False]
    assert client.get_namespace(notes) == before
    assert client.get_item(notes, "two").dismissals[0].actor == "ann"


def test_the_digest_is_a_function_of_what_is_dismissed(client: Client, notes: str) -> None:
    plain = client.get_namespace(notes).digest
    client.dismiss(notes, ["two", "three"], ["b", "a"])
    both = client.get_namespace(notes).digest
    client.dismiss(notes, "two", "b", withdraw=True)
    one = client.get_namespace(notes).digest
    assert len({plain, both, one}) == 3
    client.dismiss(notes, "two", "b")
    assert client.get_namespace(notes).digest == both
    reply = client.dismiss(notes, ["three", "two", "one"], ["a", "b", "c"], withdraw=True)
    assert [each.changed for each in reply.results] == [True, True, False]
    assert client.get_namespace(notes).digest == plain


def test_an_assignment_ends_it(client: Client, notes: str) -> None:
    client.dismiss(notes, "two", ["b", "c"], actor="ann", reason="no")
    reply = client.assign(notes, "two", "b", actor="bob")
    assert _dismissed(client, notes) == {"two": ["c"]}
    ended, joined = client.history(notes, first_revision=reply.revision, newest_first=False)
    assert (ended.kind, ended.item, ended.category) == ("dismissal_ended", "two", "b")
    assert ended.ended_dismissal is not None
    assert (ended.ended_dismissal.actor, ended.ended_dismissal.reason) == ("ann", "no")
    assert (joined.kind, joined.to_category) == ("assigned", "b")
    # To leave the category again dismisses nothing.
    client.unassign(notes, "two")
    assert _dismissed(client, notes) == {"two": ["c"]}
    assert client.verify(notes).ok


def test_it_ends_with_the_item_and_with_the_category(client: Client, notes: str) -> None:
    plain = client.get_namespace(notes)
    client.put_categories(notes, [CategoryUpdate("new")])
    client.put_items(notes, "new", [1, 1])
    client.dismiss(notes, ["two", "new", "new"], ["new", "a", "new"])
    client.delete_categories(notes, "new")
    assert _dismissed(client, notes) == {"new": ["a"]}
    client.delete_items(notes, "new")
    assert client.get_namespace(notes).digest == plain.digest
    # Under the same keys, they are others.
    client.put_items(notes, "new", [1, 1])
    client.put_categories(notes, [CategoryUpdate("new")])
    assert _dismissed(client, notes) == {}
    assert client.verify(notes).ok


def test_a_rename_carries_it(client: Client, notes: str) -> None:
    client.dismiss(notes, ["two", "three"], ["b", "c"])
    other = f"{notes}-other"
    client.create_namespace(other, 2, membership=client.get_namespace(notes).membership)
    client.put_categories(other, _updates("adc"))
    client.assign(other, "one", "a", [1, 0])
    client.put_items(other, ["two", "three"], [[1, 2], [2, 1]])
    client.dismiss(other, ["two", "three"], ["d", "c"])
    client.rename_category(notes, "b", "d")
    assert _dismissed(client, notes) == {"two": ["d"], "three": ["c"]}
    assert client.get_namespace(notes).digest == client.get_namespace(other).digest


def test_a_merge_carries_it_except_to_members(client: Client, notes: str) -> None:
    client.assign(notes, "three", "b")
    client.dismiss(notes, ["two", "three", "three", "one"], ["b", "a", "c", "b"], actor="ann")
    digest = client.get_namespace(notes).digest
    merged = client.merge_categories(notes, ["b", "a"], "c")
    # "three" joined c, which ended its dismissal; "one" joined c too.
    assert _dismissed(client, notes) == {"two": ["c"]}
    assert client.get_item(notes, "two").dismissals[0].actor == "ann"
    assert client.verify(notes).ok
    client.undo(notes, merged.revision)
    assert client.get_namespace(notes).digest == digest
    assert _dismissed(client, notes) == {"one": ["b"], "three": ["a", "c"], "two": ["b"]}


def test_it_can_be_taken_back_and_restored_with_its_author(client: Client, notes: str) -> None:
    plain = client.get_namespace(notes).digest
    first = client.dismiss(notes, "two", "b", actor="ann", reason="no")
    dismissed = client.get_item(notes, "two").dismissals
    withdrawn = client.dismiss(notes, "two", "b", withdraw=True)
    client.undo(notes, withdrawn.revision)
    assert client.get_item(notes, "two").dismissals == dismissed
    assigned = client.assign(notes, "two", "b")
    client.undo(notes, assigned.revision)
    assert client.get_item(notes, "two").dismissals == dismissed
    client.undo(notes, first.revision)
    assert client.get_namespace(notes).digest == plain


def test_what_depends_on_it_is_a_conflict(client: Client, notes: str) -> None:
    client.dismiss(notes, "two", "b")
    withdrawn = client.dismiss(notes, "two", "b", withdraw=True)
    client.assign(notes, "two", "b")
    with pytest.raises(errors.FailedPrecondition) as caught:
        client.undo(notes, withdrawn.revision)
    assert caught.value.reason == "UNDO_CONFLICT"
    client.dismiss(notes, "three", "c")
    with pytest.raises(errors.FailedPrecondition) as caught:
        client.undo(notes, 4)  # the creation of "two" and "three"
    assert caught.value.reason == "UNDO_CONFLICT"


def test_an_explanation_shows_it(client: Client, notes: str) -> None:
    client.dismiss(notes, "two", "b", actor="ann", reason="no")
    found = {each.category: each for each in client.explain(notes, "two").explanations}
    assert found["b"].dismissal == client.get_item(notes, "two").dismissals[0]
    assert found["a"].dismissal is None
    by_vector = client.explain(notes, [1, 2]).explanations
    assert all(each.dismissal is None for each in by_vector)


def test_the_past_has_it(client: Client, notes: str) -> None:
    """A new item, a rename and a withdrawal are taken back in memory."""
    client.put_items(notes, "new", [3, 1])
    dismissed = client.dismiss(notes, ["two", "new"], "b", actor="ann", reason="no")
    then = client.explain(notes, "two", ["b"]).explanations[0].dismissal
    client.rename_category(notes, "b", "d")
    client.delete_items(notes, "new")
    client.dismiss(notes, "two", "d", withdraw=True)
    for item in ("two", "new"):
        past = client.explain(notes, item, ["b"], at_revision=dismissed.revision)
        assert past.explanations[0].dismissal == then
    before = client.explain(notes, "two", ["b"], at_revision=dismissed.revision - 1)
    assert before.explanations[0].dismissal is None
    assert client.explain(notes, "two", ["d"]).explanations[0].dismissal is None


def test_a_snapshot_has_it(client: Client, notes: str, tmp_path: Any) -> None:
    client.dismiss(notes, ["two", "three"], ["b", "c"], actor="ann", reason="no")
    client.snapshot(notes, tmp_path / "s")
    again = f"{notes}-again"
    restored = client.restore(tmp_path / "s", again)
    assert restored.digest == client.get_namespace(notes).digest
    assert list(client.list_items(again)) == list(client.list_items(notes))
    assert client.verify(again).ok


def test_a_preview_writes_nothing(client: Client, notes: str) -> None:
    before = client.get_namespace(notes)
    preview = client.dismiss(notes, "two", "b", validate_only=True)
    assert client.get_namespace(notes) == before
    assert preview.results == client.dismiss(notes, "two", "b").results


def _bad(name: str, code: str, reason: str, field: str, **metadata: str) -> Bad:
    requests = {
        "no pair": [],
        "no item key": [("", "b")],
        "no category key": [("waiting", "")],
        "no such item": [("waiting", "b"), ("nobody", "b")],
        "no such category": [("waiting", "b"), ("waiting", "no")],
        "a member": [("waiting", "b"), ("known", "a")],
    }

    def request(ns: str) -> pb.DismissRequest:
        pairs = [pb.ItemCategory(item=item, category=key) for item, key in requests[name]]
        return pb.DismissRequest(namespace=ns, pairs=pairs)

    return Bad(name, "Dismiss", request, code, reason, field, metadata)


@table(
    [
        _bad("no pair", "INVALID_ARGUMENT", "REQUIRED_FIELD", "pairs"),
        _bad("no item key", "INVALID_ARGUMENT", "INVALID_KEY", "pairs[0].item"),
        _bad("no category key", "INVALID_ARGUMENT", "INVALID_KEY", "pairs[0].category"),
        _bad("no such item", "NOT_FOUND", "ITEM_NOT_FOUND", "pairs[1].item", item="nobody"),
        _bad(
            "no such category",
            "NOT_FOUND",
            "CATEGORY_NOT_FOUND",
            "pairs[1].category",
            category="no",
        ),
        _bad(
            "a member",
            "FAILED_PRECONDITION",
            "ITEM_IN_CATEGORY",
            "pairs[1]",
            item="known",
            category="a",
        ),
    ]
)
def test_what_cannot_be_dismissed_is_refused(bad: Bad, client: Client, raw: Raw, ns: str) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))
