"""The same state built in another way: in another order, with detours."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from effective_embeddings import CategoryUpdate, Client
from tests.model.oracle import Model, ModelCategory

__all__ = ["rebuild"]

_REANCHOR = ""


def rebuild(client: Client, ns: str, model: Model, rng: random.Random) -> None:
    """Build a namespace with the model's state, in a way that the generator decides.

    The detours (wrong embeddings, weights, settings and categories, corrected later) must leave no
    trace. The order of assignment is kept only where a window or an anchor makes it part of the
    state.
    """
    client.create_namespace(
        ns,
        model.dimension,
        normalization="unit" if model.unit else "raw",
        membership="multiple" if model.multiple else "single",
    )
    keys = rng.sample(sorted(model.categories), len(model.categories))
    if keys:
        client.put_categories(ns, [_wrong(key, model, rng) for key in keys])
    items = rng.sample(sorted(model.items), len(model.items))
    for key in items:
        noise = np.float32(rng.choice([0, 0.25]))
        client.put_items(ns, key, model.items[key].embedding + noise, weights=rng.choice([1, 3]))
    for category, item in _merged(model, rng):
        if item == _REANCHOR:
            client.reanchor(ns, category)
            continue
        _detour(client, ns, model, item, rng)
        client.assign(ns, item, category, actor=model.actors[model.members[item, category]])
    if keys:
        updates = [_right(key, model.categories[key]) for key in rng.sample(keys, len(keys))]
        client.put_categories(ns, updates)
    for item, category in rng.sample(sorted(model.dismissed), len(model.dismissed)):
        client.dismiss(ns, item, category)
    # The parts of composite items first.
    for key in sorted(items, key=lambda key: bool(model.items[key].parts)):
        right = model.items[key]
        parts = dict(rng.sample(sorted(right.parts.items()), len(right.parts))) or None
        embedding = None if parts else right.embedding
        metadata = dict(right.metadata)
        client.put_items(ns, key, embedding, weights=right.weight, metadata=metadata, parts=parts)


def _wrong(key: str, model: Model, rng: random.Random) -> CategoryUpdate:
    """The first version of a category, right or wrong."""
    if rng.random() < 0.5:
        return _right(key, model.categories[key])
    base = np.ones(model.dimension, dtype=np.float32) if rng.random() < 0.5 else None
    wrong = CategoryUpdate(key, base=base, base_weight=3, window=rng.choice([0, 1]), frozen=True)
    bounds: dict[str, Any] = {
        "min_score": rng.choice([None, 0.5]),
        "max_actor_share": rng.choice([None, 0.2]),
    }
    return dataclasses.replace(wrong, **bounds)


def _right(key: str, told: ModelCategory) -> CategoryUpdate:
    return CategoryUpdate(
        key,
        base=told.base,
        clear_base=told.base is None,
        base_weight=told.base_weight,
        window=told.window,
        min_base_share=told.min_base_share,
        frozen=told.frozen,
        min_score=-1 if told.min_score is None else told.min_score,
        max_actor_share=1 if told.max_actor_share is None else told.max_actor_share,
        metadata=told.metadata,
    )


def _detour(client: Client, ns: str, model: Model, item: str, rng: random.Random) -> None:
    """Assign an item wrongly, and undo that now or by a later assignment."""
    strange = [key for key in sorted(model.categories) if (item, key) not in model.members]
    if strange and rng.random() < 0.4:
        wrong = rng.choice(strange)
        client.assign(ns, item, wrong)
        if model.multiple or rng.random() < 0.5:
            client.unassign(ns, item, wrong)


def _merged(model: Model, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Pairs of category and item, interleaved over categories; without an item: reanchor."""
    queues = {key: _in_order(model, key, rng) for key in sorted(model.categories)}
    while queues := {key: queue for key, queue in queues.items() if queue}:
        key = rng.choice(list(queues))
        yield key, queues[key].pop(0)


def _in_order(model: Model, key: str, rng: random.Random) -> list[str]:
    told, members = model.categories[key], model.members_of(key)
    behind = [item for item in members if model.members[item, key] <= told.anchor]
    rest = members[len(behind) :]
    rng.shuffle(behind)
    if not told.window:
        rng.shuffle(rest)
    return [*behind, _REANCHOR, *rest] if behind else rest
