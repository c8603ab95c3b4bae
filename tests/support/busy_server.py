"""A server with one worker, which is busy."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import grpc

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.server import ServerHandle, Settings
from effective_embeddings.v1 import resources_pb2, service_pb2
from tests.support.access import unary

__all__ = ["Busy", "busy_server"]


class Busy(NamedTuple):
    """The server, a client and a channel to it, and the call that occupies its worker."""

    server: ServerHandle
    client: Client
    channel: grpc.Channel
    waiting: Any

    def calls(self) -> int:
        """Calls under way, with the one whose line the audit log does not take."""
        return _calls(self.server)


@contextmanager
def busy_server(folder: Path, seconds: float) -> Iterator[Busy]:
    """Its worker waits ``seconds`` for an audit log that takes no line; two categories exist."""
    pipe = folder / "audit-pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    settings = Settings(
        data=folder / "data", listen="127.0.0.1:0", workers=1, audit_log=pipe, drain_seconds=10
    )
    busy = resources_pb2.Namespace(name="busy", dimension=2)
    request = service_pb2.CreateNamespaceRequest(namespace=busy).SerializeToString()
    done = threading.Event()
    try:
        with (
            ServerHandle(settings) as server,
            Client(server.target) as client,
            grpc.insecure_channel(server.target) as channel,
        ):
            client.create_namespace("n", 2)
            client.put_categories(
                "n", [CategoryUpdate("x", base=[1, 0]), CategoryUpdate("y", base=[0, 1])]
            )
            _fill(reader)
            waiting: Any = unary(channel, "CreateNamespace").future(request, timeout=60)
            end = time.monotonic() + 10
            while _calls(server) < 1:
                assert time.monotonic() < end
                time.sleep(0.01)
            drain = threading.Thread(target=_drain, args=(reader, seconds, done))
            drain.start()
            try:
                yield Busy(server, client, channel, waiting)
            finally:
                waiting.cancel()
                done.set()
                drain.join()
    finally:
        os.close(reader)


def _calls(server: ServerHandle) -> int:
    return server._server.admission.in_flight


def _fill(pipe: int) -> None:
    with suppress(BlockingIOError):
        while True:
            os.write(pipe, b"\n")


def _drain(pipe: int, seconds: float, done: threading.Event) -> None:
    """Read what is in the pipe, after a time or at the end, so that the server can write again."""
    done.wait(seconds)
    while not done.wait(0.01):
        _empty(pipe)
    _empty(pipe)


def _empty(pipe: int) -> None:
    with suppress(BlockingIOError):
        while os.read(pipe, 1 << 16):
            pass
