"""A client that has a thread of connections to itself has its writes executed by that thread."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.server import ServerHandle, Settings
from effective_embeddings.v1 import service_pb2
from tests.support.access import unary
from tests.support.folders import quick_folder
from tests.support.process import ServerProcess
from tests.support.slow_disk import SlowDisk

_DIMENSION = 384
_WRITES = 100
#: Enough connections for two on each thread.
_MANY = 2 * min(len(os.sched_getaffinity(0)), 8)
#: Channels of a process to one address share a connection otherwise.
_OWN_CONNECTION = [("grpc.use_local_subchannel_pool", 1)]
#: After two writes in a row that take longer, the thread executes none for a second.
_LONG_SECONDS = 0.004
_SUSPENSION = 1.1
_LOOKS = 8

pytestmark = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2 or not Path(f"/proc/self/task/{os.getpid()}/io").exists(),
    reason="needs a thread of connections beside the one that accepts them",
)


@dataclass(frozen=True, slots=True)
class _Look:
    """Which share of the bytes was written by threads of connections.

    Slow: two writes in a row took long.
    """

    share: float
    slow: bool


class _Writer:
    """Assigns new items over a connection of its own."""

    def __init__(self, target: str) -> None:
        self.channel = grpc.insecure_channel(target, _OWN_CONNECTION)
        self._assign: Any = unary(self.channel, "Assign")
        self._vector = np.ones(_DIMENSION, dtype="<f4").tobytes()
        self._written = 0

    def write(self) -> float:
        """Assign an item; return the seconds that it took."""
        self._written += 1
        request = service_pb2.AssignRequest(namespace="n")
        key = f"{id(self)}-{threading.get_ident()}-{self._written}"
        request.assignments.add(item=key, category="c").embedding.data = self._vector
        begin = time.perf_counter()
        self._assign(request.SerializeToString())
        return time.perf_counter() - begin

    def look(self, callers: int = 1) -> _Look:
        """Write from some threads, each one item after the other."""
        slow: list[bool] = []

        def write() -> None:
            long = [self.write() > _LONG_SECONDS for _ in range(_WRITES)]
            slow.extend(all(two) for two in pairwise(long))

        before, before_all = _written()
        threads = [threading.Thread(target=write) for _ in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        after, after_all = _written()
        return _Look((after - before) / (after_all - before_all), any(slow))


def _written() -> tuple[int, int]:
    """Bytes that threads of connections have written, and those of the process."""
    connections = 0
    for thread in Path("/proc/self/task").iterdir():
        # Threads of the client may end meanwhile.
        with suppress(OSError):
            if (thread / "comm").read_text().startswith("effemb-io"):
                connections += _bytes(thread / "io")
    return connections, _bytes(Path("/proc/self/io"))


def _bytes(io: Path) -> int:
    return int(io.read_text("ascii").split("wchar: ")[1].split()[0])


@pytest.fixture
def target() -> Iterator[str]:
    with quick_folder() as folder:
        settings = Settings(data=folder / "data", listen="127.0.0.1:0", transport="native")
        with ServerHandle(settings) as server:
            _create(server.target)
            yield server.target


def _create(target: str) -> None:
    with Client(target) as client:
        client.create_namespace("n", dimension=_DIMENSION)
        client.put_categories("n", [CategoryUpdate("c", base=np.ones(_DIMENSION))])


@contextmanager
def _writers(target: str, count: int) -> Iterator[list[_Writer]]:
    with ExitStack() as stack:
        writers = [_Writer(target) for _ in range(count)]
        for writer in writers:
            stack.callback(writer.channel.close)
            writer.write()
        yield writers


@contextmanager
def _repeating(call: Callable[[], object]) -> Iterator[None]:
    """Call again and again during the body."""
    done = threading.Event()

    def repeat() -> None:
        while not done.is_set():
            call()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_the_only_connection_of_a_thread(target: str) -> None:
    shares = []
    for _ in range(_LOOKS):
        # While an earlier connection closes, a new one may come to the thread that accepts them.
        with _writers(target, 1) as [writer]:
            look = writer.look()
        if not look.slow:
            shares.append(look.share)
            if look.share > 0.9:
                return
        time.sleep(_SUSPENSION)
    if shares:
        pytest.fail(f"threads of connections wrote {shares} of the bytes")
    pytest.skip("the disk is slow")


def test_one_of_several_connections_of_a_thread(target: str) -> None:
    with _writers(target, _MANY) as writers:
        assert writers[0].look().share < 0.1


@pytest.mark.parametrize("callers", [2, 4])
def test_writes_at_the_same_time(target: str, callers: int) -> None:
    with _writers(target, 1) as [writer]:
        writer.look(callers)  # Until calls have met, the thread executes them.
        assert writer.look(callers).share < 0.3


def test_writes_beside_other_calls_of_their_connection(target: str) -> None:
    request = service_pb2.MatchRequest(namespace="n")
    request.queries.add().embedding.data = np.ones(_DIMENSION, dtype="<f4").tobytes()
    with _writers(target, 1) as [writer]:
        match: Any = unary(writer.channel, "Match")
        with _repeating(lambda: match(request.SerializeToString())):
            writer.look()
            assert writer.look().share < 0.3


def test_a_disk_that_never_answers_holds_up_one_connection(tmp_path: Path) -> None:
    disk = SlowDisk(tmp_path)
    with (
        quick_folder() as folder,
        ServerProcess(folder / "data", "--transport", "native", before=disk.before) as server,
    ):
        _create(server.target)
        for _ in range(_LOOKS):
            with (
                _writers(server.target, 1) as [writer],
                disk.holding(writer.write) as thread,
                ExitStack() as others,
            ):
                for _ in range(_MANY):
                    other = others.enter_context(
                        Client(server.target, timeout=5, channel_options=_OWN_CONNECTION)
                    )
                    assert len(other.match("n", np.ones(_DIMENSION))) == 1
            if thread.startswith("effemb-io"):
                return
            time.sleep(_SUSPENSION)
    pytest.fail("no write was executed by the thread of its connection")
