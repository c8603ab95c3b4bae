"""The service's unary methods: answered at once, or by a worker.

What is caught here is BaseException: a panic of the core is one, and a call that ended with it
would be left without an answer.
"""

from __future__ import annotations

from effective_embeddings._core import namespace_of
from effective_embeddings.server.admission.admission import Gate, GoneError
from effective_embeddings.server.admission.load_shedder import Crowd
from effective_embeddings.server.auth.tokens import Identity
from effective_embeddings.server.observability.call_observer import Observer, Visit
from effective_embeddings.server.transport.engine import EngineLike
from effective_embeddings.server.transport.raw_unary import Exchange
from effective_embeddings.server.transport.workers import Workers

__all__ = ["UnaryMethod"]


class UnaryMethod:
    """A unary method: who calls is asked, and turned away, before the request is read."""

    def __init__(
        self, name: str, observer: Observer, engine: EngineLike, gate: Gate, workers: Workers
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

    def begin(self, exchange: Exchange) -> None:
        """Let a call in, and wait for its request without a thread."""
        gate = self.gate
        visit = self.observer.begin(gate.new_id())
        visit.peer = exchange.peer
        try:
            identity = gate.identity_of(exchange.metadata)
            visit.principal = identity.principal
            if exchange.crowded:
                self._crowd.take(identity.principal)
            else:
                self._crowd.scatter()
            gate.admit(identity)
            gate.arrive(identity)
        except BaseException as error:  # noqa: BLE001
            exchange.fail(visit.fail(error))
            return
        visit.trace(exchange.metadata)
        gate.patience.begin(exchange)
        exchange.receive(_Call(self, exchange, visit, identity).received)


class _Call:
    """A call that was let in. Its place is free before its caller knows, who may call again."""

    __slots__ = ("_exchange", "_identity", "_method", "_request", "_visit")

    def __init__(
        self, method: UnaryMethod, exchange: Exchange, visit: Visit, identity: Identity
    ) -> None:
        self._method = method
        self._exchange = exchange
        self._visit = visit
        self._identity = identity
        self._request = b""

    def received(self, request: bytes | None) -> None:
        """Answer at once, or hand over; this is the thread that brings the calls."""
        method, gate = self._method, self._method.gate
        gate.patience.end(self._exchange)
        try:
            request = gate.check_request(method.name, request, self._exchange)
            if method.observer.audit is not None:
                self._visit.namespace = namespace_of(method.name, request)
            reply = method.engine.call_at_once(method.name, request, self._identity.grant)
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
            gate.check_active(self._exchange)
            seconds = self._exchange.time_remaining()
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
        self._visit.end()
        self._exchange.reply(reply, (("x-request-id", self._visit.request_id),))

    def _refuse(self, error: BaseException) -> None:
        if isinstance(error, GoneError):
            self._visit.end("CANCELLED", "CANCELLED")
        else:
            self._exchange.fail(self._visit.fail(error))
