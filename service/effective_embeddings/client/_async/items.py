"""The async client's calls on items."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Unpack

from numpy.typing import ArrayLike

from effective_embeddings.client._async.base import AsyncClientBase
from effective_embeddings.client.convert.columns import Metadata, Weights
from effective_embeddings.client.models.replies import DeleteReply, PutReply
from effective_embeddings.client.models.resources import Item
from effective_embeddings.client.requests import items as calls
from effective_embeddings.client.requests.writes import WriteOptions

__all__ = ["AsyncItemCalls"]


class AsyncItemCalls(AsyncClientBase):
    """Items."""

    async def put_items(
        self,
        ns: str,
        keys: str | Sequence[str],
        embeddings: ArrayLike | None = None,
        *,
        weights: Weights = None,
        metadata: Metadata = None,
        **write: Unpack[WriteOptions],
    ) -> PutReply:
        """Store or change items without assigning them; see Client.put_items."""
        return await self._run(
            calls.put(
                self._actor,
                ns,
                keys,
                embeddings,
                weights=weights,
                metadata=metadata,
                options=write,
            )
        )

    async def get_item(
        self, ns: str, key: str, *, include_embedding: bool = True, min_revision: int = 0
    ) -> Item:
        """Return an item with its categories; see Client.get_item."""
        return await self._run(
            calls.get(ns, key, include_embedding=include_embedding, min_revision=min_revision)
        )

    def list_items(
        self,
        ns: str,
        *,
        category: str | None = None,
        unassigned: bool = False,
        include_embeddings: bool = False,
        min_revision: int = 0,
    ) -> AsyncIterator[Item]:
        """Return items: all, those of a category, or the inbox; see Client.list_items."""
        return self._pages(
            calls.listing(
                ns,
                category=category,
                unassigned=unassigned,
                include_embeddings=include_embeddings,
                min_revision=min_revision,
            )
        )

    async def delete_items(
        self,
        ns: str,
        keys: str | Sequence[str],
        *,
        allow_missing: bool = False,
        **write: Unpack[WriteOptions],
    ) -> DeleteReply:
        """Delete items; their categories forget them; see Client.delete_items."""
        return await self._run(
            calls.delete(self._actor, ns, keys, allow_missing=allow_missing, options=write)
        )
