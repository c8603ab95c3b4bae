"""Short calls are answered where they come, like any other call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import numpy as np

from effective_embeddings.v1 import resources_pb2, service_pb2
from tests.support.access import unary
from tests.support.busy_server import busy_server


def test_a_short_match_needs_no_worker(tmp_path: Path) -> None:
    with busy_server(tmp_path, 3) as busy:
        for _ in range(5):
            found = busy.client.match("n", np.array([1.0, 0.1], np.float32))[0].matches
            assert [match.category for match in found] == ["x", "y"]


def test_a_short_match_is_refused_like_any_other_call(tmp_path: Path) -> None:
    query = service_pb2.Query(
        embedding=resources_pb2.Embedding(data=np.ones(3, np.float32).tobytes())
    )
    too_long = service_pb2.MatchRequest(namespace="n", queries=[query]).SerializeToString()
    with busy_server(tmp_path, 3) as busy:
        match: Any = unary(busy.channel, "Match")
        for request in (too_long, b"\xff\xff"):
            refused = match.future(request, timeout=5)
            assert refused.code() == grpc.StatusCode.INVALID_ARGUMENT
            assert dict(refused.trailing_metadata())["x-request-id"]
