"""From start to drain: one server around one engine."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from effective_embeddings._core import VERSION, Admission, Calls, Engine
from effective_embeddings.server.auth.token_source import TokenSource, load_tokens
from effective_embeddings.server.build import build_server
from effective_embeddings.server.observability.event_pump import EventPump
from effective_embeddings.server.observability.logs import dropped_lines
from effective_embeddings.server.process.file_watch import FileWatch
from effective_embeddings.server.process.freed_memory import FreedMemory
from effective_embeddings.server.process.signals import Signals
from effective_embeddings.server.process.systemd import notify
from effective_embeddings.server.settings.errors import ListenError, SettingsError
from effective_embeddings.server.settings.settings import DEFAULT_METRICS_LISTEN, Settings

if TYPE_CHECKING:
    from effective_embeddings.server.observability.metrics import Metrics
    from effective_embeddings.server.observability.metrics_server import MetricsServer
    from effective_embeddings.server.observability.traces import Traces

__all__ = ["ServerHandle", "serve"]

_log = logging.getLogger("effective_embeddings.server")

# From the end of the last call until its reply has left.
_SECONDS_FOR_LAST_REPLIES = 0.5
_SECONDS_BETWEEN_LOOKS = 0.005


class ServerHandle:
    """A server that runs beside the caller: a context manager, for tests, demos and embedding.

        with ServerHandle(Settings(data=path, listen="127.0.0.1:0")) as server:
            client = Client(server.target)

    ``start`` and ``stop`` do the same by hand. A handle starts once.

    Attributes:
        target: What a client connects to, with the port that was taken.
        metrics_target: Where Prometheus finds the metrics; None: nowhere.
    """

    def __init__(self, settings: Settings) -> None:
        """Put the server together and take its ports.

        Raises:
            ListenError: An address cannot be listened on.
            SettingsError: The tokens, the certificate, the audit log or the traces cannot be used.
        """
        self._settings = settings
        self._engine: Engine | None = None
        self._stopped = False
        # Before the file is read, so that a change in between is noticed.
        self._watch = FileWatch([settings.tokens] if settings.tokens else [], self.reload)
        tokens = load_tokens(settings)
        self._token_source = TokenSource(settings, tokens)
        self._traces = _make_traces(settings)
        built = build_server(settings, tokens, traces=self._traces is not None)
        self._server, self._audit = built.server, built.audit
        self._pump = EventPump(built.events, self._traces)
        self._freed_memory = FreedMemory()
        self._metrics = _make_metrics(settings, built.calls)
        self.target = self._server.target
        self._metrics_server = self._serve_metrics()
        found = self._metrics_server
        self.metrics_target = None if found is None else found.target

    @property
    def token_count(self) -> int:
        """Number of tokens that are known."""
        return self._token_source.count

    def _serve_metrics(self) -> MetricsServer | None:
        if self._metrics is None or self._settings.metrics_listen is None:
            return None
        from effective_embeddings.server.observability.metrics_server import MetricsServer  # noqa: PLC0415

        audit = self._audit
        server = self._server
        self._metrics.add("effemb_calls_in_flight", lambda: server.admission.in_flight)
        self._metrics.add("effemb_stalled_calls_cancelled", lambda: server.stalled)
        self._metrics.add("effemb_log_lines_dropped", dropped_lines)
        self._metrics.add(
            "effemb_audit_log_failing", lambda: audit is not None and audit.failure is not None
        )
        self._metrics.add("effemb_audit_lines_lost", lambda: 0 if audit is None else audit.lost)
        listen = self._settings.metrics_listen
        try:
            return MetricsServer(listen, self._metrics.application())
        except ListenError as error:
            # Two servers on one machine, both with the default address.
            if listen != DEFAULT_METRICS_LISTEN:
                raise
            _log.warning("metrics served=false reason=%r: give each a metrics_listen", str(error))
            return None

    def reload(self) -> None:
        """Read the tokens again; certificates are read again by themselves."""
        if self._settings.authenticated:
            self._token_source.reload(self._server.admission)

    def start(self) -> None:
        """Listen, open the data, then serve; returns when health says SERVING.

        Health answers NOT_SERVING, and calls UNAVAILABLE, while the data opens.

        Raises:
            StatusError: The data cannot be opened. The server has stopped again.
        """
        if self._settings.tokens is not None:
            self._watch.start()
        self._server.start()
        settings = self._settings
        begin = time.monotonic()
        try:
            engine = Engine(
                settings.data,
                memory_budget=settings.memory_budget,
                kernel=settings.kernel,
                threads=settings.threads,
                max_namespaces=settings.max_namespaces,
                max_message_bytes=settings.max_message_bytes,
            )
        except BaseException:
            self.stop(drain_seconds=0)
            raise
        self._engine = engine
        self._freed_memory.start()
        self._server.open(engine, self._health)
        if self._metrics is not None:
            self._metrics.add_engine(engine.stats, settings.data)
        _log.info(
            "serving target=%s transport=%s data=%s workers=%d version=%s open_seconds=%.2f",
            self.target,
            settings.transport,
            settings.data,
            settings.workers,
            VERSION,
            time.monotonic() - begin,
        )

    def _health(self) -> tuple[bool, str]:
        """Return whether writes are accepted, and why they are not."""
        if self._engine is None:
            return False, "the data is not open"
        cause = None if self._audit is None else self._audit.refusal
        if cause is not None:
            return False, f"the audit log cannot be written: {cause}"
        return self._engine.health()

    def turn_away(self) -> None:
        """Serve NOT_SERVING, and refuse new calls with a reason and a retry delay."""
        self._server.turn_away()

    def stop(self, drain_seconds: float | None = None) -> None:
        """Serve NOT_SERVING, refuse new calls, finish the calls in flight, close the data.

        Args:
            drain_seconds: How long calls in flight may take; None: as the settings say. Calls
                that take longer are cancelled; a write that had begun is still finished.
        """
        if self._stopped:
            return
        self._stopped = True
        if drain_seconds is None:
            drain_seconds = self._settings.drain_seconds
        begin = time.monotonic()
        server = self._server
        self.turn_away()
        if self._engine is not None:
            self._engine.end_watches()
        # Only then is the port closed, and a call that comes meanwhile gets its reason.
        drained = _wait_idle(server.admission, drain_seconds)
        server.stop(_SECONDS_FOR_LAST_REPLIES if drained else 0.0)
        if self._engine is not None:
            self._engine.stop_writes()
            self._engine.close()
        self._watch.stop()
        self._freed_memory.stop()
        if self._metrics_server is not None:
            self._metrics_server.close()
        if self._traces is not None:
            self._traces.close()
        if self._audit is not None:
            self._audit.close()
        self._pump.close()
        if self._engine is not None:
            _log.info("stopped drained=%s seconds=%.2f", drained, time.monotonic() - begin)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def _wait_idle(admission: Admission, seconds: float) -> bool:
    """Wait until no call is in flight; return False if that takes longer than ``seconds``."""
    end = time.monotonic() + seconds
    while admission.in_flight:
        if time.monotonic() >= end:
            return False
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return True


def _make_metrics(settings: Settings, calls: Calls) -> Metrics | None:
    if settings.metrics_listen is None:
        return None
    # A server without metrics does not wait for their library to be loaded.
    from effective_embeddings.server.observability.metrics import Metrics  # noqa: PLC0415

    return Metrics(calls)


def _make_traces(settings: Settings) -> Traces | None:
    if not settings.traces or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    try:
        from effective_embeddings.server.observability.traces import Traces  # noqa: PLC0415 - an extra
    except ImportError:
        message = "traces need more: pip install 'effective-embeddings[otel]'"
        raise SettingsError(message) from None
    return Traces()


def serve(settings: Settings, *, on_ready: Callable[[ServerHandle], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then drain and return. Call it from the main thread.

    A second one ends the process at once, with exit status 1; the data stands that too. SIGHUP
    reads the tokens again. Under systemd the manager is told when it is ready, and when it stops.

    Args:
        settings: See Settings.
        on_ready: Called with the server once health says SERVING.

    Raises:
        ListenError: The address cannot be listened on.
        SettingsError: The tokens or the certificate cannot be used.
        StatusError: The data cannot be opened.
    """
    with Signals() as signals:
        handle = ServerHandle(settings)
        failures: list[BaseException] = []
        # Opening runs beside the main thread, which alone can take signals.
        opening = threading.Thread(target=_start, args=(handle, failures), name="effemb-open")
        opening.start()
        opening.join()
        if failures:
            raise failures[0]
        try:
            if not signals.stopping:
                if on_ready is not None:
                    on_ready(handle)
                notify("READY=1", f"STATUS=serving on {handle.target}")
            while (number := signals.wait()) == signal.SIGHUP:
                handle.reload()
            handle.turn_away()
            _log.info("draining signal=%s", number.name)
            notify("STOPPING=1", "STATUS=finishing the calls in flight")
        finally:
            handle.stop()


def _start(handle: ServerHandle, failures: list[BaseException]) -> None:
    try:
        handle.start()
    except BaseException as error:  # noqa: BLE001
        failures.append(error)
