"""Log lines: text for people or JSON for programs, one line each, whatever is in them."""

from __future__ import annotations

import json
import logging
import sys
import time
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any, TextIO

__all__ = ["AuditLog", "JsonFormatter", "TextFormatter", "setup_logging"]

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


class AuditLog:
    """Who changed what, and who was refused: a JSON line each.

    It holds principals, methods, namespaces as the caller named them, and outcomes; never a
    vector, a key, a token or a text of the caller's. The file may be moved away at any time: a
    new one is begun.
    """

    def __init__(self, path: Path) -> None:
        """Open the file; it is made, for the owner alone, if it is missing.

        Raises:
            OSError: It cannot be written.
        """
        path.touch(mode=0o600)
        self._handler = WatchedFileHandler(path, encoding="utf-8")
        self._handler.setFormatter(logging.Formatter("%(message)s"))

    def write(self, **entry: Any) -> None:
        """Write a line; None values are left out."""
        kept = {name: value for name, value in entry.items() if value is not None}
        line = json.dumps({"time": f"{_stamp(time.time())}Z", **kept})
        self._handler.handle(logging.LogRecord("audit", logging.INFO, "", 0, line, None, None))

    def close(self) -> None:
        """Close the file; idempotent."""
        self._handler.close()
