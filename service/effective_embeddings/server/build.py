"""The one place that puts a server together, on the transport that the settings name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from effective_embeddings._core import AuditLog as NativeAuditLog
from effective_embeddings._core import Engine, Events, TokenTable
from effective_embeddings.server.admission.admission import AdmissionControl
from effective_embeddings.server.observability.audit_log import AuditLog
from effective_embeddings.server.settings.errors import SettingsError
from effective_embeddings.server.settings.settings import Settings

if TYPE_CHECKING:
    from effective_embeddings.server.observability.metrics import Metrics
    from effective_embeddings.server.observability.traces import Traces

__all__ = ["Audit", "Server", "build_server"]

_Log = TypeVar("_Log")


class Server(Protocol):
    """What serves gRPC: see ``GrpcioServer`` and ``NativeServer``."""

    admission: AdmissionControl
    target: str

    @property
    def stalled(self) -> int:
        """Calls that were cancelled because their clients stalled."""

    def start(self) -> None:
        """Serve health, and refuse calls until ``open``."""

    def open(self, engine: Engine, look: Callable[[], tuple[bool, str]]) -> None:
        """Answer calls from now on; health says what ``look`` returns as (serving, reason)."""

    def turn_away(self) -> None:
        """Serve NOT_SERVING, and refuse new calls with a reason and a retry delay."""

    def stop(self, drain_seconds: float, grace_seconds: float) -> bool:
        """Finish the calls in flight, then end the connections; return whether all finished."""

    def close(self) -> None:
        """Let go of the threads; the engine is closed."""


class Audit(Protocol):
    """An audit log: see ``AuditLog``."""

    @property
    def failure(self) -> str | None:
        """Why the file cannot be written now; None: it can."""

    @property
    def refusal(self) -> str | None:
        """Why writes must be refused now; None: they need not."""

    @property
    def lost(self) -> int:
        """Lines that are lost because the file could not be written."""

    def close(self) -> None:
        """Write the queued lines, for two seconds at most; idempotent."""


def build_server(
    settings: Settings,
    tokens: TokenTable | None,
    metrics: Metrics | None,
    traces: Traces | None,
) -> tuple[Server, Audit | None]:
    """Put a server together and take its port; return the server and its audit log.

    Args:
        settings: See Settings.
        tokens: The tokens of the callers. None: every caller is "local" and may do everything;
            that is right where only this machine can connect.
        metrics: Counts calls; None: calls are not counted.
        traces: Gets spans of admitted calls; None: there are no spans.

    Raises:
        ListenError: The address cannot be listened on.
        SettingsError: The certificate or the audit log cannot be used.
    """
    admission = AdmissionControl(settings, tokens)
    # A server imports what it needs: the gRPC library takes a third of a second.
    if settings.transport == "native":
        from effective_embeddings.server.transport.native_server import NativeServer  # noqa: PLC0415

        events = Events()
        log = _open(lambda path, refuse: NativeAuditLog(path, events, refuse), settings)
        return NativeServer(settings, admission, events, metrics, log, traces), log
    from effective_embeddings.server.transport.grpcio_server import GrpcioServer  # noqa: PLC0415

    audit = _open(lambda path, refuse: AuditLog(path, refuse=refuse), settings)
    return GrpcioServer(settings, admission, metrics, audit, traces), audit


def _open(opened: Callable[[Path, bool], _Log], settings: Settings) -> _Log | None:
    if settings.audit_log is None:
        return None
    try:
        return opened(settings.audit_log, settings.audit_failure == "refuse")
    except OSError as error:
        message = f"cannot write the audit log: {settings.audit_log}: {error.strerror}"
        raise SettingsError(message) from None
