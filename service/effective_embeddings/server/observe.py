"""What is kept of each call: its figures, its line in the log, its line in the audit log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from effective_embeddings.server.logs import AuditLog

if TYPE_CHECKING:
    from effective_embeddings.server.metrics import Metrics

__all__ = ["Observer", "Visit"]

_log = logging.getLogger("effective_embeddings.server")


class Observer:
    """Makes the visits of one method."""

    def __init__(
        self,
        method: str,
        *,
        service: str,
        kind: str,
        writes: bool,
        metrics: Metrics | None,
        audit: AuditLog | None,
    ) -> None:
        """Make it.

        Args:
            method: The method's name.
            service: The service's full name.
            kind: ``unary``, ``server_stream`` or ``client_stream``.
            writes: Whether its calls belong into the audit log even when they succeed.
            metrics: Counts calls; None: nobody does.
            audit: Takes the writes and the refusals; None: nobody does.
        """
        self.method = method
        self.writes = writes
        self.audit = audit
        self._refused = metrics.refused if metrics else None
        self._started = self._handled = self._handling = None
        self._ok: Callable[[], None] = _nothing
        if metrics:
            labels = (kind, service, method)
            self._started = metrics.started.labels(*labels)
            self._handling = metrics.handling.labels(*labels)
            self._handled = lambda code: metrics.handled.labels(*labels, code).inc()
            # Bound once: it is the one that most calls end with.
            self._ok = metrics.handled.labels(*labels, "OK").inc

    def begin(self, request_id: str) -> Visit:
        """A call has arrived."""
        if self._started is not None:
            self._started.inc()
        return Visit(self, request_id)

    def _count(self, code: str, reason: str, seconds: float) -> None:
        if self._handling is None or self._handled is None:
            return
        self._handling.observe(seconds)
        if code == "OK":
            self._ok()
        else:
            self._handled(code)
            if self._refused is not None:
                self._refused.labels(reason).inc()


class Visit:
    """One call, from its headers to its end.

    Attributes:
        request_id: Its id, which the caller gets too.
        principal: Who calls, once that is known.
        namespace: On what, where it is known and of use.
    """

    __slots__ = ("_begin", "_observer", "namespace", "principal", "request_id")

    def __init__(self, observer: Observer, request_id: str) -> None:
        self._observer = observer
        self._begin = time.perf_counter()
        self.request_id = request_id
        self.principal: str | None = None
        self.namespace: str | None = None

    def end(self, code: str = "OK", reason: str = "") -> None:
        """The call ends with a status code and, unless it is OK, an ErrorReason."""
        observer = self._observer
        seconds = time.perf_counter() - self._begin
        observer._count(code, reason, seconds)  # noqa: SLF001 - the visit is a part of it
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
        if observer.audit is not None and (observer.writes or code in _REFUSALS):
            self._audit(observer.audit, code, reason)

    def _audit(self, audit: AuditLog, code: str, reason: str) -> None:
        entry: dict[str, Any] = {
            "id": self.request_id,
            "principal": self.principal,
            "method": self._observer.method,
            "namespace": self.namespace,
            "code": code,
            "reason": reason or None,
        }
        audit.write(**entry)


# Codes that say no to a caller because of who it is, or how much it asks for.
_REFUSALS = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED"})


def _nothing() -> None:
    pass
