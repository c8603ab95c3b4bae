"""The asynchronous client's methods on categories."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Unpack

from effective_embeddings.client._async.base import AsyncClientBase
from effective_embeddings.client.convert.columns import Keys
from effective_embeddings.client.models.replies import (
    DeleteReply,
    MergeReply,
    PutReply,
    RenameReply,
)
from effective_embeddings.client.models.resources import Category, CategoryUpdate
from effective_embeddings.client.requests import categories as requests
from effective_embeddings.client.requests.deletes import delete
from effective_embeddings.client.requests.writes import WriteOptions

__all__ = ["AsyncCategoryCalls"]


class AsyncCategoryCalls(AsyncClientBase):
    """Categories."""

    async def put_categories(
        self,
        ns: str,
        categories: CategoryUpdate | Iterable[CategoryUpdate],
        **write: Unpack[WriteOptions],
    ) -> PutReply:
        """Create or change categories.

        A batch of more than 10000 categories, or of about 3 MiB, is sent in parts. Each part is
        atomic; if the service refuses a part, the parts before it stay written. To resume,
        repeat the call with the same ``request_id``.

        Args:
            ns: The namespace.
            categories: The categories to write, or one; each key at most once.
            **write: See WriteOptions.

        Raises:
            NotFound: The namespace does not exist.
            InvalidArgument: An entry is invalid; ``field_violations`` names the field.
            FailedPrecondition: ``embedding_model`` is not the namespace's model, or a sum would
                overflow.
        """
        return await self._run(requests.put(self._actor, ns, categories, write))

    async def get_category(
        self,
        ns: str,
        key: str,
        *,
        include_embeddings: bool = True,
        min_revision: int = 0,
        at_revision: int = 0,
    ) -> Category:
        """Return a category with what it has learned.

        Args:
            ns: The namespace.
            key: The category's key.
            include_embeddings: True: with the base and the effective embedding, (d,) float32.
            min_revision: See get_namespace.
            at_revision: The revision to read: the category as it was then, as far back as the
                history is kept. 0: the newest. It takes as long as opening the namespace and
                making the changes since, of which there may be at most 100,000.

        Raises:
            NotFound: The namespace or the category does not exist, or the category did not then.
            InvalidArgument: There are more changes since ``at_revision``.
            FailedPrecondition: ``at_revision`` is not reached, or its history was trimmed.
        """
        return await self._run(
            requests.get(
                ns,
                key,
                include_embeddings=include_embeddings,
                min_revision=min_revision,
                at_revision=at_revision,
            )
        )

    def list_categories(
        self, ns: str, *, include_embeddings: bool = False, min_revision: int = 0
    ) -> AsyncIterator[Category]:
        """Iterate over the categories, ordered by key; pages are fetched on demand.

        Args:
            ns: The namespace.
            include_embeddings: True: with the base and the effective embedding, (d,) float32.
            min_revision: See get_namespace.

        Raises:
            NotFound: The namespace does not exist; raised when the first category is fetched.
        """
        return self._pages(
            requests.listing(ns, include_embeddings=include_embeddings, min_revision=min_revision)
        )

    async def delete_categories(
        self,
        ns: str,
        keys: Keys,
        *,
        allow_missing: bool = False,
        **write: Unpack[WriteOptions],
    ) -> DeleteReply:
        """Delete categories. Members stay; a member of no other category is in the inbox then.

        Large batches are sent in parts, as in put_categories.

        Args:
            ns: The namespace.
            keys: Keys of the categories, or one key.
            allow_missing: True: keys of unknown categories are skipped.
            **write: See WriteOptions.

        Raises:
            NotFound: The namespace or a category does not exist.
        """
        return await self._run(
            delete("categories", self._actor, ns, keys, allow_missing=allow_missing, options=write)
        )

    async def reanchor(
        self, ns: str, key: str, *, keep_last: int = 0, **write: Unpack[WriteOptions]
    ) -> Category:
        """Restart a category's average from its base; return the category as it is then.

        Args:
            ns: The namespace.
            key: The category's key.
            keep_last: Number of the most recent members that keep counting. Older members stay
                members but no longer count.
            **write: See WriteOptions.

        Raises:
            NotFound: The namespace or the category does not exist.
        """
        return await self._run(
            requests.reanchor(self._actor, ns, key, keep_last=keep_last, options=write)
        )

    async def rename_category(
        self, ns: str, key: str, new_key: str, **write: Unpack[WriteOptions]
    ) -> RenameReply:
        """Give a category another key; members, their order, settings and history stay.

        Changes in the history have the keys of their time.

        Args:
            ns: The namespace.
            key: The category's key.
            new_key: Its new key; the one that it has already changes nothing.
            **write: See WriteOptions.

        Raises:
            NotFound: The namespace or the category does not exist.
            AlreadyExists: Another category has the new key.
        """
        return await self._run(requests.rename(self._actor, ns, key, new_key, options=write))

    async def merge_categories(
        self, ns: str, sources: Keys, target: str, **write: Unpack[WriteOptions]
    ) -> MergeReply:
        """Merge categories into another one: it gets their members, and they are deleted.

        Members keep their place in the order of assignment, time and actor; base, settings, anchor
        and metadata of the target stay. With ``validate_only=True`` the reply is a preview.

        Args:
            ns: The namespace.
            sources: Keys of the categories to merge, or one key; they have at most 20000 members.
            target: Key of the category that gets their members.
            **write: See WriteOptions.

        Raises:
            NotFound: The namespace or a category does not exist.
            InvalidArgument: The target is one of the sources, or they have too many members.
            FailedPrecondition: The target's sum would overflow.
        """
        return await self._run(requests.merge(self._actor, ns, sources, target, options=write))
