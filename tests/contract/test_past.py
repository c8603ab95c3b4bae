"""Reads at an earlier revision answer as they did then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client, Query, QueryPart, errors


def _seen(client: Client, ns: str, at_revision: int = 0) -> list[Any]:
    """Return what the three reads say of the newest or of an earlier revision."""
    query = Query(parts=[QueryPart(item="one"), QueryPart(embedding=[0.5, 1, 0])])
    matches = client.match(ns, query, at_revision=at_revision)
    explained = client.explain(ns, query, members=5, at_revision=at_revision)
    category = client.get_category(ns, "a", at_revision=at_revision)
    assert category.effective is not None
    return [matches, explained, category.effective.tobytes(), category.member_count, category.drift]


@pytest.fixture
def taught(client: Client, ns: str) -> list[list[Any]]:
    """Write several revisions; return what was seen at each, from the second on."""
    client.create_namespace(ns, 3)
    client.put_categories(
        ns, [CategoryUpdate("a", base=[1, 0, 0], window=2), CategoryUpdate("b", base=[0, 1, 0])]
    )
    client.put_items(ns, "one", [[1, 1, 0]])
    seen = []
    writes: list[Callable[[], Any]] = [
        lambda: client.assign(ns, ["one", "two"], "a", [[1, 1, 0], [2, 1, 1]], actor="ann"),
        lambda: client.assign(ns, "three", "a", [3, 1, 2], actor="eve", weights=4),
        lambda: client.assign(ns, "one", "b", actor="eve"),
        lambda: client.update_namespace(ns, ranking="local", fairness=0.5),
        lambda: client.unassign(ns, "two", delete_items=True),
        lambda: client.put_items(ns, "one", [[0, 1, 1]]),
        lambda: client.put_categories(ns, [CategoryUpdate("a", frozen=True)]),
        lambda: client.delete_categories(ns, "b"),
        lambda: client.undo(ns, revisions=(10, 11)),
    ]
    for write in writes:
        seen.append(_seen(client, ns))
        write()
    return seen


def test_each_revision_answers_as_it_did_then(
    client: Client, ns: str, taught: list[list[Any]]
) -> None:
    newest = client.get_namespace(ns).revision
    assert newest == 3 + len(taught)
    for revision, expected in enumerate(taught, start=3):
        assert _seen(client, ns, revision) == expected, revision
    assert _seen(client, ns, newest) == _seen(client, ns)
    with pytest.raises(errors.NotFound):
        client.get_category(ns, "a", at_revision=1)
    assert client.match(ns, np.array([1, 0, 0]), at_revision=1)[0].matches == ()
    assert client.match(ns, np.array([1, 0, 0]), at_revision=1)[0].revision == 1


def test_confidences_are_those_of_the_revision(client: Client, ns: str) -> None:
    """The members of the time count, with the windows that they were in."""
    client.create_namespace(ns, 3)
    client.put_categories(
        ns, [CategoryUpdate("a", base=[1, 0, 0], window=4), CategoryUpdate("b", base=[0, 1, 0])]
    )
    rng = np.random.default_rng(4)
    members = 0.4 * rng.normal(size=(12, 3)) + [1, 0, 0]
    queries = rng.normal(size=(5, 3))
    client.assign(ns, [f"i{n}" for n in range(6)], "a", members[:6])

    def seen(at_revision: int = 0) -> Any:
        return client.match(
            ns, queries, limit=0, min_confidence=0.4, confidence=True, at_revision=at_revision
        )

    writes: list[Callable[[], Any]] = [
        lambda: client.assign(ns, [f"i{n}" for n in range(6, 12)], "a", members[6:]),
        lambda: client.assign(ns, ["i2", "i10"], "b"),
        lambda: client.put_items(ns, "i11", [[0, 1, 1]], weights=3),
        lambda: client.put_categories(ns, [CategoryUpdate("a", window=0)]),
        lambda: client.delete_items(ns, ["i4", "i10"]),
        lambda: client.reanchor(ns, "a", keep_last=2),
    ]
    expected = {}
    for write in writes:
        expected[client.get_namespace(ns).revision] = seen()
        write()
    confidences = {
        tuple(match.confidence for result in results for match in result.matches)
        for results in expected.values()
    }
    assert len(confidences) == len(writes)
    assert {result.none_of_these for results in expected.values() for result in results} == {
        *(True, False)
    }
    for revision, results in expected.items():
        assert seen(revision) == results, revision
    assert seen(client.get_namespace(ns).revision) == seen()


@pytest.mark.usefixtures("taught")
def test_a_revision_that_is_not_there_is_refused(client: Client, ns: str) -> None:
    newest = client.get_namespace(ns).revision
    for read in (
        lambda revision: client.match(ns, [1, 0, 0], at_revision=revision),
        lambda revision: client.explain(ns, [1, 0, 0], at_revision=revision),
        lambda revision: client.get_category(ns, "a", at_revision=revision),
    ):
        with pytest.raises(errors.FailedPrecondition) as refused:
            read(newest + 1)
        assert refused.value.reason == "REVISION_NOT_REACHED"
        assert refused.value.metadata == {
            "field": "at_revision",
            "expected": f"{newest + 1}",
            "actual": f"{newest}",
        }
    client.trim_history(ns, keep_revisions=2)
    assert _seen(client, ns, newest - 1)
    with pytest.raises(errors.FailedPrecondition) as refused:
        _seen(client, ns, newest - 3)
    assert refused.value.reason == "HISTORY_TRIMMED"
    assert refused.value.metadata["field"] == "at_revision"
    assert refused.value.metadata["first_revision"] == f"{newest - 1}"
