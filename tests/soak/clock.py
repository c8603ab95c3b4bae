"""Latencies, each with its kind and time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Latencies", "Timed", "Timer"]


@dataclass(frozen=True, slots=True)
class Timed:
    """An answered call; times in seconds.

    Attributes:
        kind: The kind of call.
        end: The end, since the start of the load.
        took: The latency, from the time at which the call was due.
    """

    kind: str
    end: float
    took: float


class Latencies:
    """All calls of a soak."""

    def __init__(self) -> None:
        self.begin = time.monotonic()
        self.calls: list[Timed] = []
        self._lock = threading.Lock()

    def add(self, kind: str, start: float) -> None:
        """Record a call that ends now and began at ``start`` by the monotonic clock."""
        now = time.monotonic()
        with self._lock:
            self.calls.append(Timed(kind, now - self.begin, now - start))


class Timer:
    """Times the calls of one session; the first one counts from when it was due."""

    def __init__(self, latencies: Latencies, due: float) -> None:
        self._latencies = latencies
        self._due: float | None = due

    @contextmanager
    def __call__(self, kind: str) -> Iterator[None]:
        """Time the body, unless it raises."""
        start = time.monotonic() if self._due is None else self._due
        self._due = None
        yield
        self._latencies.add(kind, start)
