"""The standard health service of the grpcio server.

In the service of grpcio-health-checking every answer waits for one lock, and a watcher that reads
nothing holds this lock as long as it likes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import grpc
from grpc_health.v1 import health_pb2

from effective_embeddings.server.admission.stall_timeout import StallTimeout
from effective_embeddings.server.contract import SERVICE_NAME
from effective_embeddings.server.transport.bounded_pool import (
    BoundedHandler,
    BoundedMethod,
    BoundedPool,
)
from effective_embeddings.server.transport.inline import INLINE

__all__ = ["HEALTH_NAME", "MAX_CHECKS", "MAX_WATCHES", "HealthService"]

HEALTH_NAME: str = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
MAX_CHECKS = 8
MAX_WATCHES = 64
# "" is the server as a whole, by the health protocol.
_SERVICES = ("", SERVICE_NAME)
_Reply = health_pb2.HealthCheckResponse


class HealthService:
    """Serves the health that was set last; NOT_SERVING at first."""

    def __init__(self, stall_timeout: StallTimeout, look: Callable[[], None]) -> None:
        """Create the service.

        Args:
            stall_timeout: Cancels calls whose clients stall.
            look: Called before a check is answered; it may call ``set``.
        """
        self._look = look
        self._checks = BoundedPool("health_checks", MAX_CHECKS, stall_timeout)
        self._watches = BoundedPool("health_watches", MAX_WATCHES, stall_timeout)
        self._changed = threading.Condition()
        self._serving = False

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the handler of the health service."""

        # Declared as streams of one request: the stall timeout then covers the request, too.
        def check(requests: Iterator[object], context: grpc.ServicerContext) -> object:
            return self._check(requests, context)

        def watch(requests: Iterator[object], context: grpc.ServicerContext) -> Iterator[object]:
            return self._watch(requests, context)

        # If all permits are taken, a probe gets the health of the whole server before its request
        # arrives: other callers cannot delay a probe.
        def check_all(_requests: Iterator[object], _context: grpc.ServicerContext) -> object:
            return _Reply(status=self._status(health_pb2.HealthCheckRequest()))

        check.experimental_thread_pool = self._checks.pool  # type: ignore[attr-defined]
        check_all.experimental_thread_pool = INLINE  # type: ignore[attr-defined]
        watch.experimental_thread_pool = self._watches.pool  # type: ignore[attr-defined]
        codec = (health_pb2.HealthCheckRequest.FromString, _Reply.SerializeToString)
        return BoundedHandler(
            HEALTH_NAME,
            {
                "Check": BoundedMethod(
                    self._checks,
                    grpc.stream_unary_rpc_method_handler(check, *codec),
                    grpc.stream_unary_rpc_method_handler(check_all, *codec),
                ),
                "Watch": BoundedMethod(
                    self._watches, grpc.stream_stream_rpc_method_handler(watch, *codec)
                ),
            },
        )

    def set(self, serving: bool) -> None:  # noqa: FBT001 - what a HealthFollower calls
        """Set the health of the service, and wake its watchers."""
        self._serving = serving
        self._wake()

    def close(self) -> None:
        """Release the threads; the server has stopped."""
        self._checks.close()
        self._watches.close()

    def _check(self, requests: Iterator[object], context: grpc.ServicerContext) -> object:
        try:
            request = self._checks.receive(requests, context)
            self._look()
            status = self._status(request)
            if status == _Reply.SERVICE_UNKNOWN:
                context.set_code(grpc.StatusCode.NOT_FOUND)
                context.set_details("this server has no such service")
                return _Reply()
            return _Reply(status=status)
        finally:
            self._checks.release()

    def _watch(self, requests: Iterator[object], context: grpc.ServicerContext) -> Iterator[object]:
        try:
            request = self._watches.receive(requests, context)
            context.add_callback(self._wake)
            sent = None
            while context.is_active():
                with self._changed:
                    while (now := self._status(request)) == sent and context.is_active():
                        self._changed.wait()
                if now != sent:
                    sent = now
                    yield from self._watches.send(_Reply(status=now), context)
        finally:
            self._watches.release()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _status(self, request: object) -> int:
        if getattr(request, "service", None) not in _SERVICES:
            return _Reply.SERVICE_UNKNOWN
        return _Reply.SERVING if self._serving else _Reply.NOT_SERVING
