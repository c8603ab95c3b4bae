"""The one place that puts a server together, on the transport that the settings name."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import NamedTuple, Protocol

from effective_embeddings._core import (
    LIMITS,
    Admission,
    AuditLog,
    Calls,
    Engine,
    Events,
    TokenTable,
)
from effective_embeddings.server.settings.errors import SettingsError
from effective_embeddings.server.settings.settings import Settings

__all__ = ["Built", "Server", "build_server", "make_admission"]

_log = logging.getLogger("effective_embeddings.server")


class Server(Protocol):
    """What serves gRPC: see ``GrpcioServer`` and ``NativeServer``."""

    admission: Admission
    target: str

    @property
    def stalled(self) -> int:
        """Calls that were cancelled because their clients stalled."""

    def start(self) -> None:
        """Serve health, and refuse calls until ``open``."""

    def open(self, engine: Engine, look: Callable[[], tuple[bool, str]]) -> None:
        """Answer calls from now on; health says what ``look`` returns as (serving, reason)."""

    def turn_away(self) -> None:
        """Serve NOT_SERVING, and refuse new calls with a reason and a retry delay."""

    def stop(self, grace_seconds: float) -> None:
        """Close the address, and end the connections within a time."""


class Built(NamedTuple):
    """A server and what the process around it looks after.

    Attributes:
        server: The server, whose port is taken.
        calls: Counts its calls.
        events: Its lines for the log, and its spans.
        audit: Its audit log; None: none is written.
    """

    server: Server
    calls: Calls
    events: Events
    audit: AuditLog | None


def build_server(settings: Settings, tokens: TokenTable | None, *, traces: bool) -> Built:
    """Put a server together and take its port.

    Args:
        settings: See Settings.
        tokens: The tokens of the callers; see ``make_admission``.
        traces: Whether each admitted call makes a span.

    Raises:
        ListenError: The address cannot be listened on.
        SettingsError: The certificate or the audit log cannot be used.
    """
    admission = make_admission(settings, tokens)
    events = Events()
    audit = _open_audit(settings, events)
    calls = Calls(
        admission,
        events,
        audit=audit,
        debug=_log.isEnabledFor(logging.DEBUG),
        traces=traces,
        seed=secrets.randbits(64),
    )
    # A server imports what it needs: the gRPC library takes a third of a second.
    server: Server
    if settings.transport == "native":
        from effective_embeddings.server.transport.native_server import NativeServer  # noqa: PLC0415

        server = NativeServer(settings, admission, calls)
    else:
        from effective_embeddings.server.transport.grpcio_server import GrpcioServer  # noqa: PLC0415

        server = GrpcioServer(settings, admission, calls)
    return Built(server, calls, events, audit)


def make_admission(settings: Settings, tokens: TokenTable | None) -> Admission:
    """Return what admits the calls of a server.

    Args:
        settings: The limits.
        tokens: The tokens of the callers. None: every caller is "local" and may do everything;
            that is right where only this machine can connect.
    """
    limits = dict(LIMITS)
    return Admission(
        tokens,
        seed=secrets.randbits(64),
        calls_per_second=settings.calls_per_second,
        burst_calls=settings.burst_calls,
        calls=settings.max_concurrent_calls,
        calls_share=settings.share,
        arriving=settings.arriving_calls,
        arriving_share=settings.arriving_share,
        streams=settings.max_streaming_calls,
        streams_share=settings.streaming_share,
        waiting=limits["waiting_reads"],
        waiting_share=limits["waiting_reads_of_a_caller"],
        reply_bytes=settings.unread_reply_bytes,
        reply_bytes_share=settings.unread_reply_share,
        max_reply_bytes=settings.max_message_bytes,
    )


def _open_audit(settings: Settings, events: Events) -> AuditLog | None:
    if settings.audit_log is None:
        return None
    try:
        return AuditLog(settings.audit_log, events, settings.audit_failure == "refuse")
    except OSError as error:
        message = f"cannot write the audit log: {settings.audit_log}: {error.strerror}"
        raise SettingsError(message) from None
