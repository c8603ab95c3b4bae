"""How far categories have moved from their bases, period by period.

A category at an earlier time is what its present members make of it that were assigned until then,
under its present settings: members that have left since have no part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from effective_embeddings.report.analysis.centroids import (
    Centroids,
    base_weight,
    cosine,
    counting_members,
)
from effective_embeddings.report.analysis.periods import Periods, periods
from effective_embeddings.report.caps import MOST_DRIFT_LINES, MOST_DRIFT_MEMBERS
from effective_embeddings.report.sources.state import State, Vectors, Whole

__all__ = ["DriftLines", "drift_lines"]


@dataclass(frozen=True, slots=True)
class DriftLines:
    """The drift of the categories that have moved the most.

    Attributes:
        periods: From the first to the last assignment of a present member.
        drifts: Row of the category, and its drift at the end of each period.
    """

    periods: Periods
    drifts: list[tuple[int, list[float]]]


def drift_lines(state: State, learned: Centroids) -> DriftLines | None:
    """Return the lines; None: no category has a base and members that count."""
    counted = np.bincount(
        state.memberships.category[learned.counting], minlength=len(state.categories)
    )
    drawable = (counted > 0) & np.isfinite(learned.drifts)
    drawable &= learned.member_counts <= MOST_DRIFT_MEMBERS
    rows = np.flatnonzero(drawable)
    if not len(rows):
        return None
    order = np.lexsort((rows, -learned.drifts[rows].round(9)))
    times = state.memberships.time / 1000
    covered = periods(float(times.min()), float(times.max()))
    lines = [(int(row), _line(state, int(row), covered)) for row in rows[order][:MOST_DRIFT_LINES]]
    return DriftLines(covered, lines)


def _line(state: State, row: int, covered: Periods) -> list[float]:
    of = state.memberships
    members = np.flatnonzero(of.category == row)
    members = members[np.argsort(of.sequence[members])]
    return [
        _drift(state, row, members[of.time[members] < covered.end(number) * 1000])
        for number in range(covered.count)
    ]


def _drift(state: State, row: int, members: Whole) -> float:
    inside = counting_members(state.categories[row], members, state.memberships.sequence)
    items = state.memberships.item[inside]
    weights = state.weights[items]
    summed: Vectors = weights @ state.vectors[items].astype(np.float64)
    numerator = summed + base_weight(state, row, float(weights.sum())) * state.bases[row]
    return 1.0 - float(cosine(state.bases[row][None], numerator[None])[0])
