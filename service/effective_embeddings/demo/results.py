"""The results of one run, as stored in `results.json`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Latency", "Measurement", "Results", "StreamResults"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """The number of test texts whose first match is right, at one stage."""

    stage: str
    assigned: int
    right: int
    tested: int
    digest: str

    @property
    def accuracy(self) -> float:
        """Share of right first matches, in percent."""
        return 100 * self.right / self.tested


@dataclass(frozen=True, slots=True)
class Latency:
    """Latency of one kind of call, as the client saw it, in milliseconds."""

    calls: int
    p50_ms: float
    p99_ms: float

    @classmethod
    def of(cls, seconds: list[float]) -> Latency:
        """Return the percentiles of the times of single calls."""
        times: NDArray[np.float64] = np.array(seconds) * 1000
        return cls(
            len(seconds),
            round(float(np.percentile(times, 50)), 3),
            round(float(np.percentile(times, 99)), 3),
        )


@dataclass(frozen=True, slots=True)
class StreamResults:
    """The cost of sorting the stream: a correction is a message whose first match was wrong."""

    messages: int
    corrections: int
    corrections_by_names_alone: int
    seconds: float
    match: Latency
    assign: Latency


@dataclass(slots=True)
class Results:
    """All results of one run of the demo."""

    dataset: str
    attribution: str
    source: dict[str, Any]
    categories: int
    seed: int
    measurements: list[Measurement] = field(default_factory=list)
    stream: StreamResults | None = None
    moved_wrongly: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def at(self, stage: str) -> Measurement:
        """Return the measurement of a stage."""
        return next(each for each in self.measurements if each.stage == stage)

    def curve(self) -> list[Measurement]:
        """Return the measurements along the stream, from the first assignment to the last."""
        return [each for each in self.measurements if each.stage.startswith("learned")]

    def to_json(self) -> dict[str, Any]:
        """Return the results as JSON values, with the accuracies."""
        plain = dataclasses.asdict(self)
        for each, measured in zip(plain["measurements"], self.measurements, strict=True):
            each["accuracy"] = round(measured.accuracy, 4)
        return plain
