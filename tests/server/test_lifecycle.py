"""A server's lifecycle: health, reflection, limits, port, directory, and a graceful stop."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from effective_embeddings import CategoryUpdate, Client, errors
from effective_embeddings._core import StatusError
from effective_embeddings.server import ListenError, ServerHandle, Settings, SettingsError
from tests.support.process import environment

SERVICE = "effective_embeddings.v1.EffectiveEmbeddingsService"
_STATUS = health_pb2.HealthCheckResponse


def _settings(data: Path, **more: Any) -> Settings:
    return Settings(data=data, listen="127.0.0.1:0", **more)


@pytest.fixture
def server(data_dir: Path) -> Iterator[ServerHandle]:
    with ServerHandle(_settings(data_dir, drain_seconds=5)) as handle:
        yield handle


def _health(target: str, service: str = SERVICE) -> int:
    with grpc.insecure_channel(target) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest(service=service)
        status: int = stub.Check(request, timeout=5).status
        return status


@pytest.mark.parametrize("service", ["", SERVICE])
def test_health_is_serving_once_the_data_is_open(server: ServerHandle, service: str) -> None:
    assert _health(server.target, service) == _STATUS.SERVING


def test_health_is_not_serving_before_the_data_is_open(data_dir: Path) -> None:
    """The port opens before the data: early callers get STARTING with a retry delay."""
    handle = ServerHandle(_settings(data_dir))
    handle._server.start()
    try:
        assert _health(handle.target) == _STATUS.NOT_SERVING
        with Client(handle.target, timeout=0.3) as client, pytest.raises(errors.Unavailable) as e:
            client.service_info()
        assert e.value.reason == "STARTING"
    finally:
        handle.stop(drain_seconds=0)


def test_reflection_lists_the_service_and_describes_it(server: ServerHandle) -> None:
    with grpc.insecure_channel(server.target) as channel:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        requests = [
            reflection_pb2.ServerReflectionRequest(list_services=""),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE),
        ]
        listed, described = list(stub.ServerReflectionInfo(iter(requests), timeout=5))
    names = {each.name for each in listed.list_services_response.service}
    assert {SERVICE, "grpc.health.v1.Health"} <= names
    assert described.file_descriptor_response.file_descriptor_proto


def test_reflection_can_be_turned_off(data_dir: Path) -> None:
    with (
        ServerHandle(_settings(data_dir, reflection=False)) as server,
        grpc.insecure_channel(server.target) as channel,
    ):
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        with pytest.raises(grpc.RpcError) as caught:
            list(stub.ServerReflectionInfo(iter([request]), timeout=5))
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_taken_port_is_refused_with_the_reason(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ListenError, match="taken"):
            ServerHandle(Settings(data=tmp_path / "data", listen=listen))


def test_two_servers_never_share_a_port(server: ServerHandle, tmp_path: Path) -> None:
    with pytest.raises(ListenError, match="taken"):
        ServerHandle(Settings(data=tmp_path / "other", listen=server.target))


def test_a_directory_in_use_is_refused(server: ServerHandle, data_dir: Path) -> None:
    with pytest.raises(errors.EffectiveEmbeddingsError, match=r"use|lock|open"):
        Client.embedded(data_dir)
    with pytest.raises(StatusError, match=r"use|lock|open"):
        ServerHandle(_settings(data_dir)).start()
    assert _health(server.target) == _STATUS.SERVING, "the first one is not disturbed"


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.org:0"])
def test_a_public_address_is_refused_unless_allowed(tmp_path: Path, listen: str) -> None:
    with pytest.raises(SettingsError, match="neither encrypted nor authenticated"):
        Settings(data=tmp_path, listen=listen)
    assert Settings(data=tmp_path, listen=listen, allow_insecure_listen=True).listen == listen


@pytest.mark.parametrize("listen", ["", "50051", "localhost", "127.0.0.1:port", "127.0.0.1:70000"])
def test_an_invalid_listen_address_is_refused(tmp_path: Path, listen: str) -> None:
    with pytest.raises(SettingsError, match="host:port"):
        Settings(data=tmp_path, listen=listen)


def test_a_unix_socket_can_be_listened_on(tmp_path: Path) -> None:
    listen = f"unix:{tmp_path}/socket"
    with (
        ServerHandle(Settings(data=tmp_path / "data", listen=listen)) as server,
        Client(server.target) as client,
    ):
        assert client.create_namespace("ns", 2).revision == 1


@pytest.mark.parametrize("form", ["unix:{}", "unix://{}"])
def test_a_second_server_does_not_take_the_unix_socket_of_a_first(
    tmp_path: Path, form: str
) -> None:
    """gRPC once replaced the socket, and the first server lost its callers."""
    listen = form.format(tmp_path / "socket")
    with (
        ServerHandle(Settings(data=tmp_path / "data", listen=listen)) as server,
        Client(server.target) as client,
    ):
        with pytest.raises(ListenError, match="another server listens on this socket"):
            ServerHandle(Settings(data=tmp_path / "other", listen=listen))
        with Client(server.target) as another:
            assert another.create_namespace("ns", 2).revision == 1
        assert client.get_namespace("ns").dimension == 2


def test_the_unix_socket_of_a_dead_server_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(path))
    assert path.is_socket()
    with (
        ServerHandle(Settings(data=tmp_path / "data", listen=f"unix:{path}")) as server,
        Client(server.target) as client,
    ):
        assert client.create_namespace("ns", 2).revision == 1


def test_acknowledged_writes_survive_a_stop(data_dir: Path) -> None:
    with ServerHandle(_settings(data_dir)) as server, Client(server.target) as client:
        client.create_namespace("ns", 2)
        client.put_categories("ns", [CategoryUpdate("c", base=[1, 0])])
        client.assign("ns", "item", "c", [0, 1])
        before = client.get_namespace("ns")
    with Client.embedded(data_dir) as client:
        assert client.get_namespace("ns") == before
        assert client.verify("ns").ok


def test_a_client_finds_a_server_that_was_restarted(data_dir: Path) -> None:
    """A write with a request_id and a read are retried until the server is back."""
    with ServerHandle(_settings(data_dir)) as first:
        target = first.target
    stack = ExitStack()

    def start_again() -> None:
        stack.enter_context(ServerHandle(Settings(data=data_dir, listen=target)))

    with stack, Client(target) as client:
        starting = threading.Timer(0.4, start_again)
        starting.start()
        try:
            assert client.create_namespace("ns", 2).revision == 1
            assert client.get_namespace("ns").revision == 1
        finally:
            starting.join()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--listen", "0.0.0.0:0"], "neither encrypted nor authenticated"),
        (["--workers", "0"], "workers must be 1 to 256"),
        (["--listen", "nonsense"], "host:port"),
        (["--kernel", "abacus"], "abacus"),
        (["--log-level", "loud"], "log_level must be one of"),
    ],
)
def test_serve_reports_invalid_options(tmp_path: Path, options: list[str], told: str) -> None:
    command = [sys.executable, "-m", "effective_embeddings.cli", "serve"]
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", *options],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env=environment(),
    )
    assert done.returncode in (1, 2)
    assert told in done.stderr
    assert "Traceback" not in done.stderr
