"""Calls that do not wait for their replies: cancelled, timed out, or broken off."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator

import grpc
import pytest

from effective_embeddings import errors
from tests.soak.indeterminate import Doubt
from tests.soak.session import Visit
from tests.support.frames import frames_of, requests
from tests.support.raw import serialized

__all__ = ["cancel_a_write", "cut_a_restore", "leave_a_snapshot", "run_out_of_time", "settle"]


def _doubt(visit: Visit) -> Doubt:
    # A category without a window, where the order of assignment does not matter.
    return Doubt(
        tenant=visit.tenant,
        item=visit.tenant.new_key(),
        category=visit.rng.choice(visit.tenant.plain),
        vector=visit.tenant.vectors(visit.rng, 1)[0],
        request_id=f"doubt-{visit.number}",
    )


def cancel_a_write(visit: Visit) -> None:
    """Begin an Assign and cancel it before, during or after its execution."""
    doubt = _doubt(visit)
    visit.unsure.add(doubt)
    call = visit.raw.begin("Assign", doubt.request())
    time.sleep(visit.rng.uniform(0, 0.004))
    call.cancel()


def run_out_of_time(visit: Visit) -> None:
    """Assign with a very short deadline."""
    doubt = _doubt(visit)
    visit.unsure.add(doubt)
    call = visit.raw.begin("Assign", doubt.request(), timeout=visit.rng.uniform(0.0002, 0.005))
    late = call.exception()
    assert late is None or late.code() is grpc.StatusCode.DEADLINE_EXCEEDED, late


def settle(visit: Visit) -> None:
    """Check an older write of unknown outcome, or repeat it."""
    doubt = visit.unsure.take()
    if doubt is not None:
        visit.unsure.settle(doubt, visit.client, repeat=visit.rng.random() < 0.5)


class _GoneError(Exception):
    """Raised to break off an upload."""


def leave_a_snapshot(visit: Visit) -> None:
    """Stop reading a snapshot after its first frame."""
    file = visit.folder / f"{visit.number}.snapshot"

    def leave(_: object) -> None:
        raise _GoneError

    with pytest.raises(_GoneError):
        visit.client.snapshot(visit.tenant.name, file, progress=leave)
    assert not file.exists()


def cut_a_restore(visit: Visit) -> None:
    """Break off a restore in the middle: it leaves nothing."""
    name = f"cut-{visit.number}"
    folder = visit.folder / name
    folder.mkdir()
    frames = frames_of(visit.client, visit.tenant.name, folder)
    shutil.rmtree(folder)
    sent, over = threading.Event(), threading.Event()

    def some() -> Iterator[bytes]:
        yield from map(serialized, requests(frames[:-1], name))
        sent.set()
        over.wait(10)

    call = visit.raw.begin_restore(some())
    assert sent.wait(10)
    call.cancel()
    over.set()
    with pytest.raises(errors.NotFound):
        visit.client.get_namespace(name)
