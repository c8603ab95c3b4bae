"""Backups taken while clients write, and going back to them."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from effective_embeddings import CategoryUpdate, Client, errors, read_frames
from tests.durability.crash.expected_state import ExpectedState
from tests.durability.crash.writers import Writer, once
from tests.model.rebuild import rebuild
from tests.support.cli import run
from tests.support.folders import quick_folder
from tests.support.process import ServerProcess, environment

pytestmark = pytest.mark.slow

#: Written as by `a_damaged_namespace_does_not_stop_the_backup_of_the_others` of the engine.
_DAMAGED = Path(__file__).parent / "fixtures" / "damaged-namespace"

_OPTIONS = ("--memory-budget", "100000")

#: Revision and digest by namespace.
Taken = dict[str, tuple[int, bytes]]


@contextmanager
def _written_to(process: ServerProcess, expected: ExpectedState, name: str) -> Iterator[None]:
    """Clients that write without a pause, and get answers, until the end of the body."""
    over = threading.Event()
    writers = [Writer(process.target, expected, f"{name} {n}", until=over) for n in range(3)]
    for writer in writers:
        writer.start()
    try:
        yield
    finally:
        over.set()
        for writer in writers:
            writer.join(30)
    assert expected.refusals == []


def _back_up(data: Path, target: Path) -> Taken:
    """Run the command in a process of its own, as a cron job does."""
    command = [sys.executable, "-m", "effective_embeddings.cli", "backup", "--json"]
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, "--data", str(data), str(target)],
        check=True,
        capture_output=True,
        env=environment(),
        timeout=60,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {each["namespace"]: (each["revision"], bytes.fromhex(each["digest"])) for each in told}


def _assert_is_what_was_acknowledged(expected: ExpectedState, taken: Taken) -> None:
    """Each namespace has the digest of the model at its revision."""
    with quick_folder() as folder, Client.embedded(folder / "data") as other:
        for name, (revision, digest) in taken.items():
            journal = expected.namespaces[name].journal
            rebuild(other, name, journal.at(revision), random.Random(name))
            assert journal.unanswered == 0
            assert other.get_namespace(name).digest == digest


def _newest(expected: ExpectedState) -> dict[str, int]:
    return {name: each.journal.newest for name, each in expected.namespaces.items()}


def test_the_restore_drill(data_dir: Path, tmp_path: Path) -> None:
    """Back up while clients write, lose the directory, bring it back, and go on."""
    expected = ExpectedState()
    backups: list[Taken] = []
    with ServerProcess(data_dir, *_OPTIONS) as process, once(process.target) as client:
        expected.create(client)
        with _written_to(process, expected, "before"):
            for number in range(2):
                before = _newest(expected)
                backups.append(_back_up(data_dir, tmp_path / f"backup {number}"))
                assert set(backups[-1]) == set(expected.namespaces)
                for name, (revision, _) in backups[-1].items():
                    assert revision >= before[name], "what was acknowledged before is in it"
        written = _newest(expected)
        assert any(written[name] > revision for name, (revision, _) in backups[-1].items()), (
            "clients must have written while it was taken"
        )
        process.kill()
    for taken in backups:
        _assert_is_what_was_acknowledged(expected, taken)

    shutil.rmtree(data_dir)
    (tmp_path / "backup 1").rename(data_dir)
    with ServerProcess(data_dir, *_OPTIONS) as process, once(process.target) as client:
        for name, (revision, digest) in backups[-1].items():
            found, report = client.get_namespace(name), client.verify(name)
            assert (found.revision, found.digest) == (revision, digest)
            assert (report.findings, report.digest) == ((), digest)
            client.put_items(name, "new", expected.namespaces[name].pool[0])
        assert process.terminate() == 0


def test_a_snapshot_while_clients_write_is_of_one_revision(data_dir: Path, tmp_path: Path) -> None:
    expected = ExpectedState()
    with ServerProcess(data_dir, *_OPTIONS) as process, once(process.target) as client:
        expected.create(client)
        before, taken = _newest(expected), Taken()
        with _written_to(process, expected, "during"):
            for name in expected.namespaces:
                done = run("snapshot", name, str(tmp_path / name), "--server", process.target)
                assert done.exit_code == 0, done.stderr
        written = _newest(expected)
        for name in expected.namespaces:
            done = run("restore", str(tmp_path / name), "--as", "copy", "--server", process.target)
            assert done.exit_code == 0, done.stderr
            taken[name] = (_revision_of(tmp_path / name), client.get_namespace("copy").digest)
            assert taken[name][0] >= before[name]
            client.delete_namespace("copy", force=True)
        assert any(written[name] > revision for name, (revision, _) in taken.items())
    _assert_is_what_was_acknowledged(expected, taken)


def test_a_backup_after_a_kill_is_complete(data_dir: Path, tmp_path: Path) -> None:
    expected = ExpectedState()
    with ServerProcess(data_dir, *_OPTIONS) as process, once(process.target) as client:
        expected.create(client)
        with _written_to(process, expected, "before"):
            pass
        process.kill()
    taken = _back_up(data_dir, tmp_path / "backup")
    assert {name: revision for name, (revision, _) in taken.items()} == _newest(expected)
    _assert_is_what_was_acknowledged(expected, taken)
    # The original is unchanged, and opens.
    with Client.embedded(data_dir) as client:
        assert {each.name: each.digest for each in client.list_namespaces()} == {
            name: digest for name, (_, digest) in taken.items()
        }


def _assert_told_at_once(client: Client, revision: int) -> None:
    begin = time.monotonic()
    with pytest.raises(errors.FailedPrecondition) as caught:
        client.get_namespace("ns", min_revision=revision)
    assert caught.value.reason == "EPOCH_CHANGED"
    with pytest.raises(errors.FailedPrecondition) as caught:
        client.match("ns", [[1, 2, 3, 4]], min_revision=revision)
    assert caught.value.reason == "EPOCH_CHANGED"
    assert time.monotonic() - begin < 2


def test_a_client_that_remembers_a_revision_from_before_a_backup_is_told_at_once(
    small: Path, tmp_path: Path
) -> None:
    """Also where the same backup is restored twice, and after the client has written again."""
    run("backup", "--data", str(small), str(tmp_path / "backup"))
    with ServerProcess(small) as process:
        client = Client(process.target)
        remembered = 0
        for number in range(3):
            remembered = client.put_items("ns", f"since {number}", [4, 3, 2, 1]).revision
        assert client.get_namespace("ns", min_revision=remembered).revision == remembered
        assert process.terminate() == 0
    # A restart is no other life.
    with ServerProcess(small, "--listen", process.target) as process:
        assert client.get_namespace("ns", min_revision=remembered).revision == remembered
        assert process.terminate() == 0
    for _ in range(2):
        shutil.rmtree(small)
        shutil.copytree(tmp_path / "backup", small)
        with ServerProcess(small, "--listen", process.target) as process:
            _assert_told_at_once(client, remembered)
            now = client.get_namespace("ns").revision
            assert now < remembered
            written = client.put_categories("ns", [CategoryUpdate("c", base=[1, 2, 3, 4])]).revision
            assert client.get_namespace("ns", min_revision=written).revision == written
            _assert_told_at_once(client, remembered)
            for number in range(3):
                remembered = client.put_items("ns", f"item {number}", [4, 3, 2, 1]).revision
            assert process.terminate() == 0
    client.close()


def test_a_namespace_that_is_created_again_has_another_epoch(data_dir: Path) -> None:
    with Client.embedded(data_dir) as client:
        client.create_namespace("ns", 4)
        remembered = client.put_items("ns", "one", [1, 2, 3, 4]).revision
        client.delete_namespace("ns", force=True)
        client.create_namespace("ns", 4)
        _assert_told_at_once(client, remembered)


@pytest.fixture
def small(data_dir: Path) -> Path:
    with Client.embedded(data_dir) as client:
        client.create_namespace("ns", 4)
        client.put_items("ns", [f"i{n}" for n in range(300)], [[1, 2, 3, 4]] * 300)
    return data_dir


def test_a_backup_of_damaged_data_is_refused_and_leaves_nothing(
    small: Path, tmp_path: Path
) -> None:
    file = small / "effemb.db"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    folder = tmp_path / "backups"
    folder.mkdir()
    done = run("backup", "--data", str(small), str(folder / "new"), "--json")
    assert done.exit_code == 1
    assert json.loads(done.stderr)["error"]["code"] == "DATA_LOSS"
    assert list(folder.iterdir()) == []


def test_a_damaged_namespace_is_named_and_the_others_are_backed_up(tmp_path: Path) -> None:
    """Three namespaces; an item's row of "b" fails its checksum although its page passes."""
    data = tmp_path / "data"
    shutil.copytree(_DAMAGED, data)
    done = run("backup", "--data", str(data), str(tmp_path / "new"), "--json")
    assert done.exit_code == 1
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["namespace"] for each in told] == ["a", "b", "c"]
    assert [bool(each["findings"]) for each in told] == [False, True, False]
    with Client.embedded(tmp_path / "new") as client:
        for each in told:
            assert client.get_namespace(each["namespace"]).digest.hex() == each["digest"]
            assert client.verify(each["namespace"]).ok == (not each["findings"])
    done = run("backup", "--data", str(data), str(tmp_path / "another"))
    assert done.exit_code == 1
    assert done.stderr.startswith("b: damaged: ")
    assert "2 namespaces, verified; 1 damaged" in done.stdout


def test_a_truncated_backup_is_refused(small: Path, tmp_path: Path) -> None:
    """The end of the WAL with acknowledged writes is lost; the watermark detects it."""
    with ServerProcess(small) as process, Client(process.target) as client:
        client.put_items("ns", "last", [4, 3, 2, 1])
        process.kill()
    (small / "effemb.db-wal").unlink()
    done = run("backup", "--data", str(small), str(tmp_path / "new"), "--json")
    assert done.exit_code == 1
    assert json.loads(done.stderr)["error"]["code"] == "DATA_LOSS"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("what", ["target", "data", "no database"])
def test_a_backup_from_a_missing_source_or_onto_an_existing_target_is_refused(
    small: Path, tmp_path: Path, what: str
) -> None:
    target, data = tmp_path / "new", small
    if what == "target":
        target.mkdir()
    elif what == "data":
        data = tmp_path / "nowhere"
    else:
        data = tmp_path / "empty"
        data.mkdir()
    assert run("backup", "--data", str(data), str(target)).exit_code != 0
    assert not any(target.iterdir()) if what == "target" else not target.exists()
    assert not any(data.iterdir()) if what == "no database" else True


def test_a_backup_in_the_process_of_the_engine(small: Path, tmp_path: Path) -> None:
    """The lock is released, and never taken from its holder."""
    run("backup", "--data", str(small), str(tmp_path / "one"))
    with Client.embedded(small) as client:
        # A backup in the process of the engine that holds the directory.
        assert run("backup", "--data", str(small), str(tmp_path / "two")).exit_code == 0
        client.put_items("ns", "after", [4, 3, 2, 1])
        with pytest.raises(errors.Unavailable):
            Client.embedded(small)
    for name in ("one", "two"):
        with Client.embedded(tmp_path / name) as client:
            assert client.get_namespace("ns").item_count == 300


def _revision_of(file: Path) -> int:
    return next(iter(read_frames(file))).header.namespace.revision
