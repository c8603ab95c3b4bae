"""Bounded pools for the services that ask for no token: health and reflection."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeAlias, TypeVar

import grpc

from effective_embeddings._core import Refusals, StatusError
from effective_embeddings.server.admission.stall_timeout import StallTimeout
from effective_embeddings.server.admission.status import status_of
from effective_embeddings.server.transport.inline import refusing_handler

__all__ = ["BoundedHandler", "BoundedMethod", "BoundedPool"]

_T = TypeVar("_T")
# In quotes: generic for the type checker, and not when it runs.
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_RETRY_SECONDS = 1.0


class BoundedMethod(NamedTuple):
    """A method that runs in a bounded pool.

    Attributes:
        pool: The pool.
        handler: The method's handler.
        without_permit: The handler while the pool is full; None: calls are refused.
    """

    pool: BoundedPool
    handler: _Handler
    without_permit: _Handler | None = None


class BoundedPool:
    """A few permits with a thread each: callers without a token take no other thread.

    Attributes:
        pool: The threads.
    """

    def __init__(self, name: str, permits: int, stall_timeout: StallTimeout) -> None:
        """Create the pool.

        Args:
            name: The name of the limit.
            permits: The number of concurrent calls.
            stall_timeout: Cancels calls whose clients stall.
        """
        self.pool = ThreadPoolExecutor(permits, thread_name_prefix=f"effemb-{name}")
        self._name = name
        self._permits = permits
        self._stall_timeout = stall_timeout
        self._lock = threading.Lock()
        self._held = 0

    def acquire(self) -> None:
        """Acquire a permit, in the polling thread; ``release`` releases it.

        Raises:
            StatusError: All permits are taken.
        """
        with self._lock:
            if self._held >= self._permits:
                raise Refusals.overloaded(self._name, self._permits, _RETRY_SECONDS)
            self._held += 1

    def release(self) -> None:
        """Release a permit."""
        with self._lock:
            self._held -= 1

    def receive(self, requests: Iterator[_T], context: grpc.ServicerContext) -> _T | None:
        """Wait for a request; None: there are no more."""
        self._stall_timeout.begin(context)
        try:
            return next(requests, None)
        finally:
            self._stall_timeout.end(context)

    def send(self, reply: _T, context: grpc.ServicerContext) -> Iterator[_T]:
        """Yield a reply, and wait for the client to take it."""
        self._stall_timeout.begin(context)
        try:
            yield reply
        finally:
            self._stall_timeout.end(context)

    def close(self) -> None:
        """Release the threads; the server has stopped."""
        self.pool.shutdown(wait=False)


class BoundedHandler(grpc.ServiceRpcHandler):
    """The handler of a service whose calls take permits of bounded pools."""

    def __init__(self, service: str, methods: Mapping[str, BoundedMethod]) -> None:
        """Put the handler together.

        Args:
            service: The service's full name.
            methods: By name.
        """
        self._service = service
        self._methods = {f"/{service}/{name}": each for name, each in methods.items()}

    def service_name(self) -> str:
        """See ``grpc.ServiceRpcHandler``."""
        return self._service

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> _Handler | None:
        """Return the handler of a call: its method's if a permit is free, else the refusal's."""
        method = self._methods.get(handler_call_details.method)
        if method is None:
            return None
        try:
            method.pool.acquire()
        except StatusError as refusal:
            if method.without_permit is not None:
                return method.without_permit
            return refusing_handler(status_of(handler_call_details.method, refusal, "-"))
        return method.handler
