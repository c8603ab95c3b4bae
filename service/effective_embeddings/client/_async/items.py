"""The asynchronous client's methods on items."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Unpack

from effective_embeddings.client._async.base import AsyncClientBase
from effective_embeddings.client.convert.columns import Embeddings, Keys, Metadata, Parts, Weights
from effective_embeddings.client.models.replies import DeleteReply, PutReply
from effective_embeddings.client.models.resources import Item
from effective_embeddings.client.requests import items as requests
from effective_embeddings.client.requests.deletes import delete
from effective_embeddings.client.requests.writes import WriteOptions

__all__ = ["AsyncItemCalls"]


class AsyncItemCalls(AsyncClientBase):
    """Items."""

    async def put_items(
        self,
        ns: str,
        keys: Keys,
        embeddings: Embeddings | None = None,
        *,
        weights: Weights = None,
        metadata: Metadata = None,
        parts: Parts = None,
        expected: Keys | None = None,
        **write: Unpack[WriteOptions],
    ) -> PutReply:
        """Store or change items without assigning them; new items go to the inbox.

        A new embedding or weight takes effect at once in every category that the item is in. A
        batch of more than 10000 items, or of about 3 MiB, is sent in parts. Each part is atomic;
        if the service refuses a part, the parts before it stay written. To resume, repeat the
        call with the same ``request_id``.

        Args:
            ns: The namespace.
            keys: n keys, or one key, in a list or column; 1 to 512 bytes of
                UTF-8 each, without control characters. Keys are
                compared byte by byte: the NFC and the NFD form of a text are two keys.
            embeddings: (n, d) array-like, or (d,) for one key; sent as float32. Required for new
                items without parts; None, or None for a row, keeps a known item's. A composite item
                becomes a plain one.
            weights: How much each item teaches, 2⁻¹⁰ to 2²⁰: one number for all items, or n.
                None, or None for an item: a known item keeps its weight, a new item has 1.
            metadata: One mapping for all items, or n mappings; replaces the old metadata. None,
                or None for an item, keeps the old. At most 64 entries and 16 KiB per item.
            parts: Makes an item a composite one: a mapping of the keys of 1 to 1024 plain items to
                their weights, 2⁻¹⁰ to 2²⁰; for n items, n mappings. Its embedding is their weighted
                mean and follows them. They exist, or come earlier in the batch. None, or None for
                an item, keeps what it is made of. Not together with its embedding.
            expected: Write only if each item is in this category: one key for all items, or n; an
                empty key: in none. The whole request is refused otherwise. None: wherever it is.
            **write: See WriteOptions.

        Raises:
            TypeError: A key or a text in metadata is not text, or a number is not a number.
            ValueError: The columns differ in length, or ``embeddings`` has another shape.
            NotFound: The namespace or a part does not exist, or a new item has no embedding.
            InvalidArgument: An entry is invalid; ``field_violations`` names the field.
            FailedPrecondition: ``embedding_model`` is not the namespace's model, a sum would
                overflow, or a part would have parts itself or its composite no mean.
        """
        return await self._run(
            requests.put(
                self._actor,
                ns,
                keys,
                embeddings,
                weights=weights,
                metadata=metadata,
                parts=parts,
                expected=expected,
                options=write,
            )
        )

    async def get_item(
        self, ns: str, key: str, *, include_embedding: bool = True, min_revision: int = 0
    ) -> Item:
        """Return an item with its categories.

        Args:
            ns: The namespace.
            key: The item's key.
            include_embedding: True: with the embedding, (d,) float32.
            min_revision: See get_namespace.

        Raises:
            NotFound: The namespace or the item does not exist.
        """
        return await self._run(
            requests.get(ns, key, include_embedding=include_embedding, min_revision=min_revision)
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
        """Iterate over items: all, those of a category, or the inbox; fetched on demand.

        Args:
            ns: The namespace.
            category: Only members of this category, the most recently assigned first. None: all
                items, ordered by key.
            unassigned: True: only items in no category, ordered by key.
            include_embeddings: True: with embeddings, (d,) float32 each.
            min_revision: See get_namespace.

        Raises:
            ValueError: Both ``category`` and ``unassigned`` are given.
            NotFound: The namespace or the category does not exist; raised when the first item is
                fetched.
        """
        return self._pages(
            requests.listing(
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
        keys: Keys,
        *,
        allow_missing: bool = False,
        **write: Unpack[WriteOptions],
    ) -> DeleteReply:
        """Delete items; the categories of each forget it exactly.

        Large batches are sent in parts, as in put_items.

        Args:
            ns: The namespace.
            keys: Keys of the items, or one key.
            allow_missing: True: keys of unknown items are skipped.
            **write: See WriteOptions.

        Raises:
            NotFound: The namespace or an item does not exist.
        """
        return await self._run(
            delete("items", self._actor, ns, keys, allow_missing=allow_missing, options=write)
        )
