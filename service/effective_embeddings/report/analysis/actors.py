"""Who has put the present members where they are, and how many of them fit elsewhere better."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from effective_embeddings.report.analysis.fit import Fit
from effective_embeddings.report.sources.state import State

__all__ = ["Teacher", "teachers"]


@dataclass(frozen=True, slots=True)
class Teacher:
    """An author of present memberships.

    Attributes:
        actor: The author.
        members: Memberships of this author that were compared.
        elsewhere: How many of them fit another category better.
        categories: In how many categories they are.
        lead: The mean lead of the other category over those; 0: there are none.
    """

    actor: str
    members: int
    elsewhere: int
    categories: int
    lead: float

    @property
    def share(self) -> float:
        """The share of these members that fit another category better."""
        return self.elsewhere / self.members


def teachers(state: State, fit: Fit) -> list[Teacher]:
    """Return all authors, first those whose members fit elsewhere more often than the average's.

    The order follows the number of such members beyond what the share of all would make it.
    """
    of = state.memberships
    authors = [of.actor[row] for row in fit.membership]
    members = Counter(authors)
    elsewhere: Counter[str] = Counter()
    leads: Counter[str] = Counter()
    for place in np.flatnonzero(fit.is_elsewhere):
        elsewhere[authors[place]] += 1
        leads[authors[place]] += float(fit.lead[place])  # type: ignore[assignment]
    places: dict[str, set[int]] = {}
    for author, row in zip(authors, fit.membership, strict=True):
        places.setdefault(author, set()).add(int(of.category[row]))
    share = elsewhere.total() / max(1, members.total())
    found = [
        Teacher(
            actor=actor,
            members=count,
            elsewhere=elsewhere[actor],
            categories=len(places[actor]),
            lead=leads[actor] / elsewhere[actor] if elsewhere[actor] else 0.0,
        )
        for actor, count in members.items()
    ]
    return sorted(found, key=lambda each: (share * each.members - each.elsewhere, each.actor))
