"""The usual metrics of a gRPC server's calls, as Prometheus collects them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from effective_embeddings._core import CALL_SECONDS_BOUNDS, Calls
from effective_embeddings.server.observability.metric_table import SERVER_METRICS

__all__ = ["call_metrics"]

_BOUNDS = (*(str(bound) for bound in CALL_SECONDS_BOUNDS), "+Inf")


def call_metrics(calls: Calls) -> Iterator[Metric]:
    """Yield the metrics of a server's calls."""
    started, handled = (
        CounterMetricFamily(each.name, each.help, labels=each.labels)
        for each in (SERVER_METRICS["grpc_server_started"], SERVER_METRICS["grpc_server_handled"])
    )
    found = SERVER_METRICS["grpc_server_handling_seconds"]
    handling = HistogramMetricFamily(found.name, found.help, labels=found.labels)
    for labels, (begun, codes, buckets, seconds) in calls.counts():
        started.add_metric(labels, begun)
        for code, count in codes:
            handled.add_metric((*labels, code), count)
        cumulated, total = [], 0
        for bound, count in zip(_BOUNDS, buckets, strict=True):
            total += count
            cumulated.append((bound, total))
        handling.add_metric(labels, cumulated, seconds)
    yield from (started, handled, handling)
