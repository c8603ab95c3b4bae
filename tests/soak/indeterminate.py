"""Writes of unknown outcome: cancelled or timed out. They are settled later."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

import numpy as np

from effective_embeddings import Client, errors
from effective_embeddings.v1 import service_pb2
from tests.model.operations import Assign, DeleteItems
from tests.model.oracle import Model
from tests.soak.tenants import Tenant
from tests.support.raw import embedding
from tests.support.vectors import Vectors

__all__ = ["UncertainWrite", "UncertainWrites"]

# A server may still execute a call that its client has abandoned.
_SECONDS_TO_SETTLE = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class UncertainWrite:
    """An Assign of a new item with an unknown outcome; it may still be executing."""

    tenant: Tenant
    item: str
    category: str
    vector: Vectors
    request_id: str

    def request(self) -> bytes:
        """The serialized request."""
        request = service_pb2.AssignRequest(namespace=self.tenant.name)
        request.write.request_id = self.request_id
        entry = request.assignments.add(item=self.item, category=self.category)
        entry.embedding.CopyFrom(embedding(self.vector))
        return request.SerializeToString()


class UncertainWrites:
    """Writes of unknown outcome, the oldest first.

    Attributes:
        done: Number of writes found applied.
        not_done: Number of writes found not applied.
        repeated: Number of writes settled by repeating them with the same request id.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, UncertainWrite]] = deque()
        self._lock = threading.Lock()
        self.done = self.not_done = self.repeated = 0

    def add(self, write: UncertainWrite) -> None:
        """Add a write to settle later."""
        with self._lock:
            self._waiting.append((time.monotonic() + _SECONDS_TO_SETTLE, write))

    def take(self, *, wait: bool = False) -> UncertainWrite | None:
        """The oldest write that may be settled now; with ``wait``, the oldest one once it may."""
        with self._lock:
            if not self._waiting:
                return None
            due = self._waiting[0][0] - time.monotonic()
            if due > 0 and not wait:
                return None
            _, write = self._waiting.popleft()
        if due > 0:
            time.sleep(due)
        return write

    def settle(self, write: UncertainWrite, client: Client, *, repeat: bool) -> None:
        """Repeat the write with the same request id, or check whether it was applied."""
        if repeat:
            self._repeat(write, client)
        else:
            self._look(write, client)

    def _repeat(self, write: UncertainWrite, client: Client) -> None:
        reply = client.assign(
            write.tenant.name,
            write.item,
            write.category,
            write.vector,
            request_id=write.request_id,
        )
        assert [each.item_created for each in reply.results] == [True], "applied once"
        pairs = [(write.item, write.category)]
        write.tenant.journal.acknowledged(reply.revision, Assign(pairs, write.vector[np.newaxis]))
        with self._lock:
            self.repeated += 1
        write.tenant.give_back(write.item, frozenset((write.category,)))

    def _look(self, write: UncertainWrite, client: Client) -> None:
        try:
            found = client.get_item(write.tenant.name, write.item)
        except errors.NotFound:
            with self._lock:
                self.not_done += 1
            return
        assert [each.category for each in found.memberships] == [write.category]
        reply = client.delete_items(write.tenant.name, write.item)
        assert reply.deleted_count == 1
        write.tenant.journal.acknowledged(reply.revision, _DeleteUnknown(write.item))
        with self._lock:
            write.tenant.turned_out_done += 1
            self.done += 1


class _DeleteUnknown(DeleteItems):
    """The deletion of an item unknown to the model, which still counts as a change."""

    def __init__(self, item: str) -> None:
        super().__init__([item], allow_missing=True)

    def apply(self, model: Model) -> tuple[int, bool]:
        """See Operation."""
        assert not set(self.keys) & set(model.items)
        return 1, True
