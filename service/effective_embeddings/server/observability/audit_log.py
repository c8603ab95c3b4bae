"""The audit log: a JSON line for each write and for each refused call."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Any

from effective_embeddings._core import TokenBucket
from effective_embeddings.server.observability.audit_file import AuditFile
from effective_embeddings.server.observability.log_format import utc

__all__ = ["MAX_REFUSALS_PER_SECOND", "AuditLog"]

_log = logging.getLogger("effective_embeddings.server")

# Lines that wait to be written: some 300 KiB.
_MAX_QUEUED = 1024
# Lines a second about refused calls, beyond a burst of as many as may wait: refused callers cannot
# fill a disk. Callers without a known token share a budget of their own, so that they hide no
# known caller.
MAX_REFUSALS_PER_SECOND = 100
_SECONDS_TO_CLOSE = 2.0
_SECONDS_BETWEEN_WARNINGS = 60.0


class AuditLog:
    """Writes and refusals with their callers: a JSON line each.

    A line holds the principal, the method, the namespace as the caller named it, and the outcome;
    never a vector, a key, a token or a text of the caller. The file may be moved away at any time:
    a new one is created.

    The line of a finished write is in the file before its caller is answered. Lines of refused
    calls are written by another thread; lines beyond the speed of the disk, or beyond
    ``MAX_REFUSALS_PER_SECOND``, are left out, and one line a second counts them.

    While the file cannot be written, lines of finished writes wait in memory, at most 1024 of them,
    and are written first once it can be written again; others are lost and counted.

    Attributes:
        lost: Lines that are lost because the file could not be written.
    """

    def __init__(self, path: Path, *, refuse: bool = True) -> None:
        """Open the file; a missing one is created, for its owner alone.

        Args:
            path: The file.
            refuse: Refuse writes while the file cannot be written.

        Raises:
            OSError: The file cannot be written.
        """
        self._file = AuditFile(path)
        self._refuse = refuse
        self.lost = 0
        self._failure: str | None = None
        self._lock = threading.Lock()
        self._unwritten: deque[str] = deque()
        self._queue: Queue[str | None] = Queue(_MAX_QUEUED)
        self._left_out = 0
        self._warned = -_SECONDS_BETWEEN_WARNINGS
        self._lost_before = 0
        self._unknown = TokenBucket(MAX_REFUSALS_PER_SECOND, _MAX_QUEUED)
        self._known = TokenBucket(MAX_REFUSALS_PER_SECOND, _MAX_QUEUED)
        # A daemon: a disk that never answers does not keep the process from ending.
        self._writer = threading.Thread(target=self._write_all, name="effemb-audit", daemon=True)
        self._writer.start()

    @property
    def failure(self) -> str | None:
        """Why the file cannot be written now; None: it can."""
        return self._failure

    @property
    def refusal(self) -> str | None:
        """Why writes must be refused now; None: they need not."""
        return self._failure if self._refuse else None

    def write(self, **entry: Any) -> None:
        """Write the line of a finished write; None values are left out."""
        self._put(_line(entry), keep=True)

    def write_soon(self, **entry: Any) -> None:
        """Queue the line of a refused call; count it if there are too many."""
        bucket = self._unknown if entry.get("principal") is None else self._known
        if bucket.try_take():
            with suppress(Full):
                self._queue.put_nowait(_line(entry))
                return
        # Two threads may count one of theirs as one: the line says "at least".
        self._left_out += 1

    def close(self) -> None:
        """Write the queued lines, for two seconds at most, and close the file; idempotent."""
        if self._writer.is_alive():
            with suppress(Full):
                self._queue.put(None, timeout=_SECONDS_TO_CLOSE)
            self._writer.join(_SECONDS_TO_CLOSE)
        if not self._writer.is_alive():
            self._file.close()

    def _put(self, line: str, *, keep: bool) -> None:
        with self._lock:
            # While the file fails only ``_recover`` tries it again, not every line.
            if self._failure is None:
                self._unwritten.append(line)
                if not self._write_unwritten() and not keep:
                    self._unwritten.pop()
                    self.lost += 1
            elif keep and len(self._unwritten) < _MAX_QUEUED:
                self._unwritten.append(line)
            else:
                self.lost += 1

    def _write_unwritten(self) -> bool:
        """Write the waiting lines; return whether all are written."""
        try:
            while self._unwritten:
                self._file.append(self._unwritten[0])
                self._unwritten.popleft()
        except OSError as error:
            self._failure = error.strerror or str(error)
            return False
        if self._failure is not None:
            self._failure = None
            _log.warning("audit log failing=false lost=%d", self.lost - self._lost_before)
            self._lost_before = self.lost
            self._warned = -_SECONDS_BETWEEN_WARNINGS
        return True

    def _write_all(self) -> None:
        reported = 0.0
        going_on = True
        while going_on:
            with suppress(Empty):
                line = self._queue.get(timeout=1.0)
                going_on = line is not None
                if line is not None:
                    self._put(line, keep=False)
            now = time.monotonic()
            due = now - reported >= 1.0 and self._queue.empty()
            if self._left_out and (due or not going_on):
                reported = now
                left_out, self._left_out = self._left_out, 0
                self._put(_line({"left_out_at_least": left_out}), keep=False)
            self._recover(now)

    def _recover(self, now: float) -> None:
        """Try again while the file cannot be written, and warn once a minute."""
        if self._failure is None:
            return
        with self._lock:
            self._unwritten.append(_line({"lost": self.lost - self._lost_before}))
            if self._write_unwritten():
                return
            self._unwritten.pop()
        if now - self._warned >= _SECONDS_BETWEEN_WARNINGS:
            self._warned = now
            _log.error("audit log failing=true reason=%r lost=%d", self._failure, self.lost)


def _line(entry: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in entry.items() if value is not None}
    return json.dumps({"time": utc(time.time()), **kept})
