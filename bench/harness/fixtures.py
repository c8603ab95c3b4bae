"""Namespaces for benches, and requests for them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bench.harness.oracle import check_ranking, true_scores
from bench.harness.vectors import Matrix, unit_vectors
from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.v1 import service_pb2

__all__ = [
    "assign_request",
    "check_match",
    "fill",
    "folder",
    "in_memory_folder",
    "match_item_request",
    "match_request",
]


@contextmanager
def folder() -> Iterator[Path]:
    """A directory on a real disk, as far as the system reports; deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="effemb-bench-") as path:
        yield Path(path)


@contextmanager
def in_memory_folder() -> Iterator[Path | None]:
    """A directory in memory, where a sync costs nothing; None if the system has no such place."""
    memory = Path("/dev/shm")  # noqa: S108 - a directory of our own in it
    if not memory.is_dir():
        yield None
        return
    path = Path(tempfile.mkdtemp(prefix="effemb-bench-", dir=memory))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def fill(client: Client, namespace: str, count: int, dimension: int, seed: int = 0) -> Matrix:
    """Create a namespace with ``count`` categories (c0, c1, …); return their bases."""
    client.create_namespace(namespace, dimension=dimension)
    bases = unit_vectors(count, dimension, seed)
    for start in range(0, count, 5_000):
        part = range(start, min(count, start + 5_000))
        client.put_categories(namespace, [CategoryUpdate(f"c{i}", base=bases[i]) for i in part])
    return bases


def match_request(namespace: str, queries: Matrix, limit: int = 10) -> bytes:
    """A serialized MatchRequest."""
    request = service_pb2.MatchRequest(namespace=namespace, limit=limit)
    for query in queries:
        request.queries.add().embedding.data = query.tobytes()
    return request.SerializeToString()


def match_item_request(namespace: str, item: str) -> bytes:
    """A serialized MatchRequest whose query is a stored item."""
    request = service_pb2.MatchRequest(namespace=namespace, limit=10)
    request.queries.add().item = item
    return request.SerializeToString()


def assign_request(namespace: str, items: dict[str, Matrix], category: str) -> bytes:
    """A serialized AssignRequest: all items into one category."""
    request = service_pb2.AssignRequest(namespace=namespace)
    for item, vector in items.items():
        entry = request.assignments.add(item=item, category=category)
        entry.embedding.data = vector.tobytes()
    return request.SerializeToString()


def check_match(reply: bytes, bases: Matrix, queries: Matrix) -> None:
    """Check a reply against the right ranking of categories without members."""
    results = service_pb2.MatchResponse.FromString(reply).results
    for result, query in zip(results, queries, strict=True):
        ids = [int(match.category[1:]) for match in result.matches]
        scores = np.array([match.score for match in result.matches])
        check_ranking("the service", true_scores(bases, query), ids, scores, 1e-6)
