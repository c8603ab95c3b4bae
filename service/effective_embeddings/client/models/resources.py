"""What the service holds, as frozen dataclasses: namespaces, categories, items, memberships."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Category",
    "CategoryUpdate",
    "Item",
    "Membership",
    "MembershipMode",
    "Namespace",
    "Normalization",
    "Vector",
]

Vector = NDArray[np.float32]

Normalization = Literal["raw", "unit"]
MembershipMode = Literal["single", "multiple"]


class _EqualByValue:
    """Equality by fields, of arrays too (a dataclass's own would raise on those)."""

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
class Namespace:
    """An independent set of categories and items.

    Attributes:
        name: Its name.
        dimension: Number of components of each of its vectors, 1 to 16384.
        embedding_model: The tag of the model that they come from; empty: unnamed.
        normalization: ``"raw"``: vectors are used as given; ``"unit"``: scaled to length 1 first.
        membership: ``"single"``: an item is in at most one category; ``"multiple"``: in any
            number.
        description: What it is for.
        labels: Labels of the caller's own.
        revision: Number of its writes so far.
        category_count: Number of categories.
        item_count: Number of items, assigned or not.
        membership_count: Number of (item, category) memberships.
        digest: State digest, 32 bytes; equal states have equal digests.
        create_time: When it was created, in UTC.
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


@dataclass(frozen=True, slots=True, eq=False)
class Category(_EqualByValue):
    """A category and what it has learned.

    Attributes:
        key: Its key.
        base: (d,) float32, the embedding of its name; None without one, or if not asked for.
        base_weight: How much the base counts; 1 counts as one item.
        window: Only this many most recent members count; 0: all.
        min_base_share: Least share of the base in the whole, 0 to below 1.
        frozen: True: members do not count, the category is its base.
        metadata: Data of the caller's own.
        member_count: Number of members.
        counting_count: Number of members that count.
        counting_weight: Sum of the weights of those.
        drift: 1 − cos(base, effective), 0 to 2; None without either.
        spread: Root mean square distance of the counting members from their mean; None while
            none counts.
        effective: (d,) float32, the weighted mean itself; None without one, or if not asked for.
        anchor: Members up to this place in the order of assignment no longer count; 0: none.
        create_time: When it was created, in UTC.
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


@dataclass(frozen=True, slots=True)
class Membership:
    """That an item is in a category.

    Attributes:
        category: The category's key.
        sequence: Place in the namespace's order of assignment; larger is more recent.
        assign_time: When it was assigned, in UTC.
        actor: Who assigned it.
        reason: Why, as the caller said.
    """

    category: str
    sequence: int
    assign_time: datetime
    actor: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Item(_EqualByValue):
    """Something that is, or waits to be, put into a category.

    Attributes:
        key: Its key.
        embedding: (d,) float32; None if not asked for.
        weight: How much it teaches.
        metadata: Data of the caller's own.
        memberships: The categories that it is in; empty: it is in the inbox.
        create_time: When it was first stored, in UTC.
    """

    key: str
    embedding: Vector | None
    weight: float
    metadata: Mapping[str, str]
    memberships: tuple[Membership, ...]
    create_time: datetime


@dataclass(frozen=True, slots=True, eq=False)
class CategoryUpdate(_EqualByValue):
    """A category to create or change. None leaves a setting as it is, or at a new one's default.

    Attributes:
        key: Its key, 1 to 512 bytes of UTF-8 without control characters.
        base: (d,) array-like, the embedding of its name.
        clear_base: True: takes the base away. Not together with ``base``.
        base_weight: 0, or 2⁻¹⁰ to 2²⁰; default 1 (it counts as one item).
        window: Only this many most recent members count; default 0: all.
        min_base_share: Least share of the base in the whole, 0 to 0.999; default 0.
        frozen: True: members do not count; default False.
        metadata: Takes the place of the old; at most 64 entries and 16 KiB in all. ``{}`` clears.
    """

    key: str
    base: ArrayLike | None = None
    clear_base: bool = False
    base_weight: float | None = None
    window: int | None = None
    min_base_share: float | None = None
    frozen: bool | None = None
    metadata: Mapping[str, str] | None = None
