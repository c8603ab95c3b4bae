"""A client that is closed, or used in another event loop or process: one error, and no harm."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from effective_embeddings import AsyncClient, Client
from effective_embeddings.errors import Cancelled, ClientUnusable, FailedPrecondition
from effective_embeddings.server import ServerHandle
from tests.support.process import environment

_CALLS: dict[str, Callable[[Any, Path], Any]] = {
    "unary": lambda client, _: client.service_info(),
    "listing": lambda client, _: next(iter(client.list_namespaces())),
    "snapshot": lambda client, folder: client.snapshot("x", folder / "file"),
    "restore": lambda client, folder: client.restore(folder / "file"),
}


@pytest.mark.parametrize("call", _CALLS)
@pytest.mark.parametrize("way", ["remote", "embedded"])
def test_a_closed_client_refuses_every_call(
    shared_server: ServerHandle, tmp_path: Path, way: str, call: str
) -> None:
    client = Client(shared_server.target) if way == "remote" else Client.embedded(tmp_path / "data")
    client.service_info()
    shared_connection = client.with_timeout(5)
    client.close()
    client.close()
    for each in (client, shared_connection):
        with pytest.raises(ClientUnusable, match="closed"):
            _CALLS[call](each, tmp_path)
    assert issubclass(ClientUnusable, FailedPrecondition)


_ASYNC_CALLS: dict[str, Callable[[AsyncClient, Path], Any]] = {
    "unary": lambda client, _: client.service_info(),
    "listing": lambda client, _: anext(client.list_namespaces()),
    "snapshot": lambda client, folder: client.snapshot("x", folder / "file"),
    "restore": lambda client, folder: client.restore(folder / "file"),
}


@pytest.mark.parametrize("used", [True, False])
@pytest.mark.parametrize("call", _ASYNC_CALLS)
def test_a_closed_asynchronous_client_refuses_every_call(
    shared_server: ServerHandle, tmp_path: Path, call: str, *, used: bool
) -> None:
    client = AsyncClient(shared_server.target)

    async def use() -> None:
        if used:
            await client.service_info()
        await client.close()
        await client.close()
        with pytest.raises(ClientUnusable, match="closed"):
            await _ASYNC_CALLS[call](client, tmp_path)

    async def use_again() -> None:
        with pytest.raises(ClientUnusable, match="closed"):
            await _ASYNC_CALLS[call](client, tmp_path)

    asyncio.run(use())
    asyncio.run(use_again())


@pytest.mark.parametrize("call", _ASYNC_CALLS)
def test_another_event_loop_is_refused_and_can_close(
    shared_server: ServerHandle, tmp_path: Path, call: str
) -> None:
    client = AsyncClient(shared_server.target)

    async def use() -> None:
        await client.service_info()

    async def use_elsewhere() -> None:
        with pytest.raises(ClientUnusable, match="event loop"):
            await _ASYNC_CALLS[call](client, tmp_path)
        await client.close()
        with pytest.raises(ClientUnusable, match="closed"):
            await client.service_info()

    asyncio.run(use())
    asyncio.run(use_elsewhere())


def test_closing_cancels_calls_on_the_way_and_not_their_tasks() -> None:
    async def use(target: str) -> None:
        client = AsyncClient(target, timeout=None)
        call = asyncio.create_task(client.service_info())
        await asyncio.sleep(0.2)
        await client.close()
        with pytest.raises(Cancelled, match="closed"):
            await call

    with _silent() as target:
        asyncio.run(use(target))


def test_closing_from_another_thread_cancels_a_call_on_the_way() -> None:
    with _silent() as target:
        client = Client(target, timeout=None)
        threading.Timer(0.2, client.close).start()
        with pytest.raises((Cancelled, ClientUnusable)):
            client.service_info()


@contextmanager
def _silent() -> Iterator[str]:
    """A target that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


_FORK = """
    import os, sys, traceback, warnings
    warnings.simplefilter("ignore")
    import numpy as np
    from effective_embeddings import Client
    from effective_embeddings.errors import ClientUnusable

    client = Client.embedded(sys.argv[1])
    client.create_namespace("n", 2)
    client.put_items("n", "a", [1, 2])
    child = os.fork()
    if child == 0:
        for call in (
            lambda: client.get_item("n", "a"),
            lambda: client.put_items("n", "b", [1, 2]),
            lambda: list(client.list_items("n")),
            lambda: client.snapshot("n", sys.argv[1] + ".snapshot"),
            lambda: client.restore(sys.argv[2]),
        ):
            try:
                call()
            except ClientUnusable as error:
                assert "forked" in str(error), error
            else:
                os._exit(3)
        client.close()
        with client:
            pass
        {end}
    _, status = os.waitpid(child, 0)
    assert status == 0, status
    client.put_items("n", "c", [3, 4])
    assert [item.key for item in client.list_items("n")] == ["a", "c"]
    assert client.verify("n").ok
    client.close()
    with Client.embedded(sys.argv[1]) as again:
        assert [item.key for item in again.list_items("n")] == ["a", "c"]
"""


@pytest.mark.parametrize("end", ["os._exit(0)", "sys.exit(0)", "del client; sys.exit(0)"])
def test_a_forked_child_is_refused_and_does_nothing(tmp_path: Path, end: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    code = textwrap.dedent(_FORK).format(end=end)
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code, str(tmp_path / "data"), str(tmp_path / "file")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(),
    )
    assert (done.returncode, done.stderr) == (0, "")


_FORKED_ENGINE = """
import os, sys
from effective_embeddings._core import Engine, Grant, StatusError
from effective_embeddings.v1 import resources_pb2, service_pb2
grant = Grant.unrestricted("test")
engine = Engine(sys.argv[1])
hold, release = os.pipe()
child = os.fork()
if child == 0:
    os.close(release)
    namespace = resources_pb2.Namespace(name="n", dimension=2)
    create = service_pb2.CreateNamespaceRequest(namespace=namespace).SerializeToString()
    for call in (
        lambda: engine.call("ListNamespaces", b"", grant, None),
        lambda: engine.call("CreateNamespace", create, grant, None),
    ):
        try:
            call()
        except StatusError as error:
            assert "forked" in error.message, error.message
        else:
            os._exit(3)
    assert not engine.health()[0]
    engine.close()
    del engine
    os.read(hold, 1)
    sys.exit(0)
engine.close()
Engine(sys.argv[1]).close()  # The child lives, and holds nothing.
try:
    first = Engine(sys.argv[1])
    Engine(sys.argv[1])
except StatusError as error:
    assert "in use by this process" in error.message, error.message
else:
    sys.exit(4)
first.close()
os.write(release, b".")
_, status = os.waitpid(child, 0)
assert status == 0, status
"""


def test_the_engine_itself_refuses_a_forked_child_which_holds_no_lock(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", _FORKED_ENGINE, str(tmp_path / "data")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(),
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_child_of_multiprocessing_is_refused(tmp_path: Path) -> None:
    with Client.embedded(tmp_path / "data") as client:
        client.create_namespace("n", 2)
        context = multiprocessing.get_context("fork")
        answers = context.SimpleQueue()
        child = context.Process(target=_use, args=(client, answers))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of threads beside a fork, which the parent has
            child.start()
        child.join(20)
        assert child.exitcode == 0
        assert "forked" in answers.get()
        assert client.get_namespace("n").dimension == 2


def _use(client: Client, answers: Any) -> None:
    try:
        client.get_namespace("n")
    except ClientUnusable as error:
        answers.put(str(error))


def test_the_process_is_the_one_that_opened_it(tmp_path: Path) -> None:
    with Client.embedded(tmp_path / "data") as client:
        assert client._transport._process == os.getpid()  # type: ignore[attr-defined]
