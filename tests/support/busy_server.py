"""A server with one worker, which is busy."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import grpc

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.server import ServerHandle, Settings
from effective_embeddings.v1 import service_pb2
from tests.support.access import unary

__all__ = ["Busy", "busy_server"]


class Busy(NamedTuple):
    """The server, a client and a channel to it, and the call that occupies its worker."""

    server: ServerHandle
    client: Client
    channel: grpc.Channel
    waiting: Any


@contextmanager
def busy_server(folder: Path, seconds: float) -> Iterator[Busy]:
    """Its worker waits ``seconds`` for a revision that is never reached; two categories exist."""
    settings = Settings(data=folder / "data", listen="127.0.0.1:0", workers=1)
    request = service_pb2.GetNamespaceRequest(namespace="n", min_revision=99).SerializeToString()
    with (
        ServerHandle(settings) as server,
        Client(server.target) as client,
        grpc.insecure_channel(server.target) as channel,
    ):
        client.create_namespace("n", 2)
        client.put_categories(
            "n", [CategoryUpdate("x", base=[1, 0]), CategoryUpdate("y", base=[0, 1])]
        )
        waiting: Any = unary(channel, "GetNamespace").future(request, timeout=seconds)
        end = time.monotonic() + 10
        while server._server.admission.in_flight < 1:
            assert time.monotonic() < end
            time.sleep(0.01)
        yield Busy(server, client, channel, waiting)
        waiting.cancel()
