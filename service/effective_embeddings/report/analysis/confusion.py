"""Which categories are taken for each other: members whose best category is another than theirs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from effective_embeddings.report.analysis.centroids import Centroids, unit
from effective_embeddings.report.analysis.fit import Fit
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
        of_first: Members of the first that were compared.
        of_second: Members of the second that were compared.
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


def confusions(state: State, learned: Centroids, fit: Fit) -> list[Confusion]:
    """Return the pairs of which a member fits the other best, the most members first."""
    category = state.memberships.category[fit.membership]
    compared = np.bincount(category, minlength=len(state.categories))
    elsewhere = fit.is_elsewhere
    counts: dict[tuple[int, int], int] = {}
    for own, other in zip(category[elsewhere], fit.other[elsewhere], strict=True):
        pair = (int(own), int(other))
        counts[pair] = counts.get(pair, 0) + 1
    directions = unit(learned.numerators)
    found = []
    for (own, other), moved in counts.items():
        back = counts.get((other, own), 0)
        if (moved, other) > (back, own):  # each pair once
            similarity = float(directions[own] @ directions[other])
            found.append(
                Confusion(
                    first=own,
                    second=other,
                    moved=moved,
                    back=back,
                    of_first=int(compared[own]),
                    of_second=int(compared[other]),
                    similarity=similarity,
                )
            )
    return sorted(found, key=lambda each: (-each.count, each.first, each.second))
