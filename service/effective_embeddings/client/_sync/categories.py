"""The sync client's calls on categories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Unpack

from effective_embeddings.client._sync.base import ClientBase
from effective_embeddings.client.models.replies import DeleteReply, PutReply
from effective_embeddings.client.models.resources import Category, CategoryUpdate
from effective_embeddings.client.requests import categories as calls
from effective_embeddings.client.requests.writes import WriteOptions

__all__ = ["CategoryCalls"]


class CategoryCalls(ClientBase):
    """Categories."""

    def put_categories(
        self, ns: str, categories: Iterable[CategoryUpdate], **write: Unpack[WriteOptions]
    ) -> PutReply:
        """Create or change categories.

        More than 10000, or about 3 MiB, are sent in parts; each part is atomic, and what was
        sent before a part that is refused stays. Repeat the call with its request_id to go on.

        Args:
            ns: The namespace.
            categories: Each key once.
            **write: See WriteOptions.

        Raises:
            NotFound: There is no such namespace.
            InvalidArgument: An entry is not right; ``field_violations`` says which.
            FailedPrecondition: Another embedding model, or a sum would overflow.
        """
        return self._run(calls.put(self._actor, ns, categories, write))

    def get_category(
        self, ns: str, key: str, *, include_embeddings: bool = True, min_revision: int = 0
    ) -> Category:
        """Return a category with what it has learned.

        Args:
            ns: The namespace.
            key: The category's key.
            include_embeddings: True: with base and effective embedding, (d,) float32 each.
            min_revision: See get_namespace.

        Raises:
            NotFound: There is no such namespace or category.
        """
        return self._run(
            calls.get(ns, key, include_embeddings=include_embeddings, min_revision=min_revision)
        )

    def list_categories(
        self, ns: str, *, include_embeddings: bool = False, min_revision: int = 0
    ) -> Iterator[Category]:
        """Return the categories ordered by key, fetched as they are taken.

        Args:
            ns: The namespace.
            include_embeddings: True: with base and effective embedding, (d,) float32 each.
            min_revision: See get_namespace.

        Raises:
            NotFound: There is no such namespace; raised when the first one is taken.
        """
        return self._pages(
            calls.listing(ns, include_embeddings=include_embeddings, min_revision=min_revision)
        )

    def delete_categories(
        self,
        ns: str,
        keys: str | Sequence[str],
        *,
        allow_missing: bool = False,
        **write: Unpack[WriteOptions],
    ) -> DeleteReply:
        """Delete categories; their members stay, in the inbox if they are in no other one.

        Sent in parts as put_categories does.

        Args:
            ns: The namespace.
            keys: Their keys.
            allow_missing: True: a key that no category has is passed over.
            **write: See WriteOptions.

        Raises:
            NotFound: There is no such namespace, or no such category.
        """
        return self._run(
            calls.delete(self._actor, ns, keys, allow_missing=allow_missing, options=write)
        )

    def reanchor(
        self, ns: str, key: str, *, keep_last: int = 0, **write: Unpack[WriteOptions]
    ) -> Category:
        """Make a category's average start again from its base; return the category after it.

        Args:
            ns: The namespace.
            key: The category's key.
            keep_last: Number of its most recent members that go on counting. Older ones stay
                members and stop counting.
            **write: See WriteOptions.

        Raises:
            NotFound: There is no such namespace or category.
        """
        return self._run(calls.reanchor(self._actor, ns, key, keep_last=keep_last, options=write))
