"""Answered writes. Each keeps the number of items about constant."""

from __future__ import annotations

import numpy as np

from effective_embeddings import CategoryUpdate
from effective_embeddings.v1 import service_pb2
from tests.model.operations import Assign, PutCategories, PutItems, Reanchor, Unassign
from tests.soak.session import Session

__all__ = [
    "assign_again",
    "assign_batch",
    "assign_or_delete",
    "change_category",
    "change_item",
    "correct",
    "reanchor",
    "take_out",
]

_BATCH = 8


def assign_or_delete(session: Session) -> None:
    """Assign a new item, or delete one if there are enough."""
    if len(session.tenant) >= session.tenant.target:
        _delete(session, 1)
    else:
        _assign_new(session, 1, "assign")


def assign_batch(session: Session) -> None:
    """Assign a batch of new items, and delete as many others."""
    _assign_new(session, _BATCH, "assign batch")
    _delete(session, _BATCH)


def _assign_new(session: Session, count: int, kind: str) -> None:
    tenant, rng = session.tenant, session.rng
    pairs = [(tenant.new_key(), tenant.any_category(rng)) for _ in range(count)]
    vectors = tenant.vectors(rng, count)
    weights = [rng.choice([0.5, 1, 2]) for _ in range(count)]
    with session.timed(kind):
        reply = session.client.assign(
            tenant.name,
            [item for item, _ in pairs],
            [category for _, category in pairs],
            vectors,
            weights=weights,
        )
    assert all(each.item_created for each in reply.results)
    tenant.journal.acknowledged(reply.revision, Assign(pairs, vectors, weights))
    for item, category in pairs:
        tenant.give_back(item, frozenset((category,)))


def _delete(session: Session, count: int) -> None:
    tenant = session.tenant
    with tenant.borrowed(session.rng, count) as items:
        keys = [*items]
        with session.timed("delete"):
            reply = session.client.unassign(tenant.name, keys, delete_items=True)
        assert all(each.item_deleted for each in reply.results)
        operation = Unassign([(key, "") for key in keys], delete_items=True)
        tenant.journal.acknowledged(reply.revision, operation)
        items.clear()


def correct(session: Session) -> None:
    """Assign an item to another category: it moves, or gains a category, or loses one again."""
    tenant = session.tenant
    with tenant.borrowed(session.rng) as items:
        ((key, before),) = items.items()
        if tenant.multiple and len(before) > 1:
            _leave(session, items, key, session.rng.choice(sorted(before)))
            return
        category = session.rng.choice([own for own in tenant.plain if own not in before])
        with session.timed("correct"):
            reply = session.client.assign(tenant.name, key, category)
        assert reply.results[0].changed
        tenant.journal.acknowledged(reply.revision, Assign([(key, category)], None))
        items[key] = frozenset((category, *(before if tenant.multiple else ())))


def take_out(session: Session) -> None:
    """Unassign an item from a category, or assign one from the inbox."""
    tenant = session.tenant
    with tenant.borrowed(session.rng) as items:
        ((key, before),) = items.items()
        if before:
            _leave(session, items, key, session.rng.choice(sorted(before)))
            return
    correct(session)


def _leave(session: Session, items: dict[str, frozenset[str]], key: str, category: str) -> None:
    tenant = session.tenant
    with session.timed("unassign"):
        reply = session.client.unassign(tenant.name, key, category)
    assert reply.results[0].previous_categories == (category,)
    tenant.journal.acknowledged(reply.revision, Unassign([(key, category)]))
    items[key] = items[key] - {category}


def change_item(session: Session) -> None:
    """Give an item another embedding and weight, which its categories follow."""
    tenant = session.tenant
    with tenant.borrowed(session.rng) as items:
        (key,) = items
        vector = tenant.vectors(session.rng, 1) * np.float32(session.rng.uniform(0.5, 1.5))
        operation = PutItems(
            [key], vector, [session.rng.uniform(0.5, 2)], {"number": str(session.number)}
        )
        with session.timed("put item"):
            reply = session.client.put_items(
                tenant.name, [key], vector, weights=operation.weights, metadata=operation.metadata
            )
        tenant.journal.acknowledged(reply.revision, operation)


def change_category(session: Session) -> None:
    """Give a category another window, and metadata."""
    tenant = session.tenant
    key = session.rng.choice(tenant.windowed)
    window = session.rng.randrange(3, 12)
    update = CategoryUpdate(key, window=window, metadata={"number": str(session.number)})
    with session.timed("put category"):
        reply = session.client.put_categories(tenant.name, [update])
    tenant.journal.acknowledged(reply.revision, PutCategories([update]))


def reanchor(session: Session) -> None:
    """Reanchor a category at its last three members."""
    tenant = session.tenant
    key = session.rng.choice(tenant.windowed)
    request = service_pb2.ReanchorRequest(namespace=tenant.name, category=key, keep_last=3)
    with session.timed("reanchor"):
        reply = session.raw.call("Reanchor", request, timeout=30)
    tenant.journal.perhaps(reply.revision, Reanchor(key, 3))


def assign_again(session: Session) -> None:
    """Repeat a write with its request id: it is applied once, with the same answer twice."""
    tenant, rng = session.tenant, session.rng
    pairs = [(tenant.new_key(), tenant.any_category(rng))]
    vectors = tenant.vectors(rng, 1)
    replies = []
    for kind in ("assign", "assign again"):
        with session.timed(kind):
            replies.append(
                session.client.assign(
                    tenant.name, *pairs[0], vectors[0], request_id=f"again-{session.number}"
                )
            )
    assert replies[0] == replies[1]
    tenant.journal.acknowledged(replies[0].revision, Assign(pairs, vectors))
    tenant.give_back(pairs[0][0], frozenset((pairs[0][1],)))
    _delete(session, 1)
