"""The service's unary methods: answered at once, or by a worker.

What is caught here is BaseException: a panic of the core is one, and a call that ended with it
would be left without an answer.
"""

from __future__ import annotations

from effective_embeddings._core import namespace_of
from effective_embeddings.server.admission.admission import Gate, GoneError
from effective_embeddings.server.admission.load_shedder import Crowd
from effective_embeddings.server.auth.tokens import Identity
from effective_embeddings.server.observability.call_observer import CallObserver, CallRecord
from effective_embeddings.server.transport.engine import EngineLike
from effective_embeddings.server.transport.raw_unary import RawUnaryCall
from effective_embeddings.server.transport.workers import Workers

__all__ = ["UnaryMethod"]


class UnaryMethod:
    """A unary method: who calls is asked, and turned away, before the request is read."""

    def __init__(
        self, name: str, observer: CallObserver, engine: EngineLike, gate: Gate, workers: Workers
    ) -> None:
        """Make it.

        Args:
            name: The method's name.
            observer: Sees its calls.
            engine: Answers them.
            gate: Lets them in.
            workers: Threads for those that take more than microseconds.
        """
        self.name = name
        self.observer = observer
        self.engine = engine
        self.gate = gate
        self.workers = workers
        self._crowd = Crowd()

    def begin(self, call: RawUnaryCall) -> None:
        """Let a call in, and wait for its request without a thread."""
        gate = self.gate
        record = self.observer.begin(gate.new_id())
        record.peer = call.peer
        try:
            identity = gate.identity_of(call.metadata)
            record.principal = identity.principal
            if call.crowded:
                self._crowd.take(identity.principal)
            else:
                self._crowd.scatter()
            gate.admit(identity)
            gate.arrive(identity)
        except BaseException as error:  # noqa: BLE001
            call.fail(record.fail(error))
            return
        record.trace(call.metadata)
        gate.stall_timeout.begin(call)
        call.receive(_AdmittedCall(self, call, record, identity).received)


class _AdmittedCall:
    """A call that was let in. Its place is free before its caller knows, who may call again."""

    __slots__ = ("_call", "_identity", "_method", "_record", "_request")

    def __init__(
        self, method: UnaryMethod, call: RawUnaryCall, record: CallRecord, identity: Identity
    ) -> None:
        self._method = method
        self._call = call
        self._record = record
        self._identity = identity
        self._request = b""

    def received(self, request: bytes | None) -> None:
        """Answer at once, or hand over; this is the thread that brings the calls."""
        method, gate = self._method, self._method.gate
        gate.stall_timeout.end(self._call)
        try:
            request = gate.check_request(method.name, request, self._call)
            if method.observer.audit is not None:
                self._record.namespace = namespace_of(method.name, request)
            reply = method.engine.try_call(method.name, request, self._identity.grant)
            if reply is None:
                gate.enter(self._identity, streams=False)
                self._request = request
                method.workers.submit(self._work)
            else:
                gate.check_reply(reply)
        except BaseException as error:  # noqa: BLE001
            gate.depart(self._identity)
            self._refuse(error)
        else:
            gate.depart(self._identity)
            if reply is not None:
                self._reply(reply)

    def _work(self) -> None:
        method, gate = self._method, self._method.gate
        try:
            # What nobody waits for any more is not begun.
            gate.check_active(self._call)
            seconds = self._call.time_remaining()
            reply = method.engine.call(method.name, self._request, self._identity.grant, seconds)
            gate.check_reply(reply)
        except BaseException as error:  # noqa: BLE001
            gate.leave(self._identity, streams=False)
            self._refuse(error)
        else:
            gate.leave(self._identity, streams=False)
            self._reply(reply)

    def _reply(self, reply: bytes) -> None:
        # Before the caller knows: what it was told is in the figures and in the audit log.
        self._record.end()
        self._call.reply(reply, (("x-request-id", self._record.request_id),))

    def _refuse(self, error: BaseException) -> None:
        if isinstance(error, GoneError):
            self._record.end("CANCELLED", "CANCELLED")
        else:
            self._call.fail(self._record.fail(error))
