"""Single Matches on a namespace larger than the caches: 16 at once share scans."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from bench.harness.fixtures import check_match, fill, folder, match_item_request, match_request
from bench.harness.interleave import ratios
from bench.harness.load import Load, closed_loop, sender
from bench.harness.measurement import Bound, Figure, Outcome
from bench.harness.oracle import WrongAnswerError
from bench.harness.processes import service
from bench.harness.vectors import unit_vectors
from effective_embeddings import Client

__all__ = ["run"]

_DIMENSION = 384


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Compare 16 callers that share scans with 16 that run one scan after the other."""
    outcome = Outcome()
    count = 300_000 if full else 150_000
    queries = unit_vectors(64, _DIMENSION, seed=23)
    requests = [match_request("bench", query[None]) for query in queries]
    with folder() as data, service(data) as hosted:
        with Client(hosted.target) as client:
            bases = fill(client, "bench", count, _DIMENSION)
            client.put_items("bench", [f"item-{n}" for n in range(len(queries))], queries)
        channel, match = sender(hosted.target, "Match")
        for index in range(4):
            check_match(match(requests[index]), bases, queries[index : index + 1])
        by_item = [match_item_request("bench", f"item-{n}") for n in range(len(queries))]
        expected = {request: match(request) for request in requests}
        wrong: list[bytes] = []

        def checked(request: bytes) -> bytes:
            reply = match(request)
            if reply != expected[request]:
                wrong.append(reply)
            return reply

        in_turn = _in_turn(match)
        shared: list[float] = []
        unshared: list[float] = []
        alone: list[float] = []
        apart: list[float] = []
        for _ in range(9 if full else 5):
            shared.append(_load(match, requests, 16).rate)
            unshared.append(_load(in_turn, requests, 16).rate)
            alone.append(_load(match, requests, 1).at(0.5))
            apart.append(_load(match, by_item, 1).at(0.5))
        # Answers of shared scans equal those of separate scans byte for byte.
        _load(checked, requests, 16)
        channel.close()
        if wrong:
            message = f"{len(wrong)} answers of shared scans differ"
            raise WrongAnswerError(message)
    ratio, spread = ratios(shared, unshared)
    middle = len(shared) // 2
    outcome.figures.append(
        Figure(
            what=f"{count:,} × {_DIMENSION}: calls/s of 16 at once over 16 in turn",
            value=ratio,
            target=2.0,
            spread=spread,
            parts={
                "at once calls/s": sorted(shared)[middle],
                "in turn calls/s": sorted(unshared)[middle],
                "one outstanding p50 µs": sorted(alone)[middle] * 1e6,
            },
        )
    )
    ratio, spread = ratios(alone, apart)
    outcome.figures.append(
        Figure(
            what="latency of one outstanding call, over one that is never shared",
            value=ratio,
            target=1.05,
            bound=Bound.AT_MOST,
            spread=spread,
        )
    )
    outcome.notes.append(
        "In turn: the client sends the next call when the last has been answered, so each has a "
        "scan, with all threads, to itself. A query that names a stored item is never shared."
    )
    return outcome


def _in_turn(send: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    lock = threading.Lock()

    def send_alone(request: bytes) -> bytes:
        with lock:
            return send(request)

    return send_alone


def _load(send: Callable[[bytes], bytes], requests: list[bytes], outstanding: int) -> Load:
    time.sleep(0.05)
    return closed_loop(send, lambda number: requests[number % len(requests)], outstanding, 1.0)
