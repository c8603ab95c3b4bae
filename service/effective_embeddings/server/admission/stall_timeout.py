"""The stall timeout: calls whose clients stop sending or reading are cancelled.

gRPC has no limit of its own here. A call whose client has sent its headers and nothing more, or
does not take its reply, would hold memory, a permit and often a thread for as long as the
connection lives.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Protocol

from effective_embeddings._core import StreamPace

__all__ = [
    "MIN_REPLY_BYTES_PER_SECOND",
    "MIN_STREAM_BYTES_PER_SECOND",
    "StallTimeout",
    "StreamWaits",
]

_log = logging.getLogger("effective_embeddings.server")

MIN_STREAM_BYTES_PER_SECOND = 1024
"""The rate at which a client must send or take a stream, while the server waits for the client."""

MIN_REPLY_BYTES_PER_SECOND = 256 * 1024
"""The rate at which a client must take a unary reply, beyond the stall timeout: gRPC says when all
of the reply is gone, and not how much of it."""


class _Waiting(Protocol):
    """A call, unary or streaming."""

    def peer(self) -> str:
        """Return the client's address."""

    def cancel(self) -> object:
        """Cancel the call."""


class StallTimeout:
    """Cancels calls that have waited too long for their clients; ``start`` starts its thread.

    Attributes:
        seconds: How long a call may wait for its client.
        cancelled: Number of calls that were cancelled.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.cancelled = 0
        self._waiting: dict[_Waiting, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="effemb-stall", daemon=True)

    def start(self) -> None:
        """Start to cancel calls."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; idempotent."""
        self._stop.set()

    # Each is one operation on a dict, so neither needs a lock.

    def begin(self, call: _Waiting, seconds: float | None = None) -> None:
        """Note that a call waits for its client from now on.

        Args:
            call: The call.
            seconds: How long it may wait; None: ``self.seconds``.
        """
        self._waiting[call] = time.monotonic() + (self.seconds if seconds is None else seconds)

    def begin_reply(self, call: _Waiting, reply_bytes: int) -> None:
        """Note that a call waits for its client to take a reply."""
        self.begin(call, self.seconds + reply_bytes / MIN_REPLY_BYTES_PER_SECOND)

    def end(self, call: _Waiting) -> None:
        """Note that a call does not wait for its client; idempotent."""
        self._waiting.pop(call, None)

    def _watch(self) -> None:
        while not self._stop.wait(min(1.0, self.seconds / 4)):
            now = time.monotonic()
            for call, until in list(self._waiting.items()):
                if until < now and self._waiting.pop(call, None) is not None:
                    self.cancelled += 1
                    _log.warning(
                        "cancelled reason=stalled_client seconds=%g peer=%r",
                        self.seconds,
                        call.peer(),
                    )
                    call.cancel()


class StreamWaits:
    """The waits of one stream for its client: each within the stall timeout, all by a least rate.

    Without the rate a client could hold a stream's permit for ever with a byte per timeout.
    """

    def __init__(self, stall_timeout: StallTimeout, call: _Waiting) -> None:
        self._stall_timeout = stall_timeout
        self._call = call
        self._pace = StreamPace(MIN_STREAM_BYTES_PER_SECOND, stall_timeout.seconds)
        self._began = 0.0

    def begin(self) -> None:
        """Begin to wait for the client to send or take a message."""
        self._began = time.monotonic()
        self._stall_timeout.begin(self._call, self._pace.allowance)

    def end(self, message: bytes | None = None) -> None:
        """End the wait; idempotent.

        Args:
            message: What was sent or taken; None: nothing.
        """
        self._stall_timeout.end(self._call)
        if message is not None:
            self._pace.advance(time.monotonic() - self._began, len(message))
