"""Members that fit another category better than their own without themselves."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from effective_embeddings.client import Client, MemberReview
from effective_embeddings.client.errors import InvalidArgument
from effective_embeddings.report.caps import MOST_MISFITS
from effective_embeddings.report.sources.progress import OnProgress

__all__ = ["Misfit", "Misfits", "read_misfits"]

_STEP = 100


@dataclass(frozen=True, slots=True)
class Misfit:
    """A member that fits another category better.

    Attributes:
        item: Key of the item.
        own: Key of its category.
        own_score: Its score there without itself.
        other: Key of the category that it fits best of all others.
        other_score: Its score there.
        actor: Who has assigned it.
    """

    item: str
    own: str
    own_score: float
    other: str
    other_score: float
    actor: str

    @property
    def lead(self) -> float:
        """By how much the other category fits better."""
        return self.other_score - self.own_score


@dataclass(frozen=True, slots=True)
class Misfits:
    """The misfits of a namespace.

    Attributes:
        found: The most suspicious first.
        is_cut: True: there are more, which were not read.
        refusal: Why the service does not review this namespace; empty: it does.
    """

    found: list[Misfit] = field(default_factory=list)
    is_cut: bool = False
    refusal: str = ""


def read_misfits(client: Client, ns: str, progress: OnProgress) -> Misfits:
    """Read the members that ReviewMembers lists.

    Raises:
        NotFound: The namespace does not exist.
    """
    progress("review members", 0, None)
    found: list[Misfit] = []
    try:
        for member in itertools.islice(client.review_members(ns), MOST_MISFITS + 1):
            found += _misfit(member)
            if len(found) % _STEP == 0:
                progress("review members", len(found), None)
    except InvalidArgument as error:
        if error.reason != "TOO_LARGE":
            raise
        return Misfits(refusal=error.message)
    return Misfits(found[:MOST_MISFITS], len(found) > MOST_MISFITS)


def _misfit(member: MemberReview) -> list[Misfit]:
    if member.score is None or member.other_category is None or member.other_score is None:
        return []
    return [
        Misfit(
            item=member.item,
            own=member.category,
            own_score=member.score,
            other=member.other_category,
            other_score=member.other_score,
            actor=member.actor,
        )
    ]
