"""Figures for Prometheus: the usual ones of a gRPC server, and those of the engine.

No figure has a label with a namespace, a key or a principal: whoever may read the figures learns
nothing about tenants, and their number stays bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

from prometheus_client import CollectorRegistry, Counter, make_wsgi_app
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from effective_embeddings.server.observability.call_metrics import CallMetrics

__all__ = ["Metrics"]


class Metrics:
    """The counters of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.calls = CallMetrics()
        self.registry.register(self.calls)
        self._refused = Counter(
            "effemb_refused",
            "Calls that were refused, by reason (errors.proto).",
            ("reason",),
            registry=self.registry,
        )
        # Looking one up takes longer than counting.
        self._refused_for: dict[str, Counter] = {}

    def count_refused(self, reason: str) -> None:
        """Count a refused call."""
        counter = self._refused_for.get(reason)
        if counter is None:
            counter = self._refused_for[reason] = self._refused.labels(reason)
        counter.inc()

    def application(self) -> WSGIApplication:
        """Return what answers Prometheus over HTTP."""
        made: WSGIApplication = make_wsgi_app(self.registry)
        return made

    def add_gauge(self, name: str, text: str, look: Callable[[], float]) -> None:
        """Add a figure that is asked for when Prometheus asks."""
        self.registry.register(_Collected(lambda: [GaugeMetricFamily(name, text, look())]))

    def add_counter(self, name: str, text: str, look: Callable[[], float]) -> None:
        """Add a figure that only grows, asked for when Prometheus asks."""
        self.registry.register(_Collected(lambda: [CounterMetricFamily(name, text, look())]))

    def add_engine(self, stats: Callable[[], Mapping[str, Any]], data: Path) -> None:
        """Add the engine's figures."""
        self.registry.register(_Collected(lambda: _engine(stats(), data)))


class _Collected:
    """A collector that is not asked at registration."""

    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self.collect = collect

    def describe(self) -> list[Metric]:
        return []


_COUNTERS = {
    "matches": "Match calls that were answered.",
    "queries": "Queries of these.",
    "rows": "Categories that were ranked for them: one for each query and category.",
    "sketch_rows": "Those of these rows that were judged by their sketches first.",
    "sketch_survivors": "Those of these that the sketches could not rule out: scored exactly.",
    "assignments": "Assignments that changed something.",
    "moves": "Those that took an item out of another category: corrections.",
    "unassignments": "Unassignments that changed something.",
    "suggestions_accepted": "First assignments to the category that Match ranked first, of those "
    "that were looked at.",
    "suggestions_corrected": "First assignments to another category, of those that were looked at.",
    "log_steps": "Steps of the log, all namespaces together: each write that changed something.",
    "read_failures": "Reads that failed: the disk did, or what it gave was damaged.",
    "namespaces_loads": "Namespaces that were read into memory.",
    "namespaces_evictions": "Namespaces that left memory.",
}
_GAUGES = {
    "namespaces_loaded": "Namespaces in memory.",
    "memory_bytes": "Bytes that these take.",
    "serving": "1 if writes are taken, otherwise 0.",
}
_HISTOGRAMS = {
    "commit_seconds": "Time of a commit: from its first write to its sync.",
    "commit_writes": "Writes that shared a commit.",
    "drift": "1 - cos(base, effective) of a category, each time something was assigned to it.",
}


def _engine(stats: Mapping[str, Any], data: Path) -> Iterable[Metric]:
    for name, text in _COUNTERS.items():
        if name in stats:
            yield CounterMetricFamily(f"effemb_{name}", text, stats[name])
    for name, text in _GAUGES.items():
        if name in stats:
            yield GaugeMetricFamily(f"effemb_{name}", text, stats[name])
    for name, text in _HISTOGRAMS.items():
        if name in stats:
            total, buckets = stats[name]
            cumulated, count = [], 0
            for bound, number in buckets:
                count += number
                cumulated.append((_bound(bound), count))
            yield HistogramMetricFamily(f"effemb_{name}", text, cumulated, total)
    size = GaugeMetricFamily("effemb_file_bytes", "Size of the data's files.", labels=["file"])
    for path in sorted(data.glob("*")):
        try:
            size.add_metric([path.name], path.stat().st_size)
        except OSError:
            continue
    yield size


def _bound(bound: float) -> str:
    return "+Inf" if bound == float("inf") else str(bound)
