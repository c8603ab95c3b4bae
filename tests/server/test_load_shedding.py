"""More calls than can be answered: who is turned away, and when to come back."""

from __future__ import annotations

import time
from collections import Counter, deque
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import numpy.typing as npt
import pytest

from bench.harness.open_loop import Source, header_block, run
from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.server import ServerHandle, Settings, new_token, token_line
from effective_embeddings.server.admission.load_shedder import CROWD, Crowd
from effective_embeddings.server.admission.refusals import Refusal
from effective_embeddings.v1 import resources_pb2, service_pb2

_MATCH = "/effective_embeddings.v1.EffectiveEmbeddingsService/Match"
_STANDS = 0.03


def _let_in(crowd: Crowd, principals: str) -> Counter[str]:
    let_in: Counter[str] = Counter()
    for principal in principals:
        with suppress(Refusal):
            crowd.take(principal)
            let_in[principal] += 1
    return let_in


def test_a_short_burst_is_admitted_as_a_whole() -> None:
    crowd = Crowd()
    for _ in range(3):
        assert _let_in(crowd, "a" * 1000) == {"a": 1000}
        time.sleep(_STANDS)
        crowd.scatter()


def test_under_a_standing_queue_every_caller_gets_an_equal_share() -> None:
    crowd = Crowd()
    crowd.take("a")
    time.sleep(_STANDS)
    let_in = _let_in(crowd, "ab" + "aaaab" * 100 + "c")
    assert let_in["a"] == let_in["b"]
    assert 20 < let_in["a"] < 64
    assert let_in["c"] == 1
    with pytest.raises(Refusal, match="72 waiting calls; try again in 0") as caught:
        crowd.take("a")
    assert caught.value.reason == "OVERLOADED"
    assert caught.value.metadata == {"limit": "waiting_calls", "value": str(CROWD)}
    assert 0.05 < (caught.value.retry_seconds or 0) < 0.5


def test_a_queue_that_returns_soon_is_shed_sooner() -> None:
    crowd = Crowd()
    crowd.take("a")
    time.sleep(_STANDS)
    assert _let_in(crowd, "a" * 100)["a"] < 100
    crowd.scatter()
    crowd.take("a")
    time.sleep(0.01)
    assert _let_in(crowd, "a" * 100)["a"] < 100


def test_excess_calls_are_refused_and_not_cut_off(tmp_path: Path) -> None:
    names = ["good", *(f"caller{number}" for number in range(6))]
    tokens = {name: new_token() for name in names}
    settings = Settings(
        data=tmp_path / "data",
        listen="127.0.0.1:0",
        token_entries="\n".join(token_line(n, token, ["admin:*"]) for n, token in tokens.items()),
    )
    vector = np.ones(64, np.float32)
    request = _request(vector)
    with ServerHandle(settings) as server:
        _fill(server.target, tokens["good"], vector)
        # In the server's own process, whose lock it shares: that it cannot be answered is certain.
        flood = [Source(4000, header_block(_MATCH, tokens[name]), request) for name in names[1:]]
        good = Source(50, header_block(_MATCH, tokens["good"]), request)
        few, *many = run(server.target, [good, *flood], 1.0, after=20)
        assert all(each.bare + each.ended + each.late == 0 for each in (few, *many))
        assert sum(len(each.refused) for each in many) > 1000
        assert min(len(each.answered) for each in many) > 100
        assert len(few.answered) > 40
        # And then it is over.
        with Client(server.target, token=tokens["good"]) as client:
            for _ in range(100):
                assert client.match("n", vector)[0].matches[0].category == "x"


def test_callers_that_wait_for_replies_cause_no_shedding(tmp_path: Path) -> None:
    """As many as one connection may have, for longer than a queue may stand."""
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


def _fill(target: str, token: str | None, vector: npt.NDArray[np.float32]) -> None:
    with Client(target, token=token) as client:
        client.create_namespace("n", len(vector))
        client.put_categories("n", [CategoryUpdate("x", base=vector)])


def _request(vector: npt.NDArray[np.float32]) -> bytes:
    query = service_pb2.Query(embedding=resources_pb2.Embedding(data=vector.tobytes()))
    request: bytes = service_pb2.MatchRequest(namespace="n", queries=[query]).SerializeToString()
    return request
