"""The service's methods: bytes in, bytes out, nothing decoded in Python.

Every method of the service's descriptor gets a handler here, so that none can be forgotten, and
so does every name that the service does not have: the core answers it, with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Protocol, TypeAlias

import grpc

from effective_embeddings._core import METHODS, Grant, namespace_of
from effective_embeddings.server.exchange import Exchange, turned_away, unary_handler
from effective_embeddings.server.gate import Gate, GoneError
from effective_embeddings.server.logs import AuditLog
from effective_embeddings.server.observe import Observer, Visit
from effective_embeddings.server.status import Status, abort, status_of
from effective_embeddings.server.tokens import Identity
from effective_embeddings.server.workers import Workers
from effective_embeddings.v1 import service_pb2

if TYPE_CHECKING:
    from effective_embeddings.server.metrics import Metrics
    from effective_embeddings.server.traces import Traces

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

    def call_at_once(self, method: str, request: bytes, grant: Grant) -> bytes | None:
        """Answer a unary method, if that waits for nothing and takes microseconds."""

    def snapshot(
        self, request: bytes, grant: Grant, timeout: float | None = None
    ) -> Iterator[bytes]:
        """Return the serialized SnapshotResponses."""

    def restore(self, grant: Grant) -> RestoreLike:
        """Begin a restore."""


def service_handler(
    engine: EngineLike,
    gate: Gate,
    workers: Workers,
    metrics: Metrics | None = None,
    audit: AuditLog | None = None,
    traces: Traces | None = None,
) -> grpc.GenericRpcHandler:
    """Return the handler of the whole service.

    Args:
        engine: Answers the calls.
        gate: Lets them in.
        workers: Threads for the unary calls that take more than microseconds.
        metrics: Counts them; None: nobody does.
        audit: Takes the writes and the refusals; None: nobody does.
        traces: Makes spans of them; None: nobody does.
    """
    return _ServiceHandler(engine, gate, workers, metrics, audit, traces)


# gRPC makes a context for each call, and runs in it both who lets the call in and its handler.
_LET_IN: ContextVar[tuple[Visit, Identity]] = ContextVar("let_in")


class _Call(NamedTuple):
    exchange: Exchange
    visit: Visit
    identity: Identity


class _Method(NamedTuple):
    observer: Observer
    streams: bool
    handler: _Handler


class _ServiceHandler(grpc.ServiceRpcHandler):
    def __init__(
        self,
        engine: EngineLike,
        gate: Gate,
        workers: Workers,
        metrics: Metrics | None,
        audit: AuditLog | None,
        traces: Traces | None,
    ) -> None:
        self._prefix = f"/{SERVICE_NAME}/"
        self._gate = gate
        self._methods: dict[str, _Method] = {}

        def observer(method: str, kind: str) -> Observer:
            return Observer(
                method,
                service=SERVICE_NAME,
                kind=kind,
                writes=_SCOPES.get(method, "read") != "read",
                metrics=metrics,
                audit=audit,
                traces=traces,
            )

        for method in _SERVICE.methods:
            kind, make = _KINDS[method.client_streaming, method.server_streaming]
            if make is None:
                unary = _Unary(method.name, engine, gate, workers, audited=audit is not None)
                handler = unary_handler(unary.begin)
            else:
                handler = make(method.name, engine, gate)
            known = _Method(observer(method.name, kind), make is not None, handler)
            self._methods[self._prefix + method.name] = known

        # The core knows no such method, and says so. In figures and logs all of them are one:
        # a stranger does not choose what is written there.
        unknown = observer("unknown", "unary")

        def make_unknown(name: str) -> _Method:
            unary = _Unary(name, engine, gate, workers, audited=False)
            return _Method(unknown, streams=False, handler=unary_handler(unary.begin))

        self._make_unknown = make_unknown

    def service_name(self) -> str:
        return SERVICE_NAME

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> _Handler | None:
        path = handler_call_details.method
        method = self._methods.get(path)
        if method is None:
            if not path.startswith(self._prefix):
                return None
            method = self._make_unknown(path.removeprefix(self._prefix))
        gate = self._gate
        visit = method.observer.begin(gate.new_id())
        # Who calls and whether there is room is asked here, in the one thread that brings the
        # calls: who is turned away takes no other.
        try:
            identity = gate.identity_of(handler_call_details.invocation_metadata)
            visit.principal = identity.principal
            gate.enter(identity, streams=method.streams)
        except BaseException as error:  # noqa: BLE001
            return turned_away(_ended(method.observer.method, error, visit))
        _LET_IN.set((visit, identity))
        return method.handler


_SCOPES = dict(METHODS)

# What is caught below is BaseException: a panic of the core is one, and gRPC would leave a call
# that ended with it without an answer.


class _Unary:
    """A unary method: who calls is asked, and turned away, before the request is read."""

    def __init__(
        self, name: str, engine: EngineLike, gate: Gate, workers: Workers, *, audited: bool
    ) -> None:
        self._name = name
        self._engine = engine
        self._gate = gate
        self._workers = workers
        self._audited = audited

    def begin(self, exchange: Exchange) -> None:
        """Wait for the request without a thread."""
        visit, identity = _LET_IN.get()
        visit.trace(exchange.context)
        self._gate.patience.begin(exchange.context)
        exchange.receive(partial(self._received, _Call(exchange, visit, identity)))

    def _received(self, call: _Call, request: bytes | None) -> None:
        """Answer at once, or hand over; this is the thread that brings the calls."""
        context = call.exchange.context
        self._gate.patience.end(context)
        try:
            request = self._gate.check_request(self._name, request, context)
            if self._audited:
                call.visit.namespace = namespace_of(self._name, request)
            reply = self._engine.call_at_once(self._name, request, call.identity.grant)
            if reply is None:
                self._workers.submit(partial(self._work, call, request))
                return
            self._gate.check_reply(reply)
        except BaseException as error:  # noqa: BLE001
            self._refuse(call, error)
        else:
            self._reply(call, reply)

    def _work(self, call: _Call, request: bytes) -> None:
        context = call.exchange.context
        try:
            # What nobody waits for any more is not begun.
            self._gate.check_active(context)
            reply = self._engine.call(
                self._name, request, call.identity.grant, context.time_remaining()
            )
            self._gate.check_reply(reply)
        except BaseException as error:  # noqa: BLE001
            self._refuse(call, error)
        else:
            self._reply(call, reply)

    def _reply(self, call: _Call, reply: bytes) -> None:
        self._gate.leave(call.identity, streams=False)
        # Before the caller knows: what it was told is in the figures and in the audit log.
        call.visit.end()
        call.exchange.reply(reply, (("x-request-id", call.visit.request_id),))

    def _refuse(self, call: _Call, error: BaseException) -> None:
        self._gate.leave(call.identity, streams=False)
        if isinstance(error, GoneError):
            call.visit.end("CANCELLED", "CANCELLED")
        else:
            call.exchange.fail(_ended(self._name, error, call.visit))


def _server_stream(name: str, engine: EngineLike, gate: Gate) -> _Handler:
    def handle(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        visit, identity = _begin(context)
        try:
            try:
                request = gate.receive(name, requests, context)
                visit.namespace = namespace_of(name, request)
                replies = engine.snapshot(request, identity.grant, context.time_remaining())
                for reply in replies:
                    gate.check_reply(reply)
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


def _client_stream(name: str, engine: EngineLike, gate: Gate) -> _Handler:
    def handle(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        visit, identity = _begin(context)
        try:
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
            restore.push(request)
        # To a call that was cancelled gRPC may end the stream as if it were whole.
        gate.check_active(context)
        return restore.finish()
    except BaseException:
        restore.abort()
        raise


def _begin(context: grpc.ServicerContext) -> tuple[Visit, Identity]:
    visit, identity = _LET_IN.get()
    visit.trace(context)
    context.set_trailing_metadata((("x-request-id", visit.request_id),))
    return visit, identity


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
    abort(_ended(name, error, visit), context)


def _ended(name: str, error: BaseException, visit: Visit) -> Status:
    """End the visit; return what the caller is told."""
    status = status_of(name, error, visit.request_id)
    visit.end(status.code.name, status.reason)
    return status


# By (client streams, server streams): what Prometheus calls it, and what makes its handler where
# that is a stream's. The contract has one method of each streaming kind; another one would be a
# KeyError at start, not a silent gap.
_Maker: TypeAlias = Callable[[str, EngineLike, Gate], _Handler]
_KINDS: dict[tuple[bool, bool], tuple[str, _Maker | None]] = {
    (False, False): ("unary", None),
    (False, True): ("server_stream", _server_stream),
    (True, False): ("client_stream", _client_stream),
}
