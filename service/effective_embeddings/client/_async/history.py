"""The asynchronous client's methods on the history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from effective_embeddings.client._async.base import AsyncClientBase
from effective_embeddings.client.models.history import HistoryChange
from effective_embeddings.client.requests import history as requests

__all__ = ["AsyncHistoryCalls"]


class AsyncHistoryCalls(AsyncClientBase):
    """The history."""

    def history(
        self,
        ns: str,
        *,
        item: str | None = None,
        category: str | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        first_revision: int = 0,
        last_revision: int = 0,
        newest_first: bool = True,
        min_revision: int = 0,
    ) -> AsyncIterator[HistoryChange]:
        """Iterate over the changes of a namespace; fetched on demand.

        Args:
            ns: The namespace.
            item: Only changes of the item with this key. None: of any.
            category: Only changes of the category with this key, and of items that joined or left
                it. None: of any.
            actor: Only changes by this actor. None: by any.
            since: Only changes at this time or later, to the millisecond; with a time zone.
            until: Only changes before this time; with a time zone.
            first_revision: Only changes of this revision or a later one.
            last_revision: Only changes of this revision or an earlier one; 0: up to the current
                one.
            newest_first: False: the oldest change comes first.
            min_revision: See get_namespace.

        Raises:
            TypeError: A key is not text, or a time is not a datetime.
            ValueError: A time has no time zone.
            NotFound: The namespace does not exist; raised when the first change is fetched.
            InvalidArgument: A key is invalid, or an end is before its start.
        """
        wanted = requests.history_filter(
            item=item,
            category=category,
            actor=actor,
            since=since,
            until=until,
            first_revision=first_revision,
            last_revision=last_revision,
        )
        return self._pages(
            requests.listing(ns, wanted, newest_first=newest_first, min_revision=min_revision)
        )
