"""Match and Assign over gRPC by COSINE and by LOCAL, in turn: what the rankings add to a call."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bench.harness.fixtures import assign_request, folder
from bench.harness.interleave import interleave
from bench.harness.load import Send, sender
from bench.harness.measurement import Bound, Figure, Outcome
from bench.harness.processes import service
from bench.harness.vectors import Matrix, unit_vectors
from effective_embeddings import CategoryUpdate, Client, RankingMode
from effective_embeddings.v1 import resources_pb2, service_pb2

__all__ = ["run"]

_CATEGORIES, _MEMBERS = 77, 130
#: Dimension, and the microseconds that the neighbours may add to a Match.
_ASKED = ((384, 100.0), (1024, 250.0))
#: The same where the first category leads so far that the neighbours are not asked.
_CLEAR = 3.0
_DEARER = 1.10
#: Near the lead beyond which no neighbours are asked; the queries are far from it.
_LEAD = 0.15
_MODES: tuple[RankingMode, ...] = ("cosine", "local")
_RANKINGS = {
    "COSINE": (resources_pb2.RANKING_MODE_COSINE, 0.0),
    "COSINE 0.5": (resources_pb2.RANKING_MODE_COSINE, 0.5),
    "LOCAL": (resources_pb2.RANKING_MODE_LOCAL, 0.5),
}


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Measure each dimension on a server of its own."""
    outcome = Outcome()
    for dimension, allowed in _ASKED:
        outcome.figures += _measure(dimension, allowed, rounds=41 if full else 15)
    outcome.notes.append(
        f"One outstanding call, {_CATEGORIES} categories of {_MEMBERS} members, requests serialized"
        " in advance; medians of rounds in turn."
    )
    return outcome


def _measure(dimension: int, allowed: float, rounds: int) -> list[Figure]:
    centres, members = _vectors(dimension)
    # Between two categories, so that the neighbours are asked; beside one, so that they are not.
    queries = {"asked": centres[3] + centres[4], "clear lead": centres[3]}
    with folder() as data, service(data) as hosted, Client(hosted.target) as client:
        for mode in _MODES:
            _fill(client, mode, centres, members)
        channel, match = sender(hosted.target, "Match")
        writing, assign = sender(hosted.target, "Assign")
        calls: dict[str, Callable[[int], bytes]] = {}
        for what, query in queries.items():
            for name, (ranking, fairness) in _RANKINGS.items():
                request = _request(query, ranking, fairness)
                _check(match(request), asked=what == "asked")
                calls[f"{name}, {what}"] = _same(match, request)
        reads = interleave(calls, rounds, slice_seconds=0.1)
        new = unit_vectors(2048, dimension, seed=31)

        def write(namespace: str) -> Callable[[int], bytes]:
            numbers = iter(range(1_000_000))

            def call(_: int) -> bytes:
                number = next(numbers)
                vector = centres[number % _CATEGORIES] + new[number % len(new)]
                items = {f"new {number}": vector}
                return assign(assign_request(namespace, items, f"c{number % _CATEGORIES}"))

            return call

        writes = interleave({mode: write(mode) for mode in _MODES}, rounds, slice_seconds=0.1)
        channel.close()
        writing.close()
    micros = {name: reads.median(name) * 1e6 for name in calls}
    parts: dict[str, float | str] = {f"{name} µs": value for name, value in micros.items()}
    figures = [
        Figure(
            what=f"Match, dimension {dimension}: LOCAL less COSINE, {what}",
            value=micros[f"LOCAL, {what}"] - micros[f"COSINE, {what}"],
            unit="µs",
            target=limit,
            bound=Bound.AT_MOST,
            parts=parts if what == "asked" else {},
        )
        for what, limit in (("asked", allowed), ("clear lead", _CLEAR))
    ]
    ratio, spread = reads.ratio("COSINE 0.5, asked", "COSINE, asked")
    figures.append(
        Figure(
            what=f"Match, dimension {dimension}: COSINE with fairness over COSINE",
            value=ratio,
            target=1.05,
            bound=Bound.AT_MOST,
            spread=spread,
        )
    )
    ratio, spread = writes.ratio("local", "cosine")
    figures.append(
        Figure(
            what=f"durable Assign, dimension {dimension}: LOCAL over COSINE",
            value=ratio,
            target=_DEARER,
            bound=Bound.AT_MOST,
            spread=spread,
            parts={f"{name} µs": writes.median(name) * 1e6 for name in _MODES},
        )
    )
    return figures


def _same(send: Send, request: bytes) -> Callable[[int], bytes]:
    return lambda _: send(request)


def _vectors(dimension: int) -> tuple[Matrix, Matrix]:
    """Unit vectors of categories that have something in common, and of members around them."""
    common = unit_vectors(1, dimension, seed=32)
    centres = unit_vectors(_CATEGORIES, dimension, seed=33) + common
    noise = unit_vectors(_CATEGORIES * _MEMBERS, dimension, seed=34)
    members = np.repeat(centres, _MEMBERS, axis=0) + noise
    return centres, members / np.linalg.norm(members, axis=1, keepdims=True)


def _fill(client: Client, mode: RankingMode, centres: Matrix, members: Matrix) -> None:
    client.create_namespace(mode, centres.shape[1], ranking=mode)
    bases = [CategoryUpdate(f"c{number}", base=base) for number, base in enumerate(centres)]
    client.put_categories(mode, bases)
    for category in range(_CATEGORIES):
        part = members[category * _MEMBERS : (category + 1) * _MEMBERS]
        keys = [f"{category} {number}" for number in range(_MEMBERS)]
        client.assign(mode, keys, [f"c{category}"] * _MEMBERS, part)


def _request(query: Matrix, mode: resources_pb2.RankingMode, fairness: float) -> bytes:
    request = service_pb2.MatchRequest(namespace="local", limit=10, ranking=mode, fairness=fairness)
    request.queries.add().embedding.data = query.tobytes()
    return request.SerializeToString()


def _check(reply: bytes, *, asked: bool) -> None:
    """Check that the neighbours are asked, or not, as the lead of the first category decides."""
    first, second, *_ = service_pb2.MatchResponse.FromString(reply).results[0].matches
    if asked != (first.score - second.score < _LEAD):
        message = f"the first category leads by {first.score - second.score}"
        raise AssertionError(message)
