"""Malformed input on the wire: bytes, sizes, page tokens, deadlines, methods."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import pytest

from effective_embeddings import Client
from effective_embeddings.server import ServerHandle
from effective_embeddings.v1 import service_pb2 as pb
from tests.contract.bad_input.cases import (
    GOOD,
    Bad,
    assert_refused,
    assignment,
    make_good_state,
    table,
)
from tests.support.raw import Raw, RefusedError, RemoteRaw

_UNARY = sorted(
    method.name
    for method in pb.DESCRIPTOR.services_by_name["EffectiveEmbeddingsService"].methods
    if not method.client_streaming and not method.server_streaming
)


@table(
    [
        Bad(
            f"{method}: {name}",
            method,
            lambda _, junk=junk: junk,  # type: ignore[misc]
            "INVALID_ARGUMENT",
            "MALFORMED_REQUEST",
            metadata={"method": method},
        )
        for method in _UNARY
        for name, junk in [
            ("no protobuf", b"\xff\xff\xff\xff no protobuf"),
            ("cut short", b"\x0a\x7fshort"),
        ]
    ]
)
def test_malformed_protobufs_are_refused(bad: Bad, client: Client, raw: Raw, ns: str) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))


def test_invalid_utf_8_is_refused(client: Client, raw: Raw, ns: str) -> None:
    make_good_state(client, ns)
    bad = Bad(
        "no UTF-8",
        "GetNamespace",
        lambda _: b"\x0a\x02\xc3\x28",
        "INVALID_ARGUMENT",
        "MALFORMED_REQUEST",
    )
    assert_refused(bad, client, raw, ns)


def test_damaged_requests_never_do_harm(client: Client, raw: Raw, ns: str) -> None:
    """Flip and cut at random: an answer or a refusal with a reason, never INTERNAL."""
    make_good_state(client, ns)
    rng, refusals = random.Random(7), list[RefusedError]()
    good = pb.AssignRequest(
        namespace=ns, assignments=[assignment("new", weight=2, metadata={"text": "gym"})] * 3
    ).SerializeToString()
    for _ in range(300):
        damaged = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        if rng.random() < 0.3:
            del damaged[rng.randrange(len(damaged)) :]
        try:
            raw.call("Assign", bytes(damaged), timeout=10)
        except RefusedError as refusal:
            refusals.append(refusal)
    assert refusals
    codes = {refusal.code for refusal in refusals}
    assert codes <= {"INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"}
    assert all(refusal.reason for refusal in refusals)
    assert client.verify(ns).ok


def test_a_message_over_the_limit_is_refused(
    shared_remote: Client, shared_server: ServerHandle, ns: str
) -> None:
    make_good_state(shared_remote, ns)
    before = shared_remote.get_namespace(ns)
    with grpc.insecure_channel(shared_server.target) as channel, pytest.raises(RefusedError) as e:
        RemoteRaw(channel).call("Assign", b"\0" * (16 * 1024 * 1024 + 1))
    assert e.value.code == "RESOURCE_EXHAUSTED"
    assert shared_remote.get_namespace(ns) == before


def test_an_expired_deadline_is_refused_and_changes_nothing(
    client: Client, raw: Raw, ns: str
) -> None:
    make_good_state(client, ns)
    before = client.get_namespace(ns)
    request = pb.AssignRequest(namespace=ns, assignments=[assignment()])
    with pytest.raises(RefusedError) as caught:
        raw.call("Assign", request, timeout=-1)
    assert caught.value.code == "DEADLINE_EXCEEDED"
    time.sleep(0.05)
    assert client.get_namespace(ns) == before


def test_an_unknown_method_is_refused_with_a_reason(client: Client, raw: Raw, ns: str) -> None:
    make_good_state(client, ns)
    bad = Bad(
        "unknown",
        "Train",
        lambda _: b"",
        "UNIMPLEMENTED",
        "UNKNOWN_METHOD",
        "",
        {"method": "Train"},
    )
    assert_refused(bad, client, raw, ns)


def _tokens(raw: Raw, ns: str) -> dict[str, str]:
    """A valid page token of each List method."""
    return {
        "ListCategories": raw.call(
            "ListCategories", pb.ListCategoriesRequest(namespace=ns, page_size=1)
        ).next_page_token,
        "ListItems": raw.call(
            "ListItems", pb.ListItemsRequest(namespace=ns, page_size=1)
        ).next_page_token,
        "ListItems of a": raw.call(
            "ListItems", pb.ListItemsRequest(namespace=ns, page_size=1, category="a")
        ).next_page_token,
    }


def test_tokens_of_other_lists_and_damaged_ones_are_refused(
    client: Client, raw: Raw, new_name: Callable[[], str]
) -> None:
    ns, other = (make_good_state(client, new_name()) for _ in range(2))
    for name in (ns, other):
        client.assign(name, ["second", "third"], "a", [GOOD, GOOD])
    tokens = _tokens(raw, ns)
    assert all(tokens.values())
    requests: dict[str, Callable[[str], Any]] = {
        "ListCategories": lambda token: pb.ListCategoriesRequest(namespace=ns, page_token=token),
        "ListItems": lambda token: pb.ListItemsRequest(namespace=ns, page_token=token),
        "ListItems of a": lambda token: pb.ListItemsRequest(
            namespace=ns, page_token=token, category="a"
        ),
    }
    for name, request in requests.items():
        method = name.partition(" ")[0]
        raw.call(method, request(tokens[name]))
        own = tokens[name]
        foreign = [token for key, token in tokens.items() if key != name]
        elsewhere = _tokens(raw, other)[name]
        damaged = [own[:-1], own[:-2], own + "00", "0" + own[1:] + "x", "zz", "é" * 8, "00" * 8]
        for token in [*foreign, elsewhere, *damaged]:
            bad = Bad(
                f"{name} with {token}",
                method,
                lambda _, request=request, token=token: request(token),  # type: ignore[misc]
                "INVALID_ARGUMENT",
                "INVALID_PAGE_TOKEN",
                "page_token",
            )
            assert_refused(bad, client, raw, ns)


def test_a_page_token_of_namespaces_is_bound_to_its_prefix(
    client: Client, raw: Raw, ns: str
) -> None:
    for letter in "xyz":
        client.create_namespace(f"{ns}.{letter}", 1)
    make_good_state(client, ns)
    token = raw.call(
        "ListNamespaces", pb.ListNamespacesRequest(prefix=f"{ns}.", page_size=1)
    ).next_page_token
    bad = Bad(
        "another prefix",
        "ListNamespaces",
        lambda _: pb.ListNamespacesRequest(prefix="other", page_token=token),
        "INVALID_ARGUMENT",
        "INVALID_PAGE_TOKEN",
        "page_token",
    )
    assert_refused(bad, client, raw, ns)


def test_a_refusal_of_long_texts_still_has_its_reason(client: Client, raw: Raw, ns: str) -> None:
    """A status quotes the caller's text only as far as its headers have space."""
    make_good_state(client, ns)
    key = "ž" * 256
    bad = Bad(
        "long",
        "GetItem",
        lambda ns: pb.GetItemRequest(namespace=ns, item=key),
        "NOT_FOUND",
        "ITEM_NOT_FOUND",
        "item",
    )
    refusal = assert_refused(bad, client, raw, ns)
    assert refusal.metadata["item"].startswith("žžž")


def test_a_vector_of_the_wrong_size_does_not_cost_memory_of_its_size(
    client: Client, raw: Raw, ns: str
) -> None:
    make_good_state(client, ns)
    bad = Bad(
        "a million components",
        "Match",
        lambda ns: pb.MatchRequest(
            namespace=ns,
            queries=[pb.Query(embedding={"data": np.ones(10**6, "<f4").tobytes()})],
        ),
        "INVALID_ARGUMENT",
        "DIMENSION_MISMATCH",
        "queries[0].embedding",
        {"expected": "4", "actual": "1000000"},
    )
    assert_refused(bad, client, raw, ns)
