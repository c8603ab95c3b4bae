"""Metrics for Prometheus: the usual ones of a gRPC server, those of this server and the engine's.

No metric has a label with a namespace, a key or a principal: metrics reveal nothing about tenants,
and the number of series stays bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from effective_embeddings._core import ENGINE_METRICS, Calls
from effective_embeddings.server.observability.call_metrics import call_metrics
from effective_embeddings.server.observability.metric_table import SERVER_METRICS

__all__ = ["Metrics"]


class Metrics:
    """The metrics of one server, in a registry of its own.

    Attributes:
        registry: The registry.
    """

    def __init__(self, calls: Calls) -> None:
        """Create the registry.

        Args:
            calls: Counts the calls of the server.
        """
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.registry.register(_Collected(lambda: call_metrics(calls)))
        self.registry.register(_Collected(lambda: [_refused(calls.refused())]))

    def application(self) -> WSGIApplication:
        """Return the WSGI application that answers Prometheus."""
        application: WSGIApplication = make_wsgi_app(self.registry)
        return application

    def add(self, name: str, read: Callable[[], float]) -> None:
        """Add a metric of ``SERVER_METRICS``; ``read`` returns its value at each scrape."""
        found = SERVER_METRICS[name]
        family = _FAMILIES[found.kind]
        self.registry.register(_Collected(lambda: [family(found.name, found.help, read())]))

    def add_engine(self, stats: Callable[[], Mapping[str, Any]], data: Path) -> None:
        """Add the engine's metrics and the sizes of its files.

        Args:
            stats: Returns the engine's metrics by name; nothing once the engine is closed.
            data: The data directory.
        """
        self.registry.register(_Collected(lambda: _engine(stats())))
        self.registry.register(_Collected(lambda: [_file_sizes(data)]))


class _Collected:
    """A collector that is not called at registration."""

    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self.collect = collect

    def describe(self) -> list[Metric]:
        return []


_FAMILIES: Mapping[str, Callable[[str, str, float], Metric]] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
}


def _engine(stats: Mapping[str, Any]) -> Iterable[Metric]:
    if not stats:
        return
    for name, kind, text in ENGINE_METRICS:
        value = stats[name]
        if kind == "histogram":
            total, buckets = value
            cumulated, count = [], 0
            for bound, number in buckets:
                count += number
                cumulated.append((_bound(bound), count))
            yield HistogramMetricFamily(f"effemb_{name}", text, cumulated, total)
        else:
            yield _FAMILIES[kind](f"effemb_{name}", text, value)


def _refused(counts: Iterable[tuple[str, int]]) -> Metric:
    found = SERVER_METRICS["effemb_refused"]
    refused = CounterMetricFamily(found.name, found.help, labels=found.labels)
    for reason, count in counts:
        refused.add_metric([reason], count)
    return refused


def _file_sizes(data: Path) -> Metric:
    found = SERVER_METRICS["effemb_file_bytes"]
    sizes = GaugeMetricFamily(found.name, found.help, labels=found.labels)
    for path in sorted(data.glob("*")):
        try:
            sizes.add_metric([path.name], path.stat().st_size)
        except OSError:
            continue
    return sizes


def _bound(bound: float) -> str:
    return "+Inf" if bound == float("inf") else str(bound)
