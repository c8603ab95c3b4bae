"""Which category the service offers for items of the inbox."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from effective_embeddings.client import Client
from effective_embeddings.report.caps import MOST_INBOX
from effective_embeddings.report.sources.drawing import drawn
from effective_embeddings.report.sources.progress import OnProgress
from effective_embeddings.report.sources.state import State

__all__ = ["Suggestion", "Suggestions", "read_suggestions"]

_PER_CALL = 250


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A category for an item.

    Attributes:
        item: Row of the item.
        category: Key of the best category.
        score: Its cosine with the item.
        second: Key of the second category; None: there is none.
        margin: How far the first is ahead of the second, by rank score; None: there is none.
    """

    item: int
    category: str
    score: float
    second: str | None
    margin: float | None


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Categories for items of the inbox.

    Attributes:
        found: One for each item that has one, in the order of the items.
        asked: How many items were matched.
        waiting: How many items are in the inbox.
    """

    found: list[Suggestion]
    asked: int
    waiting: int


def read_suggestions(client: Client, state: State, progress: OnProgress) -> Suggestions:
    """Match the inbox, or items drawn from it, as the namespace ranks."""
    inbox = state.inbox
    rows = drawn(inbox, state.keys, MOST_INBOX)
    found: list[Suggestion] = []
    for start in range(0, len(rows), _PER_CALL):
        progress("match the inbox", start, len(rows))
        asked = rows[start : start + _PER_CALL]
        # By vector, not by key: an item that somebody deletes meanwhile must not end the report.
        results = client.match(state.namespace.name, np.asarray(state.vectors[asked]), limit=2)
        for row, result in zip(asked, results, strict=True):
            if result.matches:
                first, *rest = result.matches
                second = rest[0].category if rest else None
                found.append(Suggestion(row, first.category, first.score, second, result.margin))
    return Suggestions(found, len(rows), len(inbox))
