"""Who has put the present members where they are, and how many of them fit elsewhere better."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from effective_embeddings.report.sources.misfits import Misfit
from effective_embeddings.report.sources.state import State

__all__ = ["Teacher", "teachers"]


@dataclass(frozen=True, slots=True)
class Teacher:
    """An author of present memberships.

    Attributes:
        actor: The author.
        members: Memberships of this author.
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


def teachers(state: State, misfits: Iterable[Misfit]) -> list[Teacher]:
    """Return all authors, first those whose members fit elsewhere more often than the average's.

    The order follows the number of such members beyond what the share of all would make it.
    """
    of = state.memberships
    members = Counter(of.actor)
    places: dict[str, set[int]] = {}
    for author, category in zip(of.actor, of.category, strict=True):
        places.setdefault(author, set()).add(int(category))
    leads: dict[str, list[float]] = {}
    for each in misfits:
        leads.setdefault(each.actor, []).append(each.lead)
    share = sum(map(len, leads.values())) / max(1, members.total())
    found = [
        Teacher(
            actor=actor,
            members=count,
            elsewhere=len(leads.get(actor, ())),
            categories=len(places[actor]),
            lead=fmean(leads[actor]) if actor in leads else 0.0,
        )
        for actor, count in members.items()
    ]
    return sorted(found, key=lambda each: (share * each.members - each.elsewhere, each.actor))
