"""Writes to categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from effective_embeddings import CategoryUpdate, Client
from tests.model.operations.base import either, same
from tests.model.oracle import Model, ModelCategory, RefusedByModelError

__all__ = ["DeleteCategories", "Merge", "PutCategories", "Reanchor", "Rename"]


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
                base_weight=either(update.base_weight, old.base_weight),
                window=either(update.window, old.window),
                min_base_share=either(update.min_base_share, old.min_base_share),
                frozen=either(update.frozen, old.frozen),
                min_score=_least(update.min_score, old.min_score),
                max_actor_share=_most(update.max_actor_share, old.max_actor_share),
                metadata=either(update.metadata, old.metadata),
                anchor=old.anchor,
            )
            unchanged = same(after.base, old.base) and _told(after) == _told(old)
            changed = before is None or not unchanged
            model.categories[update.key] = after
            results.append((update.key, before is None, changed))
        return results, any(changed for _, _, changed in results)


def _told(category: ModelCategory) -> tuple[Any, ...]:
    settings = (np.float32(category.base_weight), category.window, category.min_base_share)
    bounds = (category.min_score, category.max_actor_share)
    return (*settings, category.frozen, *bounds, dict(category.metadata))


def _least(update: float | None, old: float | None) -> float | None:
    """A category's least score after an update: -1 takes it back."""
    after = either(update, old)
    return None if after == -1 else after


def _most(update: float | None, old: float | None) -> float | None:
    """A category's largest share of an actor after an update: 1 takes it back."""
    after = either(update, old)
    return None if after == 1 else after


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
            model.forget_category(key)
            deleted += 1
        return (deleted, unassigned), deleted > 0


@dataclass(frozen=True)
class Reanchor:
    """Reanchors a category."""

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


@dataclass(frozen=True)
class Rename:
    """Renames a category."""

    key: str
    new_key: str

    def send(self, client: Client, ns: str, **write: Any) -> Any:
        """See Operation."""
        reply = client.rename_category(ns, self.key, self.new_key, **write)
        return reply.changed, reply.category.key, reply.category.member_count

    def apply(self, model: Model) -> tuple[Any, bool]:
        """See Operation."""
        if self.key not in model.categories:
            raise RefusedByModelError("CATEGORY_NOT_FOUND")
        changed = self.key != self.new_key
        if changed:
            if self.new_key in model.categories:
                raise RefusedByModelError("CATEGORY_EXISTS")
            model.rename(self.key, self.new_key)
        return (changed, self.new_key, len(model.members_of(self.new_key))), changed


@dataclass(frozen=True)
class Merge:
    """Merges categories into another one."""

    sources: Sequence[str]
    target: str

    def send(self, client: Client, ns: str, **write: Any) -> Any:
        """See Operation."""
        reply = client.merge_categories(ns, self.sources, self.target, **write)
        moved = [(each.category, each.member_count, each.moved_count) for each in reply.sources]
        return moved, reply.category.member_count

    def apply(self, model: Model) -> tuple[Any, bool]:
        """See Operation."""
        if self.target not in model.categories:
            raise RefusedByModelError("CATEGORY_NOT_FOUND")
        for key in dict.fromkeys(self.sources):
            if key == self.target:
                raise RefusedByModelError("CONFLICTING_ENTRIES")
            if key not in model.categories:
                raise RefusedByModelError("CATEGORY_NOT_FOUND")
        moved = []
        for key in dict.fromkeys(self.sources):
            members = model.members_of(key)
            new = [item for item in members if (item, self.target) not in model.members]
            model.merge(key, self.target)
            moved.append((key, len(members), len(new)))
        return (moved, len(model.members_of(self.target))), True
