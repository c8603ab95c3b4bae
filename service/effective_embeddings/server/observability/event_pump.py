"""Takes the events of a server's calls: lines for the log, and spans."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from effective_embeddings._core import Events

if TYPE_CHECKING:
    from effective_embeddings.server.observability.traces import Traces

__all__ = ["EventPump"]

_log = logging.getLogger("effective_embeddings.server")

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_SECONDS = 1.0


class EventPump:
    """A thread that logs lines and records spans; no call waits for it."""

    def __init__(self, events: Events, traces: Traces | None) -> None:
        """Start the thread.

        Args:
            events: What the core has to say.
            traces: Takes spans; None: there are no spans.
        """
        self._events = events
        self._traces = traces
        self._thread = threading.Thread(target=self._pump, name="effemb-events", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Log what is left, and end the thread; idempotent."""
        self._events.close()
        self._thread.join(_SECONDS)

    def _pump(self) -> None:
        while (taken := self._events.take(_SECONDS)) is not None:
            lines, spans = taken
            for level, message in lines:
                _log.log(_LEVELS[level], "%s", message)
            if self._traces is not None:
                for span in spans:
                    self._traces.record(*span)
