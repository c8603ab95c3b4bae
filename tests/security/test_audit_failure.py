"""An audit log that cannot be written: what becomes of writes, and what the operator is told."""

from __future__ import annotations

import json
import re
import resource
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from effective_embeddings import Client, errors
from effective_embeddings.server import ServerHandle, Settings
from effective_embeddings.v1 import service_pb2
from tests.support.access import refusal, unary
from tests.support.calls import Served, served_calls

_STATUS = health_pb2.HealthCheckResponse


def _full(path: Path) -> Path:
    """An audit log on a disk without space; the space is back once the link is removed."""
    path.symlink_to("/dev/full")
    return path


def _server(folder: Path, audit: Path, **settings: Any) -> ServerHandle:
    given = {"listen": "127.0.0.1:0", "metrics_listen": "127.0.0.1:0", **settings}
    return ServerHandle(Settings(data=folder / "data", audit_log=audit, **given))


def _metrics(server: ServerHandle) -> dict[str, float]:
    with urllib.request.urlopen(f"http://{server.metrics_target}/metrics", timeout=5) as reply:
        found = re.findall(r"^(effemb_audit_\w+) (\S+)$", reply.read().decode(), re.MULTILINE)
    return {name: float(value) for name, value in found}


def _health(server: ServerHandle) -> int:
    with grpc.insecure_channel(server.target) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        return int(stub.Check(health_pb2.HealthCheckRequest(), timeout=5).status)


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def _audited(path: Path) -> list[str]:
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    return [each["method"] for each in entries if each.get("code") == "OK"]


def test_writes_are_refused_until_the_audit_log_can_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """600 writes were acknowledged and 383 were in the log, with a traceback for each other."""
    audit = _full(tmp_path / "audit")
    with (
        _server(tmp_path, audit, audit_failure="refuse") as server,
        Client(server.target) as client,
    ):
        client.create_namespace("first", 2)
        request = service_pb2.CreateNamespaceRequest()
        request.namespace.name, request.namespace.dimension = "second", 2
        with grpc.insecure_channel(server.target) as channel:
            for _ in range(5):
                with pytest.raises(grpc.RpcError) as caught:
                    unary(channel, "CreateNamespace")(request.SerializeToString(), timeout=10)
                code, message, details = refusal(caught.value)
                assert (code, "No space left on device" in message) == ("UNAVAILABLE", True)
                assert b"AUDIT_LOG_FAILED" in details
        assert client.get_namespace("first").dimension == 2, "reads go on"
        with pytest.raises(errors.NotFound):
            client.get_namespace("second")
        _wait_for(lambda: _health(server) == _STATUS.NOT_SERVING)
        assert _metrics(server)["effemb_audit_log_failing"] == 1
        _wait_for(lambda: "audit log failing=true" in caplog.text)
        audit.unlink()
        _wait_for(lambda: _health(server) == _STATUS.SERVING)
        assert _metrics(server)["effemb_audit_log_failing"] == 0
        client.create_namespace("third", 2)
    assert _audited(audit) == ["CreateNamespace", "CreateNamespace"], "first and third"
    told = [each for each in caplog.records if "failing=true" in each.getMessage()]
    assert len(told) == 1
    assert not any(each.exc_info for each in caplog.records)


def test_writes_continue_and_their_lines_wait(tmp_path: Path) -> None:
    audit = _full(tmp_path / "audit")
    with (
        _server(tmp_path, audit, audit_failure="continue") as server,
        Client(server.target) as client,
    ):
        for number in range(5):
            client.create_namespace(f"n{number}", 2)
        assert _health(server) == _STATUS.SERVING
        assert _metrics(server)["effemb_audit_log_failing"] == 1
        audit.unlink()
        _wait_for(lambda: _metrics(server)["effemb_audit_log_failing"] == 0)
        assert _metrics(server)["effemb_audit_lines_lost_total"] == 0
    assert len(_audited(audit)) == 5


def _write(served: Served, number: int) -> None:
    """A successful write, which leaves the store as it is."""
    request = service_pb2.CreateNamespaceRequest()
    request.write.validate_only = True
    request.namespace.name, request.namespace.dimension = f"n{number}", 2
    served.unary("one", "CreateNamespace", request.SerializeToString()).leave()


def _numbers(path: Path) -> list[int]:
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    return [int(each["namespace"][1:]) for each in entries if "namespace" in each]


def test_lines_beyond_the_memory_are_lost_and_counted(tmp_path: Path) -> None:
    path = _full(tmp_path / "audit")
    with served_calls(tmp_path, audit=path, refuse=False) as served:
        assert served.audit is not None
        for number in range(1100):
            _write(served, number)
        assert served.audit.refusal is None
        assert served.audit.lost == 1100 - 1024
        path.unlink()
        _wait_for(lambda: served.audit is not None and served.audit.failure is None)
    assert _numbers(path) == list(range(1024))
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert sum(each.get("lost", 0) for each in entries) == 76


def test_a_line_that_fits_in_part_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    with served_calls(tmp_path, audit=path, refuse=False) as served:
        audit = served.audit
        assert audit is not None
        _write(served, 1)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        size = path.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, before[1]))
        try:
            _write(served, 2)
            assert audit.failure
            assert path.stat().st_size == size, "no torn line"
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        _wait_for(lambda: audit.failure is None)
        _write(served, 3)
    assert _numbers(path) == [1, 2, 3]
