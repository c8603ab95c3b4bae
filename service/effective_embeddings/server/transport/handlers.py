"""The service: every method of its descriptor, and the admission of its calls.

Bytes in, bytes out: nothing is decoded in Python. A handler is made here for each method of the
descriptor, so that none can be forgotten. Names that the service does not have are answered too,
with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import grpc

from effective_embeddings._core import METHODS
from effective_embeddings.server.admission.admission import AdmissionControl, new_call_id
from effective_embeddings.server.contract import SERVICE, SERVICE_NAME
from effective_embeddings.server.observability.audit_log import AuditLog
from effective_embeddings.server.observability.call_observer import CallObserver
from effective_embeddings.server.transport.engine import GetEngine
from effective_embeddings.server.transport.inline import refusing_handler
from effective_embeddings.server.transport.raw_unary import RawUnaryCall
from effective_embeddings.server.transport.streams import ADMITTED, HANDLER_FACTORIES
from effective_embeddings.server.transport.unary import UnaryMethod
from effective_embeddings.server.transport.workers import Workers

if TYPE_CHECKING:
    from effective_embeddings.server.observability.metrics import Metrics
    from effective_embeddings.server.observability.traces import Traces

__all__ = ["ServiceHandler"]

_PREFIX = f"/{SERVICE_NAME}/"
_SCOPES = dict(METHODS)
# What Prometheus calls them, by (client streams, server streams).
_KINDS = {
    (False, False): "unary",
    (False, True): "server_stream",
    (True, False): "client_stream",
}

# In quotes: generic for the type checker, and not when it runs.
_Handler: TypeAlias = "grpc.RpcMethodHandler[bytes, bytes]"


class _Stream(NamedTuple):
    observer: CallObserver
    handler: _Handler


class ServiceHandler(grpc.ServiceRpcHandler):
    """The streams of the service, and the names that it does not have.

    Attributes:
        unary: Its unary methods, by path, for ``RawUnaryServer``.
    """

    def __init__(
        self,
        engine: GetEngine,
        admission: AdmissionControl,
        workers: Workers,
        metrics: Metrics | None = None,
        audit: AuditLog | None = None,
        traces: Traces | None = None,
    ) -> None:
        """Make the handlers of the whole service.

        Args:
            engine: Returns the engine, which answers the calls.
            admission: Admits them.
            workers: Threads for the unary calls that take more than microseconds.
            metrics: Counts calls; None: calls are not counted.
            audit: Takes writes and refusals; None: no audit log is written.
            traces: Makes spans of admitted calls; None: there are no spans.
        """
        self._engine = engine
        self._admission = admission
        self._streams: dict[str, _Stream] = {}
        unary: dict[str, Callable[[RawUnaryCall], None]] = {}

        def observer(method: str, kind: str) -> CallObserver:
            return CallObserver(
                method,
                service=SERVICE_NAME,
                kind=kind,
                writes=_SCOPES.get(method, "read") != "read",
                metrics=metrics,
                audit=audit,
                traces=traces,
            )

        for method in SERVICE.methods:
            name, streaming = method.name, (method.client_streaming, method.server_streaming)
            seen = observer(name, _KINDS[streaming])
            if any(streaming):
                self._streams[_PREFIX + name] = _Stream(
                    seen, HANDLER_FACTORIES[streaming](name, engine, admission)
                )
            else:
                unary[_PREFIX + name] = UnaryMethod(name, seen, engine, admission, workers).begin
        # Unknown methods share one name in metrics and logs: a caller cannot choose the name.
        self._unknown = observer("unknown", "unary")
        self.unary: Mapping[str, Callable[[RawUnaryCall], None]] = unary

    def service_name(self) -> str:
        """See ``grpc.ServiceRpcHandler``."""
        return SERVICE_NAME

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> _Handler | None:
        """Return the handler of an admitted call, or of a refused one."""
        path = handler_call_details.method
        if not path.startswith(_PREFIX):
            return None
        stream = self._streams.get(path)
        observer = self._unknown if stream is None else stream.observer
        admission = self._admission.core
        record = observer.begin(new_call_id())
        # Admission is decided here, in the one thread that brings the calls: a refused call takes
        # no other thread.
        try:
            caller = admission.identify(handler_call_details.invocation_metadata)
            record.principal = caller.principal
            admission.admit(caller)
            if stream is None:
                # The core knows no such method, and says so, whatever the request is.
                self._engine().call(path.removeprefix(_PREFIX), b"", caller.grant)
            observer.check_audit_log()
            permit = admission.begin_stream(caller)
        except BaseException as error:  # noqa: BLE001
            return refusing_handler(record.fail(error))
        if stream is None:
            return None
        ADMITTED.set((record, caller, permit))
        return stream.handler
