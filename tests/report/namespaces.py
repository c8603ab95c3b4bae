"""Namespaces to report on."""

from __future__ import annotations

import numpy as np

from effective_embeddings import CategoryUpdate, Client
from tests.support.vectors import clusters, random_vectors

__all__ = ["DIMENSION", "fill_with_everything", "fill_with_tags"]

DIMENSION = 12
_MEMBERS = 9


def fill_with_everything(client: Client, ns: str) -> None:
    """Fill a SINGLE namespace with categories of each setting, and with some misplaced members."""
    client.create_namespace(ns, DIMENSION)
    centres, members = clusters(8, _MEMBERS, DIMENSION, seed=11)
    settings = [
        CategoryUpdate("plain", base=centres[0]),
        CategoryUpdate("windowed", base=centres[1], window=4),
        CategoryUpdate("bound", base=centres[2], min_base_share=0.6),
        CategoryUpdate("frozen", base=centres[3], frozen=True),
        CategoryUpdate("nameless"),
        CategoryUpdate("weightless", base=centres[5], base_weight=0),
        CategoryUpdate("anchored", base=centres[6], base_weight=2.5),
        CategoryUpdate("picky", base=centres[7], min_score=0.9),
        CategoryUpdate("lonely"),
        CategoryUpdate("empty"),
    ]
    client.put_categories(ns, settings)
    weights = np.random.default_rng(3).uniform(0.25, 4, (8, _MEMBERS))
    for place, category in enumerate(settings[:8]):
        keys = [f"{category.key} {number}" for number in range(_MEMBERS)]
        client.assign(
            ns,
            keys,
            category.key,
            members[place],
            weights=weights[place],
            actor="ann" if place % 2 else "ben",
        )
        if category.key == "anchored":
            client.reanchor(ns, "anchored", keep_last=5)
    client.assign(ns, "alone", "lonely", random_vectors(1, DIMENSION, seed=21), actor="ben")
    # Carl files what belongs to "bound" under "plain".
    noise = random_vectors(3, DIMENSION, seed=22) * 0.2
    wrong = [f"wrong {number}" for number in range(3)]
    client.assign(ns, wrong, "plain", centres[2] + noise, actor="carl")
    client.put_items(
        ns,
        [f"new {number}" for number in range(6)],
        centres[:6] + random_vectors(6, DIMENSION, seed=23) * 0.3,
        metadata=[{"text": f"the words of item {number}"} for number in range(6)],
    )


def fill_with_tags(client: Client, ns: str) -> None:
    """Fill a MULTIPLE namespace whose items have up to three categories."""
    client.create_namespace(ns, DIMENSION, membership="multiple")
    centres, members = clusters(4, 6, DIMENSION, seed=31)
    keys = [f"tag {number}" for number in range(4)]
    client.put_categories(
        ns, [CategoryUpdate(key, base=base) for key, base in zip(keys, centres, strict=True)]
    )
    for place in range(4):
        items = [f"item {place} {number}" for number in range(6)]
        client.put_items(ns, items, members[place])
        client.assign(ns, items, keys[place])
        client.assign(ns, items[:3], keys[(place + 1) % 4])
        client.assign(ns, items[:1], keys[(place + 2) % 4])
