"""The results of one run, as stored in `results.json`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Candidate",
    "Latency",
    "ListResults",
    "Measurement",
    "Pull",
    "Reasons",
    "Results",
    "Row",
    "Story",
    "StreamResults",
]


@dataclass(frozen=True, slots=True)
class Measurement:
    """The number of test texts whose first match is right, at one stage: by COSINE, by LOCAL."""

    stage: str
    assigned: int
    right: int
    right_local: int
    tested: int
    digest: str

    @property
    def accuracy(self) -> float:
        """Share of right first matches by COSINE, in percent."""
        return 100 * self.right / self.tested

    @property
    def accuracy_local(self) -> float:
        """Share of right first matches by LOCAL, in percent."""
        return 100 * self.right_local / self.tested


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
    corrections_local: int
    corrections_by_names_alone: int
    seconds: float
    match: Latency
    assign: Latency


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the list of suggestions.

    Attributes:
        text: The first message of the project.
        messages: Number of its messages.
        suggested: The suggested category.
        category: The right category.
        confidence: What the list is sorted by.
    """

    text: str
    messages: int
    suggested: str
    category: str
    confidence: float


@dataclass(frozen=True, slots=True)
class ListResults:
    """The list of suggestions, worked from the top, by one way of ranking.

    Attributes:
        ranking: Names alone, or the label of the dials.
        projects: Number of rows at the start.
        corrections: Rows that were wrong when the person came to them.
        half_way: Share of right rows with half of them left, in percent.
        half_way_by_names: Share of the same rows that the names alone have right, in percent.
        first_rows: The first of the rows half-way.
        last_rows: The last rows of all.
    """

    ranking: str
    projects: int
    corrections: int
    half_way: float
    half_way_by_names: float
    first_rows: list[Row]
    last_rows: list[Row]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A category in the ranking of the explained message."""

    category: str
    score: float
    rank_score: float
    count: int


@dataclass(frozen=True, slots=True)
class Pull:
    """What one neighbour adds to a rank score.

    Attributes:
        text: The neighbour's message; the category's name where the neighbour is its base.
        similarity: Its cosine with the message, −1 to 1.
        pull: What it adds.
    """

    text: str
    similarity: float
    pull: float


@dataclass(frozen=True, slots=True)
class Reasons:
    """The parts of the first category's rank score; they add up to it.

    Attributes:
        cosine: The cosine with the category's effective embedding.
        fairness: What fairness adds.
        neighbours: The neighbours with the largest pulls.
        other_neighbours: The pulls of the others together.
        other_neighbour_count: Their number.
    """

    cosine: float
    fairness: float
    neighbours: list[Pull]
    other_neighbours: float
    other_neighbour_count: int


@dataclass(frozen=True, slots=True)
class Story:
    """One message that was never assigned, before the sorting and after.

    Attributes:
        text: The message.
        category: Its right category.
        before: The best categories by names alone.
        after: The best categories by LOCAL, after the sorting.
        reasons: Why the first of them is the first.
    """

    text: str
    category: str
    before: list[Candidate]
    after: list[Candidate]
    reasons: Reasons


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
    lists: list[ListResults] = field(default_factory=list)
    story: Story | None = None
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
            each["accuracy_local"] = round(measured.accuracy_local, 4)
        return plain
