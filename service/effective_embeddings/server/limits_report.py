"""Every limit of a server: its value, and what happens beyond it.

The limits that are settings come from their definitions, those of a request from the core.
"""

from __future__ import annotations

from dataclasses import dataclass

from effective_embeddings._core import ACCESS_LIMITS, LIMITS, LISTENER_LIMITS
from effective_embeddings.server.observability.logs import MAX_QUEUED_LINES
from effective_embeddings.server.observability.metrics_server import (
    MAX_CONNECTION_SECONDS,
    MAX_CONNECTIONS,
)
from effective_embeddings.server.settings.settings import DEFINITIONS, Settings

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
    ]


_CORE = dict((*ACCESS_LIMITS, *LISTENER_LIMITS))
_OVERLOADED = "OVERLOADED"
_UNREAD = "calls are held"
_CLOSED = "connection closed"
_REFUSED_FILE = "the file is refused"


def _core(name: str, unit: str, beyond: str) -> Limit:
    return Limit(name, _CORE[name], unit, beyond)


_FIXED = (
    _core("waiting_calls", "calls", _OVERLOADED),
    _core("reply_bytes_per_second", "bytes/s", "CANCELLED if less"),
    _core("stream_bytes_per_second", "bytes/s", "CANCELLED if less"),
    _core("health_checks", "calls", "answered for the server"),
    _core("health_watches", "streams", _OVERLOADED),
    _core("reflection_streams", "streams", _OVERLOADED),
    _core("audited_refusals", "lines/s", "counted, not listed"),
    Limit("queued_log_lines", MAX_QUEUED_LINES, "lines", "dropped and counted"),
    Limit("metrics_connections", MAX_CONNECTIONS, "connections", "the oldest is closed"),
    Limit("metrics_connection_seconds", MAX_CONNECTION_SECONDS, "seconds", _CLOSED),
    Limit("header_bytes", 16 * 1024, "bytes", "refused by gRPC"),
    Limit("handshake_seconds", 10, "seconds", _CLOSED),
    Limit("keepalive_seconds", 20, "seconds", _CLOSED),
    _core("tokens", "tokens", _REFUSED_FILE),
    _core("tokens_of_a_principal", "tokens", _REFUSED_FILE),
    _core("token_bytes", "bytes", "UNAUTHENTICATED"),
)
# The limits of a request beyond which the call is not refused with INVALID_ARGUMENT.
_REQUESTS = {
    "concurrent_copied_bytes": _OVERLOADED,
    "default_match_limit": "(a default)",
    "default_page_size": "(a default)",
    "page_bytes": "the page ends early",
    "revision_wait_seconds": "REVISION_NOT_REACHED",
    "undo_listed": "counted, not listed",
    "waiting_reads": "REVISION_NOT_REACHED",
    "waiting_reads_of_a_caller": "REVISION_NOT_REACHED",
}
_INVALID = "INVALID_ARGUMENT"
