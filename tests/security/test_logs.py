"""Logs and the audit log: one line per event, with an operator's facts and no secrets."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from effective_embeddings import CategoryUpdate, Client, errors
from effective_embeddings._core import LISTENER_LIMITS, StatusError
from effective_embeddings.server.observability.log_format import JsonFormatter, TextFormatter
from effective_embeddings.v1 import service_pb2
from tests.support.access import Tenants, bearer, tenants, unary
from tests.support.calls import served_calls

#: Lines of refused calls that wait for a disk, at least.
_LINES_THAT_WAIT = 1024
_HOSTILE = "evil\n2026-01-01T00:00:00.000Z INFO all is well\r\x1b[2J\u2028\u202e\x00\x85"


def _logged(formatter: logging.Formatter, *, failed: bool = False) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.Logger("test")  # noqa: LOG001 - one of its own
    logger.addHandler(handler)
    try:
        raise ValueError(_HOSTILE)  # noqa: TRY301
    except ValueError:
        logger.error("name=%s", _HOSTILE, exc_info=failed)  # noqa: TRY400
    return stream.getvalue()


def test_a_text_line_stays_one_line() -> None:
    line = _logged(TextFormatter())
    assert len(line.splitlines()) == 1
    assert line.isprintable() or line[:-1].isprintable()
    assert "\\x0a2026" in line


def test_the_lines_of_an_exception_begin_with_a_bar() -> None:
    first, *rest = _logged(TextFormatter(), failed=True).splitlines()
    assert " ERROR name=evil" in first
    assert rest
    assert all(line.startswith("  | ") for line in rest)


def test_a_json_line_stays_one_object() -> None:
    line = _logged(JsonFormatter(), failed=True)
    assert line.count("\n") == 1
    assert json.loads(line)["message"] == f"name={_HOSTILE}"
    assert line[:-1].isascii()


def test_the_audit_log_has_writes_and_refusals_and_no_secrets(tmp_path: Path) -> None:
    audit = tmp_path / "audit"
    with tenants(tmp_path, audit_log=audit) as served:
        with Client(served.target, token=served.tokens["root"]) as root:
            root.create_namespace("alice", 2)
            root.create_namespace("bob", 2)
        with Client(served.target, token=served.tokens["alice"]) as alice:
            alice.put_categories("alice", [CategoryUpdate("secret-key", base=[0.125, 1])])
            alice.assign("alice", "secret-item", "secret-key", [0.125, 1], reason="secret-reason")
            alice.match("alice", [1, 1])
            with pytest.raises(errors.PermissionDenied):
                alice.match("bob", [1, 1])
            with pytest.raises(errors.PermissionDenied):
                alice.create_namespace(_HOSTILE.replace("\x00", "")[:20].replace("\n", "-"), 2)
        with Client(served.target) as stranger, pytest.raises(errors.Unauthenticated):
            stranger.service_info()
    text = audit.read_text()
    entries = [json.loads(line) for line in text.splitlines()]
    told = [(e.get("principal"), e["method"], e.get("namespace"), e["code"]) for e in entries]
    assert told[:5] == [
        ("root", "CreateNamespace", "alice", "OK"),
        ("root", "CreateNamespace", "bob", "OK"),
        ("alice", "PutCategories", "alice", "OK"),
        ("alice", "Assign", "alice", "OK"),
        ("alice", "Match", "bob", "PERMISSION_DENIED"),
    ]
    assert told[-1] == (None, "GetServiceInfo", None, "UNAUTHENTICATED")
    assert len({e["id"] for e in entries}) == len(entries)
    assert all(e["peer"].startswith("ipv4:127.0.0.1:") for e in entries)
    assert "secret" not in text
    assert "0.125" not in text
    assert not any(token in text for token in served.tokens.values())


@contextmanager
def _stalled(folder: Path) -> Iterator[tuple[Tenants, bytearray]]:
    """Tenants with a blocked audit log, and its content once it is unblocked.

    A pipe without a reader stands for a stalled disk.
    """
    pipe = folder / "audit"
    end = time.monotonic() + 60
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    written = bytearray()
    with tenants(folder, audit_log=pipe) as served:
        with Client(served.target, token=served.tokens["root"]) as root:
            root.create_namespace("bob", 2)
            root.put_categories("bob", [CategoryUpdate("c", base=[1, 0])])
        with grpc.insecure_channel(served.target) as channel:
            for _ in range(50):
                calls = [unary(channel, "Match").future(b"", timeout=30) for _ in range(60)]
                assert {call.code() for call in calls} == {grpc.StatusCode.UNAUTHENTICATED}
        yield served, written
        # A line in the middle may count lines that were left out, if the calls took over a second.
        while (
            written.count(b'"code": "UNAUTHENTICATED"') < _LINES_THAT_WAIT
            or b"left_out_at_least" not in written
            or not written.endswith(b"\n")
        ) and time.monotonic() < end:
            try:
                written += os.read(reader, 1 << 20)
            except BlockingIOError:
                time.sleep(0.001)
    os.close(reader)


def test_a_blocked_audit_log_delays_no_reads(tmp_path: Path) -> None:
    with (
        _stalled(tmp_path) as (served, written),
        Client(served.target, token=served.tokens["bob"]) as bob,
    ):
        assert bob.match("bob", [1, 1])[0].matches
    entries = [json.loads(line) for line in written.splitlines()]
    left_out = sum(entry.get("left_out_at_least", 0) for entry in entries)
    refused = sum(entry.get("code") == "UNAUTHENTICATED" for entry in entries)
    assert _LINES_THAT_WAIT <= refused < 3000
    assert 0 < left_out <= 3000 - refused


def test_a_refused_write_waits_for_no_audit_log(tmp_path: Path) -> None:
    """A thread of the connections itself records a write without a request."""
    with _stalled(tmp_path) as (served, _), grpc.insecure_channel(served.target) as channel:
        path = "/effective_embeddings.v1.EffectiveEmbeddingsService/Assign"
        assign: Any = channel.stream_unary(path)
        root = bearer(served.tokens["root"])
        call = assign.future(iter(()), metadata=root, timeout=5)
        assert call.code() == grpc.StatusCode.INVALID_ARGUMENT
        with Client(served.target, token=served.tokens["bob"]) as bob:
            assert bob.match("bob", [1, 1])[0].matches


def test_a_flood_of_refusals_fills_no_disk_and_hides_no_known_caller(tmp_path: Path) -> None:
    """Each unauthenticated call was once a line: 2 MB a second, until the disk was full."""
    with served_calls(tmp_path, audit=tmp_path / "audit", calls_per_second=0.001) as served:
        served.unary("one", "GetServiceInfo").leave()
        begin = time.monotonic()
        for number in range(20_000):
            with pytest.raises(StatusError):
                served.begin(None)
            if number % 1000 == 0:
                with pytest.raises(StatusError):
                    served.begin("one")
                # The disk keeps up, so only the limit leaves lines out.
                time.sleep(0.02)
        seconds = time.monotonic() - begin
    entries = [json.loads(line) for line in (tmp_path / "audit").read_text().splitlines()]
    strangers = sum(entry.get("code") == "UNAUTHENTICATED" for entry in entries)
    left_out = sum(entry.get("left_out_at_least", 0) for entry in entries)
    limit = dict(LISTENER_LIMITS)["audited_refusals"]
    assert 100 < strangers <= 1024 + limit * (seconds + 1)
    assert strangers + left_out == 20_000
    assert sum(entry.get("principal") == "one" for entry in entries) == 20
    assert len(entries) <= strangers + 20 + seconds + 2, "a line a second says so"


def test_the_audit_log_can_be_moved_away(tmp_path: Path) -> None:
    audit = tmp_path / "audit"
    request = service_pb2.CreateNamespaceRequest()
    request.namespace.name, request.namespace.dimension = "n", 2
    with served_calls(tmp_path, audit=audit) as served:
        for name in ("first", "second"):
            request.namespace.name = name
            served.unary("one", "CreateNamespace", request.SerializeToString()).leave()
            if name == "first":
                audit.rename(tmp_path / "audit.1")
    assert json.loads((tmp_path / "audit").read_text())["namespace"] == "second"
    assert json.loads((tmp_path / "audit.1").read_text())["namespace"] == "first"


def test_every_reply_has_an_id_that_is_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "effective_embeddings.server")
    with tenants(tmp_path) as served, grpc.insecure_channel(served.target) as channel:
        call = unary(channel, "GetServiceInfo")
        ids = set()
        for metadata in (bearer(served.tokens["root"]), ()):
            answer: Any = call.future(b"", metadata=metadata, timeout=5)
            answer.code()
            trailing = dict(answer.trailing_metadata())
            assert re.fullmatch(r"[0-9a-f]{16}", trailing["x-request-id"])
            ids.add(trailing["x-request-id"])
        assert len(ids) == 2
    assert all(f"id={each}" in caplog.text for each in ids)
    assert not any(token in caplog.text for token in served.tokens.values())
