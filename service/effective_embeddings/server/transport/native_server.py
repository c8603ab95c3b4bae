"""The server whose listener is in Rust: this process configures, observes and stops it.

No call passes through Python: the listener admits calls, answers them, counts them and writes the
audit log.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable

from effective_embeddings._core import Admission, Calls, Engine, Listener
from effective_embeddings.server.process.descriptors import connections_within
from effective_embeddings.server.process.unix_socket import is_served, socket_path
from effective_embeddings.server.settings.addresses import split_listen, target_of
from effective_embeddings.server.settings.errors import ListenError, SettingsError
from effective_embeddings.server.settings.settings import Settings
from effective_embeddings.server.transport.descriptors import reflected_files
from effective_embeddings.server.transport.health_follower import HealthFollower

__all__ = ["NativeServer"]

# More threads than this share the work of no more connections than a few have.
_MAX_IO_THREADS = 8


class NativeServer:
    """The native listener of one server.

    Attributes:
        admission: Admits its calls.
        target: What a client connects to.
    """

    def __init__(self, settings: Settings, admission: Admission, calls: Calls) -> None:
        """Take the address; nothing is served before ``start``.

        Args:
            settings: See Settings.
            admission: Admits the calls.
            calls: Answers and records them.

        Raises:
            ListenError: The address cannot be listened on.
            SettingsError: The certificate cannot be used.
        """
        self.admission = admission
        self._listener = _bind(settings, calls)
        self._health = HealthFollower(self._listener.set_serving)
        self.target = target_of(settings.listen, self._listener.port)

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
        self.admission.close()
        self._health.drain()

    def stop(self, grace_seconds: float) -> None:
        """Close the address, and end the connections within a time.

        Args:
            grace_seconds: How long connections may take to end.
        """
        self._listener.stop(grace_seconds)


def _bind(settings: Settings, calls: Calls) -> Listener:
    tls = None
    if settings.tls_cert is not None and settings.tls_key is not None:
        tls = (settings.tls_cert, settings.tls_key, settings.tls_client_ca)
    unix = socket_path(settings.listen) if settings.listen.startswith("unix:") else None
    if unix is not None and is_served(settings.listen):
        message = f"cannot listen on {settings.listen!r}: another server listens on this socket"
        raise ListenError(message)
    try:
        return Listener(
            calls,
            addresses=[] if unix is not None else _addresses(settings.listen),
            unix_socket=unix,
            tls=tls,
            io_threads=min(len(os.sched_getaffinity(0)), _MAX_IO_THREADS),
            workers=settings.workers,
            idle_poll_us=settings.idle_poll_us,
            max_connections=connections_within(settings.max_connections),
            max_streams_per_connection=settings.max_streams_per_connection,
            max_message_bytes=settings.max_message_bytes,
            stall_seconds=settings.client_stall_timeout_seconds,
            idle_seconds=settings.max_connection_idle_seconds,
            age_seconds=settings.max_connection_age_seconds,
            reflection=reflected_files() if settings.reflects else None,
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
