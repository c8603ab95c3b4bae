"""Listings of the asynchronous client that say more than their entries."""

from __future__ import annotations

from collections.abc import AsyncIterator

from effective_embeddings.client.models.review import MemberReview, ReviewedMembers

__all__ = ["AsyncMemberReviews"]


class AsyncMemberReviews(AsyncIterator[MemberReview]):
    """Members that a review lists, fetched page by page.

    Attributes:
        reviewed: What the latest page says of all members, and its revision; None: no page was
            fetched, since no member was asked for.
    """

    def __init__(self, members: AsyncIterator[MemberReview], pages: list[ReviewedMembers]) -> None:
        """Iterate over ``members``; the last of ``pages`` is that of the latest one."""
        self._members = members
        self._pages = pages

    @property
    def reviewed(self) -> ReviewedMembers | None:
        """See the class."""
        return self._pages[-1] if self._pages else None

    async def __anext__(self) -> MemberReview:
        """Return the next member; fetch its page if it is the first one there."""
        return await anext(self._members)
