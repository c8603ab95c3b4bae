"""The asynchronous client's reviews of what was taught."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime

from effective_embeddings.client._async.base import AsyncClientBase
from effective_embeddings.client.models.resources import RankingMode
from effective_embeddings.client.models.review import MemberReview, ReviewOrder, ReviewRates
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
    ) -> AsyncIterator[MemberReview]:
        """Iterate over members that deserve a second look; fetched on demand.

        Each page reads all members that pass the filter, at its own revision. No other call waits
        for it.

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
        return self._pages(
            requests.members(
                ns,
                order,
                wanted,
                min_difference=min_difference,
                page_size=page_size,
                min_revision=min_revision,
            )
        )

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
