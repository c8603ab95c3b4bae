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

__all__ = ["Doubt", "Unsure"]

# A server may still execute a call that its client has abandoned.
_SECONDS_TO_SETTLE = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Doubt:
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


class Unsure:
    """Writes of unknown outcome, the oldest first.

    Attributes:
        done: Number of writes found applied.
        not_done: Number of writes found not applied.
        repeated: Number of writes settled by repeating them with the same request id.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, Doubt]] = deque()
        self._lock = threading.Lock()
        self.done = self.not_done = self.repeated = 0

    def add(self, doubt: Doubt) -> None:
        """Add a write to settle later."""
        with self._lock:
            self._waiting.append((time.monotonic() + _SECONDS_TO_SETTLE, doubt))

    def take(self, *, wait: bool = False) -> Doubt | None:
        """The oldest write that may be settled now; with ``wait``, the oldest one once it may."""
        with self._lock:
            if not self._waiting:
                return None
            due = self._waiting[0][0] - time.monotonic()
            if due > 0 and not wait:
                return None
            _, doubt = self._waiting.popleft()
        if due > 0:
            time.sleep(due)
        return doubt

    def settle(self, doubt: Doubt, client: Client, *, repeat: bool) -> None:
        """Repeat the write with the same request id, or check whether it was applied."""
        if repeat:
            self._repeat(doubt, client)
        else:
            self._look(doubt, client)

    def _repeat(self, doubt: Doubt, client: Client) -> None:
        reply = client.assign(
            doubt.tenant.name,
            doubt.item,
            doubt.category,
            doubt.vector,
            request_id=doubt.request_id,
        )
        assert [each.item_created for each in reply.results] == [True], "applied once"
        pairs = [(doubt.item, doubt.category)]
        doubt.tenant.journal.acknowledged(reply.revision, Assign(pairs, doubt.vector[np.newaxis]))
        with self._lock:
            self.repeated += 1
        doubt.tenant.give_back(doubt.item, frozenset((doubt.category,)))

    def _look(self, doubt: Doubt, client: Client) -> None:
        try:
            found = client.get_item(doubt.tenant.name, doubt.item)
        except errors.NotFound:
            with self._lock:
                self.not_done += 1
            return
        assert [each.category for each in found.memberships] == [doubt.category]
        reply = client.delete_items(doubt.tenant.name, doubt.item)
        assert reply.deleted_count == 1
        doubt.tenant.journal.acknowledged(reply.revision, _DeleteUnknown(doubt.item))
        with self._lock:
            doubt.tenant.turned_out_done += 1
            self.done += 1


class _DeleteUnknown(DeleteItems):
    """The deletion of an item unknown to the model, which still counts as a change."""

    def __init__(self, item: str) -> None:
        super().__init__([item], allow_missing=True)

    def apply(self, model: Model) -> tuple[int, bool]:
        """See Operation."""
        assert not set(self.keys) & set(model.items)
        return 1, True
