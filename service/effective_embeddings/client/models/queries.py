"""Queries of a match: a vector, a stored item, or a weighted mean of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from numpy.typing import ArrayLike

__all__ = ["Queries", "Query", "QueryPart"]


@dataclass(frozen=True, slots=True, eq=False)
class QueryPart:
    """One part of a query: a vector or a stored item.

    Attributes:
        embedding: (d,) array-like.
        item: The key of a stored item.
        weight: How much the part counts, 2⁻¹⁰ to 2²⁰; default 1. A negative weight subtracts the
            part: "like this, but not like that".
    """

    embedding: ArrayLike | None = None
    item: str | None = None
    weight: float = 1.0

    def __post_init__(self) -> None:
        _check_one_of(embedding=self.embedding, item=self.item)


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A query; exactly one of its three forms.

    Attributes:
        embedding: (d,) array-like.
        item: The key of a stored item.
        parts: 1 to 1000 parts; the query is their weighted mean.
    """

    embedding: ArrayLike | None = None
    item: str | None = None
    parts: Sequence[QueryPart] | None = None

    def __post_init__(self) -> None:
        _check_one_of(embedding=self.embedding, item=self.item, parts=self.parts)


# A (d,) or (n, d) array-like, an item key, several item keys, a Query, or several of them.
Queries: TypeAlias = ArrayLike | str | Sequence[str] | Query | Sequence[Query]


def _check_one_of(**choices: object) -> None:
    given = [name for name, value in choices.items() if value is not None]
    if len(given) != 1:
        found = ", ".join(given) or "nothing"
        message = f"exactly one of {', '.join(choices)} must be given, not {found}"
        raise ValueError(message)
