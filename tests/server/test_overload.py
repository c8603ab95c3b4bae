"""Overload, rates, drain under load, and notifications to systemd."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from effective_embeddings import CategoryUpdate, Client, errors
from effective_embeddings.server import ServerHandle, Settings, new_token, token_line
from tests.support.access import bearer, tenants, unary
from tests.support.process import ServerProcess, environment


def _retry_seconds(error: Any) -> float:
    trailing = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
    info = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    milliseconds = info.retry_delay.ToMilliseconds()
    assert trailing["grpc-retry-pushback-ms"] == str(milliseconds)
    return float(milliseconds / 1000)


def test_a_caller_above_its_rate_gets_a_retry_delay(tmp_path: Path) -> None:
    with (
        tenants(tmp_path, calls_per_second=20.0, burst_calls=5) as served,
        grpc.insecure_channel(served.target) as channel,
    ):
        call = unary(channel, "GetServiceInfo")
        alice, bob = (bearer(served.tokens[name]) for name in ("alice", "bob"))
        refused = None
        for _ in range(10):
            answer: Any = call.future(b"", metadata=alice, timeout=5)
            if answer.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
                refused = answer
                break
        assert refused is not None
        assert "this token may make 20 calls a second" in refused.details()
        assert call(b"", metadata=bob, timeout=5), "another token has calls of its own"
        seconds = _retry_seconds(refused)
        assert 0 < seconds <= 0.06
        time.sleep(seconds + 0.01)
        assert call(b"", metadata=alice, timeout=5)


def test_each_token_has_the_default_rate_or_its_own(tmp_path: Path) -> None:
    tokens = [new_token() for _ in range(3)]
    lines = [
        token_line("alice", tokens[0], ["read:*"]),
        token_line("alice", tokens[1], ["read:*", "rate=3"]),
        token_line("bob", tokens[2], ["read:*", "rate=0"]),
    ]
    settings = Settings(
        data=tmp_path / "data",
        listen="127.0.0.1:0",
        token_entries="\n".join(lines),
        calls_per_second=1.0,
    )
    with ServerHandle(settings) as server, grpc.insecure_channel(server.target) as channel:
        call = unary(channel, "GetServiceInfo")
        let_in = []
        for token in tokens:
            codes = [call.future(b"", metadata=bearer(token), timeout=5).code() for _ in range(20)]
            let_in.append(codes.count(grpc.StatusCode.OK))
            assert set(codes) <= {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
    # Tokens of the bucket that refill meanwhile admit calls too.
    assert let_in[0] in (1, 2)
    assert let_in[1] in (3, 4)
    assert let_in[2] == 20


def test_calls_beyond_the_permits_are_refused(tmp_path: Path) -> None:
    settings = Settings(
        data=tmp_path / "data",
        listen="127.0.0.1:0",
        workers=2,
        max_concurrent_calls=2,
        # In the native listener a read that waits holds no place of a call.
        transport="grpcio",
    )
    with ServerHandle(settings) as server, Client(server.target) as client:
        client.create_namespace("ns", 2)
        waiting = [
            threading.Thread(target=_wait_for_revision, args=(server.target,)) for _ in range(2)
        ]
        for thread in waiting:
            thread.start()
        _wait_until_in_flight(server, 2)
        with grpc.insecure_channel(server.target) as channel:
            with pytest.raises(grpc.RpcError) as caught:
                unary(channel, "GetServiceInfo")(b"", timeout=5)
            assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert 0.05 < _retry_seconds(caught.value) < 0.5
        for thread in waiting:
            thread.join()
        # A client's deadline may pass a moment before the server sees it.
        _wait_until_in_flight(server, 0)
        assert client.get_namespace("ns").revision == 1


def test_a_burst_on_one_connection_is_refused_with_a_retry_delay(
    tmp_path: Path,
) -> None:
    settings = Settings(
        data=tmp_path / "data", listen="127.0.0.1:0", workers=2, max_concurrent_calls=2
    )
    codes: set[grpc.StatusCode] = set()
    with ServerHandle(settings) as server, grpc.insecure_channel(server.target) as channel:
        call = unary(channel, "GetServiceInfo")
        call(b"", timeout=5)
        # Many rounds: gRPC once refused one call in a thousand, before others had freed memory.
        for _ in range(100):
            burst: list[Any] = [
                call.future(b"", timeout=30) for _ in range(settings.max_streams_per_connection)
            ]
            for answer in burst:
                codes.add(answer.code())
                if answer.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
                    assert _retry_seconds(answer) > 0.05
    assert codes == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}


def _wait_until_in_flight(server: ServerHandle, calls: int) -> None:
    end = time.monotonic() + 10
    while server._server.admission.in_flight != calls:
        assert time.monotonic() < end
        time.sleep(0.01)


def _wait_for_revision(target: str) -> None:
    with Client(target, timeout=2) as client, pytest.raises(errors.EffectiveEmbeddingsError):
        client.get_namespace("ns", min_revision=100)


def test_a_drain_under_load_answers_every_call_or_refuses_it(tmp_path: Path) -> None:
    outcomes: Counter[str] = Counter()
    acknowledged: list[str] = []
    with ServerProcess(tmp_path / "data") as process:
        with Client(process.target) as client:
            client.create_namespace("ns", 2)
            client.put_categories("ns", [CategoryUpdate("c", base=[1, 0])])

        def work(number: int) -> None:
            with Client(process.target, timeout=5) as mine:
                mine._transport.retries = False  # type: ignore[misc]
                for turn in range(100_000):
                    try:
                        if number % 2:
                            mine.match("ns", [1, 1])
                        else:
                            mine.assign("ns", f"{number}-{turn}", "c", [1, 1])
                            acknowledged.append(f"{number}-{turn}")
                    except errors.EffectiveEmbeddingsError as error:
                        outcomes[f"{error.code.name} {error.reason}"] += 1
                        if not error.reason:
                            return
                        time.sleep(0.01)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(1.0)
        begin = time.monotonic()
        process.process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
        assert time.monotonic() - begin < 5
        for thread in threads:
            thread.join()
        assert "drained=True" in process.log()
    codes = {name.split()[0] for name in outcomes}
    assert codes <= {"UNAVAILABLE", "CANCELLED"}, outcomes
    assert acknowledged
    with Client.embedded(tmp_path / "data") as client:
        assert set(acknowledged) <= {item.key for item in client.list_items("ns")}
        assert client.verify("ns").ok


def test_systemd_is_notified_of_readiness_and_stop(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(20)
        command = [sys.executable, "-m", "effective_embeddings.cli", "serve", "--json"]
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, "--listen", "127.0.0.1:0", "--data", str(tmp_path / "data")],
            env=environment(NOTIFY_SOCKET=path),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert b"READY=1" in manager.recv(1000)
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGTERM)
            assert b"STOPPING=1" in manager.recv(1000)
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()
