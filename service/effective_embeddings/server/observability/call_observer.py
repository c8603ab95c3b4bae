"""What is recorded of each call: metrics, a debug line, a span, a line in the audit log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from effective_embeddings._core import Refusals
from effective_embeddings.server.admission.status import Status, status_of
from effective_embeddings.server.observability.audit_log import AuditLog

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from effective_embeddings.server.observability.metrics import Metrics
    from effective_embeddings.server.observability.traces import Traces

__all__ = ["CallObserver", "CallRecord"]

_log = logging.getLogger("effective_embeddings.server")


class CallObserver:
    """Makes a record of each call of one method."""

    def __init__(
        self,
        method: str,
        *,
        service: str,
        kind: str,
        writes: bool,
        metrics: Metrics | None,
        audit: AuditLog | None,
        traces: Traces | None,
    ) -> None:
        """Observe one method.

        Args:
            method: The method's name.
            service: The service's full name.
            kind: ``unary``, ``server_stream`` or ``client_stream``.
            writes: Whether successful calls belong into the audit log.
            metrics: Counts calls; None: calls are not counted.
            audit: Takes writes and refusals; None: no audit log is written.
            traces: Makes spans of admitted calls; None: there are no spans.
        """
        self.method = method
        self.service = service
        self.traces = traces
        self.writes = writes
        self.audit = audit
        self._refused = metrics.count_refused if metrics else None
        self._metrics = metrics.calls.of(kind, service, method) if metrics else None

    def begin(self, request_id: str) -> CallRecord:
        """Begin the record of a call whose headers have arrived."""
        if self._metrics is not None:
            self._metrics.begin()
        return CallRecord(self, request_id)

    def check_audit_log(self) -> None:
        """Check that a call of the method may run although the audit log may have failed.

        Raises:
            StatusError: The method writes, and writes are refused now.
        """
        if self.writes and self.audit is not None:
            cause = self.audit.refusal
            if cause is not None:
                raise Refusals.audit_log_failed(cause)

    def count(self, code: str, reason: str, seconds: float) -> None:
        """Count a call that has ended; ``reason`` is empty unless the call was refused."""
        if self._metrics is not None:
            self._metrics.end(code, seconds)
        if reason and self._refused is not None:
            self._refused(reason)


class CallRecord:
    """The record of one call, from its headers to its end.

    Attributes:
        request_id: The call's id, which the caller gets too.
        principal: The caller, once it is known.
        namespace: The namespace of the call, where the audit log needs it.
        peer: Returns the caller's address.
    """

    __slots__ = ("_begin", "_observer", "_span", "namespace", "peer", "principal", "request_id")

    def __init__(self, observer: CallObserver, request_id: str) -> None:
        self._observer = observer
        self._begin = time.perf_counter()
        self._span: Span | None = None
        self.request_id = request_id
        self.principal: str | None = None
        self.namespace: str | None = None
        self.peer: Callable[[], str] | None = None

    def trace(self, metadata: Sequence[tuple[str, str | bytes]]) -> None:
        """Begin the call's span, if there are traces; ``metadata`` is the call's."""
        observer = self._observer
        if observer.traces is not None:
            seconds = time.perf_counter() - self._begin
            self._span = observer.traces.begin(observer.service, observer.method, metadata, seconds)

    def end(self, code: str = "OK", reason: str = "") -> None:
        """End the record with a status code and, unless it is OK, an ErrorReason."""
        observer = self._observer
        seconds = time.perf_counter() - self._begin
        observer.count(code, reason, seconds)
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug(
                "call id=%s method=%s principal=%s code=%s reason=%s ms=%.3f",
                self.request_id,
                observer.method,
                self.principal or "-",
                code,
                reason or "-",
                seconds * 1000,
            )
        if self._span is not None and observer.traces is not None:
            observer.traces.end(self._span, code, reason, self.request_id)
        if observer.audit is not None and (observer.writes or code in _REFUSALS):
            self._audit(observer.audit, code, reason)

    def fail(self, error: BaseException) -> Status:
        """End the record with the status of ``error``, and return the status."""
        status = status_of(self._observer.method, error, self.request_id)
        self.end(status.code.name, status.reason)
        return status

    def _audit(self, audit: AuditLog, code: str, reason: str) -> None:
        entry: dict[str, Any] = {
            "id": self.request_id,
            "principal": self.principal,
            "peer": None if self.peer is None else self.peer(),
            "method": self._observer.method,
            "namespace": self.namespace,
            "code": code,
            "reason": reason or None,
        }
        # A refused call may end in the polling thread, which must not wait for a disk. A finished
        # write ends in the worker that ran it.
        write = audit.write if code == "OK" else audit.write_soon
        write(**entry)


# The codes of calls that are refused because of their caller, or of how much it asks for.
_REFUSALS = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED"})
