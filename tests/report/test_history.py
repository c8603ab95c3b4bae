"""What became of assignments, from the history of the real service."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.report.analysis.fates import Assignment, assignments
from effective_embeddings.report.analysis.learning import learning
from effective_embeddings.report.analysis.periods import periods
from effective_embeddings.report.caps import MOST_BUCKETS
from effective_embeddings.report.sources import changes as source
from effective_embeddings.report.sources.changes import read_changes


@pytest.fixture
def three(client: Client, ns: str) -> str:
    client.create_namespace(ns, 3)
    bases = ([1, 0, 0], [0, 1, 0], [0, 0, 1])
    client.put_categories(
        ns, [CategoryUpdate(key, base=b) for key, b in zip("ABC", bases, strict=True)]
    )
    return ns


def put(client: Client, ns: str, item: str, category: str, actor: str = "ann") -> int:
    return client.assign(ns, item, category, [1, 2, 3], actor=actor).revision


def fates(client: Client, ns: str) -> list[tuple[str, str, str, str | None]]:
    return [(each.item, each.category, each.fate, each.corrected_to) for each in made(client, ns)]


def made(client: Client, ns: str) -> list[Assignment]:
    single = client.get_namespace(ns).membership == "single"
    return assignments(client.history(ns, newest_first=False), single=single)


def test_a_move_corrects_the_assignment_before(client: Client, three: str) -> None:
    put(client, three, "x", "A")
    put(client, three, "y", "A")
    put(client, three, "x", "B", actor="ben")
    put(client, three, "x", "C", actor="cid")
    assert fates(client, three) == [
        ("x", "A", "corrected", "B"),
        ("y", "A", "stayed", None),
        ("x", "B", "corrected", "C"),
        ("x", "C", "stayed", None),
    ]
    assert [each.is_correction for each in made(client, three)] == [False, False, True, True]


def test_by_way_of_the_inbox_it_is_a_correction_too(client: Client, three: str) -> None:
    put(client, three, "x", "A")
    put(client, three, "y", "A")
    client.unassign(three, ["x", "y"])
    put(client, three, "x", "B")
    assert fates(client, three) == [
        ("x", "A", "corrected", "B"),
        ("y", "A", "withdrawn", None),
        ("x", "B", "stayed", None),
    ]


def test_what_was_deleted_was_not_wrong(client: Client, three: str) -> None:
    put(client, three, "x", "A")
    put(client, three, "y", "B")
    put(client, three, "z", "C")
    client.delete_items(three, "x")
    client.delete_categories(three, "B")
    client.unassign(three, "z", delete_items=True)
    put(client, three, "y", "A")
    assert fates(client, three) == [
        ("x", "A", "deleted", None),
        ("y", "B", "deleted", None),
        ("z", "C", "deleted", None),
        ("y", "A", "stayed", None),
    ]
    assert not made(client, three)[-1].is_correction


def test_an_undo_makes_it_as_if_it_had_never_been(client: Client, three: str) -> None:
    put(client, three, "x", "A")
    wrong = put(client, three, "x", "B", actor="carl")
    put(client, three, "y", "B", actor="carl")
    undone = client.undo(three, by="carl", since=datetime(2000, 1, 1, tzinfo=UTC)).revision
    after = [
        ("x", "A", "stayed", None),
        ("x", "B", "taken back", None),
        ("y", "B", "taken back", None),
    ]
    assert fates(client, three) == after
    client.undo(three, undone)
    assert fates(client, three) == [
        ("x", "A", "corrected", "B"),
        ("x", "B", "stayed", None),
        ("y", "B", "stayed", None),
    ]
    client.undo(three, wrong)
    assert fates(client, three)[:2] == after[:2]


def test_a_rename_is_no_assignment_and_its_category_is_the_same(client: Client, three: str) -> None:
    put(client, three, "x", "A")
    put(client, three, "y", "A")
    renamed = client.rename_category(three, "A", "D").revision
    put(client, three, "x", "B")
    put(client, three, "z", "D")
    moved = put(client, three, "z", "C")
    after = [
        ("x", "D", "corrected", "B"),
        ("y", "D", "stayed", None),
        ("x", "B", "stayed", None),
        ("z", "D", "corrected", "C"),
        ("z", "C", "stayed", None),
    ]
    assert fates(client, three) == after
    client.undo(three, revisions=(moved, moved))
    client.undo(three, renamed)
    assert fates(client, three) == [
        ("x", "A", "corrected", "B"),
        ("y", "A", "stayed", None),
        ("x", "B", "stayed", None),
        ("z", "A", "stayed", None),
        ("z", "C", "taken back", None),
    ]


def test_a_merge_is_no_assignment_and_corrects_nothing(client: Client, three: str) -> None:
    put(client, three, "x", "A", actor="ann")
    put(client, three, "y", "A", actor="ann")
    put(client, three, "z", "B", actor="ben")
    merged = client.merge_categories(three, "A", "B", actor="eve").revision
    put(client, three, "y", "C", actor="cid")
    assert fates(client, three) == [
        ("x", "B", "stayed", None),
        ("y", "B", "corrected", "C"),
        ("z", "B", "stayed", None),
        ("y", "C", "stayed", None),
    ]
    assert {each.actor for each in made(client, three)} == {"ann", "ben", "cid"}
    client.undo(three, client.get_namespace(three).revision)
    client.undo(three, merged)
    assert fates(client, three) == [
        ("x", "A", "stayed", None),
        ("y", "A", "stayed", None),
        ("z", "B", "stayed", None),
        ("y", "C", "taken back", None),
    ]


def test_a_second_tag_corrects_nothing(client: Client, ns: str) -> None:
    client.create_namespace(ns, 3, membership="multiple")
    client.put_categories(ns, [CategoryUpdate("A"), CategoryUpdate("B")])
    put(client, ns, "x", "A")
    put(client, ns, "x", "B")
    client.unassign(ns, "x", "A")
    assert fates(client, ns) == [("x", "A", "withdrawn", None), ("x", "B", "stayed", None)]


def test_figures_add_up(client: Client, three: str) -> None:
    for number in range(20):
        put(client, three, f"i{number}", "A", actor="ann" if number % 2 else "ben")
    for number in range(5):
        put(client, three, f"i{number}", "B")
    put(client, three, "i0", "C")
    client.undo(three, put(client, three, "wrong", "C"))
    found = learning(list(client.history(three, newest_first=False)), single=True)
    assert found is not None
    assert found.fates == {
        "stayed": 20,
        "corrected": 6,
        "withdrawn": 0,
        "taken back": 1,
        "deleted": 0,
    }
    assert (sum(found.firsts), sum(found.corrections), sum(found.corrected)) == (20, 6, 6)
    assert found.routes == [("A", "B", 5), ("B", "C", 1)]
    assert found.actors == {"ben": (10, 3), "ann": (16, 3)}


def test_a_history_without_assignments_has_no_figures(client: Client, three: str) -> None:
    assert learning(list(client.history(three)), single=True) is None


def test_the_newest_changes_are_read_in_whole_revisions(
    client: Client, three: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = 0
    for number in range(6):
        items = [f"{number} {each}" for each in range(4)]
        last = client.assign(three, items, "A", [[1, 2, 3]] * 4).revision
    whole = read_changes(client, three, last, lambda *_: None)
    assert not whole.is_cut
    assert [each.revision for each in whole.changes] == sorted(
        each.revision for each in whole.changes
    )
    monkeypatch.setattr(source, "MOST_CHANGES", 18)
    cut = read_changes(client, three, last, lambda *_: None)
    assert cut.is_cut
    assert cut.changes == whole.changes[-16:]
    earlier = read_changes(client, three, last - 1, lambda *_: None)
    assert earlier.changes[-1].revision == last - 1


def test_a_history_that_is_trimmed_while_it_is_read_is_read_as_far_as_it_is_kept(
    client: Client, three: str
) -> None:
    # More than fit into one page, so that the next one is asked for when its revision is gone.
    last = 0
    for _ in range(4):
        items = [f"{number}" for number in range(900)]
        client.assign(three, items, "A", [[1, 2, 3]] * 900)
        last = client.assign(three, items, "B").revision

    def trim(*_: object) -> None:
        client.trim_history(three, keep_revisions=1)

    found = read_changes(client, three, last, trim)
    assert found.first_revision == last
    assert {each.revision for each in found.changes} <= {last, last - 1}
    assert sum(each.revision == last for each in found.changes) == 900


@given(
    first=st.floats(0, 4e9),
    span=st.one_of(st.floats(0, 100), st.floats(0, 1e6), st.floats(0, 4e9)),
)
def test_periods_cover_their_time(first: float, span: float) -> None:
    covered = periods(first, first + span)
    assert 1 <= covered.count <= MOST_BUCKETS
    assert covered.start <= first
    assert covered.end(covered.count - 1) > first + span
    assert covered.place(first) == 0
    assert covered.place(first + span) == covered.count - 1
    labels = [covered.label(place) for place in range(covered.count)]
    assert len(set(labels)) == covered.count
