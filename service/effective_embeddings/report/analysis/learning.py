"""Assignments and corrections over time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from effective_embeddings.client import HistoryChange
from effective_embeddings.report.analysis.fates import FATES, Fate, assignments
from effective_embeddings.report.analysis.periods import Periods, periods

__all__ = ["Learning", "learning"]


@dataclass(frozen=True, slots=True)
class Learning:
    """What the history says about the assignments that it has.

    Attributes:
        periods: The time from the first to the last assignment.
        firsts: For each period, assignments of items that had not been in another category.
        corrections: For each period, assignments of items that had.
        corrected: For each period, how many of its assignments were corrected later.
        fates: What became of all of them.
        routes: From which category to which items were corrected, with their number, the most
            first.
        actors: For each author: assignments, and how many of them were corrected by whomever.
        undone: Changes that undos have made.
    """

    periods: Periods
    firsts: list[int]
    corrections: list[int]
    corrected: list[int]
    fates: dict[Fate, int]
    routes: list[tuple[str, str, int]]
    actors: dict[str, tuple[int, int]]
    undone: int

    @property
    def total(self) -> int:
        """All assignments."""
        return sum(self.fates.values())


def learning(changes: list[HistoryChange], *, single: bool) -> Learning | None:
    """Return the figures; None: the history has no assignment."""
    made = assignments(changes, single=single)
    if not made:
        return None
    times = [each.time.timestamp() for each in made]
    covered = periods(min(times), max(times))
    firsts, corrections, corrected = ([0] * covered.count for _ in range(3))
    fates: dict[Fate, int] = dict.fromkeys(FATES, 0)
    routes: Counter[tuple[str, str]] = Counter()
    actors: dict[str, tuple[int, int]] = {}
    for each in made:
        fates[each.fate] += 1
        if each.fate == "taken back":
            continue
        place = covered.place(each.time.timestamp())
        (corrections if each.is_correction else firsts)[place] += 1
        is_corrected = each.corrected_to is not None
        corrected[place] += is_corrected
        if each.corrected_to is not None:
            routes[each.category, each.corrected_to] += 1
        before = actors.get(each.actor, (0, 0))
        actors[each.actor] = (before[0] + 1, before[1] + is_corrected)
    return Learning(
        periods=covered,
        firsts=firsts,
        corrections=corrections,
        corrected=corrected,
        fates=fates,
        routes=sorted(
            ((*pair, count) for pair, count in routes.items()),
            key=lambda each: (-each[2], each[0], each[1]),
        ),
        actors=actors,
        undone=sum(change.undoes_revision > 0 for change in changes),
    )
