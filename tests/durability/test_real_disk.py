"""A real file system that fills or is read-only: the real server reports it and keeps serving.

Acknowledged writes are present once there is space again; others are present as a whole or not at
all, and can be repeated. Reads are right meanwhile.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from effective_embeddings import Client, EffectiveEmbeddingsError, errors
from tests.durability.crash.expected_state import BIG, ExpectedState
from tests.durability.crash.writers import Writer, once
from tests.support.disk import CannotMountError, SmallDisk
from tests.support.process import ServerProcess

pytestmark = pytest.mark.slow

_MIB = 2**20
_PLENTY = 256 * _MIB
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_OPTIONS = ("--memory-budget", "100000")


@dataclass(frozen=True, slots=True)
class _Disk:
    """A place for data that can be full.

    Attributes:
        start: Starts a server on it.
        leave_room: Leaves a number of bytes for the WAL, or plenty.
        full: SQLite's error when the place is full.
    """

    start: Callable[..., ServerProcess]
    leave_room: Callable[[ServerProcess | None, int | None], None]
    full: str


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[_Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        disk = SmallDisk(folder, _PLENTY)
    except CannotMountError as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    with disk:

        def leave_room(_: ServerProcess | None, size: int | None) -> None:
            used = int(disk.run("df", "--output=used", "-B1", str(folder)).split()[-1])
            disk.remount(f"size={_PLENTY if size is None else used + size}")

        yield _Disk(lambda **how: disk.server(*_OPTIONS, **how), leave_room, "full")


@pytest.fixture
def limited(tmp_path: Path) -> _Disk:
    """A limit on file size: equivalent for a writer, and possible on any machine."""
    data = tmp_path / "data"

    def leave_room(process: ServerProcess | None, size: int | None) -> None:
        if process is None:
            return
        wal = (data / "effemb.db-wal").stat().st_size
        limit = resource.RLIM_INFINITY if size is None else wal + size
        resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (limit, limit))

    return _Disk(lambda **how: ServerProcess(data, *_OPTIONS, **how), leave_room, "disk I/O error")


@pytest.fixture(params=["tmpfs", "limited"])
def disk(request: pytest.FixtureRequest) -> _Disk:
    found: _Disk = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def expected(disk: _Disk) -> ExpectedState:
    made = ExpectedState()
    with disk.start() as process, once(process.target) as client:
        made.create(client)
    return made


@pytest.mark.parametrize("room", [0, 100_000, 3 * _MIB])
def test_a_full_disk_is_reported_and_loses_nothing(
    disk: _Disk, expected: ExpectedState, room: int
) -> None:
    with disk.start() as process, once(process.target) as client:
        # One write, so that SQLite's files exist.
        Writer(process.target, expected, "before", most=1).run()
        expected.settle(client)
        disk.leave_room(process, room)
        _write_until_refused(process, expected)
        for error in expected.refusals:
            _assert_says_so(error, disk)
        _assert_not_serving(process)
        # Later writes are refused in the same way and leave no trace.
        with pytest.raises(errors.Unavailable) as caught:
            client.create_namespace("further", 3)
        _assert_says_so(caught.value, disk)
        _assert_reads_are_right(client, expected)
        assert process.terminate() == 0
    _assert_all_is_there(disk, expected)


def test_a_full_disk_and_a_kill_lose_nothing(disk: _Disk, expected: ExpectedState) -> None:
    with disk.start() as process:
        Writer(process.target, expected, "before", most=1).run()
        disk.leave_room(process, 500_000)
        _write_until_refused(process, expected)
        process.kill()
    _assert_all_is_there(disk, expected)


def test_a_restore_onto_a_full_disk_leaves_nothing(
    disk: _Disk, expected: ExpectedState, tmp_path: Path
) -> None:
    with disk.start() as process, once(process.target) as client:
        client.snapshot(BIG, tmp_path / "big")
        disk.leave_room(process, 700_000)
        with pytest.raises(errors.Unavailable) as caught:
            client.restore(tmp_path / "big", "copy")
        _assert_says_so(caught.value, disk)
        _assert_not_serving(process)
        _assert_reads_are_right(client, expected)
    _assert_all_is_there(disk, expected)
    with disk.start() as process, once(process.target) as client:
        restored = client.restore(tmp_path / "big", "copy")
        assert restored.digest == client.get_namespace(BIG).digest


def test_a_server_starts_on_a_full_disk_or_reports_the_cause(
    tmpfs: _Disk,
) -> None:
    expected = ExpectedState()
    with tmpfs.start() as process, once(process.target) as client:
        expected.create(client)
    for room in (0, 20_000, 60_000):
        tmpfs.leave_room(None, room)
        process = tmpfs.start(wait=False)
        try:
            process.wait_until_it_serves()
        except AssertionError:
            assert process.wait() == 1
            assert "full" in process.log().splitlines()[-1]
        else:
            with once(process.target) as client:
                _assert_reads_are_right(client, expected)
            assert process.terminate() == 0
    _assert_all_is_there(tmpfs, expected)


def test_a_server_on_a_read_only_disk_reports_it_and_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        small = SmallDisk(folder, _PLENTY)
    except CannotMountError as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    expected = ExpectedState()
    with small as disk:
        with disk.server() as process, once(process.target) as client:
            expected.create(client)
        disk.remount("ro")
        process = disk.server(wait=False)
        assert process.wait(20) == 1
        assert "Read-only file system" in process.log()
        disk.remount("rw")
        with disk.server() as process, once(process.target) as client:
            expected.check(client)


def _write_until_refused(process: ServerProcess, expected: ExpectedState) -> None:
    writers = [Writer(process.target, expected, f"writer {number}") for number in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert not writer.is_alive()
    assert len(expected.refusals) == len(writers)


def _assert_says_so(error: EffectiveEmbeddingsError, disk: _Disk) -> None:
    assert isinstance(error, errors.Unavailable)
    assert error.reason == "STORE_FAILED"
    assert disk.full in str(error)


def _assert_not_serving(process: ServerProcess) -> None:
    with grpc.insecure_channel(process.target) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        assert stub.Check(health_pb2.HealthCheckRequest(), timeout=5).status == _NOT_SERVING
    process.wait_for_log("health serving=false reason=")


def _assert_reads_are_right(client: Client, expected: ExpectedState) -> None:
    """Exactly the acknowledged writes are served."""
    for name, namespace in expected.namespaces.items():
        found = client.get_namespace(name)
        assert found.revision == namespace.journal.newest
        model = namespace.journal.catch_up(found.revision)
        items = {
            item.key: [each.category for each in item.memberships]
            for item in client.list_items(name)
        }
        assert items == {key: model.categories_of(key) for key in model.items}
        assert client.match(name, namespace.pool[0])[0].revision == found.revision
        assert client.verify(name).findings == ()
    assert [each.name for each in client.list_namespaces()] == sorted(expected.namespaces)


def _assert_all_is_there(disk: _Disk, expected: ExpectedState) -> None:
    """With space again, a restarted server has everything and accepts writes."""
    disk.leave_room(None, None)
    with disk.start() as process, once(process.target) as client:
        expected.settle(client)
        expected.check(client)
        Writer(process.target, expected, f"after {expected.checked}", most=5).run()
        assert expected.refusals == []
        expected.settle(client)
        expected.check(client)
