"""Latencies, each with its kind and when it was."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Latencies", "Timed", "Timer"]


@dataclass(frozen=True, slots=True)
class Timed:
    """A call that was answered; times in seconds.

    Attributes:
        kind: Which kind of call.
        end: When, since the load began.
        took: From when it was due.
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
        """A call that began at ``start`` by the monotonic clock has ended now."""
        now = time.monotonic()
        with self._lock:
            self.calls.append(Timed(kind, now - self.begin, now - start))


class Timer:
    """Times the calls of one visit; its first one began when it was due, late or not."""

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
