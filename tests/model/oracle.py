"""The oracle: a namespace as plain dictionaries and numpy in 64 bits.

It stores no derived value: every count, effective embedding, score, drift and spread is computed
from the members at each access.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Model", "ModelCategory", "ModelItem", "RefusedByModelError", "Stats", "cosine"]

Real = NDArray[np.float64]
Stored = NDArray[np.float32]

# A UNIT namespace keeps vectors whose norm is this close to 1 unchanged.
_UNIT_TOLERANCE = 2.0**-22
# The sum of a mean has multiples of one over this.
_UNITS = 1 << 80
# A mean of parts with a smaller norm is refused.
_LEAST_NORM = 1e-4
# A numerator below this is rounding residue of zero.
_NOTHING = 1e-9


class RefusedByModelError(Exception):
    """The model refuses a write; its argument is the name of the ErrorReason."""


@dataclass(eq=False)
class ModelCategory:
    """A category as it was put."""

    base: Stored | None = None
    base_weight: float = 1.0
    window: int = 0
    min_base_share: float = 0.0
    frozen: bool = False
    min_score: float | None = None
    max_actor_share: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    anchor: int = 0


@dataclass(eq=False)
class ModelItem:
    """An item as it was put."""

    embedding: Stored
    weight: float = 1.0
    metadata: Mapping[str, str] = field(default_factory=dict)
    #: The weights of its parts, by key; the embedding is their mean.
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Stats:
    """The derived values of a category, computed from its members."""

    members: int
    counting: int
    weight: float
    numerator: Real | None
    effective: Real | None
    drift: float | None
    spread: float | None


def cosine(a: Real, b: Real) -> float:
    """The cosine of two vectors."""
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def _largest_whole(weights: Real, cap: float, base_weight: float, base_share: float) -> float:
    def parts(whole: float) -> float:
        members = float(np.minimum(weights, cap * whole).sum())
        return members + max(base_weight, base_share / (1 - base_share) * members)

    low, high = 0.0, 2 * parts(np.inf)
    for _ in range(200):
        middle = (low + high) / 2
        if parts(middle) >= middle * (1 - 1e-13):
            low = middle
        else:
            high = middle
    return low


class Model:
    """A namespace."""

    def __init__(self, dimension: int, *, unit: bool = False, multiple: bool = False) -> None:
        self.dimension = dimension
        self.unit = unit
        self.multiple = multiple
        self.categories: dict[str, ModelCategory] = {}
        self.items: dict[str, ModelItem] = {}
        #: (item, category) to place in the order of assignment.
        self.members: dict[tuple[str, str], int] = {}
        #: Place in the order of assignment to the actor of the assignment.
        self.actors: dict[int, str] = {}
        #: The actor of the writes that follow.
        self.actor = ""
        #: (item, category): what somebody has said does not belong together.
        self.dismissed: set[tuple[str, str]] = set()
        self.next_sequence = 1
        self.revision = 1

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction: all changes of the body, or none."""
        before = copy.deepcopy(self.__dict__)
        try:
            yield
        except RefusedByModelError:
            self.__dict__ = before
            raise

    def take_in(self, vector: Any) -> Stored:
        """The vector as the namespace stores it."""
        taken = np.asarray(vector, dtype=np.float32)
        norm = float(np.linalg.norm(taken.astype(np.float64)))
        if self.unit and abs(norm - 1) > _UNIT_TOLERANCE:
            taken = (taken.astype(np.float64) / norm).astype(np.float32)
        return taken

    def mean(self, parts: Mapping[str, float]) -> Stored:
        """The weighted mean of items, in exact sums, as the namespace stores it."""
        weights = {key: Fraction(float(np.float32(weight))) for key, weight in parts.items()}
        whole = float(sum(weights.values()) * _UNITS)
        components = []
        for place in range(self.dimension):
            values = {key: float(self.items[key].embedding[place]) for key in parts}
            exact = sum(round(weights[key] * Fraction(values[key]) * _UNITS) for key in parts)
            components.append(float(exact) / whole + 0.0)
        mean = np.array(components, dtype=np.float32)
        if float(np.linalg.norm(mean.astype(np.float64))) < _LEAST_NORM:
            raise RefusedByModelError("DEGENERATE_COMPOSITE")
        return self.take_in(mean)

    def follow(self) -> None:
        """Give each composite item the mean of its parts, at the end of a write."""
        for item in self.items.values():
            if item.parts:
                item.embedding = self.mean(item.parts)

    # Derived state.

    def members_of(self, category: str) -> list[str]:
        """Keys of the members, the earliest assigned first."""
        return [item for item, own in sorted(self.members, key=self._order) if own == category]

    def categories_of(self, item: str) -> list[str]:
        """Keys of an item's categories, the earliest assigned first."""
        return [own for key, own in sorted(self.members, key=self._order) if key == item]

    def _order(self, membership: tuple[str, str]) -> int:
        return self.members[membership]

    def counting(self, category: str) -> list[str]:
        """Keys of the members that count."""
        told = self.categories[category]
        if told.frozen:
            return []
        after = [
            item for item in self.members_of(category) if self.members[item, category] > told.anchor
        ]
        return after[-told.window :] if told.window else after

    def stats(self, category: str) -> Stats:
        """The derived values of a category."""
        told = self.categories[category]
        counting = [self.items[key] for key in self.counting(category)]
        members = len(self.members_of(category))
        base = None if told.base is None else told.base.astype(np.float64)
        if not counting:
            drift = None if base is None else 0.0
            return Stats(members, 0, 0.0, base, base, drift, None)
        weights = np.array([np.float32(item.weight) for item in counting], dtype=np.float64)
        vectors = np.stack([item.embedding for item in counting]).astype(np.float64)
        mean = weights @ vectors / weights.sum()
        spread = float(np.sqrt(weights @ ((vectors - mean) ** 2).sum(axis=1) / weights.sum()))
        base_weight, scaled = self.weights(category, self.counting(category))
        numerator = scaled @ vectors
        whole = float(scaled.sum()) + base_weight
        if base is not None:
            numerator = numerator + base_weight * base
        if np.linalg.norm(numerator) < _NOTHING:
            return Stats(members, len(counting), float(weights.sum()), None, None, None, spread)
        drift = None if base is None else 1 - cosine(base, numerator)
        return Stats(
            members,
            len(counting),
            float(weights.sum()),
            numerator,
            numerator / whole,
            drift,
            spread,
        )

    def weights(self, category: str, members: Sequence[str]) -> tuple[float, Real]:
        """What the base and each of these members weigh, which are all that count.

        The cap on the share of an actor is found by bisection: the largest weight of the whole
        that its parts can make up, where no actor weighs more than the cap allows of it.
        """
        told = self.categories[category]
        own = np.array([np.float32(self.items[key].weight) for key in members], dtype=np.float64)
        least = float(np.float32(told.base_weight)) if told.base is not None else 0.0
        share = told.min_base_share if told.base is not None else 0.0
        if not members:
            return (0.0 if told.base is None else 1.0), own
        actors = [self.actors[self.members[key, category]] for key in members]
        sums: dict[str, float] = {}
        for actor, weight in zip(actors, own, strict=True):
            sums[actor] = sums.get(actor, 0.0) + weight
        level = np.inf
        if told.max_actor_share is not None:
            cap = told.max_actor_share
            if least == 0:
                cap = max(cap, (1 - share) / len(sums))
            level = cap * _largest_whole(np.array(list(sums.values())), cap, least, share)
        scaled = own * [min(1.0, level / sums[actor]) for actor in actors]
        return max(least, share / (1 - share) * float(scaled.sum())), scaled

    def rank(self, query: Any, *, taken_in: bool = False) -> list[tuple[str, float]]:
        """All categories that compete, best first, ties by key."""
        direction = (query if taken_in else self.take_in(query)).astype(np.float64)
        scores = [
            (key, cosine(direction, numerator))
            for key in self.categories
            if (numerator := self.stats(key).numerator) is not None
        ]
        return sorted(scores, key=lambda entry: (-entry[1], entry[0].encode()))

    # Changes.

    def start_again(self) -> None:
        """Restore: revision 1, and only the positions of present members and anchors."""
        self.revision = 1
        places = [*self.members.values(), *(each.anchor for each in self.categories.values())]
        self.next_sequence = max(places, default=0) + 1

    def touch(self) -> None:
        """Count a write that changed something."""
        self.revision += 1

    def join(self, item: str, category: str) -> None:
        """Add an item to a category of which it is not a member."""
        self.dismissed.discard((item, category))
        self.members[item, category] = self.next_sequence
        self.actors[self.next_sequence] = self.actor
        self.next_sequence += 1

    def leave(self, item: str, category: str) -> None:
        """Remove an item from a category of which it is a member."""
        del self.members[item, category]

    def rename(self, category: str, new_key: str) -> None:
        """Give a category another key; its members keep their places."""
        self.categories[new_key] = self.categories.pop(category)
        self.members = {
            (item, new_key if own == category else own): place
            for (item, own), place in self.members.items()
        }
        self.dismissed = {
            (item, new_key if own == category else own) for item, own in self.dismissed
        }

    def merge(self, source: str, target: str) -> None:
        """Make the members of a category members of another one, at their earliest places."""
        for item in self.members_of(source):
            place = self.members.pop((item, source))
            self.members[item, target] = min(place, self.members.get((item, target), place))
            self.dismissed.discard((item, target))
        carried = {item for item, own in self.dismissed if own == source}
        self.dismissed |= {(item, target) for item in carried if (item, target) not in self.members}
        self.forget_category(source)

    def forget_item(self, item: str) -> None:
        """Delete an item that is in no category."""
        self.dismissed = {pair for pair in self.dismissed if pair[0] != item}
        del self.items[item]
        for own in self.items.values():
            own.parts = {key: weight for key, weight in own.parts.items() if key != item}

    def forget_category(self, category: str) -> None:
        """Delete a category without members."""
        self.dismissed = {pair for pair in self.dismissed if pair[1] != category}
        del self.categories[category]

    def reanchor(self, category: str, keep_last: int) -> bool:
        """Anchor before the last members; return whether anything changed."""
        members = self.members_of(category)
        behind = members[: max(len(members) - keep_last, 0)]
        anchor = self.members[behind[-1], category] if behind else 0
        told = self.categories[category]
        changed = told.anchor != anchor
        told.anchor = anchor
        return changed
