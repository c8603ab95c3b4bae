"""The figures of one run, as they are kept in `results.json`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Latency", "Measurement", "Results", "StreamFigures"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """How many of the test texts have the right category in first place, at one moment."""

    stage: str
    assigned: int
    right: int
    tested: int
    digest: str

    @property
    def accuracy(self) -> float:
        """Share of right first guesses, in percent."""
        return 100 * self.right / self.tested


@dataclass(frozen=True, slots=True)
class Latency:
    """How long one kind of call took, as the client saw it, in milliseconds."""

    calls: int
    p50_ms: float
    p99_ms: float

    @classmethod
    def of(cls, seconds: list[float]) -> Latency:
        """Sums up the times of single calls."""
        times: NDArray[np.float64] = np.array(seconds) * 1000
        return cls(
            len(seconds),
            round(float(np.percentile(times, 50)), 3),
            round(float(np.percentile(times, 99)), 3),
        )


@dataclass(frozen=True, slots=True)
class StreamFigures:
    """What sorting the stream cost: a correction is a message whose first guess was wrong."""

    messages: int
    corrections: int
    corrections_by_names_alone: int
    seconds: float
    match: Latency
    assign: Latency


@dataclass(slots=True)
class Results:
    """Everything that one run of the demo found out."""

    dataset: str
    attribution: str
    source: dict[str, Any]
    categories: int
    seed: int
    measurements: list[Measurement] = field(default_factory=list)
    stream: StreamFigures | None = None
    moved_wrongly: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def at(self, stage: str) -> Measurement:
        """The measurement of a stage."""
        return next(each for each in self.measurements if each.stage == stage)

    def curve(self) -> list[Measurement]:
        """The measurements along the stream, from the first assignment to the last."""
        return [each for each in self.measurements if each.stage.startswith("learned")]

    def to_json(self) -> dict[str, Any]:
        """A plain form of it, with the accuracies worked out."""
        plain = dataclasses.asdict(self)
        for each, measured in zip(plain["measurements"], self.measurements, strict=True):
            each["accuracy"] = round(measured.accuracy, 4)
        return plain
