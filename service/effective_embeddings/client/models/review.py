"""What a review of the members of a namespace finds, as frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = [
    "ActorInfluence",
    "AnswerFlow",
    "CategoryMovement",
    "CategoryReview",
    "CategorySplit",
    "ChangedAnswer",
    "ConfusedCategory",
    "Duplicate",
    "DuplicateScope",
    "ImpactReview",
    "MemberReview",
    "ReviewOrder",
    "ReviewRate",
    "ReviewRates",
    "ReviewedMembers",
    "SplitHalf",
]

ReviewOrder = Literal["misfit", "influence"]
DuplicateScope = Literal["same", "other", "any"]


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
class ReviewedMembers:
    """What a page of a review says of all members.

    Attributes:
        member_count: Number of members that pass the filter; all of them were reviewed.
        listed_count: Number of those that the review lists, on all pages.
        revision: The namespace's revision that the page saw.
    """

    member_count: int
    listed_count: int
    revision: int


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


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A member with nearly the same embedding as one that was assigned before.

    Attributes:
        item: The item's key.
        category: Key of its category.
        original: Key of the nearest item that was assigned before; of equally near ones the
            earliest.
        original_category: Key of that item's category.
        similarity: The cosine of the two, −1 to 1.
        duplicate_count: Number of earlier members with at least the similarity asked for.
        assign_time: When the later one was assigned, in UTC.
        actor: The author of that assignment.
        reason: Why.
    """

    item: str
    category: str
    original: str
    original_category: str
    similarity: float
    duplicate_count: int
    assign_time: datetime
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class ActorInfluence:
    """What an actor's members do to a category.

    Attributes:
        actor: The actor.
        category: Key of the category.
        member_count: Number of its members that the actor has assigned.
        counting_count: Number of those that count.
        weight: Sum of the weights of those.
        weight_share: Their share of the weight of the whole, the base included and under the
            category's ``max_actor_share``, 0 to 1.
        movement: How far the category would move if all of them left: 1 − cos of the effective
            embedding with and without them, 0 to 2; 2 if no embedding would be left.
        first_assign_time: When the first of them was assigned, in UTC.
        last_assign_time: When the last of them was assigned, in UTC.
        scale: What ``max_actor_share`` scales their weights by, above 0 to 1.
    """

    actor: str
    category: str
    member_count: int
    counting_count: int
    weight: float
    weight_share: float
    movement: float
    first_assign_time: datetime
    last_assign_time: datetime
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class ConfusedCategory:
    """A category that members of another one fit better.

    Attributes:
        category: Its key.
        count: Number of reviewed members of the other category that fit this one best.
    """

    category: str
    count: int


@dataclass(frozen=True, slots=True)
class SplitHalf:
    """A half of a category.

    Attributes:
        member_count: Number of reviewed members in it.
        items: Keys of those that are nearest to its mean, the nearest first, at most 5.
    """

    member_count: int
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CategorySplit:
    """A category in two halves, by 2-means of its members' directions.

    Attributes:
        gain: How much nearer a member is to the mean of its half than to that of all, both without
            itself, in squared distances of directions, −4 to 4; about 0 or below where the halves
            only fit noise. The categories with the largest gains look most like two.
        similarity: The cosine of the means of the two halves, −1 to 1.
        halves: The two halves, the larger first.
    """

    gain: float
    similarity: float
    halves: tuple[SplitHalf, ...]


@dataclass(frozen=True, slots=True)
class CategoryReview:
    """The health of a category.

    Attributes:
        category: Its key.
        member_count: Number of its members.
        counting_count: Number of members that count.
        drift: 1 − cos(base, effective embedding), 0 to 2; None without one of them.
        spread: Root mean square distance of the counting members from their mean; None while
            nothing counts.
        movement: How far it has moved since the time asked for: 1 − cos of the effective embeddings
            then and now, 0 to 2; None: not asked for, or it had or has none.
        cohesion: Mean cosine of the reviewed members with the effective embedding, −1 to 1; None
            without either.
        nearest_category: Key of the other category with the most similar effective embedding; None:
            there is none.
        nearest_similarity: The cosine of the two, −1 to 1; None: there is none.
        reviewed_count: Number of members that were reviewed, the newest ones that count.
        misfit_count: Number of those that fit another category better than this one without
            themselves.
        confused: The categories that these fit best, the most frequent first, at most 10.
        split: The two halves that the reviewed members fall into; None: they do not.
    """

    category: str
    member_count: int
    counting_count: int
    drift: float | None
    spread: float | None
    movement: float | None
    cohesion: float | None
    nearest_category: str | None
    nearest_similarity: float | None
    reviewed_count: int
    misfit_count: int
    confused: tuple[ConfusedCategory, ...]
    split: CategorySplit | None


@dataclass(frozen=True, slots=True)
class ChangedAnswer:
    """An item whose first category is another one without some members.

    Attributes:
        item: The item's key.
        category: Key of the first category with the members; None: there is none.
        score: Its score, −1 to 1; None: there is none.
        category_without: Key of the first category without the members; None: there is none.
        score_without: Its score, −1 to 1; None: there is none.
    """

    item: str
    category: str | None
    score: float | None
    category_without: str | None
    score_without: float | None


@dataclass(frozen=True, slots=True)
class AnswerFlow:
    """A number of items whose answers some members have changed alike.

    Attributes:
        category_without: Key of the first category without the members; None: there is none.
        category: Key of the first category with them; None: there is none.
        count: The number of items.
    """

    category_without: str | None
    category: str | None
    count: int


@dataclass(frozen=True, slots=True)
class CategoryMovement:
    """How far some members have moved a category.

    Attributes:
        category: Its key.
        movement: 1 − cos of its effective embedding with and without them, 0 to 2; 2 if there is
            none without them.
    """

    category: str
    movement: float


@dataclass(frozen=True, slots=True)
class ImpactReview:
    """What some members change in the answers for other items.

    Attributes:
        member_count: Number of members that were taken out.
        item_count: Number of items that were compared; none of them was taken out.
        changed_count: Number of those whose first category is another one without the members.
        changes: The first changed answers, by the item's key.
        flows: From which category to which the members have changed answers, the most items first,
            at most 100.
        categories: How far the members have moved each category, the farthest first, at most 100.
        revision: The namespace's revision that was read.
    """

    member_count: int
    item_count: int
    changed_count: int
    changes: tuple[ChangedAnswer, ...]
    flows: tuple[AnswerFlow, ...]
    categories: tuple[CategoryMovement, ...]
    revision: int
