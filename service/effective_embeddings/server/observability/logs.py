"""The process's log on the standard error, written by a thread of its own.

A reader of the standard error may stop, and its pipe holds 64 KiB. A call must not wait for it, so
lines wait in a bounded queue, and lines beyond that are dropped and counted.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from queue import Full, Queue

from effective_embeddings.server.observability.log_format import JsonFormatter, TextFormatter

__all__ = ["MAX_QUEUED_LINES", "QueuedHandler", "dropped_lines", "setup_logging"]

MAX_QUEUED_LINES = 1024
_SECONDS_TO_FLUSH = 2.0


class QueuedHandler(logging.Handler):
    """Writes to a file descriptor from a thread of its own.

    It writes to the descriptor and not to ``sys.stderr``, whose lock a blocked thread would hold
    while the interpreter ends.

    Attributes:
        dropped: Lines that were dropped because the queue was full.
    """

    def __init__(self, descriptor: int) -> None:
        """Start the thread.

        Args:
            descriptor: The file descriptor; it stays open.
        """
        super().__init__()
        self.dropped = 0
        self._descriptor = descriptor
        self._lines: Queue[str] = Queue(MAX_QUEUED_LINES)
        # A daemon: a reader that never comes back does not keep the process from ending.
        threading.Thread(target=self._write_all, name="effemb-log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record's line; drop and count it if the queue is full."""
        try:
            self._lines.put_nowait(self.format(record))
        except Full:
            self.dropped += 1

    def flush(self) -> None:
        """Wait until all lines are written, for two seconds at most."""
        end = time.monotonic() + _SECONDS_TO_FLUSH
        while self._lines.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.001)

    def _write_all(self) -> None:
        reported = 0
        while True:
            line = self._lines.get()
            dropped = self.dropped
            if dropped != reported:
                missing = dropped - reported
                reported = dropped
                self._write(self.format(_record(f"log lines dropped={missing}")))
            self._write(line)
            self._lines.task_done()

    def _write(self, line: str) -> None:
        left = memoryview(f"{line}\n".encode(errors="backslashreplace"))
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except OSError:
                # The reader has closed the pipe, and the log has no other output.
                return


def _record(message: str) -> logging.LogRecord:
    logger = "effective_embeddings.server"
    return logging.LogRecord(logger, logging.WARNING, "", 0, message, None, None)


_handlers: list[QueuedHandler] = []


def setup_logging(level: str, form: str, descriptor: int | None = None) -> None:
    """Send the process's log to the standard error.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        form: ``text`` or ``json``.
        descriptor: Another file descriptor.
    """
    handler = QueuedHandler(sys.stderr.fileno() if descriptor is None else descriptor)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    _handlers[:] = [handler]
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def dropped_lines() -> int:
    """Return how many log lines were dropped since ``setup_logging``."""
    return sum(each.dropped for each in _handlers)
