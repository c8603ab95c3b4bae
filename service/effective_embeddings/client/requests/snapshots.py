"""The request of Snapshot, and the write options of Restore."""

from __future__ import annotations

from effective_embeddings.client.convert import messages
from effective_embeddings.client.convert.columns import whole
from effective_embeddings.client.models.replies import SnapshotView
from effective_embeddings.v1 import service_pb2

__all__ = ["restore_options", "snapshot_request"]


def snapshot_request(
    namespace: str, view: SnapshotView, min_revision: int
) -> service_pb2.SnapshotRequest:
    """Return the request of a snapshot."""
    return service_pb2.SnapshotRequest(
        namespace=namespace,
        view=messages.choice("view", messages.VIEWS, view),
        min_revision=whole("min_revision", min_revision, 64),
    )


def restore_options(actor: str, reason: str, request_id: str) -> service_pb2.WriteOptions:
    """Return Restore's write options."""
    return service_pb2.WriteOptions(actor=actor, reason=reason, request_id=request_id)
