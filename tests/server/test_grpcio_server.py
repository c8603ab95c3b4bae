"""The server on grpcio: what its own code does, beside the suites that run on both transports."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from effective_embeddings import CategoryUpdate, Client, errors
from effective_embeddings._core import StatusError
from effective_embeddings.server import ServerHandle, Settings
from effective_embeddings.v1 import service_pb2
from tests.server.test_metrics import _named, figures
from tests.support import http2
from tests.support.access import bearer, tenants, unary
from tests.support.calls import served_calls

_PATH = "/effective_embeddings.v1.EffectiveEmbeddingsService/"


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_calls_are_recorded_before_their_replies(tmp_path: Path) -> None:
    """The audit log, metrics and ids are those of the native listener."""
    audit = tmp_path / "audit"
    with (
        tenants(
            tmp_path, transport="grpcio", audit_log=audit, metrics_listen="127.0.0.1:0"
        ) as served,
        grpc.insecure_channel(served.target) as channel,
        Client(served.target, token=served.tokens["root"]) as root,
    ):
        request = service_pb2.CreateNamespaceRequest()
        request.namespace.name, request.namespace.dimension = "alice", 2
        create: Any = unary(channel, "CreateNamespace")
        call = create.future(
            request.SerializeToString(), metadata=bearer(served.tokens["root"]), timeout=10
        )
        assert call.result()
        line = json.loads(audit.read_text())
        assert (line["method"], line["code"]) == ("CreateNamespace", "OK")
        assert line["id"] == dict(call.trailing_metadata())["x-request-id"]
        assert line["peer"].startswith("ipv4:127.0.0.1:")
        root.put_categories("alice", [CategoryUpdate("c", base=[1, 0])])
        root.snapshot("alice", tmp_path / "snapshot")
        with pytest.raises(errors.NotFound):
            root.get_namespace("nobody")
        nobody: Any = channel.unary_unary(f"{_PATH}Nothing")
        with pytest.raises(grpc.RpcError) as caught:
            nobody(b"", metadata=bearer(served.tokens["root"]), timeout=10)
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
        found = figures(served.server)
    assert found[_named("grpc_server_handled_total", "CreateNamespace", "OK")] == 1
    assert found[_named("grpc_server_handled_total", "Snapshot", "OK")] == 1
    assert found[_named("grpc_server_handled_total", "GetNamespace", "NOT_FOUND")] == 1
    assert found[_named("grpc_server_handled_total", "unknown", "UNIMPLEMENTED")] == 1
    assert found['effemb_refused_total{reason="NAMESPACE_NOT_FOUND"}'] == 1
    assert found["effemb_calls_in_flight"] == 0


def test_a_call_without_a_request_is_refused_and_a_cancelled_one_leaves_nothing(
    tmp_path: Path,
) -> None:
    settings = Settings(
        data=tmp_path / "data",
        listen="127.0.0.1:0",
        transport="grpcio",
        metrics_listen="127.0.0.1:0",
    )
    with (
        ServerHandle(settings) as server,
        grpc.insecure_channel(server.target) as channel,
        Client(server.target) as client,
    ):
        admission = server._server.admission
        never = threading.Event()

        def nothing() -> Iterator[bytes]:
            never.wait(30)
            yield from ()

        assign: Any = channel.stream_unary(f"{_PATH}Assign")
        refused = assign.future(iter(()), timeout=10)
        assert refused.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert "no Assign request" in refused.details()
        client.create_namespace("n", 2)
        watch = client.watch_history("n", 1)
        next(watch)
        restore: Any = channel.stream_unary(f"{_PATH}Restore")
        open_calls = [each.future(nothing(), timeout=60) for each in (assign, restore)]
        _wait_for(lambda: admission.in_flight == 3)
        for call in open_calls:
            call.cancel()
        watch.close()  # type: ignore[attr-defined]
        _wait_for(lambda: admission.in_flight == 0)
        never.set()
        found = figures(server)
    ended = {"Assign": "unary", "Restore": "client_stream", "WatchHistory": "server_stream"}
    for method, kind in ended.items():
        name = _named("grpc_server_handled_total", method, "CANCELLED")
        name = name.replace('grpc_type="unary"', f'grpc_type="{kind}"')
        # gRPC may end the requests of a cancelled call before it says that the call is.
        as_if_sent = name.replace("CANCELLED", "INVALID_ARGUMENT")
        refused_before = method == "Assign"
        assert found.get(name, 0) + found.get(as_if_sent, 0) == 1 + refused_before, method


def test_a_reply_counts_until_its_client_has_taken_it(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", transport="grpcio")
    with ServerHandle(settings) as server:
        admission = server._server.admission
        with http2.Connection(server.target, hello=False) as evil:
            evil.socket.sendall(http2.PREFACE)
            # A window of 0: nothing of a reply may be sent.
            evil.frame(http2.SETTINGS, 0, 0, b"\x00\x04\x00\x00\x00\x00")
            stream = evil.open_call(http2.call_headers("GetServiceInfo"))
            evil.send(stream, http2.grpc_message(b""), http2.END_STREAM)
            _wait_for(lambda: admission.reply_bytes > 0)
            assert admission.in_flight == 0
        _wait_for(lambda: admission.reply_bytes == 0)


def test_a_call_that_was_left_is_not_begun(tmp_path: Path) -> None:
    request = service_pb2.CreateNamespaceRequest()
    request.namespace.name, request.namespace.dimension = "n", 2
    with served_calls(tmp_path) as served:
        call = served.begin("one", "CreateNamespace")
        call.leave()
        with pytest.raises(StatusError, match="the call has ended"):
            call.unary(request.SerializeToString())
        again = served.begin("one", "CreateNamespace")
        assert again.unary(request.SerializeToString())
        with pytest.raises(StatusError, match="the call has ended"):
            again.unary(request.SerializeToString())
        counts = {labels[2]: dict(codes) for labels, (_, codes, _, _) in served.calls.counts()}
    assert counts["CreateNamespace"] == {"OK": 1, "CANCELLED": 1}
