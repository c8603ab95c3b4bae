"""The sync client's snapshots."""

from __future__ import annotations

from effective_embeddings.client._sync.base import ClientBase
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

__all__ = ["SnapshotCalls"]


class SnapshotCalls(ClientBase):
    """Snapshot and restore."""

    def snapshot(
        self,
        ns: str,
        file: FilePath,
        *,
        view: SnapshotView = "full",
        progress: OnProgress | None = None,
        min_revision: int = 0,
    ) -> SnapshotSummary:
        """Write everything at one revision to a file. No deadline.

        The file is in its place only once it is whole and on disk.

        Args:
            ns: The namespace.
            file: Where to; an old one is replaced.
            view: ``"full"``: all that restore needs; ``"effective"``: only categories with their
                effective embeddings.
            progress: Called after each frame, about 1 MiB.
            min_revision: See get_namespace.

        Raises:
            OSError: The file cannot be written.
            NotFound: There is no such namespace.
            DataLoss: Stored data does not agree with its checksum.
        """
        request = calls.snapshot_request(ns, view, min_revision)
        with SnapshotWriter(file, progress) as writer:
            for reply in self._transport.download("Snapshot", request, self._bulk_timeout):
                writer.add(reply)
            return writer.finish()

    def restore(
        self,
        file: FilePath,
        ns: str | None = None,
        *,
        progress: OnProgress | None = None,
        actor: str | None = None,
        reason: str = "",
        request_id: str = "",
    ) -> Namespace:
        """Take a full snapshot back into a new namespace: all of it, or nothing. No deadline.

        It is not tried again by itself. With a ``request_id`` it can be: if the first try was
        finished, the second returns its answer; without one it finds the namespace of the first.

        Args:
            file: The snapshot.
            ns: Name of the new namespace; None: the snapshot's own.
            progress: Called after each frame, about 1 MiB.
            actor: Who restores it; None: the client's actor.
            reason: Why.
            request_id: Makes a retry return the first answer, for a day; at most 128 bytes.

        Raises:
            OSError: The file cannot be read.
            SnapshotFileError: It is not a snapshot, or is cut short.
            AlreadyExists: A namespace has this name.
            InvalidArgument: The snapshot's content is not right, or does not give its digest.
        """
        write = calls.restore_options(self._actor if actor is None else actor, reason, request_id)
        requests = restore_requests(file, ns, write, progress)
        reply = self._transport.upload("Restore", requests, self._bulk_timeout)
        return messages.namespace(service_pb2.RestoreResponse.FromString(reply).namespace)
