"""The service's streaming methods, each with a thread of ``grpc.server``'s pool.

Handlers catch BaseException: a panic of the core is one, and gRPC would leave a call that ended
with it without an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import NoReturn, TypeAlias

import grpc

from effective_embeddings._core import Caller, Permit, RequestStream, namespace_of
from effective_embeddings.server.admission.admission import AdmissionControl, GoneError
from effective_embeddings.server.admission.stall_timeout import StreamWaits
from effective_embeddings.server.admission.status import abort
from effective_embeddings.server.observability.call_observer import CallRecord
from effective_embeddings.server.transport.engine import GetEngine

__all__ = ["ADMITTED", "HANDLER_FACTORIES"]

# In quotes: generic for the type checker, and not when it runs.
_Handler: TypeAlias = "grpc.RpcMethodHandler[bytes, bytes]"

_Admitted: TypeAlias = tuple[CallRecord, Caller, Permit]
# gRPC makes a context for each call, and runs in it both the call's admission and its handler.
ADMITTED: ContextVar[_Admitted] = ContextVar("admitted")


def _server_stream(name: str, engine: GetEngine, admission: AdmissionControl) -> _Handler:
    def handle(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        record, caller, permit = _begin(context)
        waits = StreamWaits(admission.stall_timeout, context)
        try:
            try:
                request = admission.receive(name, requests, context)
                record.namespace = namespace_of(name, request)
                replies = engine().server_stream(
                    name, request, caller.grant, context.time_remaining()
                )
                for reply in replies:
                    admission.core.check_reply(len(reply))
                    waits.begin()
                    yield reply
                    waits.end(reply)
            finally:
                waits.end()
                permit.release()
        except GeneratorExit:
            record.end("CANCELLED", "CANCELLED")
            raise
        except (GoneError, grpc.RpcError) as error:
            _gone(record, error)
            return
        except BaseException as error:  # noqa: BLE001
            _refuse(error, record, context)
        record.end()

    return grpc.stream_stream_rpc_method_handler(handle)


def _client_stream(name: str, engine: GetEngine, admission: AdmissionControl) -> _Handler:
    def handle(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        record, caller, permit = _begin(context)
        try:
            try:
                stream = engine().client_stream(name, caller.grant)
                reply = _push_all(name, stream, requests, record, admission, context)
            finally:
                permit.release()
        except (GoneError, grpc.RpcError) as error:
            return _gone(record, error)
        except BaseException as error:  # noqa: BLE001
            _refuse(error, record, context)
        record.end()
        return reply

    return grpc.stream_unary_rpc_method_handler(handle)


def _push_all(
    name: str,
    stream: RequestStream,
    requests: Iterator[bytes],
    record: CallRecord,
    admission: AdmissionControl,
    context: grpc.ServicerContext,
) -> bytes:
    """Push all requests and finish; a call that does not come to its end leaves nothing behind."""
    try:
        for request in admission.requests_until_stall(requests, context):
            if record.namespace is None:
                record.namespace = namespace_of(name, request)
            stream.push(request)
        # gRPC may end the requests of a cancelled call as if all of them had come.
        admission.check_active(context)
        return stream.finish()
    except BaseException:
        stream.abort()
        raise


def _begin(context: grpc.ServicerContext) -> _Admitted:
    record, caller, permit = ADMITTED.get()
    record.peer = context.peer
    record.trace(context.invocation_metadata())
    context.set_trailing_metadata((("x-request-id", record.request_id),))
    return record, caller, permit


def _gone(record: CallRecord, error: Exception) -> bytes:
    """End a call whose client is gone: no answer can be sent."""
    record.end("CANCELLED", "CANCELLED")
    if isinstance(error, grpc.RpcError):
        # gRPC recognizes its own error, and logs nothing.
        raise error
    return b""


def _refuse(error: BaseException, record: CallRecord, context: grpc.ServicerContext) -> NoReturn:
    abort(record.fail(error), context)


_Factory: TypeAlias = Callable[[str, GetEngine, AdmissionControl], _Handler]
# By (client streams, server streams): what makes a method's handler. A method that streams both
# ways would be a KeyError at start.
HANDLER_FACTORIES: dict[tuple[bool, bool], _Factory] = {
    (False, True): _server_stream,
    (True, False): _client_stream,
}
