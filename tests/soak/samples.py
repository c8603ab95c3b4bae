"""Periodic samples of the server's resources, taken from outside."""

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
    """One sample; sizes in bytes.

    Attributes:
        at: The time, in seconds since the start of the load.
        memory: Memory of the process without mapped files.
        descriptors: Open files and connections.
        threads: Threads.
        cpu: Consumed CPU seconds.
        wal: The write-ahead log.
        database: The database file.
        others: All other files of the directory except SQLite's WAL index.
        file_count: Number of files in the directory.
        log: The server's output on standard error.
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
    """The content of the database file, in bytes.

    Attributes:
        at: The time, in seconds since the start of the load.
        history: The log of changes, which grows with each write.
        answers: Answers to request ids, which are kept for a day.
        rows: Everything else: the current state with its indexes.
        free: Free pages.
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


_DERIVED = {
    "log": "history",
    "idempotency_keys": "answers",
}


def read_tables(data: Path, at: float) -> Tables:
    """Read the database while the server runs, as an ordinary SQLite reader."""
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
            for table in ("log", "idempotency_keys", "items")
        ]
    finally:
        connection.close()
    return Tables(at, **sizes, free=pages * page_size, **dict(zip(_COUNTS, counts, strict=True)))


_COUNTS = ("entries", "requests", "items")


class Sampler:
    """Samples a server's process and directory until the end of a ``with``."""

    def __init__(self, pid: int, data: Path, log: Path, seconds: float) -> None:
        """Prepare to sample for ``seconds``: at least sixty times, the tables twelve times."""
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
        """All samples."""
        return {
            "samples": [asdict(each) for each in self.samples],
            "tables": [asdict(each) for each in self.tables],
        }
