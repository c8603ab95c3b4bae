"""The sync client's calls on items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Unpack

from numpy.typing import ArrayLike

from effective_embeddings.client._sync.base import ClientBase
from effective_embeddings.client.convert.columns import Metadata, Weights
from effective_embeddings.client.models.replies import DeleteReply, PutReply
from effective_embeddings.client.models.resources import Item
from effective_embeddings.client.requests import items as calls
from effective_embeddings.client.requests.writes import WriteOptions

__all__ = ["ItemCalls"]


class ItemCalls(ClientBase):
    """Items."""

    def put_items(
        self,
        ns: str,
        keys: str | Sequence[str],
        embeddings: ArrayLike | None = None,
        *,
        weights: Weights = None,
        metadata: Metadata = None,
        **write: Unpack[WriteOptions],
    ) -> PutReply:
        """Store or change items without assigning them (the inbox).

        Categories take up a new embedding or weight of their members at once. More than 10000,
        or about 3 MiB, are sent in parts; each part is atomic, and what was sent before a part
        that is refused stays. Repeat the call with its request_id to go on.

        Args:
            ns: The namespace.
            keys: n keys, or one; 1 to 512 bytes of UTF-8 each, without control characters.
            embeddings: (n, d) array-like, or (d,) for one key; sent as float32. A new item needs
                one; None leaves those of known items as they are.
            weights: How much each teaches, 2⁻¹⁰ to 2²⁰: one for all or n. None: as it was, or 1.
            metadata: One mapping for all, or n of them (None leaves one as it is). Takes the
                place of the old; at most 64 entries and 16 KiB in all.
            **write: See WriteOptions.

        Raises:
            ValueError: The columns differ in length, or ``embeddings`` has another shape.
            NotFound: There is no such namespace, or an unknown item brings no embedding.
            InvalidArgument: An entry is not right; ``field_violations`` says which.
            FailedPrecondition: Another embedding model, or a sum would overflow.
        """
        return self._run(
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

    def get_item(
        self, ns: str, key: str, *, include_embedding: bool = True, min_revision: int = 0
    ) -> Item:
        """Return an item with its categories.

        Args:
            ns: The namespace.
            key: The item's key.
            include_embedding: True: with its embedding, (d,) float32.
            min_revision: See get_namespace.

        Raises:
            NotFound: There is no such namespace or item.
        """
        return self._run(
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
    ) -> Iterator[Item]:
        """Return items, fetched as they are taken: all, those of a category, or the inbox.

        Args:
            ns: The namespace.
            category: Only its members, the most recently assigned first.
            unassigned: True: only items in no category. Otherwise, and here, ordered by key.
            include_embeddings: True: with embeddings, (d,) float32 each.
            min_revision: See get_namespace.

        Raises:
            ValueError: Both ``category`` and ``unassigned``.
            NotFound: There is no such namespace or category; raised when the first one is taken.
        """
        return self._pages(
            calls.listing(
                ns,
                category=category,
                unassigned=unassigned,
                include_embeddings=include_embeddings,
                min_revision=min_revision,
            )
        )

    def delete_items(
        self,
        ns: str,
        keys: str | Sequence[str],
        *,
        allow_missing: bool = False,
        **write: Unpack[WriteOptions],
    ) -> DeleteReply:
        """Delete items; their categories forget them. Sent in parts as put_items does.

        Args:
            ns: The namespace.
            keys: Their keys.
            allow_missing: True: a key that no item has is passed over.
            **write: See WriteOptions.

        Raises:
            NotFound: There is no such namespace, or no such item.
        """
        return self._run(
            calls.delete(self._actor, ns, keys, allow_missing=allow_missing, options=write)
        )
