"""Unary calls without a thread each: the one place that reaches below gRPC's public interface.

``grpc.server`` gives a call to a thread of its pool before its request has come. That thread asks
for the request, sleeps until the one thread that brings all calls wakes it, answers, and is woken
once more: three handovers of Python's lock, which together cost more than most calls. Here the
request is asked for, and what takes microseconds is answered, in the thread that brings the calls.
What takes longer is handed over once, with its request.

gRPC has no public way to ask for a request without waiting for it, nor to end a call from outside
its handler, so this module uses five names that are not public: ``_rpc_event`` and ``_state`` of a
call's context, ``_status`` and ``_possibly_finish_call`` of ``grpc._server``, and the operation in
``grpc._cython.cygrpc`` that receives a message. They are looked up when the module is imported, so
that a release of gRPC without them ends the start, and not a call; ``tests/serving/test_exchange``
holds them to what is expected of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, TypeAlias

import grpc
from grpc import _server
from grpc._cython import cygrpc  # type: ignore[attr-defined]

from effective_embeddings.server.inline import INLINE
from effective_embeddings.server.status import Status

__all__ = ["Exchange", "turned_away", "unary_handler"]

_log = logging.getLogger("effective_embeddings.server")

# In quotes: generic for the type checker, and not when it runs.
_Handler: TypeAlias = "grpc.RpcMethodHandler[bytes, bytes]"

try:
    _send_status = _server._status
    _finish_if_done = _server._possibly_finish_call
    _ReceiveMessage = cygrpc.ReceiveMessageOperation
except AttributeError as error:
    _message = f"grpcio {grpc.__version__} is built otherwise than 1.85, which is needed: {error}"
    raise ImportError(_message) from error
_NO_FLAGS = 0
# What the call still has to do; the other names are gRPC's.
_RECEIVING = "effemb_receive"


class Exchange:
    """One request, and one reply or a status instead.

    Attributes:
        context: gRPC's view of the call.
    """

    __slots__ = ("_event", "_state", "context")

    def __init__(self, context: grpc.ServicerContext) -> None:
        self.context = context
        self._event: Any = context._rpc_event  # type: ignore[attr-defined]
        self._state: Any = context._state  # type: ignore[attr-defined]

    def receive(self, received: Callable[[bytes | None], None]) -> None:
        """Have ``received`` called once, in the thread that brings the calls: it must not wait.

        Args:
            received: Takes the request; None: the client ended the call without one, or is gone.
        """
        state = self._state

        def arrived(event: Any) -> Any:
            # gRPC's thread would end with what is raised here, and answer no call any more.
            try:
                received(event.batch_operations[0].message())
            except BaseException:  # noqa: BLE001
                _log.error("defect where=received", exc_info=True)
                self.context.cancel()
            with state.condition:
                return _finish_if_done(state, _RECEIVING)

        with state.condition:
            operations = (_ReceiveMessage(_NO_FLAGS),)
            self._event.call.start_server_batch(operations, arrived)
            state.due.add(_RECEIVING)

    def reply(self, message: bytes, metadata: tuple[tuple[str, str | bytes], ...]) -> None:
        """Send the reply and end the call, from any thread; nothing happens if it has ended."""
        self.context.set_trailing_metadata(metadata)
        _send_status(self._event, self._state, message)

    def fail(self, status: Status) -> None:
        """End the call with a status, from any thread; nothing happens if it has ended."""
        context = self.context
        context.set_code(status.code)
        context.set_details(status.details)
        context.set_trailing_metadata(status.trailing_metadata)
        _send_status(self._event, self._state, None)


class _Begin:
    """What gRPC takes for the behaviour of a method that sends when it likes."""

    experimental_non_blocking = True
    experimental_thread_pool = INLINE

    def __init__(self, begin: Callable[[Exchange], None]) -> None:
        self._begin = begin

    def __call__(
        self, _requests: Iterator[bytes], context: grpc.ServicerContext, _send: object
    ) -> None:
        self._begin(Exchange(context))


def unary_handler(begin: Callable[[Exchange], None]) -> _Handler:
    """Return a handler that has ``begin`` called with each call, once its headers are there.

    On the wire a stream of one message each way is a unary call. ``begin`` runs in the thread that
    brings the calls: it must not wait, nor raise.
    """
    # gRPC's stub knows behaviours that return what they send.
    behaviour: Any = _Begin(begin)
    handler: _Handler = grpc.stream_stream_rpc_method_handler(behaviour)
    return handler


# gRPC makes a context for each call, and runs in it both who chooses its handler and the handler.
_STATUS: ContextVar[Status] = ContextVar("status")
_TURN_AWAY = unary_handler(lambda exchange: exchange.fail(_STATUS.get()))


def turned_away(status: Status) -> _Handler:
    """Return the handler of a call that ends with a status before its request is read.

    So a flood of calls that are refused takes no threads, and keeps no others from Python's lock.
    Call it where the call's handler is chosen.
    """
    _STATUS.set(status)
    return _TURN_AWAY
