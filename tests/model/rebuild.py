"""The same state by another way: in another order, with detours."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np

from effective_embeddings import CategoryUpdate, Client
from tests.model.oracle import Model, ModelCategory

__all__ = ["rebuild"]

_REANCHOR = ""


def rebuild(client: Client, ns: str, model: Model, rng: random.Random) -> None:
    """Make a namespace that is what the model is, by a way that the generator decides.

    The detours (wrong embeddings, weights, settings and places, put right later) must leave no
    trace. Only where a window or an anchor makes the order of assignment part of the state is it
    kept.
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
        client.assign(ns, item, category)
    if keys:
        updates = [_right(key, model.categories[key]) for key in rng.sample(keys, len(keys))]
        client.put_categories(ns, updates)
    for key in items:
        right = model.items[key]
        client.put_items(
            ns, key, right.embedding, weights=right.weight, metadata=dict(right.metadata)
        )


def _wrong(key: str, model: Model, rng: random.Random) -> CategoryUpdate:
    """A category to begin with, right or not."""
    if rng.random() < 0.5:
        return _right(key, model.categories[key])
    base = np.ones(model.dimension, dtype=np.float32) if rng.random() < 0.5 else None
    return CategoryUpdate(key, base=base, base_weight=3, window=rng.choice([0, 1]), frozen=True)


def _right(key: str, told: ModelCategory) -> CategoryUpdate:
    return CategoryUpdate(
        key,
        base=told.base,
        clear_base=told.base is None,
        base_weight=told.base_weight,
        window=told.window,
        min_base_share=told.min_base_share,
        frozen=told.frozen,
        metadata=told.metadata,
    )


def _detour(client: Client, ns: str, model: Model, item: str, rng: random.Random) -> None:
    """Put an item where it never belongs, and take it out again or leave that to what follows."""
    strange = [key for key in sorted(model.categories) if (item, key) not in model.members]
    if strange and rng.random() < 0.4:
        wrong = rng.choice(strange)
        client.assign(ns, item, wrong)
        if model.multiple or rng.random() < 0.5:
            client.unassign(ns, item, wrong)


def _merged(model: Model, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Pairs of category and item, those of the categories mixed; no item: reanchor."""
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
