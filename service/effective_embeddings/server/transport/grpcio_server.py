"""The server on the gRPC library for Python."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc

from effective_embeddings._core import Engine, Refusals
from effective_embeddings.server.admission.admission import AdmissionControl
from effective_embeddings.server.auth.tls import make_credentials
from effective_embeddings.server.contract import SERVICE_NAME
from effective_embeddings.server.observability.audit_log import AuditLog
from effective_embeddings.server.process.descriptors import connections_within
from effective_embeddings.server.process.unix_socket import is_served
from effective_embeddings.server.settings.addresses import split_listen
from effective_embeddings.server.settings.errors import ListenError
from effective_embeddings.server.settings.settings import Settings
from effective_embeddings.server.transport.handlers import ServiceHandler
from effective_embeddings.server.transport.health import HEALTH_NAME, HealthService
from effective_embeddings.server.transport.health_follower import HealthFollower
from effective_embeddings.server.transport.raw_unary import RawUnaryServer
from effective_embeddings.server.transport.reflection import Reflection
from effective_embeddings.server.transport.workers import Workers

if TYPE_CHECKING:
    from effective_embeddings.server.observability.metrics import Metrics
    from effective_embeddings.server.observability.traces import Traces

__all__ = ["GrpcioServer"]

# A place is given back a moment before its thread is free.
_SPARE_THREADS = 4
_HANDSHAKE_MS = 10_000


class GrpcioServer:
    """A gRPC server with its port, its threads and its health.

    A call passes, in this order: TLS, gRPC's own limits (connections, headers, message size),
    admission (identity, load shedding, rate, concurrency, stall timeout), the core, which holds
    the call to its grant. A refusal becomes a status in ``status.status_of`` and nowhere else.

    Attributes:
        admission: Admits its calls.
        target: What a client connects to.
    """

    def __init__(
        self,
        settings: Settings,
        admission: AdmissionControl,
        metrics: Metrics | None,
        audit: AuditLog | None,
        traces: Traces | None,
    ) -> None:
        """Put the server together and take its port; nothing is served before ``start``.

        Args:
            settings: See Settings.
            admission: Admits the calls.
            metrics: Counts calls; None: calls are not counted.
            audit: Takes writes and refusals; None: no audit log is written.
            traces: Makes spans of admitted calls; None: there are no spans.

        Raises:
            ListenError: The address cannot be listened on.
            SettingsError: The certificate cannot be used.
        """
        credentials = make_credentials(settings)
        self.admission = admission
        self._engine: Engine | None = None
        self._streams = ThreadPoolExecutor(
            settings.max_streaming_calls + _SPARE_THREADS, thread_name_prefix="effemb-stream"
        )
        self._workers = Workers(settings.workers)
        self._follower = HealthFollower(self._set_health)
        self._health = HealthService(admission.stall_timeout, self._follower.look)
        self._reflection = None
        service = ServiceHandler(self._opened, admission, self._workers, metrics, audit, traces)
        handlers = [service, self._health.handler()]
        if settings.reflects:
            names = (SERVICE_NAME, HEALTH_NAME)
            self._reflection = Reflection(names, admission.stall_timeout)
            handlers.append(self._reflection.handler())
        self._server = grpc.server(self._streams, handlers=handlers, options=_options(settings))
        self._unary_server = RawUnaryServer(self._server, service.unary)
        self.target = _take_port(self._server, settings.listen, credentials)

    def _set_health(self, serving: bool) -> None:  # noqa: FBT001 - what a HealthFollower calls
        self._health.set(serving)

    def _opened(self) -> Engine:
        if self._engine is None:
            raise Refusals.starting()
        return self._engine

    @property
    def stalled(self) -> int:
        """Calls that were cancelled because their clients stalled."""
        return self.admission.stall_timeout.cancelled

    def start(self) -> None:
        """Serve health, and refuse calls until ``open``."""
        self.admission.stall_timeout.start()
        self._workers.start()
        self._server.start()
        self._unary_server.open()

    def open(self, engine: Engine, look: Callable[[], tuple[bool, str]]) -> None:
        """Answer calls from now on; health says what ``look`` returns as (serving, reason)."""
        self._engine = engine
        self._follower.follow(look)

    def turn_away(self) -> None:
        """Serve NOT_SERVING, and refuse new calls with a reason and a retry delay."""
        self.admission.core.close()
        self._follower.drain()

    def stop(self, drain_seconds: float, grace_seconds: float) -> bool:
        """Finish the calls in flight, then end the connections; return whether all finished.

        Args:
            drain_seconds: How long calls in flight may take; calls that take longer are cancelled.
            grace_seconds: How long connections may take to end afterwards.
        """
        # Only then is the port closed: gRPC cancels what comes to a closed one, without a reason.
        drained = self.admission.wait_idle(drain_seconds)
        stopped = self._server.stop(grace_seconds)
        if not stopped.wait(grace_seconds if drained else 0):
            # What is left are calls out of time, and streams that never end, such as health.Watch.
            self._server.stop(None)
        return drained

    def close(self) -> None:
        """Let go of the threads; the engine is closed."""
        self._health.close()
        if self._reflection is not None:
            self._reflection.close()
        self.admission.stall_timeout.stop()
        self._workers.close()
        self._streams.shutdown(wait=False)


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
        # The same for the answer itself; gRPC's own is a minute.
        ("grpc.http2.ping_timeout_ms", 10_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.max_allowed_incoming_connections", connections_within(settings.max_connections)),
        # Calls that have come and that Python has not seen yet. Admission refuses calls as fast
        # as one thread can look at them; what comes faster waits here, and delays every answer.
        # So gRPC ends calls beyond the limit with CANCELLED, whatever their principal, which
        # clients take for "try again".
        ("grpc.server.max_pending_requests", settings.pending_calls),
        ("grpc.server.max_pending_requests_hard_limit", settings.pending_calls * 2),
        ("grpc.max_concurrent_streams", settings.max_streams_per_connection),
        # Counts a call until its memory is free, which its client cannot see: with it a client that
        # stays within its streams has calls refused at random, with UNAVAILABLE and no hint.
        ("grpc.http.overload_protection", 0),
        # A peer that connects and does not come to the point: a TLS handshake, HTTP/2's preface.
        ("grpc.server_handshake_timeout_ms", _HANDSHAKE_MS),
        ("grpc.http2.settings_timeout", _HANDSHAKE_MS),
        ("grpc.max_connection_idle_ms", _ms(settings.max_connection_idle_seconds)),
        # No grace is set, so it has no end: an old connection takes no more calls, and lives
        # until the last one that it has is finished.
        ("grpc.max_connection_age_ms", _ms(settings.max_connection_age_seconds)),
    ]


def _ms(seconds: float) -> int:
    """Return seconds in milliseconds, at most the largest value that gRPC takes."""
    return min(round(seconds * 1000), 2**31 - 1)


def _take_port(server: grpc.Server, listen: str, credentials: grpc.ServerCredentials | None) -> str:
    """Bind ``listen`` and return the target for clients."""
    if listen.startswith("unix:") and is_served(listen):
        message = f"cannot listen on {listen!r}: another server listens on this socket"
        raise ListenError(message)
    try:
        if credentials is None:
            port = server.add_insecure_port(listen)
        else:
            port = server.add_secure_port(listen, credentials)
    except RuntimeError as error:
        message = f"cannot listen on {listen!r}: {_why_not(listen)}"
        raise ListenError(message) from error
    if listen.startswith("unix:"):
        return listen
    host, _ = split_listen(listen)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _why_not(listen: str) -> str:
    """Return why an address cannot be bound; gRPC does not say."""
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
    return "gRPC cannot bind it; its own log says why"
