"""Measure several contenders in turn, so that all of them see the same load of the machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Rounds", "interleave", "quantile", "ratios"]

Call = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Rounds:
    """Seconds per call, by contender and round."""

    seconds: dict[str, list[float]]

    def median(self, name: str) -> float:
        """Seconds per call in the median round."""
        return statistics.median(self.seconds[name])

    def fastest(self, names: Sequence[str]) -> str:
        """The contender with the lowest median."""
        return min(names, key=self.median)

    def ratio(self, numerator: str, denominator: str) -> tuple[float, tuple[float, float]]:
        """Median and quartiles of the ratio of two contenders' times, round by round."""
        return ratios(self.seconds[numerator], self.seconds[denominator])


def interleave(
    contenders: Mapping[str, Call],
    rounds: int,
    slice_seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> Rounds:
    """Call each contender for about ``slice_seconds`` a round, and begin with another each round.

    A contender receives the number of its call, so that it can vary its input. ``clock``:
    ``time.process_time`` leaves out the time in which other processes ran, where every contender
    works in this process.
    """
    repeats = {name: _repeats(call, slice_seconds, clock) for name, call in contenders.items()}
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            call, repeat = contenders[name], repeats[name]
            # The previous contender has left its own data in the caches.
            call(number)
            begin = clock()
            for index in range(repeat):
                call(number + index)
            seconds[name].append((clock() - begin) / repeat)
    return Rounds(seconds)


def _repeats(call: Call, slice_seconds: float, clock: Callable[[], float]) -> int:
    call(0)
    count, begin = 0, clock()
    while clock() - begin < slice_seconds:
        call(count)
        count += 1
    return count


def ratios(
    numerators: Sequence[float], denominators: Sequence[float]
) -> tuple[float, tuple[float, float]]:
    """Median and quartiles of the ratios, round by round."""
    each = [a / b for a, b in zip(numerators, denominators, strict=True)]
    return statistics.median(each), (quantile(each, 0.25), quantile(each, 0.75))


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of the values are (the nearest one)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
