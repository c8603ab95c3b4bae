"""The async client's snapshots; files are read and written in a thread beside the loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from effective_embeddings.client._async.base import AsyncClientBase
from effective_embeddings.client.convert import messages
from effective_embeddings.client.models.replies import SnapshotSummary, SnapshotView
from effective_embeddings.client.models.resources import Namespace
from effective_embeddings.client.requests import snapshots as calls
from effective_embeddings.client.snapshot_file import (
    FilePath,
    OnProgress,
    SnapshotWriter,
    restore_requests,
)
from effective_embeddings.v1 import service_pb2

__all__ = ["AsyncSnapshotCalls"]


class AsyncSnapshotCalls(AsyncClientBase):
    """Snapshot and restore."""

    async def snapshot(
        self,
        ns: str,
        file: FilePath,
        *,
        view: SnapshotView = "full",
        progress: OnProgress | None = None,
        min_revision: int = 0,
    ) -> SnapshotSummary:
        """Write everything at one revision to a file; see Client.snapshot.

        ``progress`` is called in another thread.
        """
        request = calls.snapshot_request(ns, view, min_revision)
        with SnapshotWriter(file, progress) as writer:
            async for reply in self._transport.download("Snapshot", request, self._bulk_timeout):
                await asyncio.to_thread(writer.add, reply)
            return await asyncio.to_thread(writer.finish)

    async def restore(
        self,
        file: FilePath,
        ns: str | None = None,
        *,
        progress: OnProgress | None = None,
        actor: str | None = None,
        reason: str = "",
        request_id: str = "",
    ) -> Namespace:
        """Take a full snapshot back into a new namespace; see Client.restore.

        ``progress`` is called in another thread.
        """
        write = calls.restore_options(self._actor if actor is None else actor, reason, request_id)
        requests = _beside(restore_requests(file, ns, write, progress))
        reply = await self._transport.upload("Restore", requests, self._bulk_timeout)
        return messages.namespace(service_pb2.RestoreResponse.FromString(reply).namespace)


async def _beside(requests: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Take the requests in a thread, one at a time."""
    # The default stands for the end: StopIteration cannot cross a coroutine.
    while (request := await asyncio.to_thread(next, requests, None)) is not None:
        yield request
