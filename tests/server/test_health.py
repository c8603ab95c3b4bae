"""Health follows a failing store at once."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from effective_embeddings import Client, errors
from effective_embeddings.server import ServerHandle, Settings
from effective_embeddings.server.transport import health_follower

pytestmark = pytest.mark.usefixtures("each_transport")

_STATUS = health_pb2.HealthCheckResponse


def test_no_check_after_a_refused_write_says_serving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It did for up to half a second: health was looked up twice a second."""
    monkeypatch.setattr(health_follower, "_SECONDS_BETWEEN_LOOKS", 3600.0)
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0")
    with (
        ServerHandle(settings) as server,
        Client(server.target) as client,
        grpc.insecure_channel(server.target) as channel,
    ):
        stub: Any = health_pb2_grpc.HealthStub(channel)
        client.create_namespace("n", 2)
        watching = stub.Watch(health_pb2.HealthCheckRequest(), timeout=60)
        assert next(watching).status == _STATUS.SERVING
        _fill_the_disk(client)
        assert stub.Check(health_pb2.HealthCheckRequest(), timeout=10).status == _STATUS.NOT_SERVING
        assert next(watching).status == _STATUS.NOT_SERVING
        assert client.get_namespace("n").dimension == 2, "reads go on"


def _fill_the_disk(client: Client) -> None:
    """Write beyond a limit on file size, which the WAL is past already: equivalent for a writer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(errors.Unavailable) as caught:
            client.create_namespace("further", 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.reason == "STORE_FAILED"
