"""Bad requests as a table: each request with its exact refusal."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import Message

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.v1 import resources_pb2, service_pb2
from tests.support.raw import Raw, RefusedError, embedding

__all__ = ["DIMENSION", "GOOD", "Bad", "assert_refused", "assignment", "make_good_state"]
__all__ += ["namespace_message", "table"]

DIMENSION = 4
#: A valid vector.
GOOD = np.array([0.5, -1, 2, 0.25], dtype=np.float32)


@dataclass(frozen=True)
class Bad:
    """A bad request.

    Attributes:
        name: The fault, as the test's id.
        method: The RPC.
        request: Makes the request for a namespace.
        code: The gRPC code of the refusal.
        reason: Its ErrorReason.
        field: The path of the field at fault; empty: the refusal names no field.
        metadata: Further details; "*": any value.
    """

    name: str
    method: str
    request: Callable[[str], Message | bytes]
    code: str
    reason: str
    field: str = ""
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)


def table(cases: list[Bad]) -> pytest.MarkDecorator:
    """Run a test once for each row, under its name."""
    return pytest.mark.parametrize("bad", cases, ids=[case.name for case in cases])


def make_good_state(client: Client, ns: str, **settings: Any) -> str:
    """A namespace with two categories, one member and one item in the inbox."""
    client.create_namespace(ns, DIMENSION, embedding_model="model-1", **settings)
    client.put_categories(ns, [CategoryUpdate("a", base=GOOD), CategoryUpdate("b", base=-GOOD)])
    client.put_items(ns, "waiting", GOOD)
    client.assign(ns, "known", "a", GOOD)
    return ns


def assignment(item: str = "new", category: str = "a", **fields: Any) -> service_pb2.Assignment:
    """An assignment that is valid except for the given fields."""
    fields.setdefault("embedding", embedding(GOOD))
    return service_pb2.Assignment(item=item, category=category, **fields)


def assert_refused(bad: Bad, client: Client, raw: Raw, ns: str) -> RefusedError:
    """Send the request; it must be refused as the table says, without any change."""
    before = _state(client, ns)
    with pytest.raises(RefusedError) as caught:
        raw.call(bad.method, bad.request(ns))
    refusal = caught.value
    assert (refusal.code, refusal.reason) == (bad.code, bad.reason), refusal.message
    assert refusal.domain == "effective-embeddings"
    if bad.field:
        assert refusal.metadata.get("field") == bad.field
    assert refusal.message
    for key, expected in bad.metadata.items():
        actual = refusal.metadata.get(key)
        assert actual is not None, f"the details have no {key}: {refusal.metadata}"
        assert expected in ("*", actual), f"{key} is {actual}, not {expected}"
    if bad.code == "INVALID_ARGUMENT" and bad.field:
        assert list(refusal.fields) == [bad.field], "a BadRequest must name the field too"
        assert refusal.fields[bad.field]
    assert _state(client, ns) == before, "a refused request must change nothing"
    return refusal


def _state(client: Client, ns: str) -> tuple[Any, ...]:
    names = [namespace.name for namespace in client.list_namespaces(ns)]
    namespace = client.get_namespace(ns)
    members = [item.key for item in client.list_items(ns)]
    return (names, namespace, members, client.get_category(ns, "a").anchor)


def namespace_message(name: str, **fields: Any) -> resources_pb2.Namespace:
    """A namespace to create that is valid except for the given fields."""
    fields.setdefault("dimension", DIMENSION)
    return resources_pb2.Namespace(name=name, **fields)
