"""What a review of the members of a namespace finds, as frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = ["MemberReview", "ReviewOrder", "ReviewRate", "ReviewRates"]

ReviewOrder = Literal["misfit", "influence"]


@dataclass(frozen=True, slots=True)
class MemberReview:
    """A member, compared with its category without itself and with the other categories.

    Attributes:
        item: The item's key.
        category: Key of its category.
        weight: Its weight.
        counts: Whether it counts in the category.
        score: Its score in its own category without itself, −1 to 1, as after an unassign; None:
            the category would have no effective embedding.
        other_category: Key of the category with the highest score of those that it is not in; None:
            there is none.
        other_score: Its score there; None: there is none.
        difference: ``other_score`` − ``score``; above 0: it fits the other category better.
        movement: How far its leaving would move its category: 1 − cos of the effective embedding
            with and without it, 0 to 2; 0 if it does not count; 2 if no embedding would be left.
        assign_time: When it was assigned, in UTC.
        actor: The author of the assignment.
        reason: Why.
    """

    item: str
    category: str
    weight: float
    counts: bool
    score: float | None
    other_category: str | None
    other_score: float | None
    difference: float | None
    movement: float
    assign_time: datetime
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReviewRate:
    """What a level of confidence leaves to a person.

    Attributes:
        level: The level.
        review_share: Share of the sample that a person would have to look at, 0 to 1; None: no
            member counts.
        error_share: Share of the others whose first match is wrong; None: there are no others.
    """

    level: float
    review_share: float | None
    error_share: float | None


@dataclass(frozen=True, slots=True)
class ReviewRates:
    """What levels of confidence leave to a person, estimated from the members.

    Attributes:
        rates: One for each level.
        error_share: Share of the sample whose first match is wrong or missing: what would be wrong
            if no person looked. None: no member counts.
        sample_count: Number of members that were matched, each without itself.
        member_count: Number of members that count.
        revision: The namespace's revision that was read.
    """

    rates: tuple[ReviewRate, ...]
    error_share: float | None
    sample_count: int
    member_count: int
    revision: int
