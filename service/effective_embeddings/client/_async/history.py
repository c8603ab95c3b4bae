"""The asynchronous client's methods on the history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Unpack

from effective_embeddings.client._async.base import AsyncClientBase
from effective_embeddings.client.convert import messages
from effective_embeddings.client.models.history import (
    HistoryBatch,
    HistoryChange,
    HistorySize,
    TrimReport,
    UndoReply,
)
from effective_embeddings.client.requests import history as requests
from effective_embeddings.client.requests.writes import WriteOptions
from effective_embeddings.v1 import service_pb2

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
            FailedPrecondition: A revision that is named, or would follow, was trimmed.
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

    async def watch_history(
        self,
        ns: str,
        after_revision: int = 0,
        *,
        item: str | None = None,
        category: str | None = None,
        actor: str | None = None,
        max_behind: int = 0,
        epoch: int = 0,
    ) -> AsyncIterator[HistoryBatch]:
        """Iterate over the changes of a namespace as they are made, without an end or a deadline.

        The first batch comes at once, and at least one each 5 seconds, without changes if there
        are none. The client does not retry: to resume, watch again after the ``revision`` of the
        last batch, with its ``epoch``.

        Args:
            ns: The namespace.
            after_revision: Only changes after this revision.
            item: Only changes of the item with this key. None: of any.
            category: Only changes of the category with this key, and of items that join or leave
                it. None: of any.
            actor: Only changes by this actor. None: by any.
            max_behind: How many revisions this reader may be behind, once it has caught up; 0:
                any number.
            epoch: The ``epoch`` of the last batch; 0: not checked.

        Raises:
            NotFound: The namespace does not exist, or was deleted.
            FailedPrecondition: ``after_revision`` is above the current revision, or of another
                epoch (a backup was put in place); or changes after it were trimmed.
            InvalidArgument: A key is invalid.
            ResourceExhausted: The reader is more than ``max_behind`` revisions behind.
            Unavailable: The service is shutting down.
        """
        wanted = requests.history_filter(item=item, category=category, actor=actor)
        request = requests.watch_request(ns, wanted, after_revision, max_behind, epoch)
        async for reply in self._transport.download("WatchHistory", request, self._bulk_timeout):
            yield messages.history_batch(service_pb2.WatchHistoryResponse.FromString(reply))

    async def history_size(self, ns: str) -> HistorySize:
        """Return how much history a namespace keeps.

        Raises:
            NotFound: The namespace does not exist.
        """
        return await self._run(requests.size(ns))

    async def trim_history(
        self,
        ns: str,
        *,
        keep_revisions: int | None = None,
        before_revision: int | None = None,
        before_time: datetime | None = None,
        **write: Unpack[WriteOptions],
    ) -> TrimReport:
        """Delete the oldest part of a namespace's history; items and categories stay. No deadline.

        It works step by step beside other calls. Repeating it continues an interrupted one. It adds
        no revision, so ``actor`` and ``reason`` are not stored.

        Args:
            ns: The namespace.
            keep_revisions: How many of the newest revisions to keep, at least 1.
            before_revision: The first revision to keep.
            before_time: Keep the revisions of this time or later; with a time zone.
            **write: See WriteOptions; ``validate_only`` counts what would be deleted.

        Raises:
            ValueError: Not exactly one of the three bounds is given.
            NotFound: The namespace does not exist.
            InvalidArgument: A bound is out of range.
            FailedPrecondition: The namespace is not at ``if_revision``.
        """
        call = requests.trim(
            self._actor,
            ns,
            keep_revisions=keep_revisions,
            before_revision=before_revision,
            before_time=before_time,
            options=write,
        )
        return await self._run(call, bulk=True)

    async def undo(
        self,
        ns: str,
        revision: int | None = None,
        *,
        revisions: tuple[int, int] | None = None,
        by: str | None = None,
        since: datetime | None = None,
        skip_conflicts: bool = False,
        **write: Unpack[WriteOptions],
    ) -> UndoReply:
        """Take changes back, by new changes: afterwards it is as if they had never been made.

        Memberships have their old place in the order of assignment, time and actor again, so
        windows, sums and the digest are as if. An undo can be taken back by an undo. Give a
        ``revision``, ``revisions``, or ``by`` and ``since``; at most 60000 changes. Preview an undo
        with ``validate_only``.

        Args:
            ns: The namespace.
            revision: The revision to take back, 2 or above.
            revisions: The first and the last revision to take back.
            by: The actor whose changes are taken back.
            since: Only changes at this time or later, to the millisecond; with a time zone.
            skip_conflicts: True: changes that later ones depend on stay, and the others are taken
                back. False: such a conflict refuses the undo.
            **write: See WriteOptions.

        Raises:
            TypeError: ``by`` is not text, or ``since`` is not a datetime.
            ValueError: What to take back is not given in one way, or ``since`` has no time zone.
            NotFound: The namespace does not exist.
            InvalidArgument: A revision is below 2, or too many changes are selected.
            FailedPrecondition: Later changes depend on some of them (``UNDO_CONFLICT``, whose
                ``metadata`` names the first ones), or a revision is above the current one.
        """
        return await self._run(
            requests.undo(
                self._actor,
                ns,
                revision=revision,
                revisions=revisions,
                actor=by,
                since=since,
                skip_conflicts=skip_conflicts,
                options=write,
            )
        )
