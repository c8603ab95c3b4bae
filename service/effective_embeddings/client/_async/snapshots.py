"""The asynchronous client's snapshot and restore."""

from __future__ import annotations

from effective_embeddings.client._async.base import AsyncClientBase
from effective_embeddings.client._async.blocking import iterate_blocking, run_blocking
from effective_embeddings.client.convert import messages
from effective_embeddings.client.models.replies import SnapshotSummary, SnapshotView
from effective_embeddings.client.models.resources import Namespace
from effective_embeddings.client.requests import snapshots as requests
from effective_embeddings.client.snapshot_file import (
    FileOrStream,
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
        file: FileOrStream,
        *,
        view: SnapshotView = "full",
        progress: OnProgress | None = None,
        min_revision: int = 0,
    ) -> SnapshotSummary:
        """Write everything at one revision to a file. No deadline.

        A file appears under its name only when it is complete and on disk.

        Args:
            ns: The namespace.
            file: The file to write, or an open binary file, which need not be seekable. A regular
                file is replaced, with its mode kept; a device or a pipe is written into.
            view: ``"full"``: everything that restore needs; ``"effective"``: only categories with
                their effective embeddings.
            progress: Called after each frame, about 1 MiB; by AsyncClient in a worker thread.
            min_revision: See get_namespace.

        Raises:
            OSError: The file cannot be written.
            NotFound: The namespace does not exist.
            DataLoss: Stored data does not match its checksum.
        """
        request = requests.snapshot_request(ns, view, min_revision)
        self._epochs.stamp(request)
        with SnapshotWriter(file, progress) as writer:
            async for reply in self._transport.download(
                "Snapshot", request.SerializeToString(), self._bulk_timeout
            ):
                await run_blocking(writer.add, reply)
            return await run_blocking(writer.finish)

    async def restore(
        self,
        file: FileOrStream,
        ns: str | None = None,
        *,
        progress: OnProgress | None = None,
        actor: str | None = None,
        reason: str = "",
        request_id: str = "",
    ) -> Namespace:
        """Restore a full snapshot into a new namespace: all of it, or nothing. No deadline.

        The client does not retry a restore. With a ``request_id`` the caller can: if the first
        attempt had succeeded, the second returns its answer. Without one the second attempt
        raises AlreadyExists then.

        Args:
            file: The snapshot, or an open binary file, which need not be seekable.
            ns: Name of the new namespace; None: the name in the snapshot.
            progress: Called after each frame, about 1 MiB; by AsyncClient in a worker thread.
            actor: The author of the change; None: the client's actor.
            reason: Why.
            request_id: Makes a retry return the first answer, for a day; at most 128 bytes.

        Raises:
            OSError: The file cannot be read.
            SnapshotFileError: The file is not a snapshot, or is truncated.
            AlreadyExists: The namespace exists.
            InvalidArgument: The content is invalid, or does not match its digest.
        """
        write = requests.restore_options(
            self._actor if actor is None else actor, reason, request_id
        )
        frames = iterate_blocking(restore_requests(file, ns, write, progress))
        reply = await self._transport.upload("Restore", frames, self._bulk_timeout)
        return messages.namespace(service_pb2.RestoreResponse.FromString(reply).namespace)
