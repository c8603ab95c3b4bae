"""Short calls that come together are answered together, each as if it had come alone."""

from __future__ import annotations

import socket
import struct
import time
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.v1 import resources_pb2, service_pb2
from tests.support import http2
from tests.support.access import unary
from tests.support.process import ServerProcess

_DIMENSION, _CATEGORIES = 32, 200


def _request(query: np.ndarray[Any, Any], **more: Any) -> service_pb2.MatchRequest:
    embedding = resources_pb2.Embedding(data=query.astype("<f4").tobytes())
    queries = [service_pb2.Query(embedding=embedding)]
    return service_pb2.MatchRequest(**({"namespace": "n", "queries": queries} | more))


@pytest.fixture
def server(tmp_path: Path) -> Any:
    with ServerProcess(tmp_path / "data") as process, Client(process.target) as client:
        random = np.random.default_rng(3)
        for name in ("n", "m"):
            client.create_namespace(name, _DIMENSION)
            bases = random.normal(size=(_CATEGORIES, _DIMENSION)).astype(np.float32)
            client.put_categories(
                name, [CategoryUpdate(f"c{at}", base=base) for at, base in enumerate(bases)]
            )
        yield process


def test_calls_under_way_at_the_same_time_get_their_own_answers(server: ServerProcess) -> None:
    random = np.random.default_rng(4)
    queries = random.normal(size=(300, _DIMENSION))
    requests = [
        _request(
            query,
            namespace=("n", "m", "n", "nobody")[at % 4],
            limit=1 + at % 3,
            ranking=at % 5 // 4 * 2,
        )
        for at, query in enumerate(queries)
    ]
    requests[17].queries[0].embedding.data = b"12345"
    with grpc.insecure_channel(server.target) as channel:
        match: Any = unary(channel, "Match")

        def outcome(call: Any) -> Any:
            code = call.code()
            return (code, call.result() if code == grpc.StatusCode.OK else call.details())

        alone = [outcome(match.future(each.SerializeToString(), timeout=20)) for each in requests]
        under_way = [match.future(each.SerializeToString(), timeout=20) for each in requests]
        assert [outcome(call) for call in under_way] == alone
    codes = [code for code, _ in alone]
    assert codes.count(grpc.StatusCode.OK) == 225 - 1
    assert codes[17] == grpc.StatusCode.INVALID_ARGUMENT


def test_a_call_whose_request_is_late_keeps_no_other_call_waiting(server: ServerProcess) -> None:
    message = http2.grpc_message(_request(np.ones(_DIMENSION)).SerializeToString())
    with http2.Connection(server.target) as connection:
        late = connection.open_call(http2.call_headers("Match"))
        others = []
        for _ in range(3):
            others.append(connection.open_call(http2.call_headers("Match")))
            connection.send(others[-1], message, http2.END_STREAM)
        assert _ended(connection.socket, set(others), 5) == set(others)
        gone = connection.open_call(http2.call_headers("Match"))
        connection.reset(gone)
        connection.send(late, message, http2.END_STREAM)
        assert _ended(connection.socket, {late}, 5) == {late}


def _ended(connection: socket.socket, streams: set[int], seconds: float) -> set[int]:
    """The streams that the server ends within a time."""
    ended: set[int] = set()
    received = b""
    until = time.monotonic() + seconds
    connection.settimeout(seconds)
    while streams - ended and time.monotonic() < until:
        received += connection.recv(65_536)
        while len(received) >= 9:
            size = 9 + int.from_bytes(received[:3])
            if len(received) < size:
                break
            (stream,) = struct.unpack(">I", received[5:9])
            if received[3] in {http2.DATA, http2.HEADERS} and received[4] & http2.END_STREAM:
                ended.add(stream)
            received = received[size:]
    return ended & streams
