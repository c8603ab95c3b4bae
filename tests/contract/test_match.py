"""Match: limits and filters cut one ranking of all categories."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client, Query, QueryPart, errors
from tests.support.populated import DIMENSION
from tests.support.vectors import present, random_vectors


def test_a_batch_of_queries_answers_as_each_alone(client: Client, full: str) -> None:
    queries = random_vectors(40, DIMENSION, seed=9)
    together = client.match(full, queries, limit=0)
    alone = [client.match(full, query, limit=0)[0] for query in queries]
    assert together == alone, "to the last bit"


def test_a_stored_item_and_its_vector_are_the_same_query(client: Client, full: str) -> None:
    item = client.get_item(full, "inbox 4")
    assert client.match(full, "inbox 4") == client.match(full, present(item.embedding))
    both = client.match(full, ["inbox 4", "inbox 5"])
    assert both[1:] == client.match(full, Query(item="inbox 5"))


def test_limits_cut_the_same_ranking(client: Client, full: str) -> None:
    query = random_vectors(1, DIMENSION, seed=10)
    (everything,) = client.match(full, query, limit=0)
    assert len(everything.matches) == 5
    scores = [match.score for match in everything.matches]
    assert scores == sorted(scores, reverse=True)
    for limit in (1, 2, 3, 5, 6, 10_000):
        (cut,) = client.match(full, query, limit=limit)
        assert cut.matches == everything.matches[:limit]
        assert cut.margin == everything.margin


def test_include_and_exclude_select_the_candidates(client: Client, full: str) -> None:
    query = random_vectors(1, DIMENSION, seed=11)
    (everything,) = client.match(full, query, limit=0)
    first, second, third = everything.matches[:3]
    (without,) = client.match(full, query, limit=0, exclude=[first.category, "unknown"])
    assert without.matches == everything.matches[1:]
    assert without.margin == second.score - third.score
    (only,) = client.match(full, query, include=[third.category, second.category, "unknown"])
    assert only.matches == (second, third)
    (both,) = client.match(
        full, query, include=[second.category, third.category], exclude=[second.category]
    )
    assert both.matches == (third,)
    assert both.margin is None, "one that competes has no second"
    (none,) = client.match(full, query, include=["unknown"])
    assert (none.matches, none.best, none.margin) == ((), None, None)


def test_min_score_cuts_the_answer_and_not_the_margin(client: Client, full: str) -> None:
    query = random_vectors(1, DIMENSION, seed=12)
    (everything,) = client.match(full, query, limit=0)
    first, second = everything.matches[:2]
    (above,) = client.match(full, query, limit=0, min_score=first.score)
    assert above.matches == (first,)
    assert above.margin == first.score - second.score
    (none,) = client.match(full, query, min_score=1)
    assert none.matches == ()
    assert none.margin == everything.margin


def test_equal_scores_are_ranked_by_key(client: Client, ns: str) -> None:
    client.create_namespace(ns, 3)
    keys = ["b", "a", "ž", "Z", "aa", "10", "9"]
    client.put_categories(ns, [CategoryUpdate(key, base=[1, 2, 3]) for key in keys])
    (result,) = client.match(ns, [0.3, 0.2, 0.1], limit=0)
    assert len({match.score for match in result.matches}) == 1
    expected = sorted(keys, key=str.encode)
    assert [match.category for match in result.matches] == expected
    assert result.margin == 0
    (cut,) = client.match(ns, [0.3, 0.2, 0.1], limit=3)
    assert [match.category for match in cut.matches] == expected[:3]


def test_the_length_of_a_query_does_not_matter(client: Client, full: str) -> None:
    query = random_vectors(1, DIMENSION, seed=13)
    (long,) = client.match(full, query * np.float32(1024), limit=0)
    (short,) = client.match(full, query / np.float32(1024), limit=0)
    assert [match.category for match in long.matches] == [m.category for m in short.matches]
    for one, other in zip(long.matches, short.matches, strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-12)


def test_a_namespace_without_categories_gives_an_empty_answer(client: Client, ns: str) -> None:
    client.create_namespace(ns, 3)
    (result,) = client.match(ns, [1, 0, 0])
    assert (result.matches, result.margin) == ((), None)
    assert list(client.list_categories(ns)) == []
    assert list(client.list_items(ns)) == []


@pytest.mark.parametrize("normalization", ["raw", "unit"])
def test_negative_parts_are_subtracted(client: Client, ns: str, normalization: Any) -> None:
    """ "Like this, but not like that", against numpy in 64 bits."""
    client.create_namespace(ns, DIMENSION, normalization=normalization)
    bases, items = (random_vectors(count, DIMENSION, seed=count) for count in (20, 5))
    client.put_categories(
        ns, [CategoryUpdate(f"c{n:02}", base=base) for n, base in enumerate(bases)]
    )
    client.put_items(ns, [f"i{n}" for n in range(5)], items)
    stored = [present(client.get_item(ns, f"i{n}").embedding) for n in range(5)]
    weights = [1.0, -0.75, 2.0, -(2.0**-10), -1.5]
    query = Query(
        parts=[QueryPart(item=f"i{n}", weight=weight) for n, weight in enumerate(weights)]
    )
    direction = np.array(weights) @ np.array(stored, dtype=np.float64)
    scores = bases @ direction / np.linalg.norm(direction) / np.linalg.norm(bases, axis=1)
    (found,) = client.match(ns, query, limit=0)
    assert [each.category for each in found.matches] == [f"c{n:02}" for n in np.argsort(-scores)]
    np.testing.assert_allclose([each.score for each in found.matches], -np.sort(-scores), atol=1e-6)


def test_a_part_and_its_negative_have_no_direction(client: Client, full: str) -> None:
    same = [QueryPart(item="inbox 4", weight=3), QueryPart(item="inbox 4", weight=-3)]
    with pytest.raises(errors.InvalidArgument) as caught:
        client.match(full, Query(parts=same))
    assert (caught.value.reason, caught.value.metadata) == (
        "DEGENERATE_QUERY",
        {"field": "queries[0]"},
    )
    # One item alone, subtracted, is the opposite query.
    (opposite,) = client.match(full, Query(parts=[QueryPart(item="inbox 4", weight=-1)]), limit=0)
    (plain,) = client.match(full, "inbox 4", limit=0)
    assert [each.category for each in opposite.matches] == [
        each.category for each in reversed(plain.matches)
    ]
