"""The calls on whole namespaces: snapshots, restores, and namespaces that come and go."""

from __future__ import annotations

from effective_embeddings import CategoryUpdate
from tests.soak.session import Session

__all__ = ["come_and_go", "snapshot", "snapshot_and_restore", "verify"]


def snapshot(session: Session) -> None:
    """Write a snapshot to a file."""
    file = session.folder / f"{session.number}.snapshot"
    with session.timed("snapshot"):
        session.client.snapshot(session.tenant.name, file)
    file.unlink()


def snapshot_and_restore(session: Session) -> None:
    """Take a snapshot back into a namespace of its own, look at it, and delete it."""
    file, copy = session.folder / f"{session.number}.snapshot", f"copy-{session.number}"
    with session.timed("snapshot"):
        summary = session.client.snapshot(session.tenant.name, file)
    with session.timed("restore"):
        restored = session.client.restore(file, copy)
    file.unlink()
    assert restored.digest == summary.digest
    with session.timed("delete namespace"):
        session.client.delete_namespace(copy, force=True)


def come_and_go(session: Session) -> None:
    """Make a namespace, teach it, ask it, and delete it."""
    name, vectors = f"guest-{session.number}", session.tenant.vectors(session.rng, 20)
    with session.timed("create namespace"):
        session.client.create_namespace(name, vectors.shape[1])
    updates = [CategoryUpdate(f"c{index}", base=vectors[index]) for index in range(3)]
    session.client.put_categories(name, updates)
    session.client.assign(name, [f"i{index}" for index in range(20)], "c0", vectors)
    (result,) = session.client.match(name, vectors[0], limit=0)
    assert len(result.matches) == 3
    with session.timed("delete namespace"):
        session.client.delete_namespace(name, force=True)


def verify(session: Session) -> None:
    """Rebuild a namespace from its items and compare."""
    with session.timed("verify"):
        report = session.client.verify(session.tenant.name)
    assert report.findings == ()
