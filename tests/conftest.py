"""Fixtures: folders, servers, and clients over gRPC and in process.

Most tests use a namespace of their own on a server (or an embedded engine) that all tests share, so
that many tests take little time. Tests of a server's or a directory's behaviour start their own.
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
from effective_embeddings.server import DEFINITIONS, ServerHandle, Settings
from tests.support.folders import quick_folder
from tests.support.grpcurl import build_grpcurl
from tests.support.populated import fill
from tests.support.process import ServerProcess, inherited
from tests.support.raw import EmbeddedRaw, Raw, RemoteRaw

# The fast profile is deterministic; the slow one (`--hypothesis-profile slow`, or
# HYPOTHESIS_PROFILE=slow) searches for new failures.
_COMMON: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}
# The fast profile does not shrink failures, which can take minutes.
_QUICK = (Phase.explicit, Phase.generate)
settings.register_profile(
    "fast", max_examples=20, derandomize=True, database=None, phases=_QUICK, **_COMMON
)
settings.register_profile("slow", max_examples=500, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

Way = Literal["remote", "grpcio", "embedded"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of this suite."""
    parser.addoption("--crash-rounds", type=int, default=7, help="rounds of the crash loop [7]")
    default = DEFINITIONS["transport"].default
    parser.addoption(
        "--transport",
        choices=DEFINITIONS["transport"].choices,
        default=default,
        help=f"the transport of servers whose tests name none [{default}]",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Have servers use the chosen transport, in this process and in others."""
    _use(config.getoption("--transport"))


def _use(transport: str) -> None:
    assert Settings.__init__.__kwdefaults__ is not None
    Settings.__init__.__kwdefaults__["transport"] = transport
    inherited["EFFEMB_TRANSPORT"] = transport


@pytest.fixture(scope="module", params=DEFINITIONS["transport"].choices)
def each_transport(request: pytest.FixtureRequest) -> Iterator[str]:
    """The transport of servers whose tests name none: each in turn."""
    before = inherited["EFFEMB_TRANSPORT"]
    transport: str = request.param
    _use(transport)
    yield transport
    _use(before)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """The path of a fresh data directory on the disk; opening it creates it."""
    return tmp_path / "data"


@pytest.fixture(scope="session")
def shared_server() -> Iterator[ServerHandle]:
    """A real server in this process, on a free port of the loopback."""
    with quick_folder() as folder:
        settings_ = Settings(data=folder / "data", listen="127.0.0.1:0", drain_seconds=5)
        with ServerHandle(settings_) as server:
            yield server


@pytest.fixture(scope="session")
def shared_grpcio_server() -> Iterator[ServerHandle]:
    """Another one, on the gRPC library for Python."""
    with quick_folder() as folder:
        settings_ = Settings(data=folder / "data", listen="127.0.0.1:0", transport="grpcio")
        with ServerHandle(settings_) as server:
            yield server


@pytest.fixture(scope="session")
def shared_grpcio(shared_grpcio_server: ServerHandle) -> Iterator[Client]:
    with Client(shared_grpcio_server.target, actor="tester") as client:
        yield client


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
    """Over gRPC or in process: the contract holds for both."""
    chosen: Way = request.param
    return chosen


@pytest.fixture
def client(way: Way, request: pytest.FixtureRequest) -> Client:
    """A client, each way in turn."""
    chosen: Client = request.getfixturevalue(f"shared_{way}")
    return chosen


@pytest.fixture
def raw(way: Way, request: pytest.FixtureRequest) -> Iterator[Raw]:
    """The contract without the client, on the same service that ``client`` is on."""
    if way == "embedded":
        embedded: Any = request.getfixturevalue("shared_embedded")
        yield EmbeddedRaw(embedded._transport._engine)
        return
    name = "shared_server" if way == "remote" else "shared_grpcio_server"
    server: ServerHandle = request.getfixturevalue(name)
    with grpc.insecure_channel(server.target) as channel:
        yield RemoteRaw(channel)


_numbers = itertools.count(1)


@pytest.fixture
def new_name() -> Callable[[], str]:
    """Returns a function that gives unused namespace names."""
    return lambda: f"test-{next(_numbers)}"


@pytest.fixture
def ns(new_name: Callable[[], str]) -> str:
    """An unused namespace name."""
    return new_name()


@pytest.fixture
def full(client: Client, ns: str) -> str:
    """A namespace with every kind of content; see ``support.populated``."""
    return fill(client, ns)


@pytest.fixture
def server_process(data_dir: Path) -> Iterator[ServerProcess]:
    """A server in a process of its own, on a directory of its own."""
    with ServerProcess(data_dir) as process:
        yield process


@pytest.fixture(scope="session")
def grpcurl() -> Path:
    """The path of grpcurl, built once by Go."""
    return build_grpcurl()
