"""Connections: addresses that gRPC would misread, TLS that does not fit, and silence."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from effective_embeddings import AsyncClient, Client
from effective_embeddings.client.transport.target import check_target, is_local
from effective_embeddings.errors import Unavailable
from effective_embeddings.server import ServerHandle, Settings
from tests.support.access import Authority
from tests.support.cli import run


@pytest.mark.parametrize(
    "target",
    [
        *("127.0.0.1", "localhost", "example.org", "::1", "[::1]", "::1:50051", "fe80::1"),
        *("localhost:0", "localhost:335259", "localhost:65536", "localhost:-1", "localhost:+1"),
        *("localhost:", "localhost:http", "localhost:5 0", "localhost:٣", ":50051", "", " "),
        *("http://localhost:50051", "https://localhost:50051", "grpc://localhost:50051"),
        *("dns:///localhost", "dns:localhost", "ipv4:127.0.0.1", "ipv6:[::1]", "dns:///"),
        *("ipv4:127.0.0.1:50051,127.0.0.2", "unix:", "host:50051\n"),
    ],
)
def test_an_address_that_grpc_would_misread_is_refused(target: str) -> None:
    for make in (Client, AsyncClient):
        with pytest.raises(ValueError, match="address"):
            make(target)
    if target:
        done = run("info", "--server", target)
        assert done.exit_code == 2
        assert "address" in done.stderr


@pytest.mark.parametrize(
    ("target", "local"),
    [
        *((f"{host}:50051", True) for host in ("127.0.0.1", "127.1.2.3", "localhost", "LOCALHOST")),
        *(
            (f"{host}:50051", True)
            for host in ("dns:///127.0.0.1", "dns:localhost", "DNS:///[::1]")
        ),
        *((f"{host}:50051", True) for host in ("ipv4:127.0.0.1", "ipv6:[::1]", "[::1]")),
        ("ipv4:127.0.0.1:1,127.0.0.2:2", True),
        *((target, True) for target in ("unix:socket", "unix:///run/socket", "unix-abstract:x")),
        *((f"{host}:50051", False) for host in ("10.0.0.1", "example.org", "dns:///example.org")),
        *((f"{host}:50051", False) for host in ("localhost.example.org", "[::2]", "192.168.0.1")),
        ("ipv4:127.0.0.1:1,10.0.0.1:2", False),
        ("dns://8.8.8.8/localhost:50051", False),
        ("xds:///localhost", False),
    ],
)
def test_loopback_is_known_in_every_form(target: str, *, local: bool) -> None:
    check_target(target)
    assert is_local(target) == local
    if local:
        Client(target, token="some-token").close()  # noqa: S106
    else:
        with pytest.raises(ValueError, match="unencrypted"):
            Client(target, token="some-token")  # noqa: S106


@pytest.mark.parametrize("form", ["dns:///127.0.0.1:{}", "ipv4:127.0.0.1:{}", "LOCALHOST:{}"])
def test_every_form_of_loopback_reaches_the_service(shared_server: ServerHandle, form: str) -> None:
    port = shared_server.target.rpartition(":")[2]
    with Client(form.format(port)) as client:
        assert client.service_info().version


def _refused(target: str, **options: Any) -> list[str]:
    async def use() -> str:
        async with AsyncClient(target, **options) as client:
            with pytest.raises(Unavailable) as refused:
                await client.service_info()
            return str(refused.value)

    with Client(target, **options) as client, pytest.raises(Unavailable) as refused:
        client.service_info()
    return [str(refused.value), asyncio.run(use())]


def test_tls_that_does_not_fit_is_said(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.sign("server")
    settings = Settings(
        data=tmp_path / "data", listen="127.0.0.1:0", tls_cert=cert, tls_key=key, drain_seconds=1
    )
    with ServerHandle(settings) as server:
        for told in _refused(server.target):
            assert "If the service speaks TLS" in told
            assert "--tls-ca" in told
        for told in _refused(server.target, tls=True):
            assert "does not trust the service's certificate" in told


def test_a_service_without_tls_is_said(shared_server: ServerHandle) -> None:
    for told in _refused(shared_server.target, tls=True):
        assert "does not speak TLS" in told


@contextmanager
def _gone_silent(target: str) -> Iterator[tuple[str, threading.Event]]:
    """Pass connections on, until the event is set: what is connected then hears nothing more."""
    host, _, port = target.rpartition(":")
    silent = threading.Event()
    sockets: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection((host, int(port)))
            sockets.extend((client, server))
            mute = None if silent.is_set() else silent
            for ends in ((client, server), (server, client)):
                threading.Thread(target=copy, args=(*ends, mute), daemon=True).start()

    def copy(source: socket.socket, sink: socket.socket, mute: threading.Event | None) -> None:
        try:
            while data := source.recv(65_536):
                if mute is None or not mute.is_set():
                    sink.sendall(data)
        except OSError:
            pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}", silent
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for each in sockets:
                each.close()


@pytest.mark.slow
def test_a_connection_that_has_gone_silent_is_noticed_in_15_seconds(
    shared_server: ServerHandle,
) -> None:
    async def use(target: str) -> None:
        async with AsyncClient(target, timeout=60) as client:
            await client.service_info()
            silent.set()
            started = time.monotonic()
            await client.service_info()  # again, on another connection
            assert time.monotonic() - started < 16

    with _gone_silent(shared_server.target) as (target, silent), Client(target) as client:
        client.service_info()
        thread = threading.Thread(target=asyncio.run, args=(use(target),))
        thread.start()
        silent.wait(10)
        started = time.monotonic()
        client.service_info()
        assert 3 < time.monotonic() - started < 16
        thread.join(30)
        assert not thread.is_alive()
