"""Who has put the present members where they are, and how many of them fit elsewhere better."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from effective_embeddings.client import ActorInfluence
from effective_embeddings.report.sources.misfits import Misfit

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
        moved: Key of the category that the members have moved the most.
        movement: How far: 1 − cos of its effective embedding with and without them.
    """

    actor: str
    members: int
    elsewhere: int
    categories: int
    lead: float
    moved: str
    movement: float

    @property
    def share(self) -> float:
        """The share of these members that fit another category better."""
        return self.elsewhere / self.members


def teachers(influences: Iterable[ActorInfluence], misfits: Iterable[Misfit]) -> list[Teacher]:
    """Return all authors, first those whose members fit elsewhere more often than the average's.

    The order follows the number of such members beyond what the share of all would make it.

    Args:
        influences: Of each author on each category, the largest movement first.
        misfits: Members that fit another category better.
    """
    of: dict[str, list[ActorInfluence]] = {}
    for influence in influences:
        of.setdefault(influence.actor, []).append(influence)
    leads: dict[str, list[float]] = {}
    for each in misfits:
        leads.setdefault(each.actor, []).append(each.lead)
    found = [
        Teacher(
            actor=actor,
            members=sum(each.member_count for each in own),
            elsewhere=len(leads.get(actor, ())),
            categories=len(own),
            lead=fmean(leads[actor]) if actor in leads else 0.0,
            moved=own[0].category,
            movement=own[0].movement,
        )
        for actor, own in of.items()
    ]
    share = sum(map(len, leads.values())) / max(1, sum(each.members for each in found))
    return sorted(found, key=lambda each: (share * each.members - each.elsewhere, each.actor))
