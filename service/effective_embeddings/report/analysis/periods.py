"""Time cut into periods of one round length."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from effective_embeddings.report.caps import MOST_BUCKETS

__all__ = ["Periods", "periods"]

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_LENGTHS = (
    *(1, 2, 5, 10, 15, 30),
    *(each * _MINUTE for each in (1, 2, 5, 10, 15, 30)),
    *(each * _HOUR for each in (1, 2, 3, 6, 12)),
    *(each * _DAY for each in (1, 2, 7, 14, 28, 91, 182, 364)),
)


@dataclass(frozen=True, slots=True)
class Periods:
    """Periods in a row.

    Attributes:
        start: When the first begins, in seconds since 1970, UTC.
        length: Of each, in seconds.
        count: How many.
    """

    start: int
    length: int
    count: int

    def place(self, seconds: float) -> int:
        """Return the number of the period of a time, from 0; times outside are in the next one."""
        return min(max(int((seconds - self.start) // self.length), 0), self.count - 1)

    def end(self, number: int) -> int:
        """Return when a period ends, in seconds since 1970."""
        return self.start + (number + 1) * self.length

    def label(self, number: int) -> str:
        """Return the beginning of a period, as short as it can be told from its neighbours."""
        begins = datetime.fromtimestamp(self.start + number * self.length, UTC)
        if self.length >= _DAY:
            return f"{begins:%Y-%m-%d}"
        if self.length * self.count > _DAY:
            return f"{begins:%m-%d %H:%M}"
        return f"{begins:%H:%M}" if self.length >= _MINUTE else f"{begins:%H:%M:%S}"

    @property
    def length_text(self) -> str:
        """The length in words."""
        for seconds, noun in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
            if self.length >= seconds:
                number = self.length // seconds
                return f"{number} {noun}s" if number > 1 else f"a {noun}"
        return f"{self.length} seconds" if self.length > 1 else "a second"

    @property
    def day(self) -> str:
        """The day on which the first period begins."""
        return f"{datetime.fromtimestamp(self.start, UTC):%Y-%m-%d}"


def periods(first: float, last: float) -> Periods:
    """Return the shortest round periods that cover a stretch of time in at most MOST_BUCKETS.

    Args:
        first: The earliest time, in seconds since 1970.
        last: The latest one, at least ``first``.
    """
    for length in _LENGTHS:
        start = math.floor(first / length) * length
        count = math.floor((last - start) / length) + 1
        if count <= MOST_BUCKETS:
            return Periods(start, length, count)
    length = math.ceil((last - first + 1) / (MOST_BUCKETS - 1) / _DAY) * _DAY
    start = math.floor(first / length) * length
    return Periods(start, length, math.floor((last - start) / length) + 1)
