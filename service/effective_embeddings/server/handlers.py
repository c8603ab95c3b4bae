"""The service's methods: bytes in, bytes out, nothing decoded in Python.

Every method of the service's descriptor gets a handler here, so that none can be forgotten, and
so does every name that the service does not have: the core answers it, with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NoReturn, Protocol, TypeAlias

import grpc

from effective_embeddings._core import METHODS, Grant, namespace_of
from effective_embeddings.server.gate import Gate, GoneError
from effective_embeddings.server.logs import AuditLog
from effective_embeddings.server.observe import Observer, Visit
from effective_embeddings.server.status import abort, status_of
from effective_embeddings.v1 import service_pb2

if TYPE_CHECKING:
    from effective_embeddings.server.metrics import Metrics

__all__ = ["SERVICE_NAME", "EngineLike", "RestoreLike", "service_handler"]

_SERVICE = service_pb2.DESCRIPTOR.services_by_name["EffectiveEmbeddingsService"]
SERVICE_NAME: str = _SERVICE.full_name

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


def service_handler(
    engine: EngineLike, gate: Gate, metrics: Metrics | None = None, audit: AuditLog | None = None
) -> grpc.GenericRpcHandler:
    """Return the handler of the whole service.

    Args:
        engine: Answers the calls.
        gate: Lets them in.
        metrics: Counts them; None: nobody does.
        audit: Takes the writes and the refusals; None: nobody does.
    """
    return _ServiceHandler(engine, gate, metrics, audit)


class _ServiceHandler(grpc.ServiceRpcHandler):
    def __init__(
        self, engine: EngineLike, gate: Gate, metrics: Metrics | None, audit: AuditLog | None
    ) -> None:
        self._prefix = f"/{SERVICE_NAME}/"
        self._handlers: dict[str, _Handler] = {}

        def observer(method: str, kind: str) -> Observer:
            return Observer(
                method,
                service=SERVICE_NAME,
                kind=kind,
                writes=_SCOPES.get(method, "read") != "read",
                metrics=metrics,
                audit=audit,
            )

        for method in _SERVICE.methods:
            kind, make = _MAKERS[method.client_streaming, method.server_streaming]
            handler = make(method.name, engine, gate, observer(method.name, kind))
            self._handlers[self._prefix + method.name] = handler

        # The core knows no such method, and says so. In figures and logs all of them are one:
        # a stranger does not choose what is written there.
        unknown = observer("unknown", "unary")

        def handle_unknown(name: str) -> _Handler:
            return _unary(name, engine, gate, unknown)

        self._handle_unknown = handle_unknown

    def service_name(self) -> str:
        return SERVICE_NAME

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> _Handler | None:
        path = handler_call_details.method
        handler = self._handlers.get(path)
        if handler is None and path.startswith(self._prefix):
            return self._handle_unknown(path.removeprefix(self._prefix))
        return handler


_SCOPES = dict(METHODS)

# What is caught below is BaseException: a panic of the core is one, and gRPC would leave a call
# that ended with it without an answer.


def _unary(name: str, engine: EngineLike, gate: Gate, observer: Observer) -> _Handler:
    call = engine.call
    audited = observer.audit is not None

    # A unary method, as a stream of one request: on the wire they are the same, and here the
    # caller can be asked for its token, and turned away, before its request is read.
    def handle(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        visit = _begin(gate, observer, context)
        try:
            identity = gate.identity_of(context)
            visit.principal = identity.principal
            gate.enter(identity, streams=False)
            try:
                request = gate.receive(name, requests, context)
                if audited:
                    visit.namespace = namespace_of(name, request)
                gate.start_work(context)
                try:
                    reply = call(name, request, identity.grant, context.time_remaining())
                finally:
                    gate.end_work()
            finally:
                gate.leave(identity, streams=False)
        except (GoneError, grpc.RpcError) as error:
            return _gone(visit, error)
        except BaseException as error:  # noqa: BLE001
            _refuse(name, error, visit, context)
        visit.end()
        return reply

    return grpc.stream_unary_rpc_method_handler(handle)


def _server_stream(name: str, engine: EngineLike, gate: Gate, observer: Observer) -> _Handler:
    def handle(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        visit = _begin(gate, observer, context)
        try:
            identity = gate.identity_of(context)
            visit.principal = identity.principal
            gate.enter(identity, streams=True)
            try:
                request = gate.receive(name, requests, context)
                visit.namespace = namespace_of(name, request)
                replies = engine.snapshot(request, identity.grant, context.time_remaining())
                while (reply := _work(gate, context, replies)) is not None:
                    gate.patience.begin(context)
                    yield reply
                    gate.patience.end(context)
            finally:
                gate.patience.end(context)
                gate.leave(identity, streams=True)
        except GeneratorExit:
            visit.end("CANCELLED", "CANCELLED")
            raise
        except (GoneError, grpc.RpcError) as error:
            _gone(visit, error)
            return
        except BaseException as error:  # noqa: BLE001
            _refuse(name, error, visit, context)
        visit.end()

    return grpc.stream_stream_rpc_method_handler(handle)


def _work(gate: Gate, context: grpc.ServicerContext, replies: Iterator[bytes]) -> bytes | None:
    """Make the next reply of a stream, holding a worker for no longer than that takes."""
    gate.start_work(context)
    try:
        return next(replies, None)
    finally:
        gate.end_work()


def _client_stream(name: str, engine: EngineLike, gate: Gate, observer: Observer) -> _Handler:
    def handle(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        visit = _begin(gate, observer, context)
        try:
            identity = gate.identity_of(context)
            visit.principal = identity.principal
            gate.enter(identity, streams=True)
            try:
                restore = engine.restore(identity.grant)
                reply = _take_in(name, restore, requests, visit, gate, context)
            finally:
                gate.leave(identity, streams=True)
        except (GoneError, grpc.RpcError) as error:
            return _gone(visit, error)
        except BaseException as error:  # noqa: BLE001
            _refuse(name, error, visit, context)
        visit.end()
        return reply

    return grpc.stream_unary_rpc_method_handler(handle)


def _take_in(
    name: str,
    restore: RestoreLike,
    requests: Iterator[bytes],
    visit: Visit,
    gate: Gate,
    context: grpc.ServicerContext,
) -> bytes:
    """Push all requests of a restore; nothing is left of one that does not come to its end."""
    try:
        for request in gate.patiently(requests, context):
            if visit.namespace is None:
                visit.namespace = namespace_of(name, request)
            gate.start_work(context)
            try:
                restore.push(request)
            finally:
                gate.end_work()
        # To a call that was cancelled gRPC may end the stream as if it were whole.
        gate.check_active(context)
        gate.start_work(context)
        try:
            return restore.finish()
        finally:
            gate.end_work()
    except BaseException:
        restore.abort()
        raise


def _begin(gate: Gate, observer: Observer, context: grpc.ServicerContext) -> Visit:
    visit = observer.begin(gate.new_id())
    context.set_trailing_metadata((("x-request-id", visit.request_id),))
    return visit


def _gone(visit: Visit, error: Exception) -> bytes:
    """The client is gone, and so is the call: nobody is left to be told."""
    visit.end("CANCELLED", "CANCELLED")
    if isinstance(error, grpc.RpcError):
        # gRPC knows its own, and says nothing of it.
        raise error
    return b""


def _refuse(
    name: str, error: BaseException, visit: Visit, context: grpc.ServicerContext
) -> NoReturn:
    status = status_of(name, error, visit.request_id)
    visit.end(status.code.name, status.reason)
    abort(status, context)


# By (client streams, server streams): what Prometheus calls it, and what makes it. The contract
# has one method of each streaming kind; another one would be a KeyError at start, not a silent gap.
_Maker: TypeAlias = Callable[[str, EngineLike, Gate, Observer], _Handler]
_MAKERS: dict[tuple[bool, bool], tuple[str, _Maker]] = {
    (False, False): ("unary", _unary),
    (False, True): ("server_stream", _server_stream),
    (True, False): ("client_stream", _client_stream),
}
