"""How often each token may call: a bucket of calls each, which fills as time passes."""

from __future__ import annotations

import math
import threading
import time

from effective_embeddings.server.admission.refusals import rate_limited
from effective_embeddings.server.auth.tokens import MAX_ENTRIES, Identity

__all__ = ["Rates"]

# Tokens come and go; more than there can be at a time are not remembered.
_MAX_BUCKETS = 4 * MAX_ENTRIES


class Rates:
    """Counts the calls made with each token; safe for many threads."""

    def __init__(self, calls_per_second: float, burst_calls: int) -> None:
        """Make it.

        Args:
            calls_per_second: Calls on average, of a token that has no rate of its own; 0: as many
                as it likes.
            burst_calls: Calls at once; 0: those of one second, and at least 1.
        """
        self._calls_per_second = calls_per_second
        self._burst_calls = burst_calls
        self._lock = threading.Lock()
        # Calls left, and when that was so.
        self._buckets: dict[bytes, tuple[float, float]] = {}

    def take(self, identity: Identity) -> None:
        """Count a call.

        Raises:
            Refusal: It is one too many, for now.
        """
        own = identity.calls_per_second
        rate = self._calls_per_second if own is None else own
        if not rate:
            return
        burst = max(1.0, self._burst_calls or rate)
        now = time.monotonic()
        with self._lock:
            left, since = self._buckets.get(identity.token, (burst, now))
            left = min(burst, left + (now - since) * rate)
            taken = left >= 1.0
            if len(self._buckets) >= _MAX_BUCKETS:
                self._buckets.clear()
            self._buckets[identity.token] = (left - 1.0 if taken else left, now)
        if not taken:
            # In steps, of which there are few: what is told many times is made once.
            raise rate_limited(rate, math.ceil((1.0 - left) / rate * 100) / 100)
