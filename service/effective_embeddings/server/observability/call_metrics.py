"""The usual metrics of a gRPC server's calls, counted at the least cost.

Every call is counted twice. prometheus_client's own counters take a lock and several Python calls
for each metric, about 2 us a call; these take one lock and no call.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from effective_embeddings._core import CALL_SECONDS_BOUNDS
from effective_embeddings.server.observability.metric_table import SERVER_METRICS

__all__ = ["CallMetrics", "Counts", "Labels", "MethodMetrics"]

_NAMES = (*(str(bound) for bound in CALL_SECONDS_BOUNDS), "+Inf")


class MethodMetrics:
    """Counts the calls of one method; safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started = 0
        self._handled = {"OK": 0}
        self._buckets = [0] * len(_NAMES)
        self._seconds = 0.0

    def begin(self) -> None:
        """Count a call that begins."""
        with self._lock:
            self._started += 1

    def end(self, code: str, seconds: float) -> None:
        """Count a call that ends, with its status code and its duration in seconds."""
        bucket = bisect_left(CALL_SECONDS_BOUNDS, seconds)
        with self._lock:
            self._buckets[bucket] += 1
            self._seconds += seconds
            if code in self._handled:
                self._handled[code] += 1
            else:
                self._handled[code] = 1

    def read(self) -> tuple[int, dict[str, int], list[int], float]:
        """Return calls begun, calls ended by code, calls ended by bucket, and total seconds."""
        with self._lock:
            return self._started, dict(self._handled), list(self._buckets), self._seconds


Labels: TypeAlias = tuple[str, str, str]
"""Kind, service and method."""

Counts: TypeAlias = tuple[int, Mapping[str, int], Sequence[int], float]
"""What ``MethodMetrics.read`` returns."""


class CallMetrics:
    """The metrics of all methods, as Prometheus collects them.

    Attributes:
        source: Returns the counts of each method.
    """

    def __init__(self) -> None:
        self._methods: dict[Labels, MethodMetrics] = {}
        self.source: Callable[[], Iterable[tuple[Labels, Counts]]] = self._counted

    def _counted(self) -> Iterable[tuple[Labels, Counts]]:
        return [(labels, method.read()) for labels, method in self._methods.items()]

    def of(self, kind: str, service: str, method: str) -> MethodMetrics:
        """Return the metrics of a method; the first look-up registers the method."""
        return self._methods.setdefault((kind, service, method), MethodMetrics())

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        started, handled = (
            CounterMetricFamily(each.name, each.help, labels=each.labels)
            for each in (
                SERVER_METRICS["grpc_server_started"],
                SERVER_METRICS["grpc_server_handled"],
            )
        )
        found = SERVER_METRICS["grpc_server_handling_seconds"]
        handling = HistogramMetricFamily(found.name, found.help, labels=found.labels)
        for labels, (begun, codes, buckets, seconds) in self.source():
            started.add_metric(labels, begun)
            for code, count in codes.items():
                handled.add_metric((*labels, code), count)
            cumulated, total = [], 0
            for name, count in zip(_NAMES, buckets, strict=True):
                total += count
                cumulated.append((name, total))
            handling.add_metric(labels, cumulated, seconds)
        yield from (started, handled, handling)
