"""The one place that puts a gRPC server together."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence
from typing import cast

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection

from effective_embeddings._core import Grant
from effective_embeddings.server.handlers import (
    SERVICE_NAME,
    EngineLike,
    GrantOf,
    service_handler,
)
from effective_embeddings.server.health import HealthFollower
from effective_embeddings.server.pool import CallPool
from effective_embeddings.server.settings import ListenError, Settings, split_listen
from effective_embeddings.server.symbols import Symbols

__all__ = ["Server", "build_server"]


class Server:
    """A gRPC server with its port, its threads and its health; made by ``build_server``.

    Attributes:
        grpc: The server itself.
        pool: Its call threads.
        health: Its health service.
        target: What a client connects to.
    """

    def __init__(
        self, server: grpc.Server, pool: CallPool, health: HealthFollower, target: str
    ) -> None:
        self.grpc = server
        self.pool = pool
        self.health = health
        self.target = target


def build_server(
    engine: EngineLike,
    settings: Settings,
    *,
    grant_of: GrantOf | None = None,
    interceptors: Sequence[grpc.ServerInterceptor] = (),
) -> Server:
    """Put a server together and take its port; it does not serve before ``.grpc.start()``.

    A call passes, in this order: gRPC's own limits (message size, concurrent calls), the
    interceptors (first one outermost), the grant, the engine. Its refusal becomes a status in
    ``status.abort`` and nowhere else.

    Args:
        engine: Answers the calls.
        settings: See Settings.
        grant_of: Says what the caller of a call may do. None: everything, as "local"; that is
            right where only this machine can connect.
        interceptors: Asked once for each call, in order.

    Raises:
        ListenError: The address cannot be listened on.
    """
    if grant_of is None:
        everything = Grant.unrestricted("local")

        def grant_of(_context: grpc.ServicerContext) -> Grant:
            return everything

    pool = CallPool(settings.workers)
    server = grpc.server(
        pool,
        handlers=[service_handler(engine, grant_of)],
        interceptors=list(interceptors),
        options=_options(settings),
        maximum_concurrent_rpcs=settings.max_concurrent_calls,
    )
    follower = HealthFollower()
    follower.add_to(server)
    if settings.reflection:
        names = (SERVICE_NAME, health.SERVICE_NAME, reflection.SERVICE_NAME)
        # Reflection asks for what a pool does; its stub wants the nominal type.
        pool_of_symbols = cast("DescriptorPool", Symbols())
        reflection.enable_server_reflection(names, server, pool_of_symbols)
    return Server(server, pool, follower, _take_port(server, settings.listen))


def _options(settings: Settings) -> list[tuple[str, int]]:
    return [
        # On by default, and then a second server silently gets half of the first one's calls.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        # Notice within half a minute that a client's machine is gone, and let clients ask as
        # often as every ten seconds whether ours is.
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
    ]


def _take_port(server: grpc.Server, listen: str) -> str:
    """Bind ``listen`` and return the target for clients."""
    try:
        port = server.add_insecure_port(listen)
    except RuntimeError as error:
        message = f"cannot listen on {listen!r}: {_why_not(listen)}"
        raise ListenError(message) from error
    if listen.startswith("unix:"):
        return listen
    host, _ = split_listen(listen)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _why_not(listen: str) -> str:
    """Say why an address cannot be bound; gRPC does not tell."""
    if listen.startswith("unix:"):
        return "the socket's folder must exist, be writable, and its path be at most 107 bytes"
    host, port = split_listen(listen)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return "the port is taken; is a server running already?"
        return os.strerror(error.errno) if error.errno else str(error)
    return "the port was taken a moment ago"
