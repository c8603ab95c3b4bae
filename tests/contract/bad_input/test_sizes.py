"""Batches, texts and maps over their limits, and at them."""

from __future__ import annotations

from typing import Any

from effective_embeddings import Client
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

_KNOWN = pb.Query(item="known")


def _invalid(name: str, method: str, request: Any, reason: str, field: str, **details: str) -> Bad:
    def make(ns: str) -> Any:
        request.namespace = ns
        return request

    return Bad(name, method, make, "INVALID_ARGUMENT", reason, field, details)


def _assign(*entries: pb.Assignment) -> pb.AssignRequest:
    return pb.AssignRequest(assignments=entries)


def _unassign(*entries: pb.Unassignment) -> pb.UnassignRequest:
    return pb.UnassignRequest(unassignments=entries)


def _put(*items: pb.ItemUpdate) -> pb.PutItemsRequest:
    return pb.PutItemsRequest(items=items)


_LONG = "x" * 2000
_TOO_LARGE = [
    _invalid(name, method, request, "TOO_LARGE", field, limit=limit, actual=actual)
    for name, method, request, field, limit, actual in [
        (
            "a batch of 10001",
            "Assign",
            _assign(*(pb.Assignment(item="known", category="a") for _ in range(10_001))),
            "assignments",
            "10000",
            "10001",
        ),
        (
            "10001 keys to delete",
            "DeleteItems",
            pb.DeleteItemsRequest(items=["known"] * 10_001),
            "items",
            "10000",
            "10001",
        ),
        (
            "1001 queries",
            "Match",
            pb.MatchRequest(queries=[_KNOWN] * 1001),
            "queries",
            "1000",
            "1001",
        ),
        (
            "65 entries of metadata",
            "PutItems",
            _put(pb.ItemUpdate(key="known", metadata={f"{n}": "" for n in range(65)})),
            "items[0].metadata",
            "64",
            "65",
        ),
        (
            "metadata over 16 KiB",
            "Assign",
            _assign(assignment(metadata={"text": "x" * 16_381})),
            "assignments[0].metadata",
            "16384",
            "16385",
        ),
        (
            "a long actor",
            "Reanchor",
            pb.ReanchorRequest(category="a", write=pb.WriteOptions(actor=_LONG)),
            "write.actor",
            "256",
            "2000",
        ),
        (
            "a long reason",
            "Reanchor",
            pb.ReanchorRequest(category="a", write=pb.WriteOptions(reason=_LONG)),
            "write.reason",
            "1024",
            "2000",
        ),
        (
            "a long request_id",
            "Reanchor",
            pb.ReanchorRequest(category="a", write=pb.WriteOptions(request_id="x" * 129)),
            "write.request_id",
            "128",
            "129",
        ),
        (
            "a long description",
            "UpdateNamespace",
            pb.UpdateNamespaceRequest(description="x" * 4097),
            "description",
            "4096",
            "4097",
        ),
        (
            "many labels",
            "UpdateNamespace",
            pb.UpdateNamespaceRequest(labels={f"{n}": "" for n in range(65)}),
            "labels",
            "64",
            "65",
        ),
    ]
]


@table(_TOO_LARGE)
def test_values_over_their_limits_are_refused(bad: Bad, client: Client, raw: Raw, ns: str) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))


def test_a_batch_at_its_limit_is_accepted(raw: Raw, client: Client, ns: str) -> None:
    make_good_state(client, ns)
    request = _assign(*(pb.Assignment(item="known", category="a") for _ in range(10_000)))
    request.namespace = ns
    reply = raw.call("Assign", request)
    assert len(reply.results) == 10_000
    assert not any(result.changed for result in reply.results)


def test_metadata_at_its_limit_is_accepted(client: Client, ns: str) -> None:
    make_good_state(client, ns)
    metadata = {f"{number:02}": "x" * 254 for number in range(64)}
    client.put_items(ns, "known", metadata=metadata)
    assert client.get_item(ns, "known").metadata == metadata


def test_long_texts_of_a_new_namespace_are_refused(client: Client, raw: Raw, ns: str) -> None:
    make_good_state(client, ns)
    message = namespace_message(f"{ns}-new", embedding_model="m" * 257)
    bad = Bad(
        "embedding_model",
        "CreateNamespace",
        lambda _: pb.CreateNamespaceRequest(namespace=message),
        "INVALID_ARGUMENT",
        "TOO_LARGE",
        "namespace.embedding_model",
        {"limit": "256", "actual": "257"},
    )
    assert_refused(bad, client, raw, ns)
