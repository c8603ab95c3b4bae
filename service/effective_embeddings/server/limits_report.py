"""Every limit of a server: its value, and what happens beyond it.

The limits that are settings come from their definitions, those of a request from the core.
"""

from __future__ import annotations

from dataclasses import dataclass

from effective_embeddings._core import ACCESS_LIMITS, LIMITS, MAX_QUEUED_CALLS
from effective_embeddings.server.admission.stall_timeout import (
    MIN_REPLY_BYTES_PER_SECOND,
    MIN_STREAM_BYTES_PER_SECOND,
)
from effective_embeddings.server.observability.audit_log import MAX_REFUSALS_PER_SECOND
from effective_embeddings.server.observability.logs import MAX_QUEUED_LINES
from effective_embeddings.server.observability.metrics_server import (
    MAX_CONNECTION_SECONDS,
    MAX_CONNECTIONS,
)
from effective_embeddings.server.settings.settings import DEFINITIONS, Settings
from effective_embeddings.server.transport.health import MAX_CHECKS, MAX_WATCHES
from effective_embeddings.server.transport.reflection import MAX_REFLECTIONS

__all__ = ["Limit", "all_limits"]


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit.

    Attributes:
        name: What is limited; the setting's name where it is one.
        value: The largest value that is allowed; 0: not limited.
        unit: What the value counts.
        beyond: What happens beyond it.
    """

    name: str
    value: float
    unit: str
    beyond: str


def all_limits(settings: Settings) -> list[Limit]:
    """Return the limits that are settings, then the fixed ones, then those of a request."""
    configured = [
        Limit(name, getattr(settings, each.effective or name) or 0, each.unit, each.beyond)
        for name, each in DEFINITIONS.items()
        if each.beyond
    ]
    requests = [
        Limit(name, value, _unit(name), _REQUESTS.get(name, _INVALID)) for name, value in LIMITS
    ]
    return [*configured, *_derived(settings), *_FIXED, *requests]


def _unit(name: str) -> str:
    last = name.rpartition("_")[2]
    return last if last in ("bytes", "seconds", "entries", "queries", "keys") else ""


def _derived(settings: Settings) -> list[Limit]:
    return [
        Limit("arriving_calls", settings.arriving_calls, "calls", _OVERLOADED),
        Limit("streams_per_principal", settings.streaming_share, "calls", _OVERLOADED),
        Limit("unread_bytes", settings.unread_reply_bytes, "bytes", _UNREAD),
        Limit("unread_per_principal", settings.unread_reply_share, "bytes", _UNREAD),
        Limit("pending_calls", settings.pending_calls * 2, "calls", "CANCELLED by gRPC"),
    ]


_ACCESS = dict(ACCESS_LIMITS)
_OVERLOADED = "OVERLOADED"
_UNREAD = "calls are held"
_CLOSED = "connection closed"
_REFUSED_FILE = "the file is refused"
_FIXED = (
    Limit("waiting_calls", MAX_QUEUED_CALLS, "calls", _OVERLOADED),
    Limit("reply_bytes_per_second", MIN_REPLY_BYTES_PER_SECOND, "bytes/s", "CANCELLED if less"),
    Limit("stream_bytes_per_second", MIN_STREAM_BYTES_PER_SECOND, "bytes/s", "CANCELLED if less"),
    Limit("health_checks", MAX_CHECKS, "calls", "answered for the server"),
    Limit("health_watches", MAX_WATCHES, "streams", _OVERLOADED),
    Limit("reflection_streams", MAX_REFLECTIONS, "streams", _OVERLOADED),
    Limit("audited_refusals", MAX_REFUSALS_PER_SECOND, "lines/s", "counted, not listed"),
    Limit("queued_log_lines", MAX_QUEUED_LINES, "lines", "dropped and counted"),
    Limit("metrics_connections", MAX_CONNECTIONS, "connections", "the oldest is closed"),
    Limit("metrics_connection_seconds", MAX_CONNECTION_SECONDS, "seconds", _CLOSED),
    Limit("header_bytes", 16 * 1024, "bytes", "refused by gRPC"),
    Limit("handshake_seconds", 10, "seconds", _CLOSED),
    Limit("keepalive_seconds", 20, "seconds", "the connection is closed"),
    Limit("tokens", _ACCESS["tokens"], "tokens", _REFUSED_FILE),
    Limit("tokens_of_a_principal", _ACCESS["tokens_of_a_principal"], "tokens", _REFUSED_FILE),
    Limit("token_bytes", _ACCESS["token_bytes"], "bytes", "UNAUTHENTICATED"),
)
# The limits of a request beyond which the call is not refused with INVALID_ARGUMENT.
_REQUESTS = {
    "default_match_limit": "(a default)",
    "default_page_size": "(a default)",
    "page_bytes": "the page ends early",
    "revision_wait_seconds": "REVISION_NOT_REACHED",
    "waiting_reads": "REVISION_NOT_REACHED",
    "waiting_reads_of_a_caller": "REVISION_NOT_REACHED",
}
_INVALID = "INVALID_ARGUMENT"
