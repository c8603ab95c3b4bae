"""Fixtures: folders, servers, and clients over gRPC and in process.

Most tests are told to a namespace of their own on a server (or an embedded engine) that all tests
share, so that they are as many as they like and take no time; those that show how a server or a
directory behaves begin with their own.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import grpc
import pytest
from hypothesis import HealthCheck, Phase, settings

from effective_embeddings import Client
from effective_embeddings.server import ServerHandle, Settings
from tests.support.folders import quick_folder
from tests.support.grpcurl import build_grpcurl
from tests.support.populated import fill
from tests.support.process import ServerProcess
from tests.support.raw import EmbeddedRaw, Raw, RemoteRaw

# The fast profile is the same every time; the slow one (`--hypothesis-profile slow`, or
# HYPOTHESIS_PROFILE=slow) looks for what nobody has seen yet.
_COMMON: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}
# It does not look for a shorter way to a failure either, which can take minutes: the slow one does.
_QUICK = (Phase.explicit, Phase.generate)
settings.register_profile(
    "fast", max_examples=20, derandomize=True, database=None, phases=_QUICK, **_COMMON
)
settings.register_profile("slow", max_examples=500, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

Way = Literal["remote", "embedded"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of this suite."""
    parser.addoption("--crash-rounds", type=int, default=7, help="rounds of the crash loop [7]")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A fresh data directory on the disk; whoever opens it makes it."""
    return tmp_path / "data"


@pytest.fixture(scope="session")
def shared_server() -> Iterator[ServerHandle]:
    """A real server in this process, on a free port of the loopback."""
    with quick_folder() as folder:
        settings_ = Settings(data=folder / "data", listen="127.0.0.1:0", drain_seconds=5)
        with ServerHandle(settings_) as server:
            yield server


@pytest.fixture(scope="session")
def shared_remote(shared_server: ServerHandle) -> Iterator[Client]:
    with Client(shared_server.target, actor="tester") as client:
        yield client


@pytest.fixture(scope="session")
def shared_embedded() -> Iterator[Client]:
    with quick_folder() as folder, Client.embedded(folder / "data", actor="tester") as client:
        yield client


@pytest.fixture(params=["remote", "embedded"])
def way(request: pytest.FixtureRequest) -> Way:
    """How the service is reached: what holds for one way must hold for the other."""
    chosen: Way = request.param
    return chosen


@pytest.fixture
def client(way: Way, request: pytest.FixtureRequest) -> Client:
    """A client, over gRPC and in process in turn."""
    chosen: Client = request.getfixturevalue(f"shared_{way}")
    return chosen


@pytest.fixture
def raw(way: Way, request: pytest.FixtureRequest) -> Iterator[Raw]:
    """The contract without the client, on the same service that ``client`` is on."""
    if way == "embedded":
        embedded: Any = request.getfixturevalue("shared_embedded")
        yield EmbeddedRaw(embedded._transport._engine)
        return
    server: ServerHandle = request.getfixturevalue("shared_server")
    with grpc.insecure_channel(server.target) as channel:
        yield RemoteRaw(channel)


_numbers = itertools.count(1)


@pytest.fixture
def new_name() -> Callable[[], str]:
    """Gives names of namespaces that nobody has had."""
    return lambda: f"test-{next(_numbers)}"


@pytest.fixture
def ns(new_name: Callable[[], str]) -> str:
    """The name of a namespace that is not there yet."""
    return new_name()


@pytest.fixture
def full(client: Client, ns: str) -> str:
    """A namespace with something of everything; see ``support.full``."""
    return fill(client, ns)


@pytest.fixture
def server_process(data_dir: Path) -> Iterator[ServerProcess]:
    """A server in a process of its own, on a directory of its own."""
    with ServerProcess(data_dir) as process:
        yield process


@pytest.fixture(scope="session")
def grpcurl() -> Path:
    """The program, built once by Go."""
    return build_grpcurl()
