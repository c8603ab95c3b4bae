"""Health and reflection, which need no token: their load affects no other call."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from effective_embeddings import Client
from effective_embeddings._core import LISTENER_LIMITS
from effective_embeddings.server import ServerHandle, Settings
from tests.support import http2
from tests.support.access import refusal

_LIMITS = dict(LISTENER_LIMITS)
MAX_CHECKS, MAX_WATCHES = _LIMITS["health_checks"], _LIMITS["health_watches"]
MAX_REFLECTIONS = _LIMITS["reflection_streams"]
CHECK, WATCH = "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"
REFLECT = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
SERVING = health_pb2.HealthCheckResponse.SERVING
_health: Any = health_pb2_grpc.HealthStub
_reflection: Any = reflection_pb2_grpc.ServerReflectionStub


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerHandle]:
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", max_concurrent_calls=16)
    with ServerHandle(settings) as handle:
        yield handle


def _serves(server: ServerHandle) -> None:
    """The server answers a probe and a call at once."""
    with grpc.insecure_channel(server.target) as channel, Client(server.target) as client:
        for _ in range(5):
            found = _health(channel).Check(health_pb2.HealthCheckRequest(), timeout=2)
            assert found.status == SERVING
            assert client.service_info().namespace_count == 0


@pytest.mark.parametrize("path", [CHECK, WATCH, REFLECT])
def test_calls_without_their_request_delay_no_other_call(server: ServerHandle, path: str) -> None:
    with http2.Connection(server.target) as evil:
        for _ in range(200):
            evil.open_call(http2.call_headers(path))
        time.sleep(0.2)
        _serves(server)
    _serves(server)


def test_watchers_that_read_nothing_delay_no_other_call(server: ServerHandle) -> None:
    """Their flow-control windows are closed, so that data for them waits forever."""
    with http2.Connection(server.target, hello=False) as evil:
        evil.socket.sendall(http2.PREFACE)
        evil.frame(http2.SETTINGS, 0, 0, b"\x00\x04\x00\x00\x00\x00")
        for _ in range(MAX_WATCHES):
            stream = evil.open_call(http2.call_headers(WATCH))
            evil.send(stream, http2.grpc_message(b""), http2.END_STREAM)
        time.sleep(0.2)
        _serves(server)
        begin = time.monotonic()
        server.turn_away()
        assert time.monotonic() - begin < 2, "health can be set"


def test_a_watcher_beyond_the_bound_gets_a_retry_delay(server: ServerHandle) -> None:
    # A connection of its own: the watchers use up the streams of theirs.
    alone = [("grpc.use_local_subchannel_pool", 1)]
    with (
        grpc.insecure_channel(server.target) as channel,
        grpc.insecure_channel(server.target, alone) as another,
    ):
        stub = _health(channel)
        watching = [stub.Watch(health_pb2.HealthCheckRequest()) for _ in range(MAX_WATCHES)]
        assert all(next(each).status == SERVING for each in watching)
        with pytest.raises(grpc.RpcError) as caught:
            next(_health(another).Watch(health_pb2.HealthCheckRequest(), timeout=5))
        code, text, details = refusal(caught.value)
        assert code == "RESOURCE_EXHAUSTED"
        assert f"{MAX_WATCHES} health watches" in text
        assert b"RetryInfo" in details
        for each in watching:
            each.cancel()
        _serves(server)
        end = time.monotonic() + 5
        while True:
            try:
                assert next(stub.Watch(health_pb2.HealthCheckRequest(), timeout=5)).status
                break
            except grpc.RpcError:
                assert time.monotonic() < end
                time.sleep(0.05)


def test_a_watcher_receives_changes(server: ServerHandle) -> None:
    with grpc.insecure_channel(server.target) as channel:
        watching = _health(channel).Watch(health_pb2.HealthCheckRequest(), timeout=10)
        assert next(watching).status == SERVING
        threading.Thread(target=server.turn_away).start()
        assert next(watching).status == health_pb2.HealthCheckResponse.NOT_SERVING
        unknown = _health(channel).Watch(health_pb2.HealthCheckRequest(service="x"), timeout=10)
        assert next(unknown).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def test_an_unknown_service_is_not_found(server: ServerHandle) -> None:
    with grpc.insecure_channel(server.target) as channel, pytest.raises(grpc.RpcError) as caught:
        _health(channel).Check(health_pb2.HealthCheckRequest(service="nobody"), timeout=5)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_reflection_has_its_own_pool(server: ServerHandle) -> None:
    hold = threading.Event()

    def asks() -> Iterator[Any]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")
        hold.wait(10)

    with grpc.insecure_channel(server.target) as channel:
        stub = _reflection(channel)
        streams = [stub.ServerReflectionInfo(asks()) for _ in range(MAX_REFLECTIONS)]
        try:
            assert all(next(each).HasField("list_services_response") for each in streams)
            with pytest.raises(grpc.RpcError) as caught:
                next(stub.ServerReflectionInfo(asks(), timeout=5))
            assert "reflection streams" in refusal(caught.value)[1]
            _serves(server)
        finally:
            hold.set()
            for each in streams:
                each.cancel()


def test_health_checks_have_their_own_pool(server: ServerHandle) -> None:
    with http2.Connection(server.target) as evil:
        for _ in range(MAX_CHECKS * 3):
            evil.open_call(http2.call_headers(CHECK))
        _serves(server)
        assert server._server.admission.in_flight == 0
