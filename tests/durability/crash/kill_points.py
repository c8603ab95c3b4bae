"""The points at which the server is killed, and how to tell whether a kill hit its point."""

from __future__ import annotations

import itertools
import random
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from effective_embeddings import Client, EffectiveEmbeddingsError
from tests.durability.crash.expected_state import BIG, BIG_ITEMS, ExpectedState, SentWrite
from tests.durability.crash.writers import Writer, once
from tests.model.operations import PutItems
from tests.support.process import ServerProcess

__all__ = ["KILL_POINTS", "OPTIONS", "Round"]

#: Less memory than two namespaces take: nearly each call loads one and evicts another.
OPTIONS = ("--memory-budget", "100000", "--log-level", "warning")
_WRITERS = 3
_POLL = 0.0005


@dataclass(frozen=True, slots=True)
class Round:
    """One round.

    Attributes:
        name: A unique name.
        process: The server, until it is killed.
        expected: The expected state.
        rng: The source of all choices.
        folder: A folder for files.
    """

    name: str
    process: ServerProcess
    expected: ExpectedState
    rng: random.Random
    folder: Path

    @contextmanager
    def writers(self) -> Iterator[list[Writer]]:
        """Let clients write until the server is killed, at the latest at the end of the body."""
        writers = [
            Writer(self.process.target, self.expected, f"{self.name}.{number}")
            for number in range(_WRITERS)
        ]
        for writer in writers:
            writer.start()
        try:
            yield writers
        finally:
            self.process.kill()
            for writer in writers:
                writer.join(30)
                assert not writer.is_alive()

    def wait(self, most: float) -> None:
        """Wait for a random time of up to ``most`` seconds."""
        time.sleep(self.rng.uniform(0, most))


def writing(it: Round) -> str:
    """While several clients write to namespaces that are loaded and evicted."""
    with it.writers() as writers:
        it.wait(0.4)
        it.process.kill()
    return f"with {sum(writer.under_way for writer in writers)} writes under way"


def recovery(it: Round) -> str:
    """While the server opens the directory after an earlier kill, repeatedly."""
    with once(it.process.target) as client:
        for number in range(it.rng.randint(0, 12)):
            _rewrite(it, client, number)
    writing(it)
    hits = 0
    times = it.rng.randint(1, 3)
    for _ in range(times):
        process = ServerProcess(it.process.data, *OPTIONS, wait=False)
        while process.process.poll() is None and not process.has_open("effemb.db"):
            time.sleep(_POLL)
        it.wait(it.rng.choice([0.002, 0.01, 0.05]))
        hits += not process.kill_and_see_whether_it_served()
    return f"{hits} of {times} before it served"


def _rewrite(it: Round, client: Client, number: int) -> bool:
    """Replace all vectors of the big namespace, about 3 MiB of WAL; return whether answered."""
    big = it.expected.namespaces[BIG]
    places = [it.rng.randrange(len(big.pool)) for _ in BIG_ITEMS]
    operation = PutItems([*BIG_ITEMS], big.pool[places] * np.float32(it.rng.uniform(0.5, 1.5)))
    where = {key: frozenset((category,)) for key, category in BIG_ITEMS.items()}
    return it.expected.ask(client, SentWrite(BIG, operation, where, where, f"{it.name} {number}"))


def loading(it: Round) -> str:
    """While reads load evicted namespaces."""
    names = list(it.expected.namespaces)
    waiting: dict[int, str] = {}

    def read(number: int) -> None:
        rng = random.Random(f"{it.name} reader {number}")
        with once(it.process.target) as client:
            for _ in itertools.count():
                name = waiting[number] = rng.choice(names)
                try:
                    client.match(name, it.expected.namespaces[name].pool[0], limit=1)
                except EffectiveEmbeddingsError:
                    return
                del waiting[number]

    readers = [threading.Thread(target=read, args=(number,)) for number in range(3)]
    with it.writers():
        for reader in readers:
            reader.start()
        it.wait(0.4)
        it.process.kill()
        for reader in readers:
            reader.join(30)
    return f"with {len(waiting)} reads under way"


def copying_back(it: Round) -> str:
    """During a checkpoint of the WAL, which has 64 MiB by then."""
    database = it.process.data / "effemb.db"
    before, copied = database.stat().st_mtime_ns, _copied(it.process.data)
    over = threading.Event()

    def write() -> None:
        with once(it.process.target) as client:
            number = 0
            while not over.is_set() and _rewrite(it, client, number):
                number += 1

    writer = threading.Thread(target=write)
    with it.writers():
        writer.start()
        end = time.monotonic() + 60
        while database.stat().st_mtime_ns == before and time.monotonic() < end:
            time.sleep(_POLL)
        it.wait(0.12)
        it.process.kill()
        over.set()
        writer.join(30)
    if database.stat().st_mtime_ns == before:
        return "before it began"
    return "in the middle" if _copied(it.process.data) == copied else "after it"


def _copied(data: Path) -> int:
    """The write up to which the database file is complete, by the watermark."""
    slots = (data / "watermark").read_bytes()
    # Two slots of version, acknowledged, checkpointed, checksum.
    return max((copied for _, _, copied, _ in struct.iter_unpack("<QQQQ", slots)), default=0)


def restoring(it: Round) -> str:
    """During a restore."""
    file, name = it.folder / f"{it.name}.snapshot", f"copy {it.name}".replace(" ", "-")
    answered = False
    with once(it.process.target) as client:
        digest = client.snapshot(BIG, file).digest
        begun = threading.Event()

        def restore() -> None:
            nonlocal answered
            try:
                client.restore(file, name, progress=lambda _: begun.set())
                answered = True
            except EffectiveEmbeddingsError:
                pass
            finally:
                begun.set()

        restoring = threading.Thread(target=restore)
        with it.writers():
            restoring.start()
            assert begun.wait(30)
            it.wait(0.05)
            it.process.kill()
            restoring.join(30)
    it.expected.restored(name, digest, must_be_there=answered)
    file.unlink()
    return "after its answer" if answered else "in the middle"


def streaming(it: Round) -> str:
    """During a snapshot."""
    folder = it.folder / f"{it.name} streaming"
    folder.mkdir()
    file = folder / "snapshot"
    frames = it.rng.randint(1, 3)

    def count(done: object) -> None:
        if getattr(done, "frames", 0) == frames:
            it.wait(0.002)
            it.process.kill()

    with it.writers(), once(it.process.target) as client:
        try:
            client.snapshot(BIG, file, progress=count)
        except EffectiveEmbeddingsError:
            assert list(folder.iterdir()) == [], "a part of a snapshot is no snapshot"
            return "in the middle"
        it.process.kill()
    return "after its end"


def purging(it: Round) -> str:
    """During the deletion of a namespace and the purge of its rows."""
    file, name = it.folder / f"{it.name}.snapshot", f"gone {it.name}".replace(" ", "-")
    answered = False
    with once(it.process.target) as client:
        digest = client.snapshot(BIG, file).digest
        client.restore(file, name)
        file.unlink()

        def delete() -> None:
            nonlocal answered
            try:
                client.delete_namespace(name, force=True)
                answered = True
            except EffectiveEmbeddingsError:
                pass

        deleting = threading.Thread(target=delete)
        deleting.start()
        it.wait(0.04)
        it.process.kill()
        deleting.join(30)
    if not answered:
        it.expected.restored(name, digest, must_be_there=False)
    return "after its answer" if answered else "before its answer"


#: The kill points, each with the outcomes that count as a hit.
KILL_POINTS: dict[Callable[[Round], str], Callable[[str], bool]] = {
    writing: lambda hit: not hit.startswith("with 0"),
    recovery: lambda hit: not hit.startswith("0 of"),
    loading: lambda hit: not hit.startswith("with 0"),
    copying_back: lambda hit: hit == "in the middle",
    restoring: lambda hit: hit == "in the middle",
    streaming: lambda hit: hit == "in the middle",
    purging: lambda hit: hit == "after its answer",
}
