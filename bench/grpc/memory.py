"""Memory per category, and nearly none per item but where LOCAL asks for the members."""

from __future__ import annotations

import time

import numpy as np

from bench.harness.fixtures import fill, folder, match_request
from bench.harness.load import sender
from bench.harness.measurement import Bound, Figure, Outcome
from bench.harness.processes import service
from bench.harness.vectors import Matrix, unit_vectors
from effective_embeddings import Client

__all__ = ["run"]

_MIB = 1024 * 1024

# Seconds without a call after which memory counts as that of an idle service.
_IDLE = 5.0


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Compare the memory of the server's process before and after a load."""
    outcome = Outcome()
    for count, dimension in ((20_000, 384), (10_000, 1024)):
        outcome.figures.append(_category(count * (5 if full else 1), dimension))
    outcome.figures.append(_items(1_000_000 if full else 100_000))
    outcome.figures.append(_bulk_load(10_000, 100_000))
    outcome.figures.append(_members(100_000))
    return outcome


def _category(count: int, dimension: int) -> Figure:
    queries = unit_vectors(1, dimension, seed=40)
    with folder() as data:
        with service(data) as hosted, Client(hosted.target) as client:
            fill(client, "small", 100, dimension)
            before = hosted.rss()
            fill(client, "bench", count, dimension)
            put = (hosted.rss() - before) / count
        # A service that has just started holds no leftovers of earlier writes.
        with service(data) as hosted, Client(hosted.target) as client:
            client.create_namespace("other", dimension=dimension)
            client.match("other", queries[0])
            before = hosted.rss()
            channel, match = sender(hosted.target, "Match")
            match(match_request("bench", queries))
            each = (hosted.rss() - before) / count
            channel.close()
    allowed = 17 * dimension + 512
    return Figure(
        what=f"a category of dimension {dimension}, in a service that has loaded it",
        value=each,
        unit="bytes",
        target=allowed,
        bound=Bound.AT_MOST,
        parts={
            "bytes a component": each / dimension,
            "categories": count,
            "bytes each in the process that stored them": put,
        },
    )


def _items(items: int) -> Figure:
    dimension = 384
    vectors = unit_vectors(2_000, dimension, seed=41)
    with folder() as data, service(data) as hosted, Client(hosted.target) as client:
        fill(client, "bench", 100, dimension)
        _assign(client, vectors, 0, 200)
        before = hosted.rss()
        for start in range(0, items, 500):
            _assign(client, vectors, start, 500)
        client.match("bench", np.asarray(vectors[0]))
        grown = (hosted.rss() - before) / _MIB
    return Figure(
        what=f"{items:,} items × {dimension}: memory over the empty service, just after",
        value=grown,
        unit="MiB",
        target=100.0,
        bound=Bound.AT_MOST,
        parts={"MiB of vectors": items * dimension * 4 / _MIB},
    )


def _bulk_load(categories: int, items: int) -> Figure:
    """What writing the data leaves behind, next to reading the same data."""
    dimension = 384
    vectors = unit_vectors(2_000, dimension, seed=43)
    with folder() as data:
        with service(data) as hosted, Client(hosted.target) as client:
            empty = hosted.rss()
            fill(client, "bench", categories, dimension)
            put = hosted.rss()
            for start in range(0, items, 500):
                _assign(client, vectors, start, 500, categories)
            client.match("bench", vectors[0])
            just_after = hosted.rss()
            time.sleep(_IDLE)
            loaded = hosted.rss()
        with service(data) as hosted, Client(hosted.target) as client:
            client.match("bench", vectors[0])
            time.sleep(_IDLE)
            restarted = hosted.rss()
    return Figure(
        what=f"{categories:,} categories and {items:,} items × {dimension}: memory after a load "
        "over that after a restart",
        value=loaded / restarted,
        target=1.0,
        bound=Bound.AT_MOST,
        parts={
            "MiB of the empty service": empty / _MIB,
            "MiB after the categories": put / _MIB,
            "MiB just after the load": just_after / _MIB,
            f"MiB {_IDLE:.0f} s later": loaded / _MIB,
            "MiB after a restart": restarted / _MIB,
        },
    )


def _members(members: int) -> Figure:
    dimension, categories = 384, 100
    vectors = unit_vectors(members, dimension, seed=42)
    with folder() as data:
        with service(data) as hosted, Client(hosted.target) as client:
            fill(client, "bench", categories, dimension)
            for start in range(0, members, 500):
                _assign(client, vectors, start, 500)
        with service(data) as hosted, Client(hosted.target) as client:
            client.match("bench", vectors[0])
            before = hosted.rss()
            # Each query asks for the members of the best few categories.
            for vector in vectors[: 4 * categories]:
                client.match("bench", vector, ranking="local")
            each = (hosted.rss() - before) / members
    row = 5 * dimension
    return Figure(
        what=f"a member of dimension {dimension}, ranked by LOCAL",
        value=each,
        unit="bytes",
        target=row + 512,
        bound=Bound.AT_MOST,
        parts={
            "members": members,
            "bytes of its row and sketch": row,
            "MiB of all members": each * members / _MIB,
        },
    )


def _assign(
    client: Client,
    vectors: Matrix,
    start: int,
    size: int,
    categories: int = 100,
) -> None:
    numbers = range(start, start + size)
    client.assign(
        "bench",
        [f"item-{n}" for n in numbers],
        [f"c{n % categories}" for n in numbers],
        vectors[[n % len(vectors) for n in numbers]],
    )
