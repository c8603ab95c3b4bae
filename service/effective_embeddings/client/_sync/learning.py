"""The sync client's calls that teach, un-teach and ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from numpy.typing import ArrayLike

from effective_embeddings.client._sync.base import ClientBase
from effective_embeddings.client.convert.columns import Metadata, Weights
from effective_embeddings.client.models.queries import Queries
from effective_embeddings.client.models.replies import AssignReply, MatchResult, UnassignReply
from effective_embeddings.client.requests import learning, matching
from effective_embeddings.client.requests.writes import WriteOptions

__all__ = ["LearningCalls"]


class LearningCalls(ClientBase):
    """Assign, unassign, match."""

    def assign(
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
        """Put items into categories, which learn them at once.

        In a ``"single"`` namespace an item leaves its earlier category in the same step. Saying
        the same thing twice changes nothing. More than 10000, or about 3 MiB, are sent in parts;
        each part is atomic, and what was sent before a part that is refused stays. Repeat the
        call with its request_id to go on.

        Args:
            ns: The namespace.
            items: n item keys, or one for all categories.
            categories: n category keys, or one for all items. They must exist.
            embeddings: (n, d) array-like, or (d,) for one item; sent as float32. An unknown item
                needs one; a known one may bring a new one, which all its memberships follow.
            weights: How much each teaches, 2⁻¹⁰ to 2²⁰: one for all or n. None: as it was, or 1.
            metadata: One mapping for all, or n of them (None or empty leaves one as it is). Takes
                the place of the item's old.
            **write: See WriteOptions.

        Raises:
            ValueError: The columns differ in length, or ``embeddings`` has another shape.
            NotFound: No such namespace or category, or an unknown item brings no embedding.
            InvalidArgument: An entry is not right; ``field_violations`` says which.
            FailedPrecondition: Another embedding model, or a sum would overflow.
        """
        return self._run(
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

    def unassign(
        self,
        ns: str,
        items: str | Sequence[str],
        categories: str | Sequence[str] | None = None,
        *,
        delete_items: bool = False,
        **write: Unpack[WriteOptions],
    ) -> UnassignReply:
        """Take items out of categories, which forget them exactly. Sent in parts as assign does.

        Args:
            ns: The namespace.
            items: n item keys, or one for all categories.
            categories: n category keys, or one for all items; None: all that each item is in.
            delete_items: True: the items are deleted too. Not together with ``categories``.
            **write: See WriteOptions.

        Raises:
            ValueError: The columns differ in length.
            NotFound: There is no such namespace or item.
            InvalidArgument: An entry is not right; ``field_violations`` says which.
        """
        return self._run(
            learning.unassign(
                self._actor, ns, items, categories, delete_items=delete_items, options=write
            )
        )

    def match(
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
        """Rank all categories by the cosine of each query with their effective embeddings.

        More than 1000 queries, about 3 MiB, or 100000 matches are sent in parts (with a limit of
        0, 32 queries each), which may see different revisions; each result says which it saw.

        Args:
            ns: The namespace.
            queries: A (d,) or (n, d) array-like, the key of a stored item, a list of keys, a
                Query, or a list of them.
            limit: Largest number of categories for each query; 0: all.
            min_score: Only categories with at least this score, −1 to 1; None: any.
            include: Only these categories compete; empty: all. At most 10000 keys.
            exclude: These categories do not compete. At most 10000 keys.
            min_revision: See get_namespace.
            embedding_model: The model that the vectors come from; empty: not checked.

        Returns:
            One ranking for each query, in their order.

        Raises:
            ValueError: ``queries`` has another shape, or mixes kinds.
            NotFound: There is no such namespace or item.
            InvalidArgument: A query is not right; ``field_violations`` says which.
            FailedPrecondition: Another embedding model, or a revision not reached in time.
        """
        return self._run(
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
