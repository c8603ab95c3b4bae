"""Explain: parts that add up to the scores, against numpy, and what the real writes then give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effective_embeddings import (
    CategoryUpdate,
    Client,
    Explanation,
    Query,
    QueryPart,
    RankingMode,
    kernels,
)
from effective_embeddings.v1 import service_pb2 as pb
from tests.contract.bad_input.cases import GOOD, Bad, assert_refused, make_good_state, table
from tests.support.raw import Raw, embedding

DIMENSION = 12
EXACT = 1e-9


def _vectors(count: int, seed: int) -> Any:
    return np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)


BASES = _vectors(4, 1)
MEMBERS = _vectors(40, 2) + np.repeat(BASES, 10, axis=0) * np.float32(0.7)
WEIGHTS = np.random.default_rng(3).choice([0.25, 1.0, 1.5, 4.0], 40).astype(np.float32)


@pytest.fixture
def notes(client: Client, ns: str) -> str:
    return _fill(client, ns)


def _fill(client: Client, ns: str) -> str:
    """Four categories of ten members each: a plain one, a window, a base share, a frozen one."""
    client.create_namespace(ns, DIMENSION)
    client.put_categories(
        ns,
        [
            CategoryUpdate("plain", base=BASES[0], base_weight=2),
            CategoryUpdate("window", base=BASES[1], window=6),
            CategoryUpdate("share", base=BASES[2], min_base_share=0.4),
            CategoryUpdate("frozen", base=BASES[3], frozen=True),
        ],
    )
    for number, category in enumerate(["plain", "window", "share", "frozen"]):
        some = range(10 * number, 10 * number + 10)
        keys = [f"i{index}" for index in some]
        client.assign(
            ns, keys, category, MEMBERS[some], weights=WEIGHTS[some], actor=f"actor {number}"
        )
    return ns


def _model(number: int, query: Any) -> tuple[float, dict[str, float], float]:
    """The parts of the base and of the members, and the score, in f64 from the formulas."""
    first = {1: 14}.get(number, 10 * number)
    counting = [] if number == 3 else list(range(first, 10 * number + 10))
    weights = WEIGHTS.astype(np.float64)
    total = weights[counting].sum()
    base_weight = [2.0, 1.0, max(1.0, 0.4 / 0.6 * total), 1.0][number]
    base, q = BASES[number].astype(np.float64), np.asarray(query, dtype=np.float64)
    numerator = base_weight * base
    for index in counting:
        numerator = numerator + weights[index] * MEMBERS[index].astype(np.float64)
    norms = np.linalg.norm(q) * np.linalg.norm(numerator)
    parts = {f"i{index}": weights[index] * (q @ MEMBERS[index]) / norms for index in counting}
    return base_weight * (q @ base) / norms, parts, float(q @ numerator / norms)


def _check_sums(each: Explanation) -> None:
    base = each.base.part if each.base is not None else 0.0
    listed = sum(member.part for member in each.members)
    assert each.score is not None
    assert base + listed + each.other_members + each.rounding == pytest.approx(
        each.score, abs=EXACT
    )
    assert abs(each.rounding) < 1e-6
    if each.rank_score is not None:
        further = each.fairness + sum(near.pull for near in each.neighbours) + each.held_back
        assert each.score + further == pytest.approx(each.rank_score, abs=EXACT)


_RANKINGS: tuple[RankingMode, ...] = ("cosine", "local")
NUMBERS = {"plain": 0, "window": 1, "share": 2, "frozen": 3}


@pytest.mark.parametrize("members", [0, 3, 1000])
def test_the_parts_are_those_of_the_formula(client: Client, notes: str, members: int) -> None:
    for query in _vectors(5, 7):
        reply = client.explain(notes, query, limit=4, members=members)
        (match,) = client.match(notes, query, limit=0)
        assert [each.category for each in reply.explanations] == [
            each.category for each in match.matches
        ]
        assert (reply.margin, reply.revision) == (match.margin, match.revision)
        for place, (each, ranked) in enumerate(
            zip(reply.explanations, match.matches, strict=True), start=1
        ):
            assert (each.rank, each.score, each.rank_score) == (
                place,
                ranked.score,
                ranked.rank_score,
            )
            assert each.count == ranked.count
            _check_sums(each)
            base, parts, score = _model(NUMBERS[each.category], query)
            assert each.score == pytest.approx(score, abs=1e-6)
            assert each.base is not None
            assert each.base.part == pytest.approx(base, abs=EXACT)
            largest = sorted(parts, key=lambda key: -abs(parts[key]))[:members]
            assert [member.item for member in each.members] == largest
            for member in each.members:
                index = int(member.item[1:])
                assert member.part == pytest.approx(parts[member.item], abs=EXACT)
                assert member.weight == WEIGHTS[index]
                assert member.actor == f"actor {index // 10}"
                cosine = query @ MEMBERS[index] / np.linalg.norm(query)
                cosine /= np.linalg.norm(MEMBERS[index])
                assert member.similarity == pytest.approx(cosine, abs=1e-6)
            others = sum(part for key, part in parts.items() if key not in largest)
            assert each.other_members == pytest.approx(others, abs=EXACT)
            assert each.other_member_count == len(parts) - len(largest)


@pytest.mark.parametrize("kernel", kernels())
def test_every_kernel_explains_alike(tmp_path: Path, kernel: str) -> None:
    with Client.embedded(tmp_path / kernel, kernel=kernel) as client:
        _fill(client, "n")
        for query in _vectors(3, 8):
            for ranking in _RANKINGS:
                reply = client.explain("n", query, limit=4, ranking=ranking, fairness=0.5)
                for each in reply.explanations:
                    _check_sums(each)


def test_local_and_fairness_are_parts_of_the_rank_score(client: Client, notes: str) -> None:
    pulled = 0
    for query in [*_vectors(4, 9), BASES[0] + BASES[1]]:
        reply = client.explain(notes, query, limit=4, ranking="local", fairness=0.6)
        (match,) = client.match(notes, query, limit=0, ranking="local", fairness=0.6)
        for each, ranked in zip(reply.explanations, match.matches, strict=True):
            assert (each.category, each.rank_score) == (ranked.category, ranked.rank_score)
            _check_sums(each)
            pulled += len(each.neighbours)
            if each.neighbours:
                assert each.neighbours[-1].item is None
    assert pulled > 0


def test_a_score_without_a_member_is_that_of_the_real_unassignment(
    client: Client, notes: str
) -> None:
    query = _vectors(1, 10)[0]
    for category in ("plain", "window", "share"):
        (explanation,) = client.explain(notes, query, category, members=1000).explanations
        for member in explanation.members[:3]:
            before = client.get_item(notes, member.item).memberships[0]
            client.unassign(notes, member.item)
            (match,) = client.match(notes, query, limit=0, include=category)
            assert match.matches[0].score == member.score_without
            assert before.category == category
            if category == "window":
                break  # Its order of assignment has changed with the first.
            client.assign(notes, member.item, category)


def test_a_member_is_scored_without_itself(client: Client, notes: str) -> None:
    reply = client.explain(notes, "i3", ["plain", "share"])
    by_key = {each.category: each for each in reply.explanations}
    own = by_key["plain"].leave_one_out
    assert own is not None
    assert by_key["share"].leave_one_out is None
    client.unassign(notes, "i3")
    (match,) = client.match(notes, "i3", limit=0, include="plain")
    assert match.matches[0].score == own.score
    after = client.explain(notes, "i3", "plain").explanations[0]
    assert (after.score, after.leave_one_out) == (own.score, None)
    outside = client.explain(notes, "i11", "window").explanations[0]
    assert outside.leave_one_out is None, "a member outside the window does not count"


def test_a_category_of_one_member_has_no_score_without_it(client: Client, ns: str) -> None:
    client.create_namespace(ns, 2)
    client.put_categories(ns, [CategoryUpdate("only"), CategoryUpdate("empty")])
    client.assign(ns, "one", "only", [1, 1])
    reply = client.explain(ns, "one", ["empty", "only"])
    only, empty = reply.explanations
    assert (only.category, only.rank) == ("only", 1)
    assert only.score == pytest.approx(1, abs=1e-7)
    assert only.members[0].score_without is None
    assert only.leave_one_out is not None
    assert only.leave_one_out.score is None
    assert (empty.rank, empty.score, empty.rank_score, empty.base) == (0, None, None, None)


def test_the_smallest_change_flips_the_first_two(client: Client, ns: str) -> None:
    flipped = 0
    for number, query in enumerate(_vectors(8, 11)):
        name = f"{ns}-{number}"
        _fill(client, name)
        flip = client.explain(name, query, limit=2).flip
        if flip is None:
            continue
        flipped += 1
        second = next(
            each.score
            for each in client.match(name, query, limit=0)[0].matches
            if each.category == flip.second_category
        )
        score = None
        for left, item in enumerate(flip.items, start=1):
            client.unassign(name, item)
            (match,) = client.match(name, query, limit=0, include=flip.first_category)
            score = match.matches[0].score
            assert (score < second) == (left == len(flip.items))
        assert score == flip.score
    assert flipped >= 2


def test_categories_that_a_match_leaves_out_come_last(client: Client, notes: str) -> None:
    client.put_categories(notes, [CategoryUpdate("plain", min_score=0.99)])
    query = _vectors(1, 12)[0]
    reply = client.explain(notes, query, ["plain", "share", "plain"])
    assert [(each.category, each.rank > 0) for each in reply.explanations] == [
        ("share", True),
        ("plain", False),
    ]
    left_out = reply.explanations[1]
    assert left_out.rank_score is None
    _check_sums(left_out)


def test_a_query_may_be_a_mean(client: Client, notes: str) -> None:
    parts = Query(parts=[QueryPart(item="i1", weight=2), QueryPart(embedding=BASES[2])])
    mean = 2 * MEMBERS[1].astype(np.float64) + BASES[2]
    for each in client.explain(notes, parts).explanations:
        _check_sums(each)
        assert each.score == pytest.approx(_model(NUMBERS[each.category], mean)[2], abs=1e-6)
    with pytest.raises(ValueError, match="query must be one query, not 2"):
        client.explain(notes, ["i1", "i2"])


@pytest.mark.parametrize("weight", [-0.5, -3.0, -1 / 1024])
def test_a_query_may_have_negative_parts(client: Client, notes: str, weight: float) -> None:
    parts = Query(parts=[QueryPart(item="i1"), QueryPart(embedding=BASES[2], weight=weight)])
    mean = MEMBERS[1].astype(np.float64) + weight * BASES[2]
    for each in client.explain(notes, parts).explanations:
        _check_sums(each)
        assert each.score == pytest.approx(_model(NUMBERS[each.category], mean)[2], abs=1e-6)
    found = {each.category: each.score for each in client.match(notes, parts, limit=0)[0].matches}
    for key, score in found.items():
        assert score == pytest.approx(_model(NUMBERS[key], mean)[2], abs=1e-6)


def _bad(
    name: str,
    field: str,
    reason: str = "OUT_OF_RANGE",
    code: str = "INVALID_ARGUMENT",
    **fields: Any,
) -> Bad:
    fields.setdefault("query", pb.Query(embedding=embedding(GOOD)))
    return Bad(
        name, "Explain", lambda ns: pb.ExplainRequest(namespace=ns, **fields), code, reason, field
    )


@table(
    [
        _bad("no query", "query", "REQUIRED_FIELD", query=None),
        _bad("a limit of 0", "limit", limit=0),
        _bad("a limit of 101", "limit", limit=101),
        _bad("1001 members", "member_limit", member_limit=1001),
        _bad("a fairness", "fairness", fairness=1.5),
        _bad("a ranking", "ranking", ranking=7),
        _bad("a key", "categories[1]", "INVALID_KEY", categories=["a", "b\n"]),
        _bad("101 keys", "categories", "TOO_LARGE", categories=["a"] * 101),
        _bad(
            "a category", "categories[1]", "CATEGORY_NOT_FOUND", "NOT_FOUND", categories=["a", "no"]
        ),
        _bad("an item", "query.item", "ITEM_NOT_FOUND", "NOT_FOUND", query=pb.Query(item="no")),
        _bad("a model", "", "MODEL_MISMATCH", "FAILED_PRECONDITION", embedding_model="other"),
        _bad(
            "a dimension",
            "query.embedding",
            "DIMENSION_MISMATCH",
            query=pb.Query(embedding=embedding([1, 2])),
        ),
        _bad(
            "parts that cancel out",
            "query",
            "DEGENERATE_QUERY",
            query=pb.Query(
                parts=pb.QueryParts(
                    parts=[pb.QueryPart(embedding=embedding(vector)) for vector in (GOOD, -GOOD)]
                )
            ),
        ),
        _bad(
            "a part's item",
            "query.parts.parts[1].item",
            "ITEM_NOT_FOUND",
            "NOT_FOUND",
            query=pb.Query(
                parts=pb.QueryParts(parts=[pb.QueryPart(item="known"), pb.QueryPart(item="no")])
            ),
        ),
    ]
)
def test_bad_requests_are_refused(bad: Bad, client: Client, raw: Raw, ns: str) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))
