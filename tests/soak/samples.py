"""What the server holds, looked at from outside, again and again."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

__all__ = ["Sample", "Sampler", "Tables", "read_tables"]

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Sample:
    """One look; sizes in bytes.

    Attributes:
        at: When, in seconds since the load began.
        memory: Memory of the process, mapped files left out.
        descriptors: Its open files and connections.
        threads: Its threads.
        cpu: Seconds of CPU that it has used.
        wal: The write-ahead log.
        database: The database file.
        others: All other files of the directory but SQLite's index of the log.
        file_count: Number of files in the directory.
        log: What the server has told on its standard error.
    """

    at: float
    memory: int
    descriptors: int
    threads: int
    cpu: float
    wal: int
    database: int
    others: int
    file_count: int
    log: int


@dataclass(frozen=True, slots=True)
class Tables:
    """What the database file is full of, in bytes.

    Attributes:
        at: When, in seconds since the load began.
        history: The log of changes, which grows with each write.
        answers: Answers to request ids, which are kept for a day.
        rows: Everything else: what is there now, with its indexes.
        free: Pages that wait to be used again.
        entries: Number of changes in the log.
        requests: Number of answers.
        items: Number of items, in all namespaces.
    """

    at: float
    history: int
    answers: int
    rows: int
    free: int
    entries: int
    requests: int
    items: int


_DERIVED = {"log": "history", "requests": "answers", "requests_by_time": "answers"}


def read_tables(data: Path, at: float) -> Tables:
    """Read the database beside the server, which goes on: a reader of SQLite's own kind."""
    sizes = {"history": 0, "answers": 0, "rows": 0}
    connection = sqlite3.connect(f"file:{data / 'effemb.db'}?mode=ro", uri=True)
    try:
        connection.execute("BEGIN")
        for name, size in connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"):
            sizes[_DERIVED.get(name, "rows")] += size
        (pages,) = connection.execute("PRAGMA freelist_count").fetchone()
        (page_size,) = connection.execute("PRAGMA page_size").fetchone()
        counts = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in ("log", "requests", "items")
        ]
    finally:
        connection.close()
    return Tables(at, **sizes, free=pages * page_size, **dict(zip(_COUNTS, counts, strict=True)))


_COUNTS = ("entries", "requests", "items")


class Sampler:
    """Looks at a server's process and directory until the end of a ``with``."""

    def __init__(self, pid: int, data: Path, log: Path, seconds: float) -> None:
        """Prepare to look for ``seconds``, sixty times and more, and at the tables twelve."""
        self._proc, self._data, self._log = Path(f"/proc/{pid}"), data, log
        self._pause = max(0.2, min(10.0, seconds / 120))
        self._between_tables = seconds / 12
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_again_and_again, name="soak-sampler")
        self._begin = time.monotonic()
        self.samples: list[Sample] = []
        self.tables: list[Tables] = []

    def __enter__(self) -> Self:
        self._begin = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.tables.append(read_tables(self._data, self._now()))

    def _now(self) -> float:
        return time.monotonic() - self._begin

    def _look_again_and_again(self) -> None:
        next_tables = 0.0
        while not self._stop.is_set():
            self.samples.append(self._look())
            if self._now() >= next_tables:
                self.tables.append(read_tables(self._data, self._now()))
                next_tables += self._between_tables
            self._stop.wait(self._pause)

    def _look(self) -> Sample:
        status = dict(
            line.split(":", 1) for line in (self._proc / "status").read_text("ascii").splitlines()
        )
        used = (self._proc / "stat").read_text("ascii").rpartition(")")[2].split()
        sizes = {path.name: path.stat().st_size for path in self._data.iterdir()}
        count = len(sizes)
        sizes.pop("effemb.db-shm", None)
        return Sample(
            at=self._now(),
            memory=int(status["RssAnon"].split()[0]) * 1024,
            descriptors=sum(1 for _ in (self._proc / "fd").iterdir()),
            threads=int(status["Threads"]),
            cpu=(int(used[11]) + int(used[12])) / _TICK,
            wal=sizes.pop("effemb.db-wal", 0),
            database=sizes.pop("effemb.db", 0),
            others=sum(sizes.values()),
            file_count=count,
            log=self._log.stat().st_size,
        )

    def to_json(self) -> dict[str, Any]:
        """Everything that was seen."""
        return {
            "samples": [asdict(each) for each in self.samples],
            "tables": [asdict(each) for each in self.tables],
        }
