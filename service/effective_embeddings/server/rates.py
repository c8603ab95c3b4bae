"""How often each principal may call: a token bucket each."""

from __future__ import annotations

import threading
import time

__all__ = ["Rates"]


class Rates:
    """Counts the calls of each principal; safe for many threads.

    There are as many buckets as principals that have called; tokens name at most 1,024.
    """

    def __init__(self, calls_per_second: float, burst: float) -> None:
        """Make it.

        Args:
            calls_per_second: Calls on average; 0: as many as they like.
            burst: Calls at once, at least 1 where there is a rate.
        """
        self.calls_per_second = calls_per_second
        self._burst = max(1.0, burst)
        self._lock = threading.Lock()
        # Calls left, and when that was so.
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, principal: str) -> float:
        """Count a call; return 0, or the seconds after which it would be let in."""
        rate = self.calls_per_second
        if not rate:
            return 0.0
        now = time.monotonic()
        with self._lock:
            left, since = self._buckets.get(principal, (self._burst, now))
            left = min(self._burst, left + (now - since) * rate)
            if left >= 1.0:
                self._buckets[principal] = (left - 1.0, now)
                return 0.0
            self._buckets[principal] = (left, now)
            return (1.0 - left) / rate
