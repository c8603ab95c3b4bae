"""Load shedding: which calls are refused under overload, and their retry delays."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import numpy.typing as npt

from bench.harness.open_loop import Source, header_block, run
from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.server import ServerHandle, Settings, new_token, token_line
from effective_embeddings.v1 import resources_pb2, service_pb2

_MATCH = "/effective_embeddings.v1.EffectiveEmbeddingsService/Match"


def test_excess_calls_are_refused_and_not_cut_off(tmp_path: Path) -> None:
    """Six callers offer far more calls than can be answered; a seventh makes a few."""
    names = ["good", *(f"caller{number}" for number in range(6))]
    tokens = {name: new_token() for name in names}
    settings = Settings(
        data=tmp_path / "data",
        listen="127.0.0.1:0",
        token_entries="\n".join(token_line(n, token, ["admin:*"]) for n, token in tokens.items()),
    )
    vectors = np.random.default_rng(0).standard_normal((10_000, 64), np.float32)
    request = _request(*vectors[:4])
    with ServerHandle(settings) as server:
        _fill(server.target, tokens["good"], *vectors)
        flood = [Source(4000, header_block(_MATCH, tokens[name]), request) for name in names[1:]]
        good = Source(50, header_block(_MATCH, tokens["good"]), request)
        few, *many = run(server.target, [good, *flood], 1.0, after=20)
        assert all(each.bare + each.ended + each.late == 0 for each in (few, *many))
        assert sum(len(each.refused) for each in many) > 1000
        assert min(len(each.answered) for each in many) > 100
        # Whoever asks for less than an equal share gets it.
        assert len(few.answered) > 45
        # Afterwards the overload ends.
        with Client(server.target, token=tokens["good"]) as client:
            for _ in range(100):
                assert client.match("n", vectors[7])[0].matches[0].category == "7"


def test_callers_that_wait_for_replies_cause_no_shedding(tmp_path: Path) -> None:
    """As many calls as one connection allows, for longer than a queue may last."""
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0")
    vector = np.ones(64, np.float32)
    request = _request(vector)
    with ServerHandle(settings) as server, grpc.insecure_channel(server.target) as channel:
        _fill(server.target, None, vector)
        match: Any = channel.unary_unary(_MATCH)
        calls = deque(match.future(request) for _ in range(settings.max_streams_per_connection))
        end = time.monotonic() + 1
        while time.monotonic() < end:
            assert calls.popleft().code() == grpc.StatusCode.OK
            calls.append(match.future(request))
        assert all(call.code() == grpc.StatusCode.OK for call in calls)


def _fill(target: str, token: str | None, *vectors: npt.NDArray[np.float32]) -> None:
    """Create categories named by their numbers."""
    with Client(target, token=token) as client:
        client.create_namespace("n", len(vectors[0]))
        updates = [CategoryUpdate(str(n), base=vector) for n, vector in enumerate(vectors)]
        for first in range(0, len(updates), 1000):
            client.put_categories("n", updates[first : first + 1000])


def _request(*vectors: npt.NDArray[np.float32]) -> bytes:
    queries = [
        service_pb2.Query(embedding=resources_pb2.Embedding(data=vector.tobytes()))
        for vector in vectors
    ]
    match = service_pb2.MatchRequest(namespace="n", queries=queries, limit=1)
    request: bytes = match.SerializeToString()
    return request
