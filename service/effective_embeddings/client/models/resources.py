"""Namespaces, categories, items and memberships, as frozen dataclasses."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "ActorShare",
    "Category",
    "CategoryUpdate",
    "Dismissal",
    "HistoryKeep",
    "Item",
    "ItemPart",
    "Membership",
    "MembershipMode",
    "Namespace",
    "Normalization",
    "RankingMode",
    "Vector",
]

Vector = NDArray[np.float32]

Normalization = Literal["raw", "unit"]
MembershipMode = Literal["single", "multiple"]
RankingMode = Literal["cosine", "local"]


class _EqualByValue:
    """Equality by fields, arrays included; a dataclass's own raises for arrays."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(
            _equal(getattr(self, field.name), getattr(other, field.name))
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
        )


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return one is not None and other is not None and np.array_equal(one, other)
    return bool(one == other)


@dataclass(frozen=True, slots=True)
class HistoryKeep:
    """How much of its history a namespace keeps, at most; older log entries are deleted.

    Attributes:
        revisions: The newest revisions, 1 to 1,000,000,000,000; 0: any number.
        age_seconds: The revisions of so many seconds, 1 to 3,155,760,000; 0: of any age. If both
            are set, a revision is deleted as soon as either says so.
    """

    revisions: int = 0
    age_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Namespace:
    """An independent set of categories and items.

    Attributes:
        name: Its name.
        dimension: Number of components of each vector, 1 to 16384.
        embedding_model: The tag of the model of the vectors; empty: unnamed.
        normalization: ``"raw"``: vectors are used as given; ``"unit"``: scaled to length 1 first.
        membership: ``"single"``: an item is in at most one category; ``"multiple"``: in any
            number.
        description: What the namespace is for.
        labels: The caller's labels.
        revision: Number of its writes so far.
        category_count: Number of categories.
        item_count: Number of items, assigned or not.
        membership_count: Number of (item, category) memberships.
        digest: State digest, 32 bytes; equal states have equal digests.
        create_time: Time of creation, in UTC.
        ranking: ``"cosine"``: categories are ordered by their score; ``"local"``: the best of
            them are ranked again by their members nearest to the query.
        fairness: How much of what a category is expected to score for its own items is taken off
            its score, 0 to 1; None: 0 with ``"cosine"``, 0.5 with ``"local"``.
        history_keep: How much of its history it keeps; None: everything.
    """

    name: str
    dimension: int
    embedding_model: str
    normalization: Normalization
    membership: MembershipMode
    description: str
    labels: Mapping[str, str]
    revision: int
    category_count: int
    item_count: int
    membership_count: int
    digest: bytes
    create_time: datetime
    ranking: RankingMode
    fairness: float | None
    history_keep: HistoryKeep | None


@dataclass(frozen=True, slots=True)
class ActorShare:
    """How much of a category with a cap is due to the members that one actor has assigned.

    Attributes:
        actor: The actor.
        counting_count: Number of these members that count.
        weight: Sum of the weights of those.
        scale: What each of these weights is multiplied by, above 0 to 1; below 1 the cap limits
            the actor.
        share: Their share of the weight of the whole, the base included, 0 to 1.
    """

    actor: str
    counting_count: int
    weight: float
    scale: float
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Category(_EqualByValue):
    """A category and what it has learned.

    Attributes:
        key: Its key.
        base: (d,) float32, the embedding of the name; None: no base, or not requested.
        base_weight: How much the base counts; 1: as much as one item.
        window: Only this many most recent members count; 0: all.
        min_base_share: Least share of the base in the mean, 0 to below 1.
        frozen: True: members do not count; the category is its base.
        metadata: The caller's metadata.
        member_count: Number of members.
        counting_count: Number of members that count.
        counting_weight: Sum of the weights of the counting members, before ``max_actor_share``
            scales them.
        drift: 1 − cos(base, effective), 0 to 2; None without a base or an effective embedding.
        spread: Root mean square distance of the counting members from their mean, with their own
            weights; None if no member counts.
        effective: (d,) float32, the weighted mean; None: nothing counts, or not requested.
        anchor: Members up to this sequence number no longer count; 0: all can count.
        create_time: Time of creation, in UTC.
        min_score: Below this score, above −1 to 1, no match has the category; None: at any score
            it can be one.
        max_actor_share: The members assigned by one actor weigh at most this share of the whole,
            0.01 to below 1; None: any share.
        actor_shares: The share of each actor, the largest weight first: from ``get_category`` of
            a category with ``max_actor_share``; else empty.
    """

    key: str
    base: Vector | None
    base_weight: float
    window: int
    min_base_share: float
    frozen: bool
    metadata: Mapping[str, str]
    member_count: int
    counting_count: int
    counting_weight: float
    drift: float | None
    spread: float | None
    effective: Vector | None
    anchor: int
    create_time: datetime
    min_score: float | None
    max_actor_share: float | None = None
    actor_shares: tuple[ActorShare, ...] = ()


@dataclass(frozen=True, slots=True)
class Membership:
    """An item's membership in a category.

    Attributes:
        category: The category's key.
        sequence: Number in the namespace's order of assignment; larger is more recent.
        assign_time: Time of the assignment, in UTC.
        actor: The author of the assignment.
        reason: The reason that the caller gave.
    """

    category: str
    sequence: int
    assign_time: datetime
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Dismissal:
    """The fact that an item does not belong to a category.

    Attributes:
        category: The category's key.
        dismiss_time: When it was said, in UTC.
        actor: Who said it.
        reason: The reason that the caller gave.
    """

    category: str
    dismiss_time: datetime
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class ItemPart:
    """A part of a composite item.

    Attributes:
        item: The key of the item that is the part.
        weight: Its weight in the mean of the parts.
    """

    item: str
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class Item(_EqualByValue):
    """An item: a member of categories, or in the inbox.

    Attributes:
        key: Its key.
        embedding: (d,) float32, of a composite item the mean of its parts; None if not requested.
        weight: How much the item teaches.
        metadata: The caller's metadata.
        memberships: Its categories; empty: the item is in the inbox.
        create_time: Time of its first storage, in UTC.
        dismissals: The categories that it does not belong to, as somebody has said, by key.
        parts: What a composite item is made of, by key; empty: its embedding is its own.
    """

    key: str
    embedding: Vector | None
    weight: float
    metadata: Mapping[str, str]
    memberships: tuple[Membership, ...]
    create_time: datetime
    dismissals: tuple[Dismissal, ...] = ()
    parts: tuple[ItemPart, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class CategoryUpdate(_EqualByValue):
    """A category to create or change. None leaves a setting as it is, or at a new one's default.

    Attributes:
        key: Its key, 1 to 512 bytes of UTF-8 without control characters. Keys are compared byte
            by byte: the NFC and the NFD form of a text are two keys.
        base: (d,) array-like, the embedding of the name.
        clear_base: True: removes the base. Not together with ``base``.
        base_weight: 0, or 2⁻¹⁰ to 2²⁰; default 1: as much as one item.
        window: Only this many most recent members count; default 0: all.
        min_base_share: Least share of the base in the mean, 0 to 0.999; default 0.
        frozen: True: members do not count; default False.
        metadata: Replaces the old; at most 64 entries and 16 KiB in all. ``{}`` clears it.
        min_score: A Match leaves the category out below this score, −1 to 1; default −1, which
            also removes an earlier value.
        max_actor_share: The members assigned by one actor weigh at most this share of the whole,
            0.01 to 1; default 1, any share, which also removes an earlier value.
    """

    key: str
    base: ArrayLike | None = None
    clear_base: bool = False
    base_weight: float | None = None
    window: int | None = None
    min_base_share: float | None = None
    frozen: bool | None = None
    metadata: Mapping[str, str] | None = None
    min_score: float | None = None
    max_actor_share: float | None = None
