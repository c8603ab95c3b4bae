"""Spans as a collector receives them, over its real gRPC service on the loopback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from effective_embeddings import CategoryUpdate, Client, errors
from effective_embeddings.server import ServerHandle, Settings, SettingsError
from effective_embeddings.v1 import service_pb2
from tests.support.access import bearer, tenants, unary
from tests.support.process import ServerProcess

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Stores the exported spans."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.server = grpc.server(futures.ThreadPoolExecutor(2))
        add: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
        add(self, self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - its name
        self.requests.append(request)
        return trace_service_pb2.ExportTraceServiceResponse()

    def spans(self, count: int) -> list[Any]:
        """Wait for spans; return them by start time."""
        end = time.monotonic() + 15
        while True:
            found = [
                span
                for request in list(self.requests)
                for resource in request.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            ]
            if len(found) >= count:
                return sorted(found, key=lambda span: span.start_time_unix_nano)
            assert time.monotonic() < end, found
            time.sleep(0.02)

    def resource(self) -> dict[str, str]:
        (first, *_) = self.requests[0].resource_spans
        return {each.key: each.value.string_value for each in first.resource.attributes}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    found = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{found.port}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    yield found
    found.server.stop(None)


def _attributes(span: Any) -> dict[str, Any]:
    return {each.key: each.value.int_value or each.value.string_value for each in span.attributes}


def test_each_call_is_a_span_of_the_callers_trace(tmp_path: Path, collector: Collector) -> None:
    with tenants(tmp_path, traces=True) as served:
        with grpc.insecure_channel(served.target) as channel:
            metadata = (
                *bearer(served.tokens["root"]),
                ("traceparent", f"00-{TRACE}-{PARENT}-01"),
                ("tracestate", "vendor=1"),
            )
            begin = time.time_ns()
            unary(channel, "GetServiceInfo")(b"", metadata=metadata, timeout=5)
            took = time.time_ns() - begin
            request = service_pb2.GetNamespaceRequest(namespace="secret-name")
            with pytest.raises(grpc.RpcError) as caught:
                unary(channel, "GetNamespace")(
                    request.SerializeToString(),
                    metadata=(*bearer(served.tokens["root"]), ("traceparent", "nonsense")),
                    timeout=5,
                )
            error: Any = caught.value
            trailing = dict(error.trailing_metadata())
        first, second = collector.spans(2)
        service = "effective_embeddings.v1.EffectiveEmbeddingsService"
        assert first.name == f"{service}/GetServiceInfo"
        assert (first.trace_id.hex(), first.parent_span_id.hex()) == (TRACE, PARENT)
        assert first.trace_state == "vendor=1"
        assert first.kind == Span.SPAN_KIND_SERVER
        attributes = _attributes(first)
        assert attributes.pop("effemb.request_id")
        assert attributes == {
            "rpc.system": "grpc",
            "rpc.service": service,
            "rpc.method": "GetServiceInfo",
            "rpc.grpc.status_code": "",  # 0, OK
        }
        assert begin <= first.start_time_unix_nano <= first.end_time_unix_nano
        assert first.end_time_unix_nano - first.start_time_unix_nano <= took
        assert second.trace_id.hex() != TRACE
        assert second.parent_span_id == b""
        attributes = _attributes(second)
        assert attributes["rpc.grpc.status_code"] == grpc.StatusCode.NOT_FOUND.value[0]
        assert attributes["error.type"] == "NAMESPACE_NOT_FOUND"
        assert attributes["effemb.request_id"] == trailing["x-request-id"]
        assert collector.resource()["service.name"] == "effective-embeddings"


def test_a_span_has_no_tenant_data_and_no_secrets(tmp_path: Path, collector: Collector) -> None:
    with tenants(tmp_path, traces=True) as served:
        with Client(served.target, token=served.tokens["root"]) as root:
            root.create_namespace("alice", 2)
        with Client(served.target, token=served.tokens["alice"]) as alice:
            alice.put_categories("alice", [CategoryUpdate("secret-key", base=[0.125, 1])])
            alice.assign("alice", "secret-item", "secret-key", [0.125, 1], reason="secret-why")
            alice.snapshot("alice", tmp_path / "snapshot")
            with pytest.raises(errors.NotFound):
                alice.get_category("alice", "secret-none")
        collector.spans(5)
        sent = b"".join(each.SerializeToString() for each in collector.requests)
        for secret in (
            b"secret",
            b"alice",
            b"authorization",
            *map(str.encode, served.tokens.values()),
        ):
            assert secret not in sent
        assert b"Snapshot" in sent


def test_a_refused_call_makes_no_span(tmp_path: Path, collector: Collector) -> None:
    with tenants(tmp_path, traces=True) as served, grpc.insecure_channel(served.target) as channel:
        call = unary(channel, "GetServiceInfo")
        with pytest.raises(grpc.RpcError):
            call(b"", metadata=(("traceparent", f"00-{TRACE}-{PARENT}-01"),), timeout=5)
        call(b"", metadata=bearer(served.tokens["root"]), timeout=5)
        (span,) = collector.spans(1)
        assert span.trace_id.hex() != TRACE


def test_the_environment_sets_endpoint_and_service_name(
    tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "our-matcher")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    file = tmp_path / "effemb.toml"
    file.write_text("traces = true\n")
    with ServerProcess(tmp_path / "data", "--config", str(file)) as process:
        with Client(process.target) as client:
            client.service_info()
        assert not collector.requests, "they leave in batches"
        assert process.terminate() == 0
    collector.spans(1)
    assert collector.resource()["service.name"] == "our-matcher"


def test_an_unreachable_collector_delays_no_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", traces=True)
    with ServerHandle(settings) as server, Client(server.target, timeout=2) as client:
        for _ in range(20):
            client.service_info()
        begin = time.monotonic()
    assert time.monotonic() - begin < 6


@pytest.mark.parametrize("protocol", ["http/json", "http/protobuf"])
def test_an_unavailable_protocol_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    with pytest.raises(SettingsError, match="OTLP"):
        ServerHandle(Settings(data=tmp_path / "data", listen="127.0.0.1:0", traces=True))


def test_traces_are_off_by_default(
    tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data=tmp_path / "a", listen="127.0.0.1:0")
    with ServerHandle(settings) as server:
        assert server._traces is None
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    settings = Settings(data=tmp_path / "b", listen="127.0.0.1:0", traces=True)
    with ServerHandle(settings) as server:
        assert server._traces is None
    assert not collector.requests
