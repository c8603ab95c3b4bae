"""The asynchronous client's assign, unassign, match, explain and suggest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

from effective_embeddings.client._async.base import AsyncClientBase
from effective_embeddings.client.convert.columns import Embeddings, Keys, Metadata, Parts, Weights
from effective_embeddings.client.models.explanation import ExplainReply, WhatIf
from effective_embeddings.client.models.queries import Queries
from effective_embeddings.client.models.replies import (
    AssignReply,
    DismissReply,
    MatchResult,
    UnassignReply,
)
from effective_embeddings.client.models.resources import RankingMode
from effective_embeddings.client.models.suggestions import SuggestOrder, SuggestReply
from effective_embeddings.client.requests import learning, matching, suggesting
from effective_embeddings.client.requests.writes import WriteOptions

__all__ = ["AsyncLearningCalls"]


class AsyncLearningCalls(AsyncClientBase):
    """Assign, unassign, match, explain, suggest."""

    async def assign(
        self,
        ns: str,
        items: Keys,
        categories: Keys,
        embeddings: Embeddings | None = None,
        *,
        weights: Weights = None,
        metadata: Metadata = None,
        parts: Parts = None,
        expected: Keys | None = None,
        **write: Unpack[WriteOptions],
    ) -> AssignReply:
        """Assign items to categories; the categories learn them at once.

        In a ``"single"`` namespace an item leaves its earlier category in the same write. To
        repeat an assignment changes nothing. A batch of more than 10000 assignments, or of about
        3 MiB, is sent in parts. Each part is atomic; if the service refuses a part, the parts
        before it stay written. To resume, repeat the call with the same ``request_id``.

        Args:
            ns: The namespace.
            items: n item keys, or one key for all categories.
            categories: n category keys, or one key for all items. The categories must exist.
            embeddings: (n, d) array-like, or (d,) for one item; sent as float32. Required for new
                items without parts; None, or None for a row, keeps a known item's. A new embedding
                of a known item takes effect in all of its categories.
            weights: How much each item teaches, 2⁻¹⁰ to 2²⁰: one number for all items, or n.
                None, or None for an item: a known item keeps its weight, a new item has 1.
            metadata: One mapping for all items, or n mappings; replaces the item's old metadata.
                None or empty keeps the old.
            parts: What each item is made of, as in put_items: a mapping of keys to weights, or n.
            expected: Write only if each item is in this category: one key for all items, or n; an
                empty key: in none. The whole request is refused otherwise. None: wherever it is.
            **write: See WriteOptions.

        Raises:
            TypeError: A key or a text in metadata is not text, or a number is not a number.
            ValueError: The columns differ in length, or ``embeddings`` has another shape.
            NotFound: The namespace, a category or a part does not exist, or a new item has no
                embedding.
            InvalidArgument: An entry is invalid; ``field_violations`` names the field.
            FailedPrecondition: ``embedding_model`` is not the namespace's model, a sum would
                overflow, or ``expected`` or ``if_revision`` does not hold.
        """
        return await self._run(
            learning.assign(
                self._actor,
                ns,
                items,
                categories,
                embeddings,
                weights=weights,
                metadata=metadata,
                parts=parts,
                expected=expected,
                options=write,
            )
        )

    async def unassign(
        self,
        ns: str,
        items: Keys,
        categories: Keys | None = None,
        *,
        delete_items: bool = False,
        expected: Keys | None = None,
        **write: Unpack[WriteOptions],
    ) -> UnassignReply:
        """Take items out of categories; the categories forget them exactly.

        Large batches are sent in parts, as in assign.

        Args:
            ns: The namespace.
            items: n item keys, or one key for all categories.
            categories: n category keys, or one key for all items; None: every category that each
                item is in.
            delete_items: True: the items are deleted too. Not together with ``categories``.
            expected: Write only if each item is in this category: one key for all items, or n; an
                empty key: in none. The whole request is refused otherwise. None: wherever it is.
            **write: See WriteOptions.

        Raises:
            ValueError: The columns differ in length.
            NotFound: The namespace or an item does not exist.
            InvalidArgument: An entry is invalid; ``field_violations`` names the field.
        """
        return await self._run(
            learning.unassign(
                self._actor,
                ns,
                items,
                categories,
                delete_items=delete_items,
                expected=expected,
                options=write,
            )
        )

    async def dismiss(
        self,
        ns: str,
        items: Keys,
        categories: Keys,
        *,
        withdraw: bool = False,
        **write: Unpack[WriteOptions],
    ) -> DismissReply:
        """Dismiss items from categories: they do not belong there. No score changes.

        A dismissal ends when the item is assigned to the category, when one of them is deleted, or
        when it is withdrawn. Large batches are sent in parts, as in assign.

        Args:
            ns: The namespace.
            items: n item keys, or one key for all categories.
            categories: n category keys, or one key for all items.
            withdraw: True: withdraw the dismissals instead.
            **write: See WriteOptions.

        Raises:
            ValueError: The columns differ in length.
            NotFound: The namespace, an item or a category does not exist.
            FailedPrecondition: An item is in the category.
            InvalidArgument: An entry is invalid; ``field_violations`` names the field.
        """
        return await self._run(
            learning.dismiss(self._actor, ns, items, categories, withdraw=withdraw, options=write)
        )

    async def match(
        self,
        ns: str,
        queries: Queries,
        *,
        limit: int = 10,
        min_score: float | None = None,
        min_rank_score: float | None = None,
        confidence: bool = False,
        min_confidence: float | None = None,
        ranking: RankingMode | None = None,
        fairness: float | None = None,
        include: Keys = (),
        exclude: Keys = (),
        min_revision: int = 0,
        at_revision: int = 0,
        embedding_model: str = "",
    ) -> list[MatchResult]:
        """Rank all categories for each query, by its cosine with their effective embeddings.

        With fairness, what a category is expected to score for an item of its own is taken off
        first; with ``"local"`` the best 8 categories are then ranked again by the members nearest
        to the query.

        More than 1000 queries, about 3 MiB of queries, or 100000 matches are sent in parts; with
        a limit of 0, 32 queries each, or as many as the replies have room for. Parts may see
        different revisions; each result says which revision it saw.

        Args:
            ns: The namespace.
            queries: A (d,) or (n, d) array-like, the key of a stored item, a list of keys, a
                Query, or a list of Query objects.
            limit: Most categories per query; 0: all.
            min_score: Least score of a match, −1 to 1; None: any score.
            min_rank_score: Least rank score of a match; None: any.
            confidence: True: each match has its confidence.
            min_confidence: The level, between 0 and 1, that a match must reach for
                ``none_of_these`` to be False; it leaves no match out. Implies ``confidence``.
                None: no level.
            ranking: ``"cosine"`` or ``"local"``; None: the namespace's.
            fairness: 0 to 1; None: the namespace's, or the default of ``ranking`` where the
                namespace has another one.
            include: Only these categories compete: keys, or one key; empty: all. At most 10000.
            exclude: These categories do not compete: keys, or one key. At most 10000.
            min_revision: See get_namespace.
            at_revision: See get_category.
            embedding_model: The model of the queries' vectors; empty: not checked.

        Returns:
            One ranking per query, in the order of the queries.

        Raises:
            ValueError: ``queries`` has another shape, or mixes kinds.
            NotFound: The namespace or an item does not exist.
            InvalidArgument: A query is invalid; ``field_violations`` names the field.
            FailedPrecondition: ``embedding_model`` is not the namespace's model, or
                ``min_revision`` was not reached in time.
        """
        return await self._run(
            matching.match(
                ns,
                queries,
                limit=limit,
                min_score=min_score,
                min_rank_score=min_rank_score,
                confidence=confidence,
                min_confidence=min_confidence,
                ranking=ranking,
                fairness=fairness,
                include=include,
                exclude=exclude,
                min_revision=min_revision,
                at_revision=at_revision,
                embedding_model=embedding_model,
            )
        )

    async def explain(
        self,
        ns: str,
        query: Queries,
        categories: Keys = (),
        *,
        limit: int = 3,
        members: int = 10,
        ranking: RankingMode | None = None,
        fairness: float | None = None,
        what_if: Sequence[WhatIf] = (),
        min_revision: int = 0,
        at_revision: int = 0,
        embedding_model: str = "",
    ) -> ExplainReply:
        """Explain the scores of a query: the parts that add up to them, and what would change them.

        Args:
            ns: The namespace.
            query: One query: a (d,) array-like, the key of a stored item, or a Query.
            categories: The categories to explain: keys, or one key; at most 100. Empty: the best
                ``limit``.
            limit: Number of categories if none is named, 1 to 100.
            members: Most members listed for each category, 0 to 1000.
            ranking: See match.
            fairness: See match.
            what_if: Changes that are not made, at most 100: the reply says what the explained
                categories would score after each of them alone, exactly as after such a write.
            min_revision: See get_namespace.
            at_revision: See get_category.
            embedding_model: See match.

        Raises:
            ValueError: ``query`` is not one query, or a change is none or several.
            NotFound: The namespace, a category, or an item of the query does not exist.
            InvalidArgument: A number is out of its range, or the query has no direction.
            FailedPrecondition: ``embedding_model`` is not the namespace's model.
        """
        return await self._run(
            matching.explain(
                self._actor,
                ns,
                query,
                categories=categories,
                limit=limit,
                members=members,
                ranking=ranking,
                fairness=fairness,
                what_if=what_if,
                min_revision=min_revision,
                at_revision=at_revision,
                embedding_model=embedding_model,
            )
        )

    async def suggest(
        self,
        ns: str,
        *,
        order: SuggestOrder = "surest",
        page_size: int = 100,
        page_token: str = "",
        group_size: int | None = None,
        categories: Keys = (),
        min_score: float | None = None,
        max_score: float | None = None,
        min_margin: float | None = None,
        max_margin: float | None = None,
        confidence: bool = False,
        min_confidence: float | None = None,
        below_confidence: float | None = None,
        key_prefix: str = "",
        metadata: Mapping[str, str] | None = None,
        ranking: RankingMode | None = None,
        fairness: float | None = None,
        min_revision: int = 0,
    ) -> SuggestReply:
        """Suggest a category for each item of the inbox: one page, of one revision.

        The suggestion for an item is what match lists first for it. To accept suggestions, assign
        them, with ``expected=""`` so that no other assignment is overwritten; they are not on the
        pages after that.

        Args:
            ns: The namespace.
            order: ``"surest"``: the largest margin first, to confirm; ``"most_doubtful"``: the
                smallest first, to decide; ``"grouped"``: by category, the largest group first.
            page_size: Most suggestions, or groups, of the page, 1 to 1000.
            page_token: The ``next_page_token`` of the previous page, to which the same arguments
                were given; empty: the first page.
            group_size: Most suggestions of each group, 0 to 1000; None: 10. For ``"grouped"`` only.
            categories: Only suggestions of these categories: keys, or one key; empty: of any. At
                most 10000. Every category competes all the same.
            min_score: Least score, −1 to 1; None: any.
            max_score: Largest score, −1 to 1; None: any.
            min_margin: Least margin, 0 or above; None: any.
            max_margin: Largest margin, 0 or above; None: any.
            confidence: Return the confidence of each suggestion and of its runner-up.
            min_confidence: Only suggestions of at least this confidence, greater than 0, less than
                1, so none of a category without members; None: any. Implies ``confidence``.
            below_confidence: Only suggestions of less than this confidence, and those of categories
                without members: the items for which match with ``limit=1`` and this level says
                ``none_of_these``; None: any. Implies ``confidence``.
            key_prefix: Only items whose key begins with this.
            metadata: Only items whose metadata has these entries; None: all.
            ranking: See match.
            fairness: See match.
            min_revision: See get_namespace.

        Raises:
            TypeError: A key is not text, or a size is not a whole number.
            ValueError: ``order`` or ``ranking`` is not one of its values.
            NotFound: The namespace or a category does not exist.
            InvalidArgument: A number is out of its range, the token is of another list, or the
                items that pass ``key_prefix`` and ``metadata`` times the categories are more than
                10⁹.
        """
        return await self._run(
            suggesting.suggest(
                ns,
                order=order,
                page_size=page_size,
                page_token=page_token,
                group_size=group_size,
                categories=categories,
                min_score=min_score,
                max_score=max_score,
                min_margin=min_margin,
                max_margin=max_margin,
                confidence=confidence,
                min_confidence=min_confidence,
                below_confidence=below_confidence,
                key_prefix=key_prefix,
                metadata=metadata,
                ranking=ranking,
                fairness=fairness,
                min_revision=min_revision,
            )
        )
