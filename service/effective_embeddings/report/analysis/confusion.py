"""Which categories are taken for each other: members whose best category is another than theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from effective_embeddings.report.analysis.centroids import Centroids, unit
from effective_embeddings.report.sources.misfits import Misfit
from effective_embeddings.report.sources.state import State

__all__ = ["Confusion", "confusions"]


@dataclass(frozen=True, slots=True)
class Confusion:
    """Two categories; the first has the more members that fit the other better.

    Attributes:
        first: Row of the first category.
        second: Row of the second one.
        moved: Members of the first that fit the second best.
        back: Members of the second that fit the first best.
        of_first: Members of the first.
        of_second: Members of the second.
        similarity: Cosine of their effective embeddings.
    """

    first: int
    second: int
    moved: int
    back: int
    of_first: int
    of_second: int
    similarity: float

    @property
    def count(self) -> int:
        """Members of either that fit the other best."""
        return self.moved + self.back


def confusions(state: State, learned: Centroids, misfits: Iterable[Misfit]) -> list[Confusion]:
    """Return the pairs of which a member fits the other best, the most members first."""
    rows = {category.key: row for row, category in enumerate(state.categories)}
    counts = Counter(
        (rows[each.own], rows[each.other])
        for each in misfits
        if each.own in rows and each.other in rows
    )
    directions = unit(learned.numerators)
    found = []
    for (own, other), moved in list(counts.items()):
        back = counts[other, own]
        if (moved, other) > (back, own):  # each pair once
            similarity = float(directions[own] @ directions[other])
            found.append(
                Confusion(
                    first=own,
                    second=other,
                    moved=moved,
                    back=back,
                    of_first=int(learned.member_counts[own]),
                    of_second=int(learned.member_counts[other]),
                    similarity=similarity,
                )
            )
    return sorted(found, key=lambda each: (-each.count, each.first, each.second))
