"""grpcurl can use the whole contract with reflection alone."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effective_embeddings.server import ServerHandle
from effective_embeddings.v1 import service_pb2

pytestmark = pytest.mark.slow

_SERVICE = "effective_embeddings.v1.EffectiveEmbeddingsService"


class _Grpcurl:
    """grpcurl on a server."""

    def __init__(self, program: Path, target: str) -> None:
        self._program = program
        self._target = target

    def run(self, *arguments: str, data: Any = None) -> subprocess.CompletedProcess[str]:
        """Run grpcurl with a JSON request."""
        request = [] if data is None else ["-d", json.dumps(data)]
        return subprocess.run(  # noqa: S603 - the program that was just built
            [str(self._program), "-plaintext", *request, self._target, *arguments],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def call(self, method: str, data: Any) -> Any:
        """Call a method, and return its reply."""
        done = self.run(f"{_SERVICE}/{method}", data=data)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def curl(grpcurl: Path, shared_server: ServerHandle) -> _Grpcurl:
    return _Grpcurl(grpcurl, shared_server.target)


def test_grpcurl_lists_and_describes_the_service(
    curl: _Grpcurl, shared_server: ServerHandle
) -> None:
    listed = curl.run("list").stdout.split()
    assert {_SERVICE, "grpc.health.v1.Health"} <= set(listed)
    methods = curl.run("list", _SERVICE).stdout.split()
    service = service_pb2.DESCRIPTOR.services_by_name["EffectiveEmbeddingsService"]
    assert methods == sorted(method.full_name for method in service.methods)
    described = curl.run("describe", f"{_SERVICE}.Match").stdout
    assert "MatchRequest" in described
    message = curl.run("describe", ".effective_embeddings.v1.Assignment").stdout
    assert "optional float weight" in message
    reasons = curl.run("describe", "effective_embeddings.v1.ErrorReason").stdout
    assert "ERROR_REASON_DEGENERATE_QUERY = 11" in reasons
    health = curl.run("grpc.health.v1.Health/Check", data={"service": _SERVICE})
    assert json.loads(health.stdout) == {"status": "SERVING"}
    assert shared_server.target


def test_grpcurl_assigns_and_matches(curl: _Grpcurl, ns: str) -> None:
    created = curl.call("CreateNamespace", {"namespace": {"name": ns, "dimension": 3}})
    assert created["namespace"]["revision"] == "1"
    curl.call(
        "PutCategories",
        {
            "namespace": ns,
            "categories": [
                {"key": "health", "base": {"values": [1, 0, 0]}},
                {"key": "money", "base": {"values": [0, 0, 1]}},
            ],
        },
    )
    gym = base64.b64encode(np.array([0, 1, 0], dtype="<f4").tobytes()).decode()
    assigned = curl.call(
        "Assign",
        {
            "namespace": ns,
            "assignments": [{"item": "gym", "category": "health", "embedding": {"data": gym}}],
            "write": {"actor": "ann", "reason": "by hand", "requestId": "once"},
        },
    )
    assert assigned["results"][0] == {
        "item": "gym",
        "category": "health",
        "changed": True,
        "score_before": 0,
        "category_member_count": "1",
        "category_drift": pytest.approx(1 - np.sqrt(0.5)),
        "item_created": True,
    }
    matched = curl.call("Match", {"namespace": ns, "queries": [{"item": "gym"}], "limit": 0})
    (result,) = matched["results"]
    assert [match["category"] for match in result["matches"]] == ["health", "money"]
    assert result["matches"][0]["score"] == pytest.approx(np.sqrt(0.5))
    category = curl.call("GetCategory", {"namespace": ns, "category": "health"})["category"]
    assert category["counting_weight"] == 1


def test_grpcurl_shows_the_reason_of_a_refusal(curl: _Grpcurl, ns: str) -> None:
    curl.call("CreateNamespace", {"namespace": {"name": ns, "dimension": 3}})
    query = {"embedding": {"values": [1, 0]}}
    done = curl.run(f"{_SERVICE}/Match", data={"namespace": ns, "queries": [query]})
    assert done.returncode != 0
    for told in ("InvalidArgument", "DIMENSION_MISMATCH", "queries[0].embedding", "expected"):
        assert told in done.stderr


def test_grpcurl_streams_a_snapshot(curl: _Grpcurl, ns: str) -> None:
    curl.call("CreateNamespace", {"namespace": {"name": ns, "dimension": 3}})
    done = curl.run(f"{_SERVICE}/Snapshot", data={"namespace": ns})
    assert done.returncode == 0
    assert '"header"' in done.stdout
    assert '"trailer"' in done.stdout
