"""The server whose listener is in Rust: this process configures, observes and stops it.

No call passes through Python: the listener admits calls, answers them, counts them and writes the
audit log. Its lines for the log and its spans arrive in batches.
"""

from __future__ import annotations

import errno
import logging
import os
import secrets
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from effective_embeddings._core import AuditLog, Engine, Events, Listener
from effective_embeddings.server.admission.admission import AdmissionControl
from effective_embeddings.server.observability.event_pump import EventPump
from effective_embeddings.server.process.descriptors import connections_within
from effective_embeddings.server.process.unix_socket import is_served, socket_path
from effective_embeddings.server.settings.addresses import split_listen
from effective_embeddings.server.settings.errors import ListenError, SettingsError
from effective_embeddings.server.settings.settings import Settings
from effective_embeddings.server.transport.descriptors import reflected_files
from effective_embeddings.server.transport.health_follower import HealthFollower

if TYPE_CHECKING:
    from effective_embeddings.server.observability.metrics import Metrics
    from effective_embeddings.server.observability.traces import Traces

__all__ = ["NativeServer"]

_log = logging.getLogger("effective_embeddings.server")

# More threads than this share the work of no more connections than a few have.
_MAX_IO_THREADS = 8


class NativeServer:
    """The native listener of one server.

    Attributes:
        admission: Admits its calls.
        target: What a client connects to.
    """

    def __init__(
        self,
        settings: Settings,
        admission: AdmissionControl,
        events: Events,
        metrics: Metrics | None,
        audit: AuditLog | None,
        traces: Traces | None,
    ) -> None:
        """Take the address; nothing is served before ``start``.

        Args:
            settings: See Settings.
            admission: Admits the calls.
            events: Takes the lines for the log and the spans.
            metrics: Gets the counts of calls; None: nobody asks for them.
            audit: Takes writes and refusals; None: no audit log is written.
            traces: Takes spans of admitted calls; None: there are no spans.

        Raises:
            ListenError: The address cannot be listened on.
            SettingsError: The certificate cannot be used.
        """
        self.admission = admission
        self._listener = _bind(settings, admission, events, audit, traces is not None)
        self._pump = EventPump(events, traces)
        self._health = HealthFollower(self._listener.set_serving)
        if metrics is not None:
            metrics.calls.source = self._counts
            metrics.refused = self._listener.refused
        self.target = settings.listen
        if self._listener.port is not None:
            host, _ = split_listen(settings.listen)
            at = f"[{host}]" if ":" in host else host
            self.target = f"{at}:{self._listener.port}"

    @property
    def stalled(self) -> int:
        """Calls that were cancelled because their clients stalled."""
        return self._listener.stalled

    def start(self) -> None:
        """Serve health, and refuse calls until ``open``."""
        self._listener.start()

    def open(self, engine: Engine, look: Callable[[], tuple[bool, str]]) -> None:
        """Answer calls from now on; health says what ``look`` returns as (serving, reason)."""
        self._listener.open(engine)
        self._health.follow(look)

    def turn_away(self) -> None:
        """Serve NOT_SERVING, and refuse new calls with a reason and a retry delay."""
        self.admission.core.close()
        self._health.drain()

    def stop(self, drain_seconds: float, grace_seconds: float) -> bool:
        """Finish the calls in flight, then end the connections; return whether all finished.

        Args:
            drain_seconds: How long calls in flight may take; calls that take longer are cancelled.
            grace_seconds: How long connections may take to end afterwards.
        """
        drained = self.admission.wait_idle(drain_seconds)
        self._listener.stop(grace_seconds if drained else 0.0)
        return drained

    def close(self) -> None:
        """Log what is left to say; the engine is closed."""
        self._pump.close()

    def _counts(
        self,
    ) -> list[tuple[tuple[str, str, str], tuple[int, dict[str, int], list[int], float]]]:
        return [
            (labels, (begun, dict(codes), buckets, seconds))
            for labels, (begun, codes, buckets, seconds) in self._listener.counts()
        ]


def _bind(
    settings: Settings,
    admission: AdmissionControl,
    events: Events,
    audit: AuditLog | None,
    traces: bool,  # noqa: FBT001 - passed on by name
) -> Listener:
    tls = None
    if settings.tls_cert is not None and settings.tls_key is not None:
        tls = (settings.tls_cert, settings.tls_key, settings.tls_client_ca)
    unix = socket_path(settings.listen) if settings.listen.startswith("unix:") else None
    if unix is not None and is_served(settings.listen):
        message = f"cannot listen on {settings.listen!r}: another server listens on this socket"
        raise ListenError(message)
    try:
        return Listener(
            admission.core,
            events,
            audit=audit,
            addresses=[] if unix is not None else _addresses(settings.listen),
            unix_socket=unix,
            tls=tls,
            io_threads=min(len(os.sched_getaffinity(0)), _MAX_IO_THREADS),
            workers=settings.workers,
            max_connections=connections_within(settings.max_connections),
            max_streams_per_connection=settings.max_streams_per_connection,
            max_message_bytes=settings.max_message_bytes,
            stall_seconds=settings.client_stall_timeout_seconds,
            idle_seconds=settings.max_connection_idle_seconds,
            age_seconds=settings.max_connection_age_seconds,
            reflection=reflected_files() if settings.reflects else None,
            debug=_log.isEnabledFor(logging.DEBUG),
            traces=traces,
            seed=secrets.randbits(64),
        )
    except ValueError as error:
        raise SettingsError(str(error)) from None
    except OSError as error:
        message = f"cannot listen on {settings.listen!r}: {_why_not(settings.listen, error)}"
        raise ListenError(message) from error


def _addresses(listen: str) -> list[str]:
    """Return the addresses that a host name stands for."""
    host, port = split_listen(listen)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        message = f"cannot listen on {listen!r}: {error.strerror or error}"
        raise ListenError(message) from error
    return [_written(str(ip), number) for *_, (ip, number, *_rest) in found]


def _written(ip: str, port: object) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def _why_not(listen: str, error: OSError) -> str:
    if listen.startswith("unix:"):
        return "the socket's folder must exist, be writable, and its path be at most 107 bytes"
    if error.errno == errno.EADDRINUSE:
        return "the port is taken; is a server running already?"
    return os.strerror(error.errno) if error.errno else str(error)
