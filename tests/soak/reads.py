"""Reads. Each checks its reply."""

from __future__ import annotations

import itertools

from tests.soak.session import Session
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


def match_vector(session: Session) -> None:
    """Rank the categories for a vector, at least as new as every answered write."""
    newest = session.tenant.journal.newest
    query = session.tenant.vectors(session.rng, 1)[0]
    with session.timed("match"):
        (result,) = session.client.match(session.tenant.name, query)
    scores = [match.score for match in result.matches]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 10
    assert result.revision >= newest, "what was acknowledged is visible"


def match_item(session: Session) -> None:
    """Rank the categories for a stored item."""
    with session.tenant.borrowed(session.rng) as items, session.timed("match item"):
        (result,) = session.client.match(session.tenant.name, [*items], limit=3)
    assert len(result.matches) == 3


def match_batch(session: Session) -> None:
    """Rank all categories for sixteen vectors, at one revision."""
    with session.timed("match batch"):
        results = session.client.match(
            session.tenant.name, session.tenant.vectors(session.rng, 16), limit=0
        )
    assert len({result.revision for result in results}) == 1


def get_category(session: Session) -> None:
    """Read a category with its embeddings."""
    key = session.tenant.any_category(session.rng)
    with session.timed("get category"):
        category = session.client.get_category(session.tenant.name, key)
    assert category.counting_count <= category.member_count
    if category.window:
        assert category.counting_count <= category.window


def get_item(session: Session) -> None:
    """Read an item: its categories are the acknowledged ones."""
    with session.tenant.borrowed(session.rng) as items:
        ((key, categories),) = items.items()
        with session.timed("get item"):
            item = session.client.get_item(session.tenant.name, key)
    assert {each.category for each in item.memberships} == categories
    assert present(item.embedding).any()


def get_namespace(session: Session) -> None:
    """Read the counts of a namespace."""
    newest = session.tenant.journal.newest
    with session.timed("get namespace"):
        namespace = session.client.get_namespace(session.tenant.name)
    assert namespace.revision >= newest


def list_items(session: Session) -> None:
    """Read the newest members of a category."""
    category = session.tenant.any_category(session.rng)
    with session.timed("list items"):
        items = session.client.list_items(session.tenant.name, category=category)
        found = list(itertools.islice(items, _PAGE))
    assert all(category in {each.category for each in item.memberships} for item in found)


def inbox(session: Session) -> None:
    """Read the inbox."""
    with session.timed("inbox"):
        items = session.client.list_items(session.tenant.name, unassigned=True)
        found = list(itertools.islice(items, _PAGE))
    assert all(not item.memberships for item in found)


def list_categories(session: Session) -> None:
    """Read all categories."""
    with session.timed("list categories"):
        found = list(session.client.list_categories(session.tenant.name))
    assert len(found) == len(session.tenant.plain) + len(session.tenant.windowed)
