"""Writes to items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from effective_embeddings import Client
from tests.model.operations.base import either, same
from tests.model.oracle import Model, ModelItem, RefusedByModelError, Stored

__all__ = ["DeleteItems", "Parts", "PutItems", "embedding_of", "put_item"]

Parts = Mapping[str, float] | None


def embedding_of(model: Model, key: str, vector: Any, parts: Parts) -> Stored | None:
    """The embedding that a write gives to an item: a vector or the mean of parts; None: none."""
    if not parts:
        return None if vector is None else model.take_in(vector)
    if any(key in own.parts for own in model.items.values()):
        raise RefusedByModelError("NESTED_COMPOSITE")
    for part in parts:
        if part not in model.items:
            raise RefusedByModelError("ITEM_NOT_FOUND")
        if model.items[part].parts:
            raise RefusedByModelError("NESTED_COMPOSITE")
    return model.mean(parts)


def put_item(
    model: Model,
    key: str,
    vector: Any,
    weight: float | None,
    metadata: Mapping[str, str] | None,
    parts: Parts = None,
) -> tuple[bool, bool]:
    """Store the given fields of an item; return whether it is new, and whether it changed."""
    before = model.items.get(key)
    taken = embedding_of(model, key, vector, parts)
    if before is None:
        if taken is None:
            raise RefusedByModelError("ITEM_NOT_FOUND")
        model.items[key] = ModelItem(taken, either(weight, 1.0), either(metadata, {}), parts or {})
        return True, True
    after = ModelItem(
        either(taken, before.embedding),
        either(weight, before.weight),
        either(metadata, before.metadata),
        before.parts if taken is None else parts or {},
    )
    model.items[key] = after
    unchanged = (
        same(after.embedding, before.embedding)
        and np.float32(after.weight) == np.float32(before.weight)
        and after.metadata == before.metadata
        and after.parts == before.parts
    )
    return False, not unchanged


@dataclass(frozen=True, eq=False)
class PutItems:
    """Stores or changes items."""

    keys: Sequence[str]
    vectors: Stored | None
    weights: Sequence[float] | None = None
    metadata: Mapping[str, str] | None = None
    parts: Sequence[Parts] | None = None

    def send(self, client: Client, ns: str, **write: Any) -> Any:
        """See Operation."""
        values: dict[str, Any] = {"weights": self.weights, "metadata": self.metadata}
        reply = client.put_items(ns, self.keys, self.vectors, parts=self.parts, **values, **write)
        return [(each.key, each.created, each.changed) for each in reply.results]

    def apply(self, model: Model) -> tuple[Any, bool]:
        """See Operation."""
        results = []
        for index, key in enumerate(self.keys):
            created, changed = put_item(
                model,
                key,
                None if self.vectors is None else self.vectors[index],
                None if self.weights is None else self.weights[index],
                self.metadata,
                None if self.parts is None else self.parts[index],
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
            model.forget_item(key)
            deleted += 1
        return deleted, deleted > 0
