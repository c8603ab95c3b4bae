"""The metrics server: few connections, each for a short time, none blocking others."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from effective_embeddings.server import ServerHandle, Settings
from effective_embeddings.server.observability.metrics_server import MAX_CONNECTIONS, MetricsServer


def _hello(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [])
    return [b"hello"]


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@contextmanager
def _half_a_request(target: str, seconds: float = 5) -> Iterator[socket.socket]:
    host, _, port = target.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), seconds) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost")
        yield connection


def test_incomplete_requests_hold_no_threads_and_no_descriptors(tmp_path: Path) -> None:
    """Each once kept a thread and a descriptor, until the service accepted no connection."""
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", metrics_listen="127.0.0.1:0")
    with ServerHandle(settings) as server, ExitStack() as open_ones:
        assert server.metrics_target is not None
        threads, descriptors = threading.active_count(), _descriptors()
        for _ in range(200):
            open_ones.enter_context(_half_a_request(server.metrics_target))
        with urllib.request.urlopen(f"http://{server.metrics_target}/metrics", timeout=5) as reply:
            assert b"effemb_serving 1.0" in reply.read()
        end = time.monotonic() + 5
        while threading.active_count() > threads + MAX_CONNECTIONS:
            assert time.monotonic() < end
            time.sleep(0.01)
        # The client's end of each connection is a descriptor too.
        assert _descriptors() <= descriptors + 200 + MAX_CONNECTIONS + 1


def test_a_scraper_is_not_sent_away_by_connections_that_come_at_once() -> None:
    """Six could wait to be accepted; the next one tried again a second later."""
    with closing(MetricsServer("127.0.0.1:0", _hello)) as server, ExitStack() as open_ones:
        with server._server._lock:  # accepts no connection meanwhile
            for _ in range(100):
                open_ones.enter_context(_half_a_request(server.target, 0.5))
        with urllib.request.urlopen(f"http://{server.target}/metrics", timeout=5) as reply:
            assert reply.read() == b"hello"


def test_a_connection_is_closed_after_its_timeout() -> None:
    with closing(MetricsServer("127.0.0.1:0", _hello, seconds=0.5)) as server:
        with _half_a_request(server.target) as slow:
            begin = time.monotonic()
            for _ in range(100):
                # Sending a byte now and then does not extend the timeout.
                try:
                    slow.sendall(b"x")
                except OSError:
                    break
                time.sleep(0.05)
            assert 0.4 < time.monotonic() - begin < 3
        with urllib.request.urlopen(f"http://{server.target}/metrics", timeout=5) as reply:
            assert reply.read() == b"hello"


def test_a_disconnected_scraper_leaves_nothing_on_standard_error(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def much(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [bytes(1 << 20)] * 8

    with closing(MetricsServer("[::1]:0", much)) as server:
        assert server.target.startswith("[::1]:")
        with _half_a_request(server.target) as leaving:
            leaving.sendall(b": x\r\n\r\n")
            assert leaving.recv(100)
        time.sleep(0.3)
    assert capfd.readouterr().err == ""
