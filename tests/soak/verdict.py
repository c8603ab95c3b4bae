"""The verdict: the last third of a soak against its first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import TypeVar

import numpy as np

from bench.harness.measurement import Bound, Figure
from tests.soak.clock import Timed
from tests.soak.load import CALLERS, REFERENCE
from tests.soak.samples import Sample, Tables

__all__ = ["Seen", "judge"]

_MIB = 2.0**20
#: The first tenth is skipped: caches fill and threads start.
_WARM = 0.1
_SHARE = 0.3
#: A soak shorter than this (seconds) ends while warming up, and has other bounds.
_LONG = 600.0
#: With fewer calls of a kind in a third, its median is too noisy.
_ENOUGH = 50
#: It reads the whole history, which grows by design.
_GROWS = frozenset({"verify"})

_T = TypeVar("_T", Sample, Tables)


@dataclass(frozen=True, slots=True)
class Seen:
    """The observations of a soak.

    Attributes:
        seconds: Its duration.
        samples: Samples of the process and its files.
        tables: Samples of the database's tables.
        calls: All answered calls.
    """

    seconds: float
    samples: Sequence[Sample]
    tables: Sequence[Tables]
    calls: Sequence[Timed]

    def thirds(self, of: Sequence[_T]) -> tuple[list[_T], list[_T]]:
        """The samples of the first third after the warm-up, and of the last."""
        first = [each for each in of if self._is_early(each.at)]
        last = [each for each in of if self._is_late(each.at)]
        return first, last

    def calls_of(self, kind: str) -> tuple[list[float], list[float]]:
        """The latencies of a kind of call in these thirds."""
        calls = [call for call in self.calls if call.kind == kind]
        early = [call.took for call in calls if self._is_early(call.end)]
        return early, [call.took for call in calls if self._is_late(call.end)]

    def _is_early(self, at: float) -> bool:
        return _WARM <= at / self.seconds < _WARM + _SHARE

    def _is_late(self, at: float) -> bool:
        return at / self.seconds >= 1 - _SHARE


def judge(seen: Seen) -> list[Figure]:
    """All figures, each with its bound."""
    return [*_process(seen), *_files(seen), *_latencies(seen)]


def _at_most(
    what: str,
    value: float,
    unit: str,
    target: float | None,
    parts: dict[str, float | str] | None = None,
) -> Figure:
    return Figure(
        what=what, value=value, unit=unit, target=target, bound=Bound.AT_MOST, parts=parts or {}
    )


def _process(seen: Seen) -> list[Figure]:
    long = seen.seconds >= _LONG
    first, last = seen.thirds(seen.samples)

    def of(look: Callable[[Sample], float], take: Callable[[list[float]], float]) -> list[float]:
        return [take([look(each) for each in third]) for third in (first, last)]

    memory = of(lambda each: each.memory / _MIB, median)
    descriptors = of(lambda each: each.descriptors, max)
    threads = of(lambda each: each.threads, max)
    told = [each.log for each in (seen.samples[0], seen.samples[-1])]
    cpu = [_cpu_per_call(seen, third) for third in (first, last)]
    return [
        _at_most(
            "memory, last third over the first",
            memory[1] - memory[0],
            "MiB",
            16 if long else 96,
            {"first MiB": memory[0], "last MiB": memory[1]},
        ),
        _at_most(
            "memory, trend of the second half", _slope(seen), "MiB an hour", 16 if long else None
        ),
        _at_most(
            "open files and connections, more than in the first third",
            descriptors[1] - descriptors[0],
            "",
            4 if long else 16,
            {"first": descriptors[0], "last": descriptors[1]},
        ),
        # The server keeps a thread per concurrent call at the peak: at most one per session of the
        # load.
        _at_most(
            "threads, more than in the first third",
            threads[1] - threads[0],
            "",
            CALLERS,
            {"first": threads[0], "last": threads[1]},
        ),
        _at_most(
            "CPU of the server for each call, last third over the first",
            cpu[1] / cpu[0],
            "×",
            1.15 if long else None,
            {"first ms": cpu[0] * 1000, "last ms": cpu[1] * 1000},
        ),
        _at_most("growth of the server's log", (told[1] - told[0]) / 1024, "KiB", 16),
    ]


def _slope(seen: Seen) -> float:
    """MiB per hour: the median slope between samples that are half the duration apart."""
    late = [each for each in seen.samples if each.at >= seen.seconds / 2]
    half = len(late) // 2
    slopes = [
        (b.memory - a.memory) / _MIB / ((b.at - a.at) / 3600)
        for a, b in zip(late, late[half:], strict=False)
        if b.at > a.at
    ]
    return median(slopes) if slopes else 0.0


def _cpu_per_call(seen: Seen, third: list[Sample]) -> float:
    begin, end = third[0], third[-1]
    calls = sum(begin.at <= call.end < end.at for call in seen.calls)
    return (end.cpu - begin.cpu) / max(calls, 1)


def _files(seen: Seen) -> list[Figure]:
    long = seen.seconds >= _LONG
    first, last = seen.thirds(seen.samples)
    wal = [max(each.wal for each in third) / _MIB for third in (first, last)]
    count = [max(each.file_count for each in third) for third in (first, last)]
    others = [max(each.others for each in third) for third in (first, last)]
    early, late = seen.thirds(seen.tables)

    def mean(look: Callable[[Tables], float]) -> list[float]:
        return [fmean([look(each) for each in third]) for third in (early, late)]

    held = mean(lambda each: (each.rows + each.free) / _MIB)
    items = mean(lambda each: each.items)
    entry = mean(lambda each: each.history / each.entries)
    answer = mean(lambda each: each.answers / max(each.requests, 1))
    newest = seen.tables[-1]
    return [
        _at_most(
            "largest size of the WAL, last third over the first",
            wal[1] / max(wal[0], 1),
            "×",
            1.25 if long else None,
            {"first MiB": wal[0], "last MiB": wal[1]},
        ),
        # It is checkpointed from 64 MiB on, and a running snapshot keeps it from restarting.
        _at_most(
            "largest size of the WAL",
            max(each.wal for each in seen.samples) / _MIB,
            "MiB",
            128,
        ),
        _at_most(
            "database without its history: rows and free pages, last third over the first",
            held[1] / held[0],
            "×",
            1.05 if long else 1.6,
            {
                "first MiB": held[0],
                "last MiB": held[1],
                "first items": items[0],
                "last items": items[1],
                "free in the end MiB": newest.free / _MIB,
            },
        ),
        _at_most(
            "history for each change, last third over the first",
            entry[1] / entry[0],
            "×",
            1.05 if long else 1.6,
            {
                "bytes a change": entry[1],
                "changes in the end": newest.entries,
                "history in the end MiB": newest.history / _MIB,
            },
        ),
        _at_most(
            "stored answers to request ids, each, last third over the first",
            answer[1] / answer[0],
            "×",
            1.05 if long else 1.6,
            {
                "bytes an answer": answer[1],
                "answers in the end": newest.requests,
                "answers in the end MiB": newest.answers / _MIB,
            },
        ),
        _at_most(
            "files in the directory, more than in the first third", count[1] - count[0], "", 0
        ),
        _at_most(
            "lock and watermark, growth since the first third", others[1] - others[0], "bytes", 0
        ),
    ]


def _latencies(seen: Seen) -> list[Figure]:
    """Medians relative to those of the reference, which cancels the load of the machine."""
    long = seen.seconds >= _LONG
    reference = seen.calls_of(REFERENCE)
    if min(map(len, reference)) < _ENOUGH:
        return []
    calm = [median(third) for third in reference]
    figures = []
    for kind in sorted({call.kind for call in seen.calls} - {REFERENCE}):
        thirds = seen.calls_of(kind)
        if min(map(len, thirds)) < _ENOUGH:
            continue
        middle = [median(third) for third in thirds]
        tail = [float(np.quantile(third, 0.95)) for third in thirds]
        parts: dict[str, float | str] = {
            "first p50 ms": middle[0] * 1000,
            "last p50 ms": middle[1] * 1000,
            "first p95 ms": tail[0] * 1000,
            "last p95 ms": tail[1] * 1000,
            "calls": sum(map(len, thirds)),
        }
        ratio = (middle[1] / middle[0]) / (calm[1] / calm[0])
        figures.append(
            _at_most(
                f"median of {kind}, last third over the first, next to {REFERENCE}",
                ratio,
                "×",
                1.3 if long and kind not in _GROWS else None,
                parts,
            )
        )
    return figures
