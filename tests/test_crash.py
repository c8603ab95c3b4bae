"""kill -9 at any moment: whatever was acknowledged is there, once, and nothing is half done."""

from __future__ import annotations

import random
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client, EffectiveEmbeddingsError
from tests.support.process import ServerProcess
from tests.support.vectors import random_vectors

pytestmark = pytest.mark.slow

_DIMENSION = 8
_THREADS = 4
_CATEGORIES = ["a", "b", "c"]
_POOL = random_vectors(32, _DIMENSION, seed=40)
_NS = "crash"


class _Writer(threading.Thread):
    """Assigns one item after the other, and moves earlier ones, until the server is gone.

    Attributes:
        acknowledged: The category that each item was last acknowledged to be in.
        revisions: The revision of each acknowledged write.
        unsure: What was asked for and not answered: it may be done or not.
    """

    def __init__(self, target: str, name: str) -> None:
        super().__init__(name=name)
        self._target = target
        self._random = random.Random(name)
        self.acknowledged: dict[str, str] = {}
        self.revisions: list[int] = []
        self.unsure: tuple[str, str] | None = None

    def run(self) -> None:
        """Write until the first call that is not answered; it is not tried again."""
        # Without retries: a second try could be what makes a lost write appear.
        options = [("grpc.enable_retries", 0)]
        with Client(self._target, timeout=5, channel_options=options) as client:
            client._transport.retries = False  # type: ignore[misc]
            while True:
                item, category = self._choose()
                self.unsure = (item, category)
                try:
                    reply = client.assign(_NS, item, category, self._vector(item))
                except EffectiveEmbeddingsError:
                    return
                self.acknowledged[item] = category
                self.unsure = None
                if reply.results[0].changed:
                    self.revisions.append(reply.revision)

    def _choose(self) -> tuple[str, str]:
        category = self._random.choice(_CATEGORIES)
        if self.acknowledged and self._random.random() < 0.3:
            return self._random.choice(list(self.acknowledged)), category
        return f"{self.name} {len(self.acknowledged)}", category

    def _vector(self, item: str) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        vector: np.ndarray[tuple[int], np.dtype[np.float32]] = _POOL[
            zlib.crc32(item.encode()) % len(_POOL)
        ]
        return vector


@pytest.fixture
def prepared(data_dir: Path) -> Path:
    with Client.embedded(data_dir) as client:
        client.create_namespace(_NS, _DIMENSION)
        client.put_categories(
            _NS,
            [
                CategoryUpdate("a", base=_POOL[0]),
                CategoryUpdate("b", base=_POOL[1], window=5),
                CategoryUpdate("c"),
            ],
        )
    return data_dir


def test_nothing_acknowledged_is_lost_to_kill_9(
    prepared: Path, pytestconfig: pytest.Config
) -> None:
    rounds: int = pytestconfig.getoption("--crash-rounds")
    rng = random.Random(rounds)
    truth: dict[str, str] = {}
    revision = 2
    written = 0
    for number in range(rounds):
        writers = _write_until_killed(prepared, number, rng.uniform(0.02, 0.25))
        written += sum(len(writer.revisions) for writer in writers)
        truth, revision = _check(prepared, writers, truth, revision)
        if rounds > 50 and number % 25 == 24:
            print(f"{number + 1} rounds, {written} writes, {len(truth)} items")  # noqa: T201
    assert written > rounds, "writes must have been under way"


def _write_until_killed(data: Path, number: int, seconds: float) -> list[_Writer]:
    with ServerProcess(data) as process:
        writers = [_Writer(process.target, f"{number}.{each}") for each in range(_THREADS)]
        for writer in writers:
            writer.start()
        time.sleep(seconds)
        process.kill()
        for writer in writers:
            writer.join(30)
            assert not writer.is_alive()
    return writers


def _check(
    data: Path, writers: list[_Writer], truth: dict[str, str], revision: int
) -> tuple[dict[str, str], int]:
    """Open what is left; return what is true now, and the revision."""
    for writer in writers:
        truth = truth | writer.acknowledged
    unsure = dict(writer.unsure for writer in writers if writer.unsure is not None)
    with Client.embedded(data) as client:
        report = client.verify(_NS)
        assert report.findings == ()
        found = {item.key: item.memberships for item in client.list_items(_NS)}
        namespace = client.get_namespace(_NS)
    assert report.digest == namespace.digest
    assert all(len(memberships) == 1 for memberships in found.values()), "each in one category"
    now = {item: memberships[0].category for item, memberships in found.items()}
    for item in now.keys() | truth.keys():
        allowed = {truth.get(item), unsure.get(item, truth.get(item))}
        assert now.get(item) in allowed, f"{item} is in {now.get(item)}, not in {allowed}"
    # Revisions without gaps or repeats: one for each write that changed something.
    acknowledged = sorted(each for writer in writers for each in writer.revisions)
    assert len(set(acknowledged)) == len(acknowledged)
    assert all(revision < each <= namespace.revision for each in acknowledged)
    missing = (namespace.revision - revision) - len(acknowledged)
    assert 0 <= missing <= len(unsure), "every further revision is a write that was not answered"
    return now, namespace.revision


def test_a_kill_during_recovery_loses_nothing_either(prepared: Path) -> None:
    truth: dict[str, str] = {}
    writers = _write_until_killed(prepared, 0, 0.3)
    for writer in writers:
        truth |= writer.acknowledged
    for _ in range(3):
        with ServerProcess(prepared) as process:
            process.kill()
    _check(prepared, writers, {}, 2)


def test_a_kill_during_a_restore_leaves_no_part_of_it(prepared: Path, tmp_path: Path) -> None:
    file = tmp_path / "snapshot"
    with Client.embedded(prepared) as client:
        keys = [f"item {number:05}" for number in range(5000)]
        client.assign(_NS, keys, "a", _POOL[np.arange(5000) % len(_POOL)])
        client.snapshot(_NS, file)
    with ServerProcess(prepared) as process, Client(process.target) as client:
        seen = threading.Event()
        restoring = threading.Thread(target=_restore_in_vain, args=(client, file, seen))
        restoring.start()
        assert seen.wait(10)
        process.kill()
        restoring.join(20)
    with Client.embedded(prepared) as client:
        names = [namespace.name for namespace in client.list_namespaces()]
        if "copy" in names:
            assert client.get_namespace("copy").digest == client.get_namespace(_NS).digest
            assert client.verify("copy").ok
        else:
            client.restore(file, "copy")
            assert client.verify("copy").ok
        assert client.verify(_NS).ok


def _restore_in_vain(client: Client, file: Path, seen: threading.Event) -> None:
    # Either it fails, or it was done in time.
    try:
        client.restore(file, "copy", progress=lambda done: seen.set() if done.items else None)
    except EffectiveEmbeddingsError:
        pass
    finally:
        seen.set()


def test_a_kill_during_a_snapshot_leaves_no_file_under_its_name(
    prepared: Path, tmp_path: Path
) -> None:
    with Client.embedded(prepared) as client:
        keys = [f"item {number:05}" for number in range(5000)]
        client.assign(_NS, keys, "a", _POOL[np.arange(5000) % len(_POOL)])
    file = tmp_path / "folder" / "snapshot"
    file.parent.mkdir()
    with ServerProcess(prepared) as process, Client(process.target) as client:

        def stop(_: object) -> None:
            if process.process.poll() is None:
                process.process.kill()
                process.process.wait()

        with pytest.raises(EffectiveEmbeddingsError):
            client.snapshot(_NS, file, progress=stop)
    assert list(file.parent.iterdir()) == []
    with Client.embedded(prepared) as client:
        assert client.verify(_NS).ok
