"""OpenTelemetry: a span for each admitted call, as a part of the caller's trace.

The standard OTEL_* variables configure the exporter, the sampler and the service's name. A span has
the method, the status and the call's id; never a namespace, a key, a vector, a principal or a
token.
"""

from __future__ import annotations

import importlib
import os
import threading

import grpc
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME as SERVICE_NAME_KEY
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from effective_embeddings._core import VERSION
from effective_embeddings.server.settings.errors import SettingsError

__all__ = ["Traces"]

_SERVICE = "effective-embeddings"
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_OVER_HTTP = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
_NAMES = {code.value[0]: code.name for code in grpc.StatusCode}
# How long a stopping server waits for the last spans to be exported.
_SECONDS_TO_LEAVE = 2.0
# The codes that OpenTelemetry's conventions for gRPC count as failures of the server.
_FAILURES = frozenset(
    {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
)


class Traces:
    """Records spans, and exports them from a thread of its own."""

    def __init__(self) -> None:
        """Set up the exporter that the environment configures.

        Raises:
            SettingsError: The configured exporter is not available.
        """
        named = {"service.version": VERSION}
        if not _is_named():
            named[SERVICE_NAME_KEY] = _SERVICE
        self._provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(_exporter()))
        self._tracer = self._provider.get_tracer("effective_embeddings", VERSION)
        self._propagator = TraceContextTextMapPropagator()

    def record(
        self,
        name: str,
        context: tuple[str | None, str | None],
        begin: int,
        end: int,
        code: int,
        reason: str,
        request_id: str,
    ) -> None:
        """Record the span of a call that has ended.

        Args:
            name: ``package.Service/Method``.
            context: The call's ``traceparent`` and ``tracestate``, as far as it had them.
            begin: When the call began, in nanoseconds since 1970.
            end: When it ended.
            code: Its status code.
            reason: The ErrorReason; empty: the call succeeded.
            request_id: The call's id, which the caller and the log have too.
        """
        service, _, method = name.partition("/")
        names = ("traceparent", "tracestate")
        carrier = {name: value for name, value in zip(names, context, strict=True) if value}
        span = self._tracer.start_span(
            name,
            context=self._propagator.extract(carrier) if carrier else None,
            kind=SpanKind.SERVER,
            attributes={"rpc.system": "grpc", "rpc.service": service, "rpc.method": method},
            start_time=begin,
        )
        if span.is_recording():
            span.set_attribute("rpc.grpc.status_code", code)
            span.set_attribute("effemb.request_id", request_id)
            if reason:
                span.set_attribute("error.type", reason)
            if _NAMES[code] in _FAILURES:
                span.set_status(StatusCode.ERROR)
        span.end(end)

    def close(self) -> None:
        """Export the last spans, for two seconds at most."""
        # Without a collector the provider's own shutdown takes longer than its timeout.
        leaving = threading.Thread(target=self._provider.shutdown, daemon=True)
        leaving.start()
        leaving.join(_SECONDS_TO_LEAVE)


def _is_named() -> bool:
    attributes = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return "OTEL_SERVICE_NAME" in os.environ or "service.name=" in attributes


def _exporter() -> SpanExporter:
    protocol = next((os.environ[name] for name in _PROTOCOLS if os.environ.get(name)), "grpc")
    if protocol == "grpc":
        return OTLPSpanExporter()
    if protocol != "http/protobuf":
        message = f"OTLP goes over grpc or http/protobuf, not {protocol!r} ({_PROTOCOLS[1]})"
        raise SettingsError(message)
    try:
        exporter: SpanExporter = importlib.import_module(_OVER_HTTP).OTLPSpanExporter()
    except ImportError:
        message = "OTLP over http/protobuf needs opentelemetry-exporter-otlp-proto-http"
        raise SettingsError(message) from None
    return exporter
