"""The service's unary methods: answered at once, or by a worker.

Handlers catch BaseException: a panic of the core is one, and a call that ended with it would be
left without an answer.
"""

from __future__ import annotations

from effective_embeddings._core import Grant, LoadShedder, Permit, namespace_of
from effective_embeddings.server.admission.admission import (
    AdmissionControl,
    GoneError,
    new_call_id,
)
from effective_embeddings.server.observability.call_observer import CallObserver, CallRecord
from effective_embeddings.server.transport.engine import GetEngine
from effective_embeddings.server.transport.raw_unary import RawUnaryCall
from effective_embeddings.server.transport.workers import Workers

__all__ = ["UnaryMethod"]


class UnaryMethod:
    """A unary method: a call is admitted or refused before its request is read."""

    def __init__(
        self,
        name: str,
        observer: CallObserver,
        engine: GetEngine,
        admission: AdmissionControl,
        workers: Workers,
    ) -> None:
        """Put the method together.

        Args:
            name: The method's name.
            observer: Sees its calls.
            engine: Returns the engine, which answers them.
            admission: Admits them.
            workers: Threads for the calls that take more than microseconds.
        """
        self.name = name
        self.observer = observer
        self.engine = engine
        self.admission = admission
        self.workers = workers
        self._shedder = LoadShedder()

    def begin(self, call: RawUnaryCall) -> None:
        """Admit a call, and wait for its request without a thread."""
        admission = self.admission
        record = self.observer.begin(new_call_id())
        record.peer = call.peer
        try:
            caller = admission.core.identify(call.metadata)
            record.principal = caller.principal
            self.observer.check_audit_log()
            permit = admission.core.arrive(caller, self._shedder, queued=call.queued)
        except BaseException as error:  # noqa: BLE001
            call.fail(record.fail(error))
            return
        record.trace(call.metadata)
        admission.stall_timeout.begin(call)
        call.receive(_AdmittedCall(self, call, record, caller.grant, permit).received)


class _AdmittedCall:
    """An admitted call.

    Its permit becomes one for the reply's bytes before the client has the answer, and may call
    again; the bytes are released once the client has taken them.
    """

    __slots__ = ("_call", "_grant", "_method", "_permit", "_record", "_request")

    def __init__(
        self,
        method: UnaryMethod,
        call: RawUnaryCall,
        record: CallRecord,
        grant: Grant,
        permit: Permit,
    ) -> None:
        self._method = method
        self._call = call
        self._record = record
        self._grant = grant
        self._permit = permit
        self._request = b""

    def received(self, request: bytes | None) -> None:
        """Answer at once, or hand over; this is the thread that brings the calls."""
        method = self._method
        method.admission.stall_timeout.end(self._call)
        try:
            request = method.admission.check_request(method.name, request, self._call)
            if method.observer.audit is not None:
                self._record.namespace = namespace_of(method.name, request)
            reply = method.engine().try_call(method.name, request, self._grant)
            if reply is None:
                self._permit.execute()
                self._request = request
                method.workers.submit(self._work)
            else:
                self._permit.reply(len(reply))
        except BaseException as error:  # noqa: BLE001
            self._refuse(error)
        else:
            if reply is not None:
                self._reply(reply)

    def _work(self) -> None:
        method = self._method
        try:
            # A call whose client is gone is not begun.
            method.admission.check_active(self._call)
            method.observer.check_audit_log()
            seconds = self._call.time_remaining()
            reply = method.engine().call(method.name, self._request, self._grant, seconds)
            self._permit.reply(len(reply))
        except BaseException as error:  # noqa: BLE001
            self._refuse(error)
        else:
            self._reply(reply)

    def _reply(self, reply: bytes) -> None:
        # Before the client has the answer: the call is in the metrics and in the audit log.
        self._record.end()
        self._method.admission.stall_timeout.begin_reply(self._call, len(reply))
        self._call.reply(reply, (("x-request-id", self._record.request_id),), self._sent)

    def _sent(self) -> None:
        self._method.admission.stall_timeout.end(self._call)
        self._permit.release()

    def _refuse(self, error: BaseException) -> None:
        self._permit.release()
        if isinstance(error, GoneError):
            self._record.end("CANCELLED", "CANCELLED")
        else:
            self._call.fail(self._record.fail(error))
