"""Assign and Unassign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from effective_embeddings import Client
from tests.model.compare import figure
from tests.model.operations.items import Parts, embedding_of, put_item
from tests.model.oracle import Model, RefusedByModelError, Stored, cosine

__all__ = ["Assign", "Dismiss", "Unassign"]


@dataclass(frozen=True, eq=False)
class Assign:
    """Assigns items to categories."""

    pairs: Sequence[tuple[str, str]]
    vectors: Stored | None
    weights: Sequence[float] | None = None
    parts: Sequence[Parts] | None = None

    def send(self, client: Client, ns: str, **write: Any) -> Any:
        """See Operation."""
        items = [item for item, _ in self.pairs]
        categories = [category for _, category in self.pairs]
        values: dict[str, Any] = {"weights": self.weights, "parts": self.parts, **write}
        reply = client.assign(ns, items, categories, self.vectors, **values)
        return [
            (
                (each.item, each.category, each.previous_category, each.changed),
                (each.category_member_count, each.item_created),
                (each.score_before, each.category_drift),
            )
            for each in reply.results
        ]

    def apply(self, model: Model) -> tuple[Any, bool]:
        """See Operation."""
        claims: dict[str, dict[str, Any]] = {}
        results = []
        for index, (item, category) in enumerate(self.pairs):
            vector = None if self.vectors is None else self.vectors[index]
            weight = None if self.weights is None else np.float32(self.weights[index])
            parts = None if self.parts is None else self.parts[index]
            said: dict[str, Any] = {"weight": weight} if weight is not None else {}
            if parts is not None:
                said["embedding"] = parts
            if vector is not None:
                said["embedding"] = model.take_in(vector).tolist()
            if not model.multiple:
                said["category"] = category
            claim = claims.setdefault(item, {})
            if any(name in claim and claim[name] != value for name, value in said.items()):
                raise RefusedByModelError("CONFLICTING_ENTRIES")
            claim |= said
            results.append(self._assign(model, item, category, (vector, parts), weight))
        return results, any(said[3] for said, _, _ in results)

    @staticmethod
    def _assign(
        model: Model, item: str, category: str, source: tuple[Any, Parts], weight: Any
    ) -> Any:
        if category not in model.categories:
            raise RefusedByModelError("CATEGORY_NOT_FOUND")
        vector, parts = source
        direction = embedding_of(model, item, vector, parts)
        if direction is None and item not in model.items:
            raise RefusedByModelError("ITEM_NOT_FOUND")
        if direction is None:
            direction = model.items[item].embedding
        numerator = model.stats(category).numerator
        score = None if numerator is None else cosine(direction.astype(np.float64), numerator)
        created, changed = put_item(model, item, vector, weight, None, parts)
        previous = category if (item, category) in model.members else None
        if previous is None:
            if not model.multiple:
                for left in model.categories_of(item):
                    previous = left
                    model.leave(item, left)
            model.join(item, category)
            changed = True
        stats = model.stats(category)
        return (
            (item, category, previous, changed),
            (stats.members, created),
            (figure(score), figure(stats.drift)),
        )


@dataclass(frozen=True)
class Unassign:
    """Removes items from categories; an empty category stands for all."""

    pairs: Sequence[tuple[str, str]]
    delete_items: bool = False

    def send(self, client: Client, ns: str, **write: Any) -> Any:
        """See Operation."""
        items = [item for item, _ in self.pairs]
        categories = None if self.delete_items else [category for _, category in self.pairs]
        reply = client.unassign(ns, items, categories, delete_items=self.delete_items, **write)
        return [
            (each.item, each.previous_categories, each.changed, each.item_deleted)
            for each in reply.results
        ]

    def apply(self, model: Model) -> tuple[Any, bool]:
        """See Operation."""
        places: dict[str, Any] = {}
        deleted: set[str] = set()
        results: list[tuple[str, tuple[str, ...], bool, bool]] = []
        for item, category in self.pairs:
            place: Any = ("any",) if category and model.multiple else ("one", category)
            if self.delete_items:
                place = ("deleted",)
            if places.setdefault(item, place) != place:
                raise RefusedByModelError("CONFLICTING_ENTRIES")
            if item in deleted:
                results.append((item, (), False, True))
                continue
            if item not in model.items:
                raise RefusedByModelError("ITEM_NOT_FOUND")
            left = model.categories_of(item)
            if category and not self.delete_items:
                if category not in model.categories:
                    raise RefusedByModelError("CATEGORY_NOT_FOUND")
                left = [own for own in left if own == category]
            for own in left:
                model.leave(item, own)
            if self.delete_items:
                deleted.add(item)
                model.forget_item(item)
            results.append((item, tuple(left), bool(left or self.delete_items), self.delete_items))
        return results, any(changed for _, _, changed, _ in results)


@dataclass(frozen=True)
class Dismiss:
    """Dismisses items from categories, or withdraws that."""

    pairs: Sequence[tuple[str, str]]
    withdraw: bool = False

    def send(self, client: Client, ns: str, **write: Any) -> Any:
        """See Operation."""
        items = [item for item, _ in self.pairs]
        categories = [category for _, category in self.pairs]
        reply = client.dismiss(ns, items, categories, withdraw=self.withdraw, **write)
        return [(each.item, each.category, each.changed) for each in reply.results]

    def apply(self, model: Model) -> tuple[Any, bool]:
        """See Operation."""
        results = []
        for item, category in self.pairs:
            if item not in model.items:
                raise RefusedByModelError("ITEM_NOT_FOUND")
            if category not in model.categories:
                raise RefusedByModelError("CATEGORY_NOT_FOUND")
            if not self.withdraw and (item, category) in model.members:
                raise RefusedByModelError("ITEM_IN_CATEGORY")
            changed = ((item, category) in model.dismissed) == self.withdraw
            if changed:
                model.dismissed ^= {(item, category)}
            results.append((item, category, changed))
        return results, any(changed for _, _, changed in results)
