"""Why a query scores as it does, as frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from effective_embeddings.client.models.resources import ActorShare, Dismissal

__all__ = [
    "BasePart",
    "ExplainReply",
    "Explanation",
    "Flip",
    "LeaveOneOut",
    "MemberPart",
    "NeighbourPart",
]


@dataclass(frozen=True, slots=True)
class BasePart:
    """What the base of a category contributes to a score.

    Attributes:
        weight: Its weight in the mean.
        similarity: Its cosine with the query, −1 to 1.
        part: Its part of the score.
    """

    weight: float
    similarity: float
    part: float


@dataclass(frozen=True, slots=True)
class MemberPart:
    """What a member contributes to a score.

    Attributes:
        item: The item's key.
        weight: Its weight.
        similarity: Its cosine with the query, −1 to 1.
        part: Its part of the score, with the weight ``scale * weight``.
        score_without: The score if it left the category; None: no effective embedding is left.
        assign_time: When it was assigned, in UTC.
        actor: The author of the assignment.
        reason: Why.
        scale: What the category's ``max_actor_share`` scales its weight by, above 0 to 1.
    """

    item: str
    weight: float
    similarity: float
    part: float
    score_without: float | None
    assign_time: datetime
    actor: str
    reason: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class NeighbourPart:
    """What a row of the neighbourhood of ``"local"`` adds to a rank score.

    Attributes:
        item: Key of the member, of members with equal embeddings the first; None: the base.
        similarity: Its cosine with the query, −1 to 1.
        pull: What it adds.
    """

    item: str | None
    similarity: float
    pull: float


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """The score of a member without itself.

    Attributes:
        score: The score; None: without the item the category has no effective embedding.
    """

    score: float | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The parts of a category's score.

    ``base.part``, the parts of ``members``, ``other_members`` and ``rounding`` add up to
    ``score``; with ``fairness``, the pulls of ``neighbours`` and ``held_back`` to ``rank_score``.

    Attributes:
        category: The category's key.
        rank: Its place in the ranking of all categories, from 1; 0: a Match leaves it out.
        score: cos(query, effective embedding), −1 to 1; None: no effective embedding.
        rank_score: What the order follows; None if ``rank`` is 0.
        count: Number of its counting members.
        base: The base's part; None without a base.
        members: The members with the largest parts, positive or negative, the largest first; of
            the newest 10000 counting members.
        other_members: What the counting members that are not listed contribute together.
        other_member_count: Their number.
        rounding: What rounding has changed, below 1e-6 unless the parts nearly cancel out.
        fairness: What fairness adds.
        neighbours: What each row of the neighbourhood adds, if ``"local"`` has ranked again.
        held_back: What keeps the category behind those that were ranked again, at most 0.
        leave_one_out: The query's score without itself, if it is a counting member; else None.
        dismissal: Set if the query is a stored item that was dismissed from the category.
        capped_actors: The actors that the category's ``max_actor_share`` limits, the largest
            weight first.
    """

    category: str
    rank: int
    score: float | None
    rank_score: float | None
    count: int
    base: BasePart | None
    members: tuple[MemberPart, ...]
    other_members: float
    other_member_count: int
    rounding: float
    fairness: float
    neighbours: tuple[NeighbourPart, ...]
    held_back: float
    leave_one_out: LeaveOneOut | None
    dismissal: Dismissal | None = None
    capped_actors: tuple[ActorShare, ...] = ()


@dataclass(frozen=True, slots=True)
class Flip:
    """The members whose leaving puts the second category above the first, by score.

    Attributes:
        first_category: Key of the first category, which they would leave.
        second_category: Key of the second.
        items: Keys of the members, the largest part first; no shorter list of this order suffices.
        score: The score of the first category without them; None: no effective embedding is left.
    """

    first_category: str
    second_category: str
    items: tuple[str, ...]
    score: float | None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A change that is not made, for Client.explain: exactly one of leaves, joins and weight.

    Attributes:
        item: The key of a stored item.
        leaves: Key of a category that the item leaves; it changes nothing if it is no member.
        joins: Key of a category that it joins; in a ``"single"`` namespace it leaves its own.
        weight: The weight that it has, 2⁻¹⁰ to 2²⁰.
        actor: The author of the assignment that ``joins`` stands for, on which a category with
            ``max_actor_share`` depends. None: the client's actor.
    """

    item: str
    leaves: str | None = None
    joins: str | None = None
    weight: float | None = None
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class WhatIfCategory:
    """A category after a change that is not made.

    Attributes:
        category: The category's key.
        rank: Its place in the ranking of all categories, from 1; 0: a match would leave it out.
        score: Its score; None: a match would leave it out.
        rank_score: Its rank score; None: a match would leave it out.
    """

    category: str
    rank: int
    score: float | None
    rank_score: float | None


@dataclass(frozen=True, slots=True)
class WhatIfResult:
    """What would be after a change that is not made.

    Attributes:
        changed: Whether the change changes anything.
        categories: The explained categories, in the order of the explanations.
        margin: Rank score of the first minus rank score of the second category.
    """

    changed: bool
    categories: tuple[WhatIfCategory, ...]
    margin: float | None


@dataclass(frozen=True, slots=True)
class ExplainReply:
    """Why a query scores as it does.

    Attributes:
        explanations: By rank; categories that a Match leaves out last.
        margin: Rank score of the first minus rank score of the second category; None if fewer
            than two compete.
        flip: What would have to leave the first category; None: the first two are not explained,
            the second has the higher score, or 100 members do not suffice.
        revision: The namespace's revision that was read.
        what_if: What would be after each change of ``what_if`` alone, in its order.
    """

    explanations: tuple[Explanation, ...]
    margin: float | None
    flip: Flip | None
    revision: int
    what_if: tuple[WhatIfResult, ...] = ()
