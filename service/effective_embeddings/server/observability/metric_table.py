"""The names, kinds and meanings of the server's own metrics; the engine's are the core's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["SERVER_METRICS", "ServerMetric"]


class ServerMetric(NamedTuple):
    """A metric of the server.

    Attributes:
        name: Its name; Prometheus adds ``_total`` to a counter's.
        kind: ``counter``, ``gauge`` or ``histogram``.
        help: What it says, in a sentence.
        labels: Its labels.
    """

    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()


_CALL = ("grpc_type", "grpc_service", "grpc_method")

SERVER_METRICS: Mapping[str, ServerMetric] = {
    each.name: each
    for each in (
        ServerMetric("grpc_server_started", "counter", "Calls that began.", _CALL),
        ServerMetric(
            "grpc_server_handled",
            "counter",
            "Calls that ended, by status code.",
            (*_CALL, "grpc_code"),
        ),
        ServerMetric(
            "grpc_server_handling_seconds",
            "histogram",
            "Seconds from a call's headers to its reply.",
            _CALL,
        ),
        ServerMetric(
            "effemb_refused",
            "counter",
            "Calls that were refused, by reason (errors.proto).",
            ("reason",),
        ),
        ServerMetric("effemb_calls_in_flight", "gauge", "Admitted calls without an answer yet."),
        ServerMetric(
            "effemb_stalled_calls_cancelled",
            "counter",
            "Calls that were cancelled because their clients neither sent nor took a message.",
        ),
        ServerMetric(
            "effemb_audit_log_failing",
            "gauge",
            "1 if the audit log cannot be written, otherwise 0.",
        ),
        ServerMetric(
            "effemb_audit_lines_lost",
            "counter",
            "Audit lines that are lost because the audit log could not be written.",
        ),
        ServerMetric(
            "effemb_log_lines_dropped",
            "counter",
            "Log lines that were dropped because the standard error was not read.",
        ),
        ServerMetric(
            "effemb_file_bytes", "gauge", "Size of each file in the data directory.", ("file",)
        ),
    )
}
"""By name."""
