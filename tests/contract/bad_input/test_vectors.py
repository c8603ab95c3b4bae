"""Invalid vectors: each refused with its reason, in every field that takes a vector."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from effective_embeddings import Client
from effective_embeddings.v1 import resources_pb2, service_pb2
from tests.contract.bad_input.cases import (
    GOOD,
    Bad,
    assert_refused,
    assignment,
    make_good_state,
    table,
)
from tests.support.raw import Raw, embedding, values

Embedding = resources_pb2.Embedding


def _with(index: int, component: float) -> Any:
    vector = GOOD.copy()
    vector[index] = component
    return vector


# The fault, the vector, the reason and its details.
_VECTORS: list[tuple[str, Embedding, str, dict[str, str]]] = [
    (
        "too few components",
        embedding(GOOD[:3]),
        "DIMENSION_MISMATCH",
        {"expected": "4", "actual": "3"},
    ),
    (
        "too many components",
        values([*GOOD, 1]),
        "DIMENSION_MISMATCH",
        {"expected": "4", "actual": "5"},
    ),
    ("no components", Embedding(), "DIMENSION_MISMATCH", {"expected": "4", "actual": "0"}),
    ("NaN", embedding(_with(2, np.nan)), "INVALID_VECTOR", {"component": "2", "actual": "NaN"}),
    ("NaN as value", values(_with(0, np.nan)), "INVALID_VECTOR", {"component": "0"}),
    ("infinity", embedding(_with(1, np.inf)), "INVALID_VECTOR", {"component": "1"}),
    ("minus infinity", values(_with(3, -np.inf)), "INVALID_VECTOR", {"component": "3"}),
    ("zero", embedding(GOOD * 0), "INVALID_VECTOR", {"norm": "*"}),
    ("tiny norm", embedding(GOOD * np.float32(1e-5)), "INVALID_VECTOR", {"norm": "*"}),
    ("huge component", embedding(_with(1, 32769)), "INVALID_VECTOR", {"component": "1"}),
    ("huge as value", values(_with(0, -3e38)), "INVALID_VECTOR", {"component": "0"}),
    (
        "length no multiple of 4",
        Embedding(data=GOOD.tobytes() + b"\0"),
        "INVALID_VECTOR",
        {"actual": "17 bytes"},
    ),
    (
        "both forms at once",
        Embedding(data=GOOD.tobytes(), values=GOOD.tolist()),
        "INVALID_VECTOR",
        {"actual": "16 bytes and 4 values"},
    ),
]


def _assign(ns: str, vector: Embedding) -> service_pb2.AssignRequest:
    entries = [assignment("one"), assignment("two", embedding=vector)]
    return service_pb2.AssignRequest(namespace=ns, assignments=entries)


def _put_items(ns: str, vector: Embedding) -> service_pb2.PutItemsRequest:
    item = service_pb2.ItemUpdate(key="known", embedding=vector)
    return service_pb2.PutItemsRequest(namespace=ns, items=[item])


def _put_categories(ns: str, vector: Embedding) -> service_pb2.PutCategoriesRequest:
    category = service_pb2.CategoryUpdate(key="a", base=vector)
    return service_pb2.PutCategoriesRequest(namespace=ns, categories=[category])


def _match(ns: str, vector: Embedding) -> service_pb2.MatchRequest:
    good = service_pb2.Query(item="known")
    return service_pb2.MatchRequest(
        namespace=ns, queries=[good, service_pb2.Query(embedding=vector)]
    )


def _match_parts(ns: str, vector: Embedding) -> service_pb2.MatchRequest:
    good = service_pb2.QueryPart(item="known")
    parts = service_pb2.QueryParts(parts=[good, service_pb2.QueryPart(embedding=vector)])
    return service_pb2.MatchRequest(namespace=ns, queries=[service_pb2.Query(parts=parts)])


_PLACES: list[tuple[str, str, Callable[[str, Embedding], Any]]] = [
    ("Assign", "assignments[1].embedding", _assign),
    ("PutItems", "items[0].embedding", _put_items),
    ("PutCategories", "categories[0].base", _put_categories),
    ("Match", "queries[1].embedding", _match),
    ("Match", "queries[0].parts.parts[1].embedding", _match_parts),
]


def _cases() -> Iterator[Bad]:
    for method, field, make in _PLACES:
        for name, vector, reason, details in _VECTORS:
            yield Bad(
                f"{field}: {name}",
                method,
                lambda ns, make=make, vector=vector: make(ns, vector),  # type: ignore[misc]
                "INVALID_ARGUMENT",
                reason,
                field,
                details,
            )


@table(list(_cases()))
def test_an_invalid_vector_is_refused(bad: Bad, client: Client, raw: Raw, ns: str) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))


@pytest.mark.parametrize("vector", [_with(0, 32768), GOOD * np.float32(6e-5)])
def test_a_vector_at_its_limit_is_accepted(client: Client, ns: str, vector: Any) -> None:
    make_good_state(client, ns)
    client.assign(ns, "edge", "a", vector)
    np.testing.assert_array_equal(client.get_item(ns, "edge").embedding, vector)


def test_a_zero_vector_cannot_be_normalized(client: Client, raw: Raw, ns: str) -> None:
    make_good_state(client, ns, normalization="unit")
    bad = Bad(
        "zero",
        "Assign",
        lambda ns: _assign(ns, embedding(GOOD * 0)),
        "INVALID_ARGUMENT",
        "INVALID_VECTOR",
        "assignments[1].embedding",
    )
    assert_refused(bad, client, raw, ns)


def test_query_parts_that_cancel_out_are_refused(client: Client, raw: Raw, ns: str) -> None:
    make_good_state(client, ns)

    def request(ns: str) -> service_pb2.MatchRequest:
        there = service_pb2.QueryPart(item="known", weight=2)
        back = service_pb2.QueryPart(embedding=embedding(-2 * GOOD))
        parts = service_pb2.QueryParts(parts=[there, back])
        good = service_pb2.Query(item="known")
        return service_pb2.MatchRequest(
            namespace=ns, queries=[good, service_pb2.Query(parts=parts)]
        )

    reason = "DEGENERATE_QUERY"
    bad = Bad("cancels out", "Match", request, "INVALID_ARGUMENT", reason, "queries[1]")
    assert_refused(bad, client, raw, ns)
