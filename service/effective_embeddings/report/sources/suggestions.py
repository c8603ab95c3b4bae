"""Which categories the service suggests for the inbox."""

from __future__ import annotations

from dataclasses import dataclass

from effective_embeddings.client import Client, Suggestion, SuggestionGroup
from effective_embeddings.client.errors import InvalidArgument
from effective_embeddings.report.caps import MOST_GROUPS, MOST_SUGGESTIONS
from effective_embeddings.report.sources.progress import OnProgress

__all__ = ["Suggestions", "read_suggestions"]


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Suggestions for the inbox.

    Attributes:
        surest: Those with the largest margins, at most half of all.
        doubtful: Those with the smallest margins, at most half of all.
        groups: Items by the category that is suggested for them, the largest group first.
        refusal: Why the service suggests nothing for this namespace; empty: it does.
    """

    surest: tuple[Suggestion, ...] = ()
    doubtful: tuple[Suggestion, ...] = ()
    groups: tuple[SuggestionGroup, ...] = ()
    refusal: str = ""


def read_suggestions(client: Client, ns: str, progress: OnProgress) -> Suggestions:
    """Read the ends of the list of suggestions, and its groups, ranked as the namespace does.

    Raises:
        NotFound: The namespace does not exist.
    """
    progress("match the inbox", 0, None)
    try:
        first = client.suggest(ns, page_size=MOST_SUGGESTIONS, confidence=True)
        last = client.suggest(
            ns, order="most_doubtful", page_size=MOST_SUGGESTIONS, confidence=True
        )
        groups = client.suggest(ns, order="grouped", page_size=MOST_GROUPS, group_size=1).groups
    except InvalidArgument as error:
        if error.reason != "TOO_LARGE":
            raise
        return Suggestions(refusal=error.message)
    half = (first.suggestion_count + 1) // 2
    rest = first.suggestion_count - half
    return Suggestions(first.suggestions[:half], last.suggestions[:rest], groups)
