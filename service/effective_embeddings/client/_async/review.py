"""The asynchronous client's reviews of what was taught."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime

from effective_embeddings.client._async.base import AsyncClientBase
from effective_embeddings.client._async.listing import AsyncMemberReviews
from effective_embeddings.client.models.resources import RankingMode
from effective_embeddings.client.models.review import (
    ActorInfluence,
    CategoryReview,
    Duplicate,
    DuplicateScope,
    ImpactReview,
    ReviewOrder,
    ReviewRates,
)
from effective_embeddings.client.requests import review as requests

__all__ = ["AsyncReviewCalls"]


class AsyncReviewCalls(AsyncClientBase):
    """Reviews."""

    def review_members(
        self,
        ns: str,
        order: ReviewOrder = "misfit",
        *,
        category: str | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        key_prefix: str = "",
        min_difference: float | None = None,
        page_size: int = 0,
        min_revision: int = 0,
    ) -> AsyncMemberReviews:
        """Iterate over members that deserve a second look; fetched on demand.

        Each page reads all members that pass the filter, at its own revision. No other call waits
        for it. What the latest page says of all of them is the iterator's ``reviewed``.

        Args:
            ns: The namespace.
            order: ``"misfit"``: members that fit another category better than their own without
                themselves, the largest difference first. ``"influence"``: members that count, the
                one whose leaving would move its category most first.
            category: Only members of the category with this key. None: of any.
            actor: Only members that this actor has assigned. None: by any.
            since: Only members assigned at this time or later; with a time zone.
            until: Only members assigned before this time; with a time zone.
            key_prefix: Only items whose key begins with this.
            min_difference: Of misfits only those with at least this difference, −2 to 2; None:
                those above 0.
            page_size: Members that one request asks for, 1 to 1000; 0: 1000.
            min_revision: See get_namespace.

        Raises:
            TypeError: A key is not text, or a time is not a datetime.
            ValueError: ``order`` is not an order, or a time has no time zone.
            NotFound: The namespace or the category does not exist; raised when the first member is
                fetched.
            InvalidArgument: A key or ``min_difference`` is invalid, an end is before its start, or
                the namespace has too many categories.
        """
        wanted = requests.member_filter(
            category=category, actor=actor, since=since, until=until, key_prefix=key_prefix
        )
        pages, reviewed = requests.members(
            ns,
            order,
            wanted,
            min_difference=min_difference,
            page_size=page_size,
            min_revision=min_revision,
        )
        return AsyncMemberReviews(self._pages(pages), reviewed)

    async def estimate_review_rate(
        self,
        ns: str,
        levels: Iterable[float] = (),
        *,
        sample: int = 0,
        ranking: RankingMode | None = None,
        fairness: float | None = None,
        min_revision: int = 0,
    ) -> ReviewRates:
        """Estimate which share of matches a person would have to look at, and what else is wrong.

        Each member of a sample is matched as if it were new: as a match with a limit of 1 would
        match it after an unassign. No other call waits for it, and it changes nothing.

        Args:
            ns: The namespace.
            levels: At most 100 levels of confidence, each between 0 and 1; empty: 0.05, 0.1, 0.2,
                0.3, 0.4 and 0.5.
            sample: Most members to match, 1 to 10000; 0: 1000. The same state has the same sample.
            ranking: See match.
            fairness: See match.
            min_revision: See get_namespace.

        Raises:
            NotFound: The namespace does not exist.
            InvalidArgument: A number is out of its range, or the namespace has too many categories.
        """
        return await self._run(
            requests.rates(
                ns,
                levels,
                sample=sample,
                ranking=ranking,
                fairness=fairness,
                min_revision=min_revision,
            )
        )

    def review_duplicates(
        self,
        ns: str,
        scope: DuplicateScope = "same",
        *,
        category: str | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        key_prefix: str = "",
        min_similarity: float | None = None,
        min_revision: int = 0,
    ) -> AsyncIterator[Duplicate]:
        """Iterate over members with nearly the same embedding as an earlier one, by category.

        Fetched on demand, in pages that read about 100000 members each. The filter chooses the
        members that are listed; they are compared with all that were assigned before.

        Args:
            ns: The namespace.
            scope: Where the earlier member is: in the ``"same"`` category, in an ``"other"`` one
                (nearly the same thing was filed in two places), or in ``"any"``.
            category: Only members of the category with this key. None: of any.
            actor: Only members that this actor has assigned. None: by any.
            since: Only members assigned at this time or later; with a time zone.
            until: Only members assigned before this time; with a time zone.
            key_prefix: Only items whose key begins with this.
            min_similarity: The least cosine of the two, 0.5 to 1; None: 0.98.
            min_revision: See get_namespace.

        Raises:
            TypeError: A key is not text, or a time is not a datetime.
            ValueError: ``scope`` is not a scope, or a time has no time zone.
            NotFound: The namespace or the category does not exist; raised when the first duplicate
                is fetched.
            InvalidArgument: A key or ``min_similarity`` is invalid, an end is before its start, or
                the namespace has too many categories.
        """
        wanted = requests.member_filter(
            category=category, actor=actor, since=since, until=until, key_prefix=key_prefix
        )
        return self._pages(
            requests.duplicates(
                ns, scope, wanted, min_similarity=min_similarity, min_revision=min_revision
            )
        )

    def review_actors(
        self,
        ns: str,
        *,
        category: str | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        key_prefix: str = "",
        min_revision: int = 0,
    ) -> AsyncIterator[ActorInfluence]:
        """Iterate over the influence of each actor on each category, the largest movement first.

        Fetched on demand; each page reads all members that pass the filter. The filter chooses the
        members whose influence is measured.

        Args:
            ns: The namespace.
            category: Only members of the category with this key. None: of any.
            actor: Only members that this actor has assigned. None: by any.
            since: Only members assigned at this time or later; with a time zone.
            until: Only members assigned before this time; with a time zone.
            key_prefix: Only items whose key begins with this.
            min_revision: See get_namespace.

        Raises:
            TypeError: A key is not text, or a time is not a datetime.
            ValueError: A time has no time zone.
            NotFound: The namespace or the category does not exist; raised when the first influence
                is fetched.
            InvalidArgument: A key is invalid, an end is before its start, or the namespace has too
                many categories.
        """
        wanted = requests.member_filter(
            category=category, actor=actor, since=since, until=until, key_prefix=key_prefix
        )
        return self._pages(requests.actors(ns, wanted, min_revision=min_revision))

    def review_categories(
        self,
        ns: str,
        category: str | None = None,
        *,
        since: datetime | int | None = None,
        members: int | None = None,
        min_revision: int = 0,
    ) -> AsyncIterator[CategoryReview]:
        """Iterate over the health of categories, by key; fetched on demand.

        Args:
            ns: The namespace.
            category: Only the category with this key. None: all.
            since: Measures movement since this revision, or since the last one before this time, as
                far back as history is kept and at most 100000 changes; None: not measured.
            members: The largest number of members of each category that are reviewed, the newest
                ones, 1 to 2000; None: 1000.
            min_revision: See get_namespace.

        Raises:
            TypeError: ``category`` is not text, or ``since`` is neither a datetime nor a number.
            ValueError: ``since`` has no time zone.
            NotFound: The namespace or the category does not exist; raised when the first category
                is fetched.
            InvalidArgument: ``members`` is out of range, or the namespace has too many categories,
                or there are too many changes since.
            FailedPrecondition: The revision was trimmed, or is above the current one.
        """
        return self._pages(
            requests.categories(
                ns, category, since=since, members=members, min_revision=min_revision
            )
        )

    async def review_impact(
        self,
        ns: str,
        actor: str,
        *,
        category: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        key_prefix: str = "",
        items: int | None = None,
        changes: int | None = None,
        min_revision: int = 0,
    ) -> ImpactReview:
        """Measure what an actor's assignments change in the answers for other items.

        The members that the actor has assigned are taken out of a copy of their categories, as by
        unassign, and a sample of the other items is ranked by cosine with and without them. Items
        are not put back where they were before: undo with ``validate_only`` previews that.

        Args:
            ns: The namespace.
            actor: The actor.
            category: Only members of the category with this key. None: of any.
            since: Only members assigned at this time or later; with a time zone.
            until: Only members assigned before this time; with a time zone.
            key_prefix: Only items whose key begins with this.
            items: About how many items are compared, 1 to 100000, always the same ones; None:
                10000.
            changes: The largest number of changed answers to list, 0 to 1000; None: 100.
            min_revision: See get_namespace.

        Raises:
            TypeError: A key is not text, or a time is not a datetime.
            ValueError: A time has no time zone.
            NotFound: The namespace or the category does not exist.
            InvalidArgument: ``actor`` is empty, a number is out of range, an end is before its
                start, or the namespace has too many categories.
        """
        wanted = requests.member_filter(
            category=category, actor=actor, since=since, until=until, key_prefix=key_prefix
        )
        return await self._run(
            requests.impact(ns, wanted, items=items, changes=changes, min_revision=min_revision)
        )
