"""The calls on whole namespaces: snapshots, restores, and namespaces that come and go."""

from __future__ import annotations

from effective_embeddings import CategoryUpdate
from tests.soak.session import Visit

__all__ = ["come_and_go", "snapshot", "snapshot_and_restore", "verify"]


def snapshot(visit: Visit) -> None:
    """Write a snapshot to a file."""
    file = visit.folder / f"{visit.number}.snapshot"
    with visit.timed("snapshot"):
        visit.client.snapshot(visit.tenant.name, file)
    file.unlink()


def snapshot_and_restore(visit: Visit) -> None:
    """Take a snapshot back into a namespace of its own, look at it, and delete it."""
    file, copy = visit.folder / f"{visit.number}.snapshot", f"copy-{visit.number}"
    with visit.timed("snapshot"):
        summary = visit.client.snapshot(visit.tenant.name, file)
    with visit.timed("restore"):
        restored = visit.client.restore(file, copy)
    file.unlink()
    assert restored.digest == summary.digest
    with visit.timed("delete namespace"):
        visit.client.delete_namespace(copy, force=True)


def come_and_go(visit: Visit) -> None:
    """Make a namespace, teach it, ask it, and delete it."""
    name, vectors = f"guest-{visit.number}", visit.tenant.vectors(visit.rng, 20)
    with visit.timed("create namespace"):
        visit.client.create_namespace(name, vectors.shape[1])
    updates = [CategoryUpdate(f"c{index}", base=vectors[index]) for index in range(3)]
    visit.client.put_categories(name, updates)
    visit.client.assign(name, [f"i{index}" for index in range(20)], "c0", vectors)
    (result,) = visit.client.match(name, vectors[0], limit=0)
    assert len(result.matches) == 3
    with visit.timed("delete namespace"):
        visit.client.delete_namespace(name, force=True)


def verify(visit: Visit) -> None:
    """Rebuild a namespace from its items and compare."""
    with visit.timed("verify"):
        report = visit.client.verify(visit.tenant.name)
    assert report.findings == ()
