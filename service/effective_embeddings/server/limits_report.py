"""Every limit of a server, with its value and the error of who goes beyond it."""

from __future__ import annotations

from dataclasses import dataclass

from effective_embeddings._core import LIMITS
from effective_embeddings.server.admission.load_shedder import CROWD
from effective_embeddings.server.auth.tokens import (
    MAX_ENTRIES,
    MAX_TOKEN_BYTES,
    MAX_TOKENS_OF_A_PRINCIPAL,
)
from effective_embeddings.server.observability.logs import MAX_REFUSALS_PER_SECOND
from effective_embeddings.server.observability.metrics_server import (
    MAX_SCRAPE_SECONDS,
    MAX_SCRAPES,
)
from effective_embeddings.server.settings.settings import Settings
from effective_embeddings.server.transport.health import MAX_CHECKS, MAX_WATCHES
from effective_embeddings.server.transport.reflection import MAX_REFLECTIONS

__all__ = ["Limit", "all_limits", "server_limits"]


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit.

    Attributes:
        name: What is limited; the setting's name where it is one.
        value: How much of it there may be; 0: as much as one likes.
        unit: Of what.
        beyond: What happens to who goes beyond it.
    """

    name: str
    value: float
    unit: str
    beyond: str


def all_limits(settings: Settings) -> list[Limit]:
    """Return the limits of the server, then those of a request."""
    requests = [
        Limit(name, value, _unit(name), _REQUESTS.get(name, _INVALID)) for name, value in LIMITS
    ]
    return server_limits(settings) + requests


def _unit(name: str) -> str:
    last = name.rpartition("_")[2]
    return last if last in ("bytes", "seconds", "entries", "queries", "keys") else ""


def server_limits(settings: Settings) -> list[Limit]:
    """Return the limits of the server itself."""
    s = settings
    return [
        Limit("max_connections", s.max_connections, "connections", "closed at once"),
        Limit(
            "max_streams_per_connection",
            s.max_streams_per_connection,
            "calls in flight",
            "more wait in the client",
        ),
        Limit("max_concurrent_calls", s.max_concurrent_calls, "calls", _OVERLOADED),
        Limit("arriving_calls", s.arriving_calls, "calls without a request yet", _OVERLOADED),
        Limit("waiting_calls", CROWD, "calls of a method, for longer than a moment", _OVERLOADED),
        Limit("pending_calls", s.pending_calls * 2, "calls of a method", "CANCELLED, by gRPC"),
        Limit("max_calls_per_principal", s.share, "calls of a principal", _OVERLOADED),
        Limit("max_streaming_calls", s.max_streaming_calls, "snapshots, restores", _OVERLOADED),
        Limit("health_checks", MAX_CHECKS, "calls", "told of the server as a whole"),
        Limit("health_watches", MAX_WATCHES, "streams", _OVERLOADED),
        Limit("reflections", MAX_REFLECTIONS, "streams", _OVERLOADED),
        Limit(
            "audited_refusals",
            MAX_REFUSALS_PER_SECOND,
            "lines a second",
            "counted, in a line a second",
        ),
        Limit("scrapes", MAX_SCRAPES, "connections for metrics", "the oldest is closed"),
        Limit("scrape_seconds", MAX_SCRAPE_SECONDS, "seconds", "the connection is closed"),
        Limit("workers", s.workers, "threads for unary calls", "more calls wait for one"),
        Limit("calls_per_second", s.calls_per_second, "calls with a token", _RATE_LIMITED),
        Limit(
            "burst_calls", s.burst_calls or s.calls_per_second, "such calls at once", _RATE_LIMITED
        ),
        Limit("max_message_bytes", s.max_message_bytes, "bytes", _MESSAGE),
        Limit("header_bytes", 16 * 1024, "bytes of headers", "RESOURCE_EXHAUSTED, by gRPC"),
        Limit("client_patience_seconds", s.client_patience_seconds, "seconds", "CANCELLED"),
        Limit("handshake_seconds", 10, "seconds", "the connection is closed"),
        Limit("max_connection_idle_seconds", s.max_connection_idle_seconds, "seconds", _CLOSED),
        Limit("max_connection_age_seconds", s.max_connection_age_seconds, "seconds", _CLOSED),
        Limit("keepalive_seconds", 20, "seconds", "a peer that does not answer is closed"),
        Limit("drain_seconds", s.drain_seconds, "seconds", "what is left is cancelled"),
        Limit("max_namespaces", s.max_namespaces, "namespaces", _TOO_MANY),
        Limit("memory_budget", s.memory_budget or 0, "bytes", "namespaces leave memory"),
        Limit("tokens", MAX_ENTRIES, "tokens", "the file is refused"),
        Limit("tokens_of_a_principal", MAX_TOKENS_OF_A_PRINCIPAL, "tokens", "the file is refused"),
        Limit("token_bytes", MAX_TOKEN_BYTES, "bytes", "UNAUTHENTICATED"),
    ]


# What is beyond those limits of a request that are not refused with INVALID_ARGUMENT.
_REQUESTS = {
    "default_match_limit": "what a request gets that says nothing",
    "default_page_size": "what a request gets that says nothing",
    "page_bytes": "the page ends early",
    "revision_wait_seconds": "FAILED_PRECONDITION (REVISION_NOT_REACHED)",
}
_INVALID = "INVALID_ARGUMENT, with the field and both numbers"
_MESSAGE = "RESOURCE_EXHAUSTED: by gRPC, or REPLY_TOO_LARGE"
_OVERLOADED = "RESOURCE_EXHAUSTED (OVERLOADED), with a time to try again"
_RATE_LIMITED = "RESOURCE_EXHAUSTED (RATE_LIMITED), with a time to try again"
_TOO_MANY = "RESOURCE_EXHAUSTED (TOO_MANY_NAMESPACES)"
_CLOSED = "closed once its calls are finished"
