"""Durable Assigns next to bare SQLite with the same bytes, settings and disk, in one run."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path

from bench.harness.fixtures import fill, folder
from bench.harness.interleave import interleave
from bench.harness.measurement import Figure, Outcome
from bench.harness.vectors import unit_vectors
from effective_embeddings import Client

__all__ = ["run"]

_DIMENSION, _BATCH, _CATEGORIES = 1024, 64, 100
_ROOT = Path(__file__).resolve().parents[2]
_SETTINGS = ("page_size=4096", "journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=16384")
_VECTORS = unit_vectors(512, _DIMENSION, seed=30)
_NUMBERS = count()


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Measure the embedded client, and, if cargo is installed, the engine alone."""
    outcome = Outcome()
    with folder() as data, Client.embedded(data / "engine") as client:
        fill(client, "bench", _CATEGORIES, _DIMENSION)
        bare = _bare(data / "bare.db")
        calls: dict[str, Callable[[int], object]] = {
            "bare SQLite, batch of 64": lambda _: _insert(bare, _BATCH),
            "Assign, batch of 64": lambda _: _assign(client, _BATCH),
            "bare SQLite, one": lambda _: _insert(bare, 1),
            "Assign, one": lambda _: _assign(client, 1),
            "Assign, 32 threads": lambda _: _together(client, 32, 8),
        }
        measured = interleave(calls, 25 if full else 11, 0.15)
        bare.close()
        if client.verify("bench").findings:
            outcome.notes.append("VERIFY FOUND SOMETHING")
    sizes = dict.fromkeys(calls, 1) | {
        "bare SQLite, batch of 64": _BATCH,
        "Assign, batch of 64": _BATCH,
        "Assign, 32 threads": 32 * 8,
    }
    rates = {f"{name}: items/s": sizes[name] / measured.median(name) for name in calls}
    ratio, spread = measured.ratio("bare SQLite, batch of 64", "Assign, batch of 64")
    outcome.figures.append(
        Figure(
            what="batches of 64 × 1024 over bare SQLite, through the client",
            value=ratio,
            target=0.7,
            spread=spread,
            parts={**rates},
        )
    )
    gain = measured.ratio("Assign, one", "Assign, 32 threads")
    outcome.figures.append(
        Figure(
            what="32 concurrent unary Assigns over one at a time, through the client",
            value=gain[0] * 256,
            target=8.0,
            spread=(gain[1][0] * 256, gain[1][1] * 256),
        )
    )
    ratio, spread = measured.ratio("bare SQLite, one", "Assign, one")
    outcome.figures.append(
        Figure(what="one at a time over bare SQLite", value=ratio, spread=spread)
    )
    _engine_alone(outcome)
    return outcome


def _engine_alone(outcome: Outcome) -> None:
    """The same writes in Rust, without client and messages."""
    command = ["cargo", "bench", "--quiet", "--locked", "-p", "ee-engine", "--bench", "writes"]
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command, check=True, capture_output=True, text=True, cwd=_ROOT, env=os.environ
        )
    except (OSError, subprocess.CalledProcessError):
        outcome.notes.append("`cargo bench -p ee-engine --bench writes` could not be run here.")
        return
    found = json.loads(done.stdout.strip().splitlines()[-1])
    outcome.figures.append(
        Figure(
            what="the engine alone: batches of 64 × 1024 over bare SQLite",
            value=found["batch_over_bare"],
            target=0.7,
            parts={key: found[key] for key in found if key.endswith("_per_s")},
        )
    )
    outcome.figures.append(
        Figure(
            what="the engine alone: 4 clients' batches of 64 × 1024 over bare SQLite",
            value=found["batches_over_bare"],
        )
    )
    outcome.figures.append(
        Figure(
            what="the engine alone: 32 concurrent unary Assigns over one at a time",
            value=found["group_commit_gain"],
            target=8.0,
        )
    )


def _bare(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    for setting in _SETTINGS:
        connection.execute(f"PRAGMA {setting}")
    connection.execute(
        "CREATE TABLE items (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, embedding BLOB)"
    )
    return connection


def _insert(connection: sqlite3.Connection, size: int) -> None:
    numbers = [next(_NUMBERS) for _ in range(size)]
    rows = [(f"item-{n}", _VECTORS[n % len(_VECTORS)].tobytes()) for n in numbers]
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO items (key, embedding) VALUES (?, ?)", rows)
    connection.execute("COMMIT")


def _assign(client: Client, size: int) -> None:
    numbers = [next(_NUMBERS) for _ in range(size)]
    client.assign(
        "bench",
        [f"item-{n}" for n in numbers],
        [f"c{n % _CATEGORIES}" for n in numbers],
        _VECTORS[[n % len(_VECTORS) for n in numbers]],
    )


def _together(client: Client, threads: int, each: int) -> None:
    def work() -> None:
        for _ in range(each):
            _assign(client, 1)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
