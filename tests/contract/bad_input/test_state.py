"""Requests that are valid by themselves and do not fit the state."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.v1 import service_pb2 as pb
from tests.contract.bad_input.cases import (
    GOOD,
    Bad,
    assert_refused,
    assignment,
    make_good_state,
    namespace_message,
    table,
)
from tests.support.raw import Raw, RefusedError

_KNOWN = pb.Query(item="known")


def _on(request: Any) -> Any:
    def make(ns: str) -> Any:
        request.namespace = ns
        return request

    return make


_OTHER_MODEL = [
    Bad(
        f"{method} with vectors of another model",
        method,
        _on(request),
        "FAILED_PRECONDITION",
        "MODEL_MISMATCH",
        metadata={"expected": "model-1", "actual": "model-2"},
    )
    for method, request in [
        (
            "Assign",
            pb.AssignRequest(
                assignments=[assignment()], write=pb.WriteOptions(embedding_model="model-2")
            ),
        ),
        (
            "PutItems",
            pb.PutItemsRequest(
                items=[pb.ItemUpdate(key="known")],
                write=pb.WriteOptions(embedding_model="model-2"),
            ),
        ),
        (
            "PutCategories",
            pb.PutCategoriesRequest(
                categories=[pb.CategoryUpdate(key="a")],
                write=pb.WriteOptions(embedding_model="model-2"),
            ),
        ),
        ("Match", pb.MatchRequest(queries=[_KNOWN], embedding_model="model-2")),
    ]
]

_OF_THE_NAMESPACE = [
    Bad(
        "a namespace that exists",
        "CreateNamespace",
        lambda ns: pb.CreateNamespaceRequest(namespace=namespace_message(ns)),
        "ALREADY_EXISTS",
        "NAMESPACE_EXISTS",
        metadata={"namespace": "*"},
    ),
    Bad(
        "no namespace at all",
        "CreateNamespace",
        lambda _: pb.CreateNamespaceRequest(),
        "INVALID_ARGUMENT",
        "INVALID_KEY",
    ),
    Bad(
        "a namespace that is not empty",
        "DeleteNamespace",
        lambda ns: pb.DeleteNamespaceRequest(namespace=ns),
        "FAILED_PRECONDITION",
        "NAMESPACE_NOT_EMPTY",
        metadata={"namespace": "*", "category_count": "2", "item_count": "2"},
    ),
]


@table([*_OTHER_MODEL, *_OF_THE_NAMESPACE])
def test_requests_that_do_not_fit_the_state_are_refused(
    bad: Bad, client: Client, raw: Raw, ns: str
) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))


def test_a_sum_that_would_overflow_is_refused(client: Client, raw: Raw, ns: str) -> None:
    make_good_state(client, ns)
    # 255 · 2¹⁵ fits into ±2²³, and 256 times does not.
    vector = np.array([0, 32768, 0, 1], dtype=np.float32)
    client.assign(ns, "heavy", "b", vector, weights=254)
    bad = Bad(
        "overflow",
        "Assign",
        lambda ns: pb.AssignRequest(
            namespace=ns,
            assignments=[
                assignment("light"),
                pb.Assignment(item="heavier", category="b", embedding={"data": vector.tobytes()}),
                pb.Assignment(item="heaviest", category="b", embedding={"data": vector.tobytes()}),
            ],
        ),
        "FAILED_PRECONDITION",
        "SUM_OVERFLOW",
        metadata={"category": "b", "component": "1"},
    )
    assert_refused(bad, client, raw, ns)
    client.unassign(ns, "heavy", delete_items=True)
    assert client.verify(ns).ok


def test_a_heavier_weight_that_would_overflow_is_refused(client: Client, raw: Raw, ns: str) -> None:
    make_good_state(client, ns)
    vector = np.array([32768, 0, 0, 1], dtype=np.float32)
    client.assign(ns, "heavy", "b", vector)
    put = pb.PutItemsRequest(namespace=ns, items=[pb.ItemUpdate(key="heavy", weight=2**20)])
    bad = Bad(
        "overflow",
        "PutItems",
        lambda _: put,
        "FAILED_PRECONDITION",
        "SUM_OVERFLOW",
        metadata={"category": "b", "component": "0"},
    )
    assert_refused(bad, client, raw, ns)


def test_a_base_of_any_weight_and_share_takes_nothing_from_the_range(
    client: Client, ns: str
) -> None:
    make_good_state(client, ns)
    vector = np.array([32768, 0, 0, 1], dtype=np.float32)
    client.assign(ns, "heavy", "b", vector, weights=250)
    update = CategoryUpdate("b", base=vector, base_weight=2**20, min_base_share=0.999)
    client.put_categories(ns, [update])
    found = client.get_category(ns, "b")
    assert found.effective is not None
    np.testing.assert_allclose(found.effective[0], 32768, rtol=1e-6)
    assert client.verify(ns).ok


def test_a_request_id_of_another_request_is_refused(client: Client, raw: Raw, ns: str) -> None:
    make_good_state(client, ns)
    client.assign(ns, "new", "a", GOOD, request_id="once")
    bad = Bad(
        "reused",
        "Assign",
        lambda ns: pb.AssignRequest(
            namespace=ns,
            assignments=[assignment("newer")],
            write=pb.WriteOptions(request_id="once"),
        ),
        "FAILED_PRECONDITION",
        "REQUEST_ID_REUSED",
        metadata={"request_id": "once"},
    )
    assert_refused(bad, client, raw, ns)


def test_a_revision_that_is_not_reached_is_refused_at_the_deadline(
    client: Client, raw: Raw, ns: str
) -> None:
    make_good_state(client, ns)
    request = pb.GetNamespaceRequest(namespace=ns, min_revision=1000)
    begin = time.monotonic()
    with pytest.raises(RefusedError) as caught:
        raw.call("GetNamespace", request, timeout=0.5)
    assert time.monotonic() - begin < 2
    # The service answers a moment before the deadline passes at the client, or just after it.
    assert caught.value.code in ("FAILED_PRECONDITION", "DEADLINE_EXCEEDED")
    if caught.value.reason:
        assert caught.value.reason in ("REVISION_NOT_REACHED", "DEADLINE_EXCEEDED")
