"""Weights, shares, sizes and limits out of their ranges."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.v1 import service_pb2 as pb
from tests.contract.bad_input.cases import (
    Bad,
    assert_refused,
    assignment,
    make_good_state,
    namespace_message,
    table,
)
from tests.support.raw import Raw

_BAD_WEIGHTS = {
    "negative": -1.0,
    "zero": 0.0,
    "tiny": 2.0**-11,
    "huge": 2.0**20 + 1,
    "infinite": math.inf,
    "minus infinite": -math.inf,
    "NaN": math.nan,
}
_RANGE = {"expected": "2^-10 to 2^20", "actual": "*"}


def _weights() -> Iterator[Bad]:
    for name, weight in _BAD_WEIGHTS.items():
        yield _bad(
            f"Assign: {name}",
            "Assign",
            "assignments[0].weight",
            pb.AssignRequest(assignments=[assignment(weight=weight)]),
        )
        yield _bad(
            f"PutItems: {name}",
            "PutItems",
            "items[0].weight",
            pb.PutItemsRequest(items=[pb.ItemUpdate(key="known", weight=weight)]),
        )
        # A part of a query may be negative.
        if name != "negative":
            parts = pb.QueryParts(parts=[pb.QueryPart(item="known", weight=weight)])
            yield _bad(
                f"Match: {name}",
                "Match",
                "queries[0].parts.parts[0].weight",
                pb.MatchRequest(queries=[pb.Query(parts=parts)]),
                expected="2^-10 to 2^20, or -2^20 to -2^-10",
            )
        if weight != 0:
            update = pb.CategoryUpdate(key="a", base_weight=weight)
            yield _bad(
                f"PutCategories: {name}",
                "PutCategories",
                "categories[0].base_weight",
                pb.PutCategoriesRequest(categories=[update]),
                expected="0, or 2^-10 to 2^20",
            )


def _bad(
    name: str,
    method: str,
    field: str,
    request: Any,
    expected: str = _RANGE["expected"],
    reason: str = "INVALID_WEIGHT",
) -> Bad:
    def make(ns: str) -> Any:
        request.namespace = ns
        return request

    details = {"expected": expected, "actual": "*"}
    return Bad(name, method, make, "INVALID_ARGUMENT", reason, field, details)


def _ranges() -> Iterator[Bad]:
    known = [pb.Query(item="known")]
    listings: list[tuple[str, Any]] = [
        ("ListCategories", pb.ListCategoriesRequest(page_size=1001)),
        ("ListItems", pb.ListItemsRequest(page_size=2**32 - 1)),
    ]
    for method, request in listings:
        yield _bad(method, method, "page_size", request, "0 to 1000", "OUT_OF_RANGE")
    for share in (-0.1, 1.0, 0.9991, math.nan, math.inf):
        update = pb.CategoryUpdate(key="a", min_base_share=share)
        yield _bad(
            f"min_base_share {share}",
            "PutCategories",
            "categories[0].min_base_share",
            pb.PutCategoriesRequest(categories=[update]),
            "0 to 0.999",
            "OUT_OF_RANGE",
        )
    for share in (0.0, 0.0099, 1.01, -0.5, math.nan, math.inf):
        update = pb.CategoryUpdate(key="a", max_actor_share=share)
        yield _bad(
            f"max_actor_share {share}",
            "PutCategories",
            "categories[0].max_actor_share",
            pb.PutCategoriesRequest(categories=[update]),
            "0.01 to 1",
            "OUT_OF_RANGE",
        )
    for score in (1.01, -1.01, math.nan, math.inf):
        yield _bad(
            f"min_score {score}",
            "Match",
            "min_score",
            pb.MatchRequest(queries=known, min_score=score),
            "-1 to 1",
            "OUT_OF_RANGE",
        )
    for level in (0.0, 1.0, -0.1, 1.5, math.nan, math.inf):
        yield _bad(
            f"min_confidence {level}",
            "Match",
            "min_confidence",
            pb.MatchRequest(queries=known, min_confidence=level),
            "greater than 0 and less than 1",
            "OUT_OF_RANGE",
        )
    for level in (0.0, 1.0, math.nan):
        yield _bad(
            f"levels {level}",
            "EstimateReviewRate",
            "levels[1]",
            pb.EstimateReviewRateRequest(levels=[0.5, level]),
            "greater than 0 and less than 1",
            "OUT_OF_RANGE",
        )
    yield _bad(
        "sample_size",
        "EstimateReviewRate",
        "sample_size",
        pb.EstimateReviewRateRequest(sample_size=10_001),
        "0 to 10000",
        "OUT_OF_RANGE",
    )
    yield _bad(
        "fairness",
        "EstimateReviewRate",
        "fairness",
        pb.EstimateReviewRateRequest(fairness=1.5),
        "0 to 1",
        "OUT_OF_RANGE",
    )
    yield _bad(
        "ranking",
        "EstimateReviewRate",
        "ranking",
        pb.EstimateReviewRateRequest(ranking=9),  # type: ignore[arg-type]
        "0 to 2",
        "OUT_OF_RANGE",
    )


@table([*_weights(), *_ranges()])
def test_a_number_out_of_its_range_is_refused(bad: Bad, client: Client, raw: Raw, ns: str) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))


@pytest.mark.parametrize(
    ("field", "number", "expected"),
    [
        ("dimension", 0, "1 to 16384"),
        ("dimension", 16385, "1 to 16384"),
        ("normalization", 3, "0 to 2"),
        ("membership", -1, "0 to 2"),
    ],
)
def test_a_setting_of_a_new_namespace_out_of_its_range_is_refused(
    field: str, number: int, expected: str, client: Client, raw: Raw, ns: str
) -> None:
    make_good_state(client, ns)
    message = namespace_message(f"{ns}-new", **{"dimension": 4, field: number})
    bad = Bad(
        field,
        "CreateNamespace",
        lambda _: pb.CreateNamespaceRequest(namespace=message),
        "INVALID_ARGUMENT",
        "OUT_OF_RANGE",
        f"namespace.{field}",
        {"expected": expected, "actual": str(number)},
    )
    assert_refused(bad, client, raw, ns)


def test_a_page_of_namespaces_out_of_its_range_is_refused(
    client: Client, raw: Raw, ns: str
) -> None:
    make_good_state(client, ns)
    bad = Bad(
        "page_size",
        "ListNamespaces",
        lambda _: pb.ListNamespacesRequest(page_size=1001),
        "INVALID_ARGUMENT",
        "OUT_OF_RANGE",
        "page_size",
        {"expected": "0 to 1000", "actual": "1001"},
    )
    assert_refused(bad, client, raw, ns)


@pytest.mark.parametrize("weight", [2.0**-10, 2.0**20])
def test_weights_at_their_limits_are_accepted(client: Client, ns: str, weight: float) -> None:
    make_good_state(client, ns)
    client.put_categories(ns, [CategoryUpdate("a", base_weight=weight)])
    client.assign(ns, "edge", "a", np.ones(4), weights=weight)
    assert client.get_item(ns, "edge").weight == weight
    assert client.get_category(ns, "a").base_weight == weight


def test_a_negative_zero_is_a_zero(client: Client, ns: str) -> None:
    make_good_state(client, ns)
    client.put_categories(ns, [CategoryUpdate("a", base_weight=0.0, min_base_share=0.0)])
    digest = client.get_namespace(ns).digest
    client.put_categories(ns, [CategoryUpdate("a", base_weight=-0.0, min_base_share=-0.0)])
    assert client.get_namespace(ns).digest == digest
