"""Authorization of every method, and isolation of tenants."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import message_factory

from effective_embeddings import CategoryUpdate, Client, errors
from effective_embeddings._core import METHODS
from effective_embeddings.v1 import service_pb2
from tests.support.access import Tenants, bearer, refusal, tenants

pytestmark = pytest.mark.usefixtures("each_transport")

SERVICE = service_pb2.DESCRIPTOR.services_by_name["EffectiveEmbeddingsService"]
ALL = list(SERVICE.methods)
SCOPES = dict(METHODS)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, each_transport: str) -> Iterator[Tenants]:
    with tenants(tmp_path_factory.mktemp(f"grants-{each_transport}")) as found:
        with Client(found.target, token=found.tokens["root"]) as root:
            for name in ("alice", "bob"):
                root.create_namespace(name, 2)
                root.put_categories(name, [CategoryUpdate("c", base=[1, 0])])
                root.assign(name, "item", "c", [1, 1])
        yield found


def _request(method: Any, namespace: str) -> bytes:
    """A request of the method, with the namespace if the request has such a field."""
    message: Any = message_factory.GetMessageClass(method.input_type)()
    field = method.input_type.fields_by_name.get("namespace")
    if field is not None and field.message_type is not None:
        message.namespace.name = namespace
        message.namespace.dimension = 2
    elif field is not None:
        message.namespace = namespace
    data: bytes = message.SerializeToString()
    return data


def _call(target: str, method: Any, request: bytes, token: str | None) -> None:
    """Call a method of any kind; raise the refusal."""
    with grpc.insecure_channel(target) as channel:
        path = f"/{SERVICE.full_name}/{method.name}"
        metadata = bearer(token) if token else ()
        call: Any
        if method.client_streaming:
            call = channel.stream_unary(path)
            call(iter([request]), metadata=metadata, timeout=5)
        elif method.server_streaming:
            call = channel.unary_stream(path)
            list(call(request, metadata=metadata, timeout=5))
        else:
            call = channel.unary_unary(path)
            call(request, metadata=metadata, timeout=5)


def _refused(served: Tenants, method: Any, namespace: str, who: str | None) -> tuple[Any, ...]:
    token = served.tokens[who] if who else None
    with pytest.raises(grpc.RpcError) as caught:
        _call(served.target, method, _request(method, namespace), token)
    return refusal(caught.value)


@pytest.mark.parametrize("method", ALL, ids=lambda method: method.name)
def test_every_method_is_known_to_the_table_of_scopes(method: Any) -> None:
    assert SCOPES[method.name] in ("read", "write", "admin")


@pytest.mark.parametrize("method", ALL, ids=lambda method: method.name)
def test_every_method_is_refused_without_a_token(served: Tenants, method: Any) -> None:
    code, _, _ = _refused(served, method, "alice", None)
    assert code == "UNAUTHENTICATED"


@pytest.mark.parametrize("method", ALL, ids=lambda method: method.name)
def test_every_method_is_refused_with_an_insufficient_grant(served: Tenants, method: Any) -> None:
    """By another tenant, and, for writes, by a reader of the namespace."""
    if "namespace" in method.input_type.fields_by_name:
        code, text, details = _refused(served, method, "alice", "bob")
        assert code == "PERMISSION_DENIED"
        assert b"PERMISSION_DENIED" in details
        assert "alice" not in text
        assert b"alice" not in details
    if SCOPES[method.name] != "read":
        assert _refused(served, method, "alice", "reader")[0] == "PERMISSION_DENIED"
    # A restore names its namespace in its first frame, which must be read first.
    if SCOPES[method.name] == "admin" and not method.client_streaming:
        assert _refused(served, method, "alice", "alice")[0] == "PERMISSION_DENIED"


@pytest.mark.parametrize("method", ALL, ids=lambda method: method.name)
def test_a_foreign_namespace_and_a_missing_one_are_indistinguishable(
    served: Tenants, method: Any
) -> None:
    if "namespace" not in method.input_type.fields_by_name:
        pytest.skip("it is not called on a namespace")
    there = _refused(served, method, "alice", "bob")
    not_there = _refused(served, method, "alicf", "bob")
    assert there == not_there


def test_an_unknown_method_is_refused_without_a_token_too(served: Tenants) -> None:
    with grpc.insecure_channel(served.target) as channel:
        call: Any = channel.unary_unary(f"/{SERVICE.full_name}/Train")
        with pytest.raises(grpc.RpcError) as caught:
            call(b"", timeout=5)
        assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
        with pytest.raises(grpc.RpcError) as caught:
            call(b"", metadata=bearer(served.tokens["bob"]), timeout=5)
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_lists_and_totals_cover_readable_namespaces_only(served: Tenants) -> None:
    with Client(served.target, token=served.tokens["bob"]) as bob:
        assert [each.name for each in bob.list_namespaces()] == ["bob"]
        assert list(bob.list_namespaces(prefix="al")) == []
        info = bob.service_info()
        assert (info.namespace_count, info.memory_bytes) == (0, 0)
    with Client(served.target, token=served.tokens["root"]) as root:
        assert [each.name for each in root.list_namespaces()] == ["alice", "bob"]
        assert root.service_info().namespace_count == 2


def test_a_prefix_rule_covers_only_its_prefix(served: Tenants) -> None:
    with Client(served.target, token=served.tokens["alice"]) as alice:
        alice.create_namespace("alice-2", 2)
        alice.delete_namespace("alice-2")
        for name in ("alic", "alice_2", "Alice-2", "bob"):
            with pytest.raises(errors.PermissionDenied):
                alice.create_namespace(name, 2)


def test_a_request_id_of_another_tenant_has_no_effect(served: Tenants) -> None:
    """REQUEST_ID_REUSED once revealed that another tenant had created a namespace with the id."""
    with (
        Client(served.target, token=served.tokens["root"]) as root,
        Client(served.target, token=served.tokens["alice"]) as alice,
    ):
        root.create_namespace("nobodys", 2, request_id="onboarding")
        assert alice.create_namespace("alice-3", 2, request_id="onboarding").revision == 1
        root.delete_namespace("nobodys", request_id="offboarding")
        alice.delete_namespace("alice-3", request_id="offboarding")
        with pytest.raises(errors.FailedPrecondition) as caught:
            alice.create_namespace("alice-3", 2, request_id="offboarding")
        assert caught.value.reason == "REQUEST_ID_REUSED", "of one name it is one id"


def test_a_refused_call_reads_nothing(tmp_path: Path) -> None:
    """So its time reveals nothing: not even a namespace on the disk is loaded."""
    with tenants(tmp_path) as found, Client(found.target, token=found.tokens["root"]) as root:
        root.create_namespace("alice", 2)
        root.put_categories("alice", [CategoryUpdate("c", base=[1, 0])])
    with tenants(tmp_path) as found:
        engine = found.server._engine
        assert engine is not None
        before = engine.stats()
        assert before["namespaces_loaded"] == 0
        for method in ALL:
            if "namespace" in method.input_type.fields_by_name:
                _refused(found, method, "alice", "bob")
        after = engine.stats()
        assert after == before, "no load, no ranking, no commit, no read that failed"
        with Client(found.target, token=found.tokens["alice"]) as alice:
            alice.get_namespace("alice")
        assert engine.stats()["namespaces_loads"] == 1, "the figure would have told"


def test_a_refusal_takes_the_same_time_for_existing_and_missing_namespaces(served: Tenants) -> None:
    """Within an order of magnitude: a refused call never reads the store."""
    method = SERVICE.methods_by_name["GetNamespace"]
    took: dict[str, list[float]] = {"alice": [], "alicf": []}
    with grpc.insecure_channel(served.target) as channel:
        call: Any = channel.unary_unary(f"/{SERVICE.full_name}/GetNamespace")
        metadata = bearer(served.tokens["bob"])
        for _ in range(200):
            for name, times in took.items():
                request = _request(method, name)
                begin = time.perf_counter()
                with pytest.raises(grpc.RpcError):
                    call(request, metadata=metadata, timeout=5)
                times.append(time.perf_counter() - begin)
    one, other = (statistics.median(times) for times in took.values())
    assert 0.67 < one / other < 1.5


def _any(value: Any) -> Any:
    """The generated stub, untyped."""
    return value


def test_health_needs_no_token_and_reflection_does(served: Tenants) -> None:
    from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: PLC0415
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc  # noqa: PLC0415

    with grpc.insecure_channel(served.target) as channel:
        check = _any(health_pb2_grpc.HealthStub(channel)).Check
        serving = health_pb2.HealthCheckResponse.SERVING
        assert check(health_pb2.HealthCheckRequest(), timeout=5).status == serving
        stub = _any(reflection_pb2_grpc.ServerReflectionStub)(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        with pytest.raises(grpc.RpcError) as caught:
            list(stub.ServerReflectionInfo(iter([request]), timeout=5))
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
