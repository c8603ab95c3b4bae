"""Explain says what the scores would be after a change, exactly as after such a write."""

from __future__ import annotations

from typing import Any

import pytest

from effective_embeddings import CategoryUpdate, Client, WhatIf
from effective_embeddings.v1 import service_pb2 as pb
from tests.contract.bad_input.cases import Bad, assert_refused, make_good_state, table
from tests.support.raw import Raw


@pytest.fixture
def taught(client: Client, ns: str) -> str:
    client.create_namespace(ns, 3)
    client.put_categories(
        ns,
        [
            CategoryUpdate("a", base=[1, 0, 0], window=2),
            CategoryUpdate("b", base=[0, 1, 0]),
            CategoryUpdate("c", base=[0, 0, 1], min_score=0.9),
        ],
    )
    client.assign(
        ns, ["one", "two", "three"], "a", [[1, 1, 0], [2, 1, 1], [3, 1, 2]], weights=[1, 2, 3]
    )
    client.assign(ns, ["four", "five"], "b", [[1, 2, 0], [0, 2, 1]])
    client.put_items(ns, "inbox", [[1, 1, 1]])
    return ns


CHANGES: list[tuple[WhatIf, Any]] = [
    (WhatIf("three", leaves="a"), lambda client, ns: client.unassign(ns, "three", "a")),
    (WhatIf("inbox", joins="b"), lambda client, ns: client.assign(ns, "inbox", "b")),
    (WhatIf("four", joins="a"), lambda client, ns: client.assign(ns, "four", "a")),
    (WhatIf("two", weight=50), lambda client, ns: client.put_items(ns, "two", weights=50)),
    (WhatIf("three", weight=0.5), lambda client, ns: client.put_items(ns, "three", weights=0.5)),
]


@pytest.mark.parametrize("ranking", ["cosine", "local"])
def test_a_change_has_the_effect_that_the_write_has(
    client: Client, taught: str, ranking: Any
) -> None:
    query = [1.0, 1.5, 0.5]
    before = client.get_namespace(taught)
    keys = ["a", "b", "c"]
    now = client.explain(taught, query, keys, ranking=ranking, fairness=0.5)
    told = client.explain(
        taught,
        query,
        keys,
        ranking=ranking,
        fairness=0.5,
        what_if=[what_if for what_if, _ in CHANGES],
    )
    assert told.explanations == now.explanations
    assert len(told.what_if) == len(CHANGES)
    after = client.get_namespace(taught)
    assert (after.revision, after.digest) == (before.revision, before.digest)
    for (_, write), found in zip(CHANGES, told.what_if, strict=True):
        written = write(client, taught)
        then = client.explain(taught, query, keys, ranking=ranking, fairness=0.5)
        ranked = {each.category: each for each in then.explanations}
        assert found.changed
        assert found.margin == then.margin
        for each in found.categories:
            expected = ranked[each.category]
            assert each.rank == expected.rank
            assert each.rank_score == expected.rank_score
            assert each.score == (expected.score if expected.rank else None)
        client.undo(taught, written.revision)
    assert client.get_namespace(taught).digest == before.digest


def test_what_changes_nothing_is_told(client: Client, taught: str) -> None:
    reply = client.explain(
        taught,
        "four",
        what_if=[WhatIf("one", leaves="b"), WhatIf("one", joins="a"), WhatIf("one", weight=1)],
    )
    for found in reply.what_if:
        assert not found.changed
        for each, now in zip(found.categories, reply.explanations, strict=True):
            assert (each.category, each.score, each.rank) == (now.category, now.score, now.rank)


def test_a_change_of_an_earlier_revision(client: Client, taught: str) -> None:
    revision = client.get_namespace(taught).revision
    query, changes = [1, 1, 0], [WhatIf("four", joins="a")]
    expected = client.explain(taught, query, what_if=changes)
    client.delete_categories(taught, "b")
    assert client.explain(taught, query, what_if=changes, at_revision=revision) == expected


def test_one_change_each(client: Client, taught: str) -> None:
    for bad in (WhatIf("one"), WhatIf("one", leaves="a", weight=2)):
        with pytest.raises(ValueError, match="exactly one of leaves, joins and weight"):
            client.explain(taught, "one", what_if=[bad])


def _bad(name: str, field: str, code: str, reason: str, **what_if: Any) -> Bad:
    def request(ns: str) -> pb.ExplainRequest:
        return pb.ExplainRequest(
            namespace=ns,
            query=pb.Query(item="known"),
            what_if=[pb.WhatIf(item="known", weight=2), pb.WhatIf(**what_if)],
        )

    return Bad(name, "Explain", request, code, reason, f"what_if[1].{field}".rstrip("."))


@table(
    [
        _bad("no change", "", "INVALID_ARGUMENT", "REQUIRED_FIELD", item="known"),
        _bad("no item", "item", "INVALID_ARGUMENT", "INVALID_KEY", weight=2),
        _bad("no weight", "weight", "INVALID_ARGUMENT", "INVALID_WEIGHT", item="known", weight=0),
        _bad("an unknown item", "item", "NOT_FOUND", "ITEM_NOT_FOUND", item="new", weight=2),
        _bad("an unknown item joins", "item", "NOT_FOUND", "ITEM_NOT_FOUND", item="x", joins="a"),
        _bad("an unknown item leaves", "item", "NOT_FOUND", "ITEM_NOT_FOUND", item="x", leaves="a"),
        _bad(
            "an unknown category is left",
            "leaves",
            "NOT_FOUND",
            "CATEGORY_NOT_FOUND",
            item="known",
            leaves="c",
        ),
        _bad(
            "an unknown category is joined",
            "joins",
            "NOT_FOUND",
            "CATEGORY_NOT_FOUND",
            item="known",
            joins="c",
        ),
    ]
)
def test_a_change_that_would_be_refused(bad: Bad, client: Client, raw: Raw, ns: str) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))
