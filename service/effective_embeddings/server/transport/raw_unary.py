"""Unary calls straight from gRPC's core: the one place that reaches below gRPC's public interface.

``grpc.server`` hands a call to a thread of its pool before its request has come. That thread asks
for the request, sleeps until the one thread that brings all calls wakes it, answers, and is woken
once more; and a dozen objects and locks are made for each call. Together that costs more than most
calls, and a call that is only turned away costs nearly as much. Here the methods are registered
with gRPC's core itself, and their calls come to the thread that brings all calls: it asks for the
request, and what takes microseconds is answered there. What takes longer is handed over once, with
its request. All else that a server does (ports, TLS, streams, stopping) is ``grpc.server``'s.

gRPC has no public way to do this, so this module uses names that are not public: a server's
``_state``, of that its ``server`` and ``completion_queue``, and the operations in
``grpc._cython.cygrpc``; and it counts on ``grpc.server`` to call the tag of whatever comes out of
its completion queue. They are looked up at import and when a server is made, so that a release of
gRPC without them ends the start, and not a call; ``tests/server/test_unary_calls`` holds them to
what is expected of them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc
from grpc._cython import cygrpc  # type: ignore[attr-defined]

from effective_embeddings._core import MAX_QUEUED_CALLS
from effective_embeddings.server.admission.status import Status

__all__ = ["RawUnaryCall", "RawUnaryServer"]

_log = logging.getLogger("effective_embeddings.server")

_BUILT_OTHERWISE = f"grpcio {grpc.__version__} is built otherwise than 1.85, which is needed: "

try:
    _SendInitialMetadata = cygrpc.SendInitialMetadataOperation
    _SendMessage = cygrpc.SendMessageOperation
    _SendStatus = cygrpc.SendStatusFromServerOperation
    _ReceiveMessage = cygrpc.ReceiveMessageOperation
    _ReceiveClose = cygrpc.ReceiveCloseOnServerOperation
except AttributeError as error:
    raise ImportError(_BUILT_OTHERWISE + str(error)) from error
_NO_FLAGS = 0
# More than MAX_QUEUED_CALLS, so that a queue of that length can be noticed.
_AT_A_TIME = MAX_QUEUED_CALLS + 24
_CALLS_BETWEEN_LOOKS = 16
_OK = grpc.StatusCode.OK.value[0]
# What grpc.server wants of a tag that it calls: a call of its own that has ended, and callbacks.
_NOTHING_TO_DO: tuple[None, tuple[()]] = (None, ())


def _do_nothing() -> None:
    pass


class RawUnaryCall:
    """A unary call: one request, and one reply or a status instead.

    Attributes:
        metadata: The call's metadata, as it came.
        queued: Whether more than ``MAX_QUEUED_CALLS`` calls of its method waited when it came.
    """

    __slots__ = ("_asked", "_call", "_deadline", "_gone", "metadata", "queued")

    def __init__(self, event: Any, *, queued: bool) -> None:
        self.queued = queued
        self._call: Any = event.call
        self._deadline: float = event.call_details.deadline
        self._gone = False
        self._asked = False
        self.metadata: Sequence[tuple[str, str | bytes]] = event.invocation_metadata

    def is_active(self) -> bool:
        """Whether the client waits for the answer: False once it is known to be gone.

        That becomes known after ``receive``.
        """
        return not self._gone

    def time_remaining(self) -> float:
        """Seconds until the call's deadline, at least 0; very many if it has none."""
        return max(self._deadline - time.time(), 0.0)

    def peer(self) -> str:
        """The address of the client, for the log."""
        address: bytes = self._call.peer()
        return address.decode(errors="replace")

    def cancel(self) -> None:
        """End the call with CANCELLED, from any thread."""
        self._call.cancel()

    def receive(self, received: Callable[[bytes | None], None]) -> None:
        """Have ``received`` called once, in the thread that brings the calls: it must not wait.

        Args:
            received: Takes the request; None: the client ended the call without one, or is gone.
        """

        # Not kept in the call, which `received` may refer to: the two would be a cycle, which is
        # left to the garbage collector.
        def arrived(event: Any) -> tuple[None, tuple[()]]:
            _guard(self, received, event.batch_operations[0].message())
            return _NOTHING_TO_DO

        self._asked = True
        call = self._call
        call.start_server_batch((_ReceiveClose(_NO_FLAGS),), self._closed)
        call.start_server_batch((_ReceiveMessage(_NO_FLAGS),), arrived)

    def reply(
        self,
        message: bytes,
        metadata: tuple[tuple[str, str | bytes], ...],
        sent: Callable[[], None] = _do_nothing,
    ) -> None:
        """Send the reply and end the call, from any thread; nothing is sent if it has ended.

        Args:
            message: The reply.
            metadata: Trailing metadata.
            sent: Called once the client has taken the reply, or the call has ended without that,
                in the thread that brings the calls or in this one: it must not wait.
        """
        if self._gone:
            sent()
            return

        def ended(_event: Any) -> tuple[None, tuple[()]]:
            sent()
            return _NOTHING_TO_DO

        operations = (
            _SendInitialMetadata(None, _NO_FLAGS),
            _SendMessage(message, _NO_FLAGS),
            _SendStatus(metadata, _OK, b"", _NO_FLAGS),
        )
        self._call.start_server_batch(operations, ended)

    def fail(self, status: Status) -> None:
        """End the call with a status, from any thread; nothing happens if it has ended."""
        if self._gone:
            return
        code, details = status.code.value[0], status.details.encode()
        operations = [
            _SendInitialMetadata(None, _NO_FLAGS),
            _SendStatus(status.trailing_metadata, code, details, _NO_FLAGS),
        ]
        if not self._asked:
            # gRPC requires this operation of each call, and `receive` has not begun it.
            operations.append(_ReceiveClose(_NO_FLAGS))
        self._call.start_server_batch(operations, _ended)

    def _closed(self, event: Any) -> tuple[None, tuple[()]]:
        self._gone = bool(event.batch_operations[0].cancelled())
        return _NOTHING_TO_DO


class RawUnaryServer:
    """The unary methods of a server."""

    def __init__(
        self, server: grpc.Server, methods: Mapping[str, Callable[[RawUnaryCall], None]]
    ) -> None:
        """Register them, with a server that has not started yet.

        Args:
            server: Made by ``grpc.server``.
            methods: By path. Each is called with every call of it, once the call's headers are
                there, in the thread that brings the calls: it must not wait.

        Raises:
            ImportError: gRPC is built otherwise than this module knows it.
        """
        try:
            state: Any = server._state  # type: ignore[attr-defined]
            self._methods = [_Method(state, path, begin) for path, begin in methods.items()]
        except AttributeError as error:
            raise ImportError(_BUILT_OTHERWISE + str(error)) from error

    def open(self) -> None:
        """Take calls; the server has started."""
        for method in self._methods:
            for _ in range(_AT_A_TIME):
                method.ask()


class _Method:
    """Asks for the calls of one method, and sees how many wait."""

    def __init__(self, state: Any, path: str, begin: Callable[[RawUnaryCall], None]) -> None:
        self._path = path
        self._begin = begin
        self._server: Any = state.server
        self._queue: Any = state.completion_queue
        self._server.register_method(path)
        # Calls since the last look, or during this one.
        self._calls = 0
        self._looking = False
        self._queue_stands = False

    def ask(self) -> None:
        """Ask for one more call."""
        try:
            self._server.request_registered_call(self._queue, self._queue, self._path, self._came)
        except ValueError:
            _log.debug("no more calls path=%s: the server stops", self._path)

    def _came(self, event: Any) -> tuple[None, tuple[()]]:
        # Otherwise the server stops.
        if event.success:
            self._calls += 1
            call = RawUnaryCall(event, queued=self._queue_stands)
            _guard(call, self._begin, call)
            self.ask()
            if self._calls >= _CALLS_BETWEEN_LOOKS and not self._looking:
                self._look(event.call)
        return _NOTHING_TO_DO

    def _look(self, call: Any) -> None:
        """See how many calls there are in the queue, behind which no operations take their turn."""

        def looked(_event: Any) -> tuple[None, tuple[()]]:
            self._queue_stands = self._calls > MAX_QUEUED_CALLS
            self._looking = False
            # While the queue stands one look follows the other: its end is seen without a call.
            if self._queue_stands:
                self._look(call)
            return _NOTHING_TO_DO

        self._calls = 0
        self._looking = True
        try:
            call.start_server_batch((), looked)
        except Exception:  # noqa: BLE001 - this is the thread that brings all calls
            self._queue_stands = self._looking = False
            _log.debug("cannot look at the queue path=%s", self._path, exc_info=True)


def _ended(_event: Any) -> tuple[None, tuple[()]]:
    return _NOTHING_TO_DO


def _guard(call: RawUnaryCall, step: Callable[[Any], None], argument: object) -> None:
    """Do a step of a call; a defect ends the call, and not the thread that brings all others."""
    try:
        step(argument)
    except BaseException:  # noqa: BLE001
        _log.error("defect where=unary", exc_info=True)
        call.cancel()
