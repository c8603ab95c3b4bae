"""Clients that stop in the middle of a call: waited for, and not for ever.

gRPC has no limit of its own here. A call whose client has sent its headers and then nothing, or
does not take what it asked for, would hold a thread (and a snapshot its view of the store) for as
long as the connection lives.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Protocol

__all__ = ["StallTimeout"]

_log = logging.getLogger("effective_embeddings.server")


class _Waiting(Protocol):
    """A call, of either kind."""

    def peer(self) -> str:
        """Say who calls."""

    def cancel(self) -> object:
        """End it."""


class StallTimeout:
    """Cancels calls that have waited too long for their clients."""

    def __init__(self, seconds: float) -> None:
        """Make it; ``start`` makes it work.

        Args:
            seconds: How long a call may wait for its client.
        """
        self._seconds = seconds
        self._waiting: dict[_Waiting, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="effemb-patience", daemon=True)
        self.cancelled = 0

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; idempotent."""
        self._stop.set()

    # One step on a dict each, so no lock.

    def begin(self, call: _Waiting) -> None:
        """From now on the call waits for its client."""
        self._waiting[call] = time.monotonic() + self._seconds

    def end(self, call: _Waiting) -> None:
        """The call does not wait for its client; idempotent."""
        self._waiting.pop(call, None)

    def _watch(self) -> None:
        while not self._stop.wait(min(1.0, self._seconds / 4)):
            now = time.monotonic()
            for call, until in list(self._waiting.items()):
                if until < now and self._waiting.pop(call, None) is not None:
                    self.cancelled += 1
                    _log.warning(
                        "cancelled reason=slow_client seconds=%g peer=%r",
                        self._seconds,
                        call.peer(),
                    )
                    call.cancel()
