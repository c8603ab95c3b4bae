"""Who is let in while more calls come than can be answered: of every caller as many.

Only while a queue stands: a burst that is over soon waits, and nobody is turned away. The idea of a
queue that may be long and must not stay so is that of CoDel (RFC 8289).
"""

from __future__ import annotations

import random
import time

from effective_embeddings.server.admission.refusals import overloaded

__all__ = ["CROWD", "Crowd"]

CROWD = 72
"""Calls of one method that wait to be looked at, and more than which are a crowd."""

_random = random.Random()  # noqa: S311 - spreads retries out; nothing secret
_RETRY_SECONDS = 0.2
# How long a queue may stand before calls are turned away, and again within a moment after that.
_FIRST_SECONDS, _AGAIN_SECONDS = 0.02, 0.003
_MOMENT_SECONDS = 0.2
# So many calls are let in in so short a time all the same: of a flood that could only just be
# turned away none would be answered otherwise.
_CALLS, _IN_SECONDS = 64, 0.01


class Crowd:
    """The calls of one method, seen by the one thread that brings them."""

    def __init__(self) -> None:
        # Since when the queue stands, and since when calls are counted.
        self._since: float | None = None
        self._counted_since = 0.0
        self._counts: dict[str, int] = {}
        self._turned_away = -_MOMENT_SECONDS

    def scatter(self) -> None:
        """The queue does not stand."""
        if self._since is not None:
            self._since = None
            self._counts.clear()

    def take(self, principal: str) -> None:
        """Count a call that came while the queue stands.

        Raises:
            Refusal: It has stood for too long, and others have not had as many.
        """
        now = time.monotonic()
        if self._since is None:
            self._since = now
        again = now - self._turned_away < _MOMENT_SECONDS
        if now - self._since < (_AGAIN_SECONDS if again else _FIRST_SECONDS):
            return
        counts = self._counts
        if now - self._counted_since > _IN_SECONDS:
            self._counted_since = now
            counts.clear()
        own = counts.get(principal, 0)
        if own * len(counts) >= _CALLS:
            self._turned_away = now
            limit = "waiting_calls"
            # Spread out, so that those who are refused together do not come back together.
            seconds = _RETRY_SECONDS * _random.randint(50, 150) / 100
            raise overloaded(limit, CROWD, seconds)
        counts[principal] = own + 1
