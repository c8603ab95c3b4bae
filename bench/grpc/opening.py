"""Time from the start of the service to its first answer, after a clean stop and after a kill."""

from __future__ import annotations

import time
from pathlib import Path

from bench.harness.fixtures import fill, folder, match_request
from bench.harness.load import sender
from bench.harness.measurement import Bound, Figure, Outcome
from bench.harness.processes import service
from bench.harness.vectors import Matrix, unit_vectors
from effective_embeddings import Client

__all__ = ["run"]

_DIMENSION = 384
_SINCE_SAVED = 20_000


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Fill a directory, then open it again and again."""
    outcome = Outcome()
    items = 1_000_000 if full else 100_000
    vectors = unit_vectors(2_000, _DIMENSION, seed=50)
    queries = unit_vectors(1, _DIMENSION, seed=51)
    with folder() as data:
        with service(data) as hosted, Client(hosted.target) as client:
            fill(client, "bench", 100, _DIMENSION)
            _assign(client, vectors, 0, items)
            right = _answer(hosted.target, queries)
        empty = _open(data / "empty", queries, None)
        clean = min(_open(data, queries, right) for _ in range(3))
        # Assignments whose sums are not flushed, then a kill.
        killed = []
        for _ in range(3 if full else 2):
            with service(data) as hosted, Client(hosted.target) as client:
                _assign(client, vectors, 0, _SINCE_SAVED, prefix=f"later-{time.time_ns()}")
                right = _answer(hosted.target, queries)
                hosted.kill()
            killed.append(_open(data, queries, right))
    parts: dict[str, float | str] = {"s for an empty directory": empty}
    for what, seconds, target in (
        ("a clean stop", clean, 1.0),
        (f"kill -9, {_SINCE_SAVED:,} assignments after the last clean stop", max(killed), 5.0),
    ):
        outcome.figures.append(
            Figure(
                what=f"{items:,} items: from start to first Match after {what}",
                value=seconds,
                unit="s",
                target=target,
                bound=Bound.AT_MOST,
                parts=parts,
            )
        )
    outcome.notes.append(
        "The whole time from starting the process, Python's imports and gRPC included."
    )
    return outcome


def _assign(client: Client, vectors: Matrix, start: int, count: int, prefix: str = "item") -> None:
    for first in range(start, start + count, 1_000):
        numbers = range(first, min(first + 1_000, start + count))
        client.assign(
            "bench",
            [f"{prefix}-{n}" for n in numbers],
            [f"c{n % 100}" for n in numbers],
            vectors[[n % len(vectors) for n in numbers]],
        )


def _answer(target: str, queries: Matrix) -> bytes:
    channel, match = sender(target, "Match")
    reply = match(match_request("bench", queries))
    channel.close()
    return reply


def _open(data: Path, queries: Matrix, right: bytes | None) -> float:
    """Seconds from starting the process to its first Match, whose reply must be ``right``.

    Without ``right`` (None) the time ends when the server reports readiness.
    """
    begin = time.perf_counter()
    with service(data) as hosted:
        if right is None:
            return time.perf_counter() - begin
        reply = _answer(hosted.target, queries)
        seconds = time.perf_counter() - begin
        if reply != right:
            message = "it answers otherwise than before it was stopped"
            raise AssertionError(message)
        return seconds
