"""Calls that do not wait for their replies: cancelled, timed out, or broken off."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator

import grpc
import pytest

from effective_embeddings import errors
from tests.soak.indeterminate import UncertainWrite
from tests.soak.session import Session
from tests.support.frames import frames_of, requests
from tests.support.raw import serialized

__all__ = ["cancel_a_write", "cut_a_restore", "leave_a_snapshot", "run_out_of_time", "settle"]


def _uncertain_write(session: Session) -> UncertainWrite:
    # A category without a window, where the order of assignment does not matter.
    return UncertainWrite(
        tenant=session.tenant,
        item=session.tenant.new_key(),
        category=session.rng.choice(session.tenant.plain),
        vector=session.tenant.vectors(session.rng, 1)[0],
        request_id=f"write-{session.number}",
    )


def cancel_a_write(session: Session) -> None:
    """Begin an Assign and cancel it before, during or after its execution."""
    write = _uncertain_write(session)
    session.uncertain.add(write)
    call = session.raw.begin("Assign", write.request())
    time.sleep(session.rng.uniform(0, 0.004))
    call.cancel()


def run_out_of_time(session: Session) -> None:
    """Assign with a very short deadline."""
    write = _uncertain_write(session)
    session.uncertain.add(write)
    call = session.raw.begin("Assign", write.request(), timeout=session.rng.uniform(0.0002, 0.005))
    late = call.exception()
    assert late is None or late.code() is grpc.StatusCode.DEADLINE_EXCEEDED, late


def settle(session: Session) -> None:
    """Check an older write of unknown outcome, or repeat it."""
    write = session.uncertain.take()
    if write is not None:
        session.uncertain.settle(write, session.client, repeat=session.rng.random() < 0.5)


class _GoneError(Exception):
    """Raised to break off an upload."""


def leave_a_snapshot(session: Session) -> None:
    """Stop reading a snapshot after its first frame."""
    file = session.folder / f"{session.number}.snapshot"

    def leave(_: object) -> None:
        raise _GoneError

    with pytest.raises(_GoneError):
        session.client.snapshot(session.tenant.name, file, progress=leave)
    assert not file.exists()


def cut_a_restore(session: Session) -> None:
    """Break off a restore in the middle: it leaves nothing."""
    name = f"cut-{session.number}"
    folder = session.folder / name
    folder.mkdir()
    frames = frames_of(session.client, session.tenant.name, folder)
    shutil.rmtree(folder)
    sent, over = threading.Event(), threading.Event()

    def some() -> Iterator[bytes]:
        yield from map(serialized, requests(frames[:-1], name))
        sent.set()
        over.wait(10)

    call = session.raw.begin_restore(some())
    assert sent.wait(10)
    call.cancel()
    over.set()
    with pytest.raises(errors.NotFound):
        session.client.get_namespace(name)
