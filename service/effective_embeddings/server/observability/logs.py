"""Log lines: text for people or JSON for programs, one line each, whatever is in them."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from logging.handlers import WatchedFileHandler
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Any, TextIO

__all__ = ["MAX_REFUSALS_PER_SECOND", "AuditLog", "JsonFormatter", "TextFormatter", "setup_logging"]

# Control characters, and what other programs take for the end of a line. Bidirectional marks too:
# they show a line in another order than it has.
_UNSAFE = {
    **{number: f"\\x{number:02x}" for number in (*range(32), *range(127, 160))},
    **{ord(c): f"\\u{ord(c):04x}" for c in "\u2028\u2029\u202a\u202b\u202c\u202d\u202e"},
    **{ord(c): f"\\u{ord(c):04x}" for c in "\u200e\u200f\u2066\u2067\u2068\u2069"},
}


def _stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{seconds % 1:.3f}"[-4:]


class TextFormatter(logging.Formatter):
    """``time LEVEL message``, in UTC; an exception follows on lines that begin with a bar."""

    def format(self, record: logging.LogRecord) -> str:
        """See ``logging.Formatter``."""
        message = record.getMessage().translate(_UNSAFE)
        line = f"{_stamp(record.created)}Z {record.levelname} {message}"
        if record.exc_info:
            trace = self.formatException(record.exc_info).splitlines()
            line += "".join(f"\n  | {each.translate(_UNSAFE)}" for each in trace)
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and exception where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """See ``logging.Formatter``."""
        entry = {
            "time": f"{_stamp(record.created)}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def setup_logging(level: str, form: str, stream: TextIO | None = None) -> None:
    """Send the process's log to the standard error.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        form: ``text`` or ``json``.
        stream: Another place.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


# Lines that wait to be written: some 300 KiB.
_MAX_SOON = 1024
# Lines a second of what was not done, beyond a burst of as many as may wait: so that nobody fills a
# disk by being refused. Strangers have as many of their own, and hide no caller that is known.
MAX_REFUSALS_PER_SECOND = 100
_SECONDS_TO_CLOSE = 2.0


class AuditLog:
    """Who changed what, and who was refused: a JSON line each.

    It holds principals, methods, namespaces as the caller named them, and outcomes; never a
    vector, a key, a token or a text of the caller's. The file may be moved away at any time: a
    new one is begun.

    The line of a write that was done is there before its caller is answered. What was not done is
    written beside the calls; where it comes faster than the disk takes it, or for longer than a
    moment faster than ``MAX_REFUSALS_PER_SECOND``, some of it is left out, and a line says how
    much, once a second.
    """

    def __init__(self, path: Path) -> None:
        """Open the file; it is made, for the owner alone, if it is missing.

        Raises:
            OSError: It cannot be written.
        """
        path.touch(mode=0o600)
        self._handler = WatchedFileHandler(path, encoding="utf-8")
        self._handler.setFormatter(logging.Formatter("%(message)s"))
        self._soon: Queue[str | None] = Queue(_MAX_SOON)
        self._left_out = 0
        self._strangers = _Allowance(MAX_REFUSALS_PER_SECOND, _MAX_SOON)
        self._known = _Allowance(MAX_REFUSALS_PER_SECOND, _MAX_SOON)
        # A daemon: a disk that never answers does not keep the process from ending.
        self._writer = threading.Thread(target=self._write_all, name="effemb-audit", daemon=True)
        self._writer.start()

    def write(self, **entry: Any) -> None:
        """Write a line; None values are left out."""
        self._put(_line(entry))

    def write_soon(self, **entry: Any) -> None:
        """Write a line without waiting for the disk, or count it where there are too many."""
        allowance = self._strangers if entry.get("principal") is None else self._known
        if allowance.take():
            with suppress(Full):
                self._soon.put_nowait(_line(entry))
                return
        # Two threads may count one of theirs as one: the line says "at least".
        self._left_out += 1

    def _put(self, line: str) -> None:
        self._handler.handle(logging.LogRecord("audit", logging.INFO, "", 0, line, None, None))

    def _write_all(self) -> None:
        told = 0.0
        going_on = True
        while going_on:
            with suppress(Empty):
                line = self._soon.get(timeout=1.0)
                going_on = line is not None
                if line is not None:
                    self._put(line)
            now = time.monotonic()
            due = now - told >= 1.0 and self._soon.empty()
            if self._left_out and (due or not going_on):
                told = now
                left_out, self._left_out = self._left_out, 0
                self._put(_line({"left_out_at_least": left_out}))

    def close(self) -> None:
        """Write what waits, for a while at most, and close the file; idempotent."""
        if self._writer.is_alive():
            with suppress(Full):
                self._soon.put(None, timeout=_SECONDS_TO_CLOSE)
            self._writer.join(_SECONDS_TO_CLOSE)
        if not self._writer.is_alive():
            self._handler.close()


class _Allowance:
    """So many a second on average, after so many at once; safe for many threads."""

    def __init__(self, per_second: float, at_once: float) -> None:
        self._per_second = per_second
        self._at_once = at_once
        self._left = at_once
        self._since = time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take one; say whether there was one."""
        with self._lock:
            now = time.monotonic()
            grown = self._left + (now - self._since) * self._per_second
            self._since = now
            self._left = min(self._at_once, grown)
            if self._left < 1:
                return False
            self._left -= 1
            return True


def _line(entry: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in entry.items() if value is not None}
    return json.dumps({"time": f"{_stamp(time.time())}Z", **kept})
