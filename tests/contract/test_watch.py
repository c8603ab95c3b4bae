"""Watching a namespace: every change once and in order, resumed anywhere, with bounds."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from effective_embeddings import AsyncClient, CategoryUpdate, Client, HistoryBatch, HistoryChange
from effective_embeddings.errors import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    Unavailable,
)
from effective_embeddings.server import ServerHandle, Settings
from effective_embeddings.v1 import service_pb2 as pb


def _place(change: HistoryChange) -> tuple[int, int]:
    return change.revision, change.index


def _until(batches: Iterator[HistoryBatch], revision: int) -> list[HistoryChange]:
    """The changes up to a revision."""
    changes: list[HistoryChange] = []
    for batch in batches:
        changes += batch.changes
        assert batch.revision <= batch.current_revision
        if batch.revision >= revision:
            return changes
    pytest.fail("the stream has ended")


@pytest.fixture
def notes(client: Client, ns: str) -> str:
    client.create_namespace(ns, 2)
    client.put_categories(ns, [CategoryUpdate("a"), CategoryUpdate("b")])
    client.assign(ns, ["one", "two", "three"], "a", np.eye(3)[:, :2] + 0.5, actor="ann")
    client.assign(ns, "two", "b", actor="bob")
    return ns


def test_a_watch_begins_with_the_history(client: Client, notes: str) -> None:
    whole = list(client.history(notes, newest_first=False))
    assert _until(client.watch_history(notes), 4) == whole
    for after in range(4):
        expected = [change for change in whole if change.revision > after]
        assert _until(client.watch_history(notes, after), 4) == expected
    first = next(iter(client.watch_history(notes, 4)))
    assert first == HistoryBatch((), 4, 4, first.epoch)
    assert first.epoch


def test_a_watch_filters(client: Client, notes: str) -> None:
    for wanted in ({"item": "two"}, {"category": "b"}, {"actor": "bob"}):
        expected = list(client.history(notes, newest_first=False, **wanted))  # type: ignore[arg-type]
        found = _until(client.watch_history(notes, **wanted), 4)  # type: ignore[arg-type]
        assert found == expected
        assert found


def test_changes_come_as_they_are_made(client: Client, notes: str) -> None:
    batches = client.watch_history(notes, 4)
    assert next(batches).revision == 4

    def write() -> None:
        for number in range(20):
            client.assign(notes, "one", "ab"[number % 2], actor=f"writer {number}")
            time.sleep(0.005)

    writer = threading.Thread(target=write)
    writer.start()
    changes = _until(batches, 23)
    writer.join()
    assert changes == list(client.history(notes, first_revision=5, newest_first=False))
    assert len(changes) == 19, "the first of them changed nothing"


def test_a_large_revision_comes_in_parts(client: Client, ns: str) -> None:
    client.create_namespace(ns, 2)
    client.put_categories(ns, [CategoryUpdate("a")])
    keys = [f"item {number}" for number in range(1500)]
    client.assign(ns, keys, "a", np.ones((1500, 2)))
    sizes, places = [], []
    for batch in client.watch_history(ns, 2):
        sizes.append(len(batch.changes))
        places += [_place(change) for change in batch.changes]
        if batch.revision == 3:
            break
        assert batch.revision == 2, "resuming after it must repeat what came in part"
    assert sizes == [1000, 1000, 1000]
    assert places == [(3, index) for index in range(3000)]


def _read_slowly(client: Client, ns: str, batches: Iterator[HistoryBatch]) -> None:
    # gRPC sends some megabytes ahead of the reader, so it takes more to fall behind.
    keys = [f"item {each}" for each in range(20)]
    for number in range(800):
        client.assign(ns, keys, "ab"[number % 2], np.ones((20, 2)), reason="x" * 1000)
    for _ in batches:
        pass


def test_a_reader_that_falls_behind_is_told(client: Client, notes: str) -> None:
    batches = client.watch_history(notes, max_behind=3)
    assert _until(batches, 4), "a reader that has not caught up may be any number behind"
    with pytest.raises(ResourceExhausted) as caught:
        _read_slowly(client, notes, batches)
    error = caught.value
    assert error.reason == "READER_TOO_SLOW"
    assert error.metadata["limit"] == "3"
    assert int(error.metadata["behind"]) > 3
    resumed = client.watch_history(notes, int(error.metadata["sent"]))
    assert next(resumed).changes[0].revision == int(error.metadata["sent"]) + 1


def test_a_watch_ends_with_its_namespace(client: Client, notes: str) -> None:
    batches = client.watch_history(notes)
    _until(batches, 4)
    client.delete_namespace(notes, force=True)
    with pytest.raises(NotFound):
        _until(batches, 1000)


def test_bad_requests_are_refused(client: Client, notes: str) -> None:
    with pytest.raises(FailedPrecondition) as early:
        next(client.watch_history(notes, 5))
    assert early.value.reason == "REVISION_NOT_REACHED"
    assert (early.value.metadata["expected"], early.value.metadata["actual"]) == ("5", "4")
    with pytest.raises(InvalidArgument) as key:
        next(client.watch_history(notes, item="a\n"))
    assert key.value.metadata["field"] == "filter.item"
    with pytest.raises(NotFound):
        next(client.watch_history("nowhere"))
    for name in ("first_revision", "last_revision"):
        request = pb.WatchHistoryRequest(namespace=notes, filter=pb.HistoryFilter(**{name: 1}))  # type: ignore[arg-type]
        with pytest.raises(InvalidArgument) as set_:
            next(client._transport.download("WatchHistory", request.SerializeToString(), None))
        assert set_.value.metadata["field"] == f"filter.{name}"


def test_an_idle_watch_ends_when_the_engine_closes(tmp_path: Path) -> None:
    with Client.embedded(tmp_path / "data") as client:
        client.create_namespace("n", 2)
        batches = client.watch_history("n")
        _until(batches, 1)
        threading.Timer(0.3, client.close).start()
        began = time.monotonic()
        with pytest.raises(Unavailable):
            _until(batches, 2)
        assert time.monotonic() - began < 4
    with Client.embedded(tmp_path / "data") as client:
        assert client.get_namespace("n").revision == 1


def test_a_server_that_stops_ends_its_watches_at_once(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", drain_seconds=60)
    with ServerHandle(settings) as server, Client(server.target) as client:
        client.create_namespace("n", 2)
        batches = client.watch_history("n")
        _until(batches, 1)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 30, "it must not drain for 60 seconds"
        with pytest.raises(Unavailable) as ended:
            _until(batches, 2)
        assert ended.value.reason == "SHUTTING_DOWN"


@pytest.mark.parametrize("transport", ["grpcio", "native"])
def test_idle_watches_leave_the_workers_to_other_calls(tmp_path: Path, transport: str) -> None:
    settings = Settings(
        data=tmp_path / "data",
        listen="127.0.0.1:0",
        transport=transport,
        workers=2,
        max_concurrent_calls=16,
        max_streaming_calls=8,
    )
    with ServerHandle(settings) as server, Client(server.target) as client:
        client.create_namespace("n", 2)
        watches = [client.watch_history("n", 1) for _ in range(6)]
        for watch in watches:
            assert next(watch).changes == ()
        began = time.monotonic()
        for number in range(10):
            client.put_items("n", f"item {number}", [1, number])
            client.get_item("n", f"item {number}")
        # With an idle watch in each worker, every call would wait for seconds.
        assert time.monotonic() - began < 15
        for watch in watches:
            assert len(_until(watch, 11)) == 10


def test_the_asynchronous_client_watches_too(shared_server: ServerHandle, ns: str) -> None:
    async def run() -> None:
        async with AsyncClient(shared_server.target) as client:
            await client.create_namespace(ns, 2)
            seen: list[int] = []
            async for batch in client.watch_history(ns):
                seen.append(batch.revision)
                if batch.revision == 1:
                    await client.put_categories(ns, [CategoryUpdate("a")])
                else:
                    break
            assert seen[-1] == 2

    asyncio.run(run())
