"""The async client's calls on categories."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Unpack

from effective_embeddings.client._async.base import AsyncClientBase
from effective_embeddings.client.models.replies import DeleteReply, PutReply
from effective_embeddings.client.models.resources import Category, CategoryUpdate
from effective_embeddings.client.requests import categories as calls
from effective_embeddings.client.requests.writes import WriteOptions

__all__ = ["AsyncCategoryCalls"]


class AsyncCategoryCalls(AsyncClientBase):
    """Categories."""

    async def put_categories(
        self, ns: str, categories: Iterable[CategoryUpdate], **write: Unpack[WriteOptions]
    ) -> PutReply:
        """Create or change categories; see Client.put_categories."""
        return await self._run(calls.put(self._actor, ns, categories, write))

    async def get_category(
        self, ns: str, key: str, *, include_embeddings: bool = True, min_revision: int = 0
    ) -> Category:
        """Return a category with what it has learned; see Client.get_category."""
        return await self._run(
            calls.get(ns, key, include_embeddings=include_embeddings, min_revision=min_revision)
        )

    def list_categories(
        self, ns: str, *, include_embeddings: bool = False, min_revision: int = 0
    ) -> AsyncIterator[Category]:
        """Return the categories ordered by key; see Client.list_categories."""
        return self._pages(
            calls.listing(ns, include_embeddings=include_embeddings, min_revision=min_revision)
        )

    async def delete_categories(
        self,
        ns: str,
        keys: str | Sequence[str],
        *,
        allow_missing: bool = False,
        **write: Unpack[WriteOptions],
    ) -> DeleteReply:
        """Delete categories; see Client.delete_categories."""
        return await self._run(
            calls.delete(self._actor, ns, keys, allow_missing=allow_missing, options=write)
        )

    async def reanchor(
        self, ns: str, key: str, *, keep_last: int = 0, **write: Unpack[WriteOptions]
    ) -> Category:
        """Make a category's average start again from its base; see Client.reanchor."""
        return await self._run(
            calls.reanchor(self._actor, ns, key, keep_last=keep_last, options=write)
        )
