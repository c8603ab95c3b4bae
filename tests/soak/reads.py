"""Reads. Each checks its reply."""

from __future__ import annotations

import itertools

from tests.soak.session import Visit
from tests.support.vectors import present

__all__ = [
    "get_category",
    "get_item",
    "get_namespace",
    "inbox",
    "list_categories",
    "list_items",
    "match_batch",
    "match_item",
    "match_vector",
]

_PAGE = 50


def match_vector(visit: Visit) -> None:
    """Rank the categories for a vector, at least as new as every answered write."""
    newest = visit.tenant.journal.newest
    query = visit.tenant.vectors(visit.rng, 1)[0]
    with visit.timed("match"):
        (result,) = visit.client.match(visit.tenant.name, query)
    scores = [match.score for match in result.matches]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 10
    assert result.revision >= newest, "what was acknowledged is visible"


def match_item(visit: Visit) -> None:
    """Rank the categories for a stored item."""
    with visit.tenant.borrowed(visit.rng) as items, visit.timed("match item"):
        (result,) = visit.client.match(visit.tenant.name, [*items], limit=3)
    assert len(result.matches) == 3


def match_batch(visit: Visit) -> None:
    """Rank all categories for sixteen vectors, at one revision."""
    with visit.timed("match batch"):
        results = visit.client.match(
            visit.tenant.name, visit.tenant.vectors(visit.rng, 16), limit=0
        )
    assert len({result.revision for result in results}) == 1


def get_category(visit: Visit) -> None:
    """Read a category with its embeddings."""
    key = visit.tenant.any_category(visit.rng)
    with visit.timed("get category"):
        category = visit.client.get_category(visit.tenant.name, key)
    assert category.counting_count <= category.member_count
    if category.window:
        assert category.counting_count <= category.window


def get_item(visit: Visit) -> None:
    """Read an item: its categories are the acknowledged ones."""
    with visit.tenant.borrowed(visit.rng) as items:
        ((key, categories),) = items.items()
        with visit.timed("get item"):
            item = visit.client.get_item(visit.tenant.name, key)
    assert {each.category for each in item.memberships} == categories
    assert present(item.embedding).any()


def get_namespace(visit: Visit) -> None:
    """Read the counts of a namespace."""
    newest = visit.tenant.journal.newest
    with visit.timed("get namespace"):
        namespace = visit.client.get_namespace(visit.tenant.name)
    assert namespace.revision >= newest


def list_items(visit: Visit) -> None:
    """Read the newest members of a category."""
    category = visit.tenant.any_category(visit.rng)
    with visit.timed("list items"):
        items = visit.client.list_items(visit.tenant.name, category=category)
        found = list(itertools.islice(items, _PAGE))
    assert all(category in {each.category for each in item.memberships} for item in found)


def inbox(visit: Visit) -> None:
    """Read the inbox."""
    with visit.timed("inbox"):
        items = visit.client.list_items(visit.tenant.name, unassigned=True)
        found = list(itertools.islice(items, _PAGE))
    assert all(not item.memberships for item in found)


def list_categories(visit: Visit) -> None:
    """Read all categories."""
    with visit.timed("list categories"):
        found = list(visit.client.list_categories(visit.tenant.name))
    assert len(found) == len(visit.tenant.plain) + len(visit.tenant.windowed)
