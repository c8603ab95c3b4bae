"""From start to drain: one server around one engine."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Self

from effective_embeddings import _core
from effective_embeddings.server.build import build_server
from effective_embeddings.server.handlers import RestoreLike
from effective_embeddings.server.settings import Settings
from effective_embeddings.server.status import StartingError

__all__ = ["ServerHandle", "serve"]

_log = logging.getLogger("effective_embeddings.server")

# Between "no call is running" and "every reply has left".
_SECONDS_FOR_LAST_REPLIES = 0.5


class _LateEngine:
    """Stands in for the engine while it opens, which may take a recovery."""

    def __init__(self) -> None:
        self._engine: _core.Engine | None = None

    def set(self, engine: _core.Engine) -> None:
        self._engine = engine

    def _get(self) -> _core.Engine:
        if self._engine is None:
            raise StartingError
        return self._engine

    def call(
        self, method: str, request: bytes, grant: _core.Grant, timeout: float | None = None
    ) -> bytes:
        return self._get().call(method, request, grant, timeout)

    def snapshot(
        self, request: bytes, grant: _core.Grant, timeout: float | None = None
    ) -> Iterator[bytes]:
        return self._get().snapshot(request, grant, timeout)

    def restore(self, grant: _core.Grant) -> RestoreLike:
        return self._get().restore(grant)


class ServerHandle:
    """A server that runs beside the caller: a context manager, for tests, demos and embedding.

        with ServerHandle(Settings(data=path, listen="127.0.0.1:0")) as server:
            client = Client(server.target)

    ``start`` and ``stop`` do the same by hand. A handle starts once.

    Attributes:
        target: What a client connects to, with the port that was taken.
    """

    def __init__(self, settings: Settings) -> None:
        """Put the server together and take its port.

        Raises:
            ListenError: The address cannot be listened on.
        """
        self._settings = settings
        self._late = _LateEngine()
        self._engine: _core.Engine | None = None
        self._server = build_server(self._late, settings)
        self._stopped = False
        self.target = self._server.target

    def start(self) -> None:
        """Listen, open the data, then serve; returns when health says SERVING.

        Health answers NOT_SERVING, and calls UNAVAILABLE, while the data opens.

        Raises:
            StatusError: The data cannot be opened. The server has stopped again.
        """
        self._server.grpc.start()
        settings = self._settings
        begin = time.monotonic()
        try:
            engine = _core.Engine(
                settings.data,
                memory_budget=settings.memory_budget,
                kernel=settings.kernel,
                threads=settings.threads,
            )
        except BaseException:
            self.stop(drain_seconds=0)
            raise
        self._engine = engine
        self._late.set(engine)
        self._server.health.follow(engine.health)
        _log.info(
            "serving target=%s data=%s workers=%d version=%s open_seconds=%.2f",
            self.target,
            settings.data,
            settings.workers,
            _core.VERSION,
            time.monotonic() - begin,
        )

    def stop(self, drain_seconds: float | None = None) -> None:
        """Say NOT_SERVING, take no more calls, finish those in flight, close the data.

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
        server.health.drain()
        stopped = server.grpc.stop(drain_seconds)
        drained = server.pool.wait_idle(drain_seconds)
        if not stopped.wait(_SECONDS_FOR_LAST_REPLIES if drained else 0):
            # What is left are calls out of time, and streams that never end, such as health.Watch.
            server.grpc.stop(None)
        if self._engine is not None:
            self._engine.stop_writes()
            self._engine.close()
        server.health.close()
        server.pool.shutdown(wait=False)
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


def serve(settings: Settings, *, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then drain and return. Call it from the main thread.

    A second signal ends the process at once, with exit status 1; the data stands that too.

    Args:
        settings: See Settings.
        on_ready: Called with the target once health says SERVING.

    Raises:
        ListenError: The address cannot be listened on.
        StatusError: The data cannot be opened.
    """
    # A handler can run between any two steps of the main thread, so it must not wait for a lock
    # (Event.set does, and so does logging). Writing to a pipe needs none.
    reader, writer = os.pipe()
    signals: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if signals:
            os._exit(1)
        signals.append(number)
        os.write(writer, b"x")

    before = {
        number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        handle = ServerHandle(settings)
        failures: list[BaseException] = []
        # Opening runs beside the main thread, which alone can take signals.
        opening = threading.Thread(target=_start, args=(handle, failures), name="effemb-open")
        opening.start()
        opening.join()
        if failures:
            raise failures[0]
        try:
            if on_ready is not None and not signals:
                on_ready(handle.target)
            os.read(reader, 1)
            _log.info("draining signal=%s", signal.Signals(signals[0]).name)
        finally:
            handle.stop()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)


def _start(handle: ServerHandle, failures: list[BaseException]) -> None:
    try:
        handle.start()
    except BaseException as error:  # noqa: BLE001
        failures.append(error)
