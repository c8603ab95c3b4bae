"""A namespace with every kind of content, for read-only tests."""

from __future__ import annotations

from effective_embeddings import CategoryUpdate, Client
from tests.support.vectors import clusters, random_vectors

__all__ = ["CENTRES", "DIMENSION", "MEMBERS", "fill"]

DIMENSION = 8
CENTRES, MEMBERS = clusters(5, 8, DIMENSION, seed=3)
_CATEGORIES = [f"c{number}" for number in range(5)]


def fill(client: Client, ns: str) -> str:
    """Five categories of eight members each, and seven items in the inbox."""
    client.create_namespace(ns, DIMENSION)
    client.put_categories(
        ns, [CategoryUpdate(key, base=base) for key, base in zip(_CATEGORIES, CENTRES, strict=True)]
    )
    for key, members in zip(_CATEGORIES, MEMBERS, strict=True):
        client.assign(ns, [f"{key} item {n}" for n in range(8)], key, members)
    client.put_items(ns, [f"inbox {n}" for n in range(7)], random_vectors(7, DIMENSION, seed=4))
    return ns
