"""The service's methods: bytes in, bytes out, nothing decoded in Python.

Every method of the service's descriptor gets a handler here, so that none can be forgotten, and
so does every name that the service does not have: the core answers it, with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias

import grpc

from effective_embeddings._core import Grant
from effective_embeddings.server.status import abort
from effective_embeddings.v1 import service_pb2

__all__ = ["SERVICE_NAME", "EngineLike", "GrantOf", "RestoreLike", "service_handler"]

_SERVICE = service_pb2.DESCRIPTOR.services_by_name["EffectiveEmbeddingsService"]
SERVICE_NAME: str = _SERVICE.full_name

GrantOf = Callable[[grpc.ServicerContext], Grant]
# In quotes: generic for the type checker, and not when it runs.
_Handler: TypeAlias = "grpc.RpcMethodHandler[bytes, bytes]"


class RestoreLike(Protocol):
    """A restore that has begun."""

    def push(self, request: bytes) -> None:
        """Take the next serialized RestoreRequest."""

    def finish(self) -> bytes:
        """Make the namespace; return the serialized RestoreResponse."""

    def abort(self) -> None:
        """Leave nothing behind."""


class EngineLike(Protocol):
    """What the handlers need of an engine."""

    def call(
        self, method: str, request: bytes, grant: Grant, timeout: float | None = None
    ) -> bytes:
        """Answer a unary method."""

    def snapshot(
        self, request: bytes, grant: Grant, timeout: float | None = None
    ) -> Iterator[bytes]:
        """Return the serialized SnapshotResponses."""

    def restore(self, grant: Grant) -> RestoreLike:
        """Begin a restore."""


def service_handler(engine: EngineLike, grant_of: GrantOf) -> grpc.GenericRpcHandler:
    """Return the handler of the whole service.

    Args:
        engine: Answers the calls.
        grant_of: Says what the caller of a call may do.
    """
    return _ServiceHandler(engine, grant_of)


class _ServiceHandler(grpc.ServiceRpcHandler):
    def __init__(self, engine: EngineLike, grant_of: GrantOf) -> None:
        self._engine = engine
        self._grant_of = grant_of
        self._prefix = f"/{SERVICE_NAME}/"
        self._handlers: dict[str, _Handler] = {}
        for method in _SERVICE.methods:
            make = _MAKERS[method.client_streaming, method.server_streaming]
            self._handlers[self._prefix + method.name] = make(method.name, engine, grant_of)

    def service_name(self) -> str:
        return SERVICE_NAME

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> _Handler | None:
        path = handler_call_details.method
        handler = self._handlers.get(path)
        if handler is None and path.startswith(self._prefix):
            return _unary(path.removeprefix(self._prefix), self._engine, self._grant_of)
        return handler


# What is caught below is BaseException: a panic of the core is one, and gRPC would leave a call
# that ended with it without an answer.


def _unary(name: str, engine: EngineLike, grant_of: GrantOf) -> _Handler:
    call = engine.call

    def handle(request: bytes, context: grpc.ServicerContext) -> bytes:
        try:
            return call(name, request, grant_of(context), context.time_remaining())
        except BaseException as error:  # noqa: BLE001
            abort(name, error, context)

    return grpc.unary_unary_rpc_method_handler(handle)


def _server_stream(name: str, engine: EngineLike, grant_of: GrantOf) -> _Handler:
    def handle(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        try:
            yield from engine.snapshot(request, grant_of(context), context.time_remaining())
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001
            abort(name, error, context)

    return grpc.unary_stream_rpc_method_handler(handle)


def _client_stream(name: str, engine: EngineLike, grant_of: GrantOf) -> _Handler:
    def handle(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        try:
            restore = engine.restore(grant_of(context))
        except BaseException as error:  # noqa: BLE001
            abort(name, error, context)
        try:
            for request in requests:
                restore.push(request)
            if not context.is_active():
                # To a call that was cancelled gRPC may end the stream as if it were whole.
                restore.abort()
                return b""
            return restore.finish()
        except grpc.RpcError:
            # The client is gone, and so is the call: nobody is left to be told.
            restore.abort()
            raise
        except BaseException as error:  # noqa: BLE001
            restore.abort()
            abort(name, error, context)

    return grpc.stream_unary_rpc_method_handler(handle)


# By (client streams, server streams). The contract has one method of each streaming kind; another
# one would be a KeyError at start, not a silent gap.
_MAKERS: dict[tuple[bool, bool], Callable[[str, EngineLike, GrantOf], _Handler]] = {
    (False, False): _unary,
    (False, True): _server_stream,
    (True, False): _client_stream,
}
