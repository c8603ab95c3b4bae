"""The form of a log line: text for people or JSON for programs; hostile content stays one line."""

from __future__ import annotations

import json
import logging
import time

__all__ = ["JsonFormatter", "TextFormatter"]

# Control characters, and characters that other programs treat as the end of a line. Bidirectional
# marks too: they display a line in another order.
_UNSAFE = {
    **{number: f"\\x{number:02x}" for number in (*range(32), *range(127, 160))},
    **{ord(c): f"\\u{ord(c):04x}" for c in "\u2028\u2029\u202a\u202b\u202c\u202d\u202e"},
    **{ord(c): f"\\u{ord(c):04x}" for c in "\u200e\u200f\u2066\u2067\u2068\u2069"},
}


def _utc(seconds: float) -> str:
    """Return a time in ISO 8601 with milliseconds, such as 2026-01-31T12:00:00.000Z."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{stamp}.{int(seconds % 1 * 1000):03}Z"


class TextFormatter(logging.Formatter):
    """``time LEVEL message``, in UTC; an exception follows on lines that begin with a bar."""

    def format(self, record: logging.LogRecord) -> str:
        """See ``logging.Formatter``."""
        message = record.getMessage().translate(_UNSAFE)
        line = f"{_utc(record.created)} {record.levelname} {message}"
        if record.exc_info:
            trace = self.formatException(record.exc_info).splitlines()
            line += "".join(f"\n  | {each.translate(_UNSAFE)}" for each in trace)
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the exception, if any."""

    def format(self, record: logging.LogRecord) -> str:
        """See ``logging.Formatter``."""
        entry = {
            "time": _utc(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)
