"""The async client's calls that teach, un-teach and ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from numpy.typing import ArrayLike

from effective_embeddings.client._async.base import AsyncClientBase
from effective_embeddings.client.convert.columns import Metadata, Weights
from effective_embeddings.client.models.queries import Queries
from effective_embeddings.client.models.replies import AssignReply, MatchResult, UnassignReply
from effective_embeddings.client.requests import learning, matching
from effective_embeddings.client.requests.writes import WriteOptions

__all__ = ["AsyncLearningCalls"]


class AsyncLearningCalls(AsyncClientBase):
    """Assign, unassign, match."""

    async def assign(
        self,
        ns: str,
        items: str | Sequence[str],
        categories: str | Sequence[str],
        embeddings: ArrayLike | None = None,
        *,
        weights: Weights = None,
        metadata: Metadata = None,
        **write: Unpack[WriteOptions],
    ) -> AssignReply:
        """Put items into categories, which learn them at once; see Client.assign."""
        return await self._run(
            learning.assign(
                self._actor,
                ns,
                items,
                categories,
                embeddings,
                weights=weights,
                metadata=metadata,
                options=write,
            )
        )

    async def unassign(
        self,
        ns: str,
        items: str | Sequence[str],
        categories: str | Sequence[str] | None = None,
        *,
        delete_items: bool = False,
        **write: Unpack[WriteOptions],
    ) -> UnassignReply:
        """Take items out of categories, which forget them exactly; see Client.unassign."""
        return await self._run(
            learning.unassign(
                self._actor, ns, items, categories, delete_items=delete_items, options=write
            )
        )

    async def match(
        self,
        ns: str,
        queries: Queries,
        *,
        limit: int = 10,
        min_score: float | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        min_revision: int = 0,
        embedding_model: str = "",
    ) -> list[MatchResult]:
        """Rank all categories for each query; see Client.match."""
        return await self._run(
            matching.match(
                ns,
                queries,
                limit=limit,
                min_score=min_score,
                include=include,
                exclude=exclude,
                min_revision=min_revision,
                embedding_model=embedding_model,
            )
        )
