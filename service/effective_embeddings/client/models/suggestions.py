"""The replies of Suggest, as frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from effective_embeddings.client.models.replies import CategoryMatch

__all__ = ["SuggestOrder", "SuggestReply", "Suggestion", "SuggestionGroup"]

SuggestOrder = Literal["surest", "most_doubtful", "grouped"]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An item of the inbox, and the category that a Match lists first for it.

    Attributes:
        item: The item's key.
        best: The category.
        runner_up: The category that a Match lists second; None: it lists one only.
        margin: The lead of the best category over the second best, as in MatchResult; None: only
            one is ranked.
    """

    item: str
    best: CategoryMatch
    runner_up: CategoryMatch | None
    margin: float | None


@dataclass(frozen=True, slots=True)
class SuggestionGroup:
    """The items for which the same category is suggested.

    Attributes:
        category: The category's key.
        count: Number of suggestions of the category.
        suggestions: The surest of them, in order.
    """

    category: str
    count: int
    suggestions: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True)
class SuggestReply:
    """A page of suggestions.

    Attributes:
        suggestions: In order; empty if they are grouped.
        groups: In order; empty unless suggestions are grouped.
        next_page_token: The ``page_token`` of the next page; empty: this is the last page.
        item_count: Number of items of the inbox that pass the filters of items.
        suggestion_count: Number of suggestions that pass all filters, on all pages.
        revision: The revision that the page saw.
    """

    suggestions: tuple[Suggestion, ...]
    groups: tuple[SuggestionGroup, ...]
    next_page_token: str
    item_count: int
    suggestion_count: int
    revision: int
