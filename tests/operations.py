"""Writes as data: each can be sent to a client, and be done to the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from effective_embeddings import CategoryUpdate, Client
from tests.compare import figure
from tests.model import Model, ModelCategory, ModelItem, RefusedByModelError, Stored, cosine

__all__ = ["Assign", "DeleteCategories", "DeleteItems", "Operation", "PutCategories", "PutItems"]
__all__ += ["Reanchor", "Unassign"]


class Operation(Protocol):
    """A write."""

    def send(self, client: Client, ns: str, **write: Any) -> Any:
        """Ask for it, and return the reply in the form that ``apply`` returns."""

    def apply(self, model: Model) -> tuple[Any, bool]:
        """Do it to the model: the reply, and whether anything changed."""


def _same(one: Stored | None, other: Stored | None) -> bool:
    if one is None or other is None:
        return one is other
    return bool(np.array_equal(one, other))


@dataclass(frozen=True, eq=False)
class PutCategories:
    """Creates or changes categories."""

    updates: Sequence[CategoryUpdate]

    def send(self, client: Client, ns: str, **write: Any) -> Any:
        """See Operation."""
        reply = client.put_categories(ns, self.updates, **write)
        return [(each.key, each.created, each.changed) for each in reply.results]

    def apply(self, model: Model) -> tuple[Any, bool]:
        """See Operation."""
        results = []
        for update in self.updates:
            before = model.categories.get(update.key)
            old = before or ModelCategory()
            base = old.base if update.base is None else model.take_in(update.base)
            after = ModelCategory(
                base=None if update.clear_base else base,
                base_weight=_or(update.base_weight, old.base_weight),
                window=_or(update.window, old.window),
                min_base_share=_or(update.min_base_share, old.min_base_share),
                frozen=_or(update.frozen, old.frozen),
                metadata=_or(update.metadata, old.metadata),
                anchor=old.anchor,
            )
            same = _same(after.base, old.base) and _told(after) == _told(old)
            changed = before is None or not same
            model.categories[update.key] = after
            results.append((update.key, before is None, changed))
        return results, any(changed for _, _, changed in results)


def _or(new: Any, old: Any) -> Any:
    return old if new is None else new


def _told(category: ModelCategory) -> tuple[Any, ...]:
    settings = (np.float32(category.base_weight), category.window, category.min_base_share)
    return (*settings, category.frozen, dict(category.metadata))


@dataclass(frozen=True)
class DeleteCategories:
    """Deletes categories."""

    keys: Sequence[str]
    allow_missing: bool

    def send(self, client: Client, ns: str, **write: Any) -> Any:
        """See Operation."""
        reply = client.delete_categories(ns, self.keys, allow_missing=self.allow_missing, **write)
        return reply.deleted_count, reply.unassigned_count

    def apply(self, model: Model) -> tuple[Any, bool]:
        """See Operation."""
        deleted = unassigned = 0
        for key in dict.fromkeys(self.keys):
            if key not in model.categories:
                if self.allow_missing:
                    continue
                raise RefusedByModelError("CATEGORY_NOT_FOUND")
            for item in model.members_of(key):
                model.leave(item, key)
                unassigned += 1
            del model.categories[key]
            deleted += 1
        return (deleted, unassigned), deleted > 0


@dataclass(frozen=True)
class Reanchor:
    """Starts a category's average again."""

    key: str
    keep_last: int

    def send(self, client: Client, ns: str, **write: Any) -> Any:
        """See Operation."""
        after = client.reanchor(ns, self.key, keep_last=self.keep_last, **write)
        return after.member_count, after.counting_count

    def apply(self, model: Model) -> tuple[Any, bool]:
        """See Operation."""
        if self.key not in model.categories:
            raise RefusedByModelError("CATEGORY_NOT_FOUND")
        changed = model.reanchor(self.key, self.keep_last)
        stats = model.stats(self.key)
        return (stats.members, stats.counting), changed


def _put_item(
    model: Model, key: str, vector: Any, weight: float | None, metadata: Mapping[str, str] | None
) -> tuple[bool, bool]:
    """Store what an entry says of an item; return whether it is new, and whether it changed."""
    before = model.items.get(key)
    taken = None if vector is None else model.take_in(vector)
    if before is None:
        if taken is None:
            raise RefusedByModelError("ITEM_NOT_FOUND")
        model.items[key] = ModelItem(taken, _or(weight, 1.0), _or(metadata, {}))
        return True, True
    after = ModelItem(
        _or(taken, before.embedding),
        _or(weight, before.weight),
        _or(metadata, before.metadata),
    )
    model.items[key] = after
    same = (
        _same(after.embedding, before.embedding)
        and np.float32(after.weight) == np.float32(before.weight)
        and after.metadata == before.metadata
    )
    return False, not same


@dataclass(frozen=True, eq=False)
class PutItems:
    """Stores or changes items."""

    keys: Sequence[str]
    vectors: Stored | None
    weights: Sequence[float] | None = None
    metadata: Mapping[str, str] | None = None

    def send(self, client: Client, ns: str, **write: Any) -> Any:
        """See Operation."""
        reply = client.put_items(
            ns, self.keys, self.vectors, weights=self.weights, metadata=self.metadata, **write
        )
        return [(each.key, each.created, each.changed) for each in reply.results]

    def apply(self, model: Model) -> tuple[Any, bool]:
        """See Operation."""
        results = []
        for index, key in enumerate(self.keys):
            created, changed = _put_item(
                model,
                key,
                None if self.vectors is None else self.vectors[index],
                None if self.weights is None else self.weights[index],
                self.metadata,
            )
            results.append((key, created, changed))
        return results, any(changed for _, _, changed in results)


@dataclass(frozen=True)
class DeleteItems:
    """Deletes items."""

    keys: Sequence[str]
    allow_missing: bool

    def send(self, client: Client, ns: str, **write: Any) -> Any:
        """See Operation."""
        return client.delete_items(
            ns, self.keys, allow_missing=self.allow_missing, **write
        ).deleted_count

    def apply(self, model: Model) -> tuple[Any, bool]:
        """See Operation."""
        deleted = 0
        for key in dict.fromkeys(self.keys):
            if key not in model.items:
                if self.allow_missing:
                    continue
                raise RefusedByModelError("ITEM_NOT_FOUND")
            for category in model.categories_of(key):
                model.leave(key, category)
            del model.items[key]
            deleted += 1
        return deleted, deleted > 0


@dataclass(frozen=True, eq=False)
class Assign:
    """Puts items into categories."""

    pairs: Sequence[tuple[str, str]]
    vectors: Stored | None
    weights: Sequence[float] | None = None

    def send(self, client: Client, ns: str, **write: Any) -> Any:
        """See Operation."""
        items = [item for item, _ in self.pairs]
        categories = [category for _, category in self.pairs]
        reply = client.assign(ns, items, categories, self.vectors, weights=self.weights, **write)
        return [
            (
                (each.item, each.category, each.previous_category, each.changed),
                (each.category_count, each.item_created),
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
            said: dict[str, Any] = {"weight": weight} if weight is not None else {}
            if vector is not None:
                said["embedding"] = model.take_in(vector).tolist()
            if not model.multiple:
                said["category"] = category
            claim = claims.setdefault(item, {})
            if any(name in claim and claim[name] != value for name, value in said.items()):
                raise RefusedByModelError("CONTRADICTORY_BATCH")
            claim |= said
            results.append(self._assign(model, item, category, vector, weight))
        return results, any(said[3] for said, _, _ in results)

    @staticmethod
    def _assign(model: Model, item: str, category: str, vector: Any, weight: Any) -> Any:
        if category not in model.categories:
            raise RefusedByModelError("CATEGORY_NOT_FOUND")
        if vector is None and item not in model.items:
            raise RefusedByModelError("ITEM_NOT_FOUND")
        direction = model.items[item].embedding if vector is None else model.take_in(vector)
        numerator = model.stats(category).numerator
        score = None if numerator is None else cosine(direction.astype(np.float64), numerator)
        created, changed = _put_item(model, item, vector, weight, None)
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
    """Takes items out of categories; an empty category stands for all."""

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
                raise RefusedByModelError("CONTRADICTORY_BATCH")
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
                del model.items[item]
            results.append((item, tuple(left), bool(left or self.delete_items), self.delete_items))
        return results, any(changed for _, _, changed, _ in results)
