"""Unary calls on the polling thread, and the assumptions about gRPC's internals."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from effective_embeddings import Client
from effective_embeddings._core import MAX_QUEUED_CALLS
from effective_embeddings.server import ServerHandle, Settings
from effective_embeddings.server.admission.status import Status
from effective_embeddings.server.transport.raw_unary import RawUnaryCall, RawUnaryServer
from effective_embeddings.v1 import resources_pb2, service_pb2
from tests.support.access import unary
from tests.support.busy_server import busy_server

_REFUSED = Status(grpc.StatusCode.ABORTED, "not today", (("why", "rain"),), "RAIN")


@contextmanager
def _served(begin: Callable[[RawUnaryCall], None]) -> Iterator[tuple[grpc.Server, grpc.Channel]]:
    """A server whose pool has one thread, which no test here may need."""
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool)
        unary_server = RawUnaryServer(server, {"/test/Call": begin})
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        unary_server.open()
        try:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield server, channel
        finally:
            server.stop(None).wait()


def _call(channel: grpc.Channel) -> Any:
    return channel.unary_unary("/test/Call")


def _echo(call: RawUnaryCall) -> None:
    def received(request: bytes | None) -> None:
        assert request is not None
        call.reply(request, (("x-thread", threading.current_thread().name),))

    call.receive(received)


def test_a_reply_needs_no_thread_of_the_pool_and_comes_with_its_metadata() -> None:
    threads = set()
    with _served(_echo) as (_, channel):
        for number in range(50):
            message = b"x" * number * 1000
            reply, call = _call(channel).with_call(message, timeout=10)
            assert reply == message
            threads.add(dict(call.trailing_metadata())["x-thread"])
    assert len(threads) == 1
    assert not any(name.startswith("ThreadPool") for name in threads)


def test_concurrent_calls_get_their_own_replies() -> None:
    with _served(_echo) as (_, channel):
        calls = [_call(channel).future(str(n).encode(), timeout=30) for n in range(500)]
        assert [call.result() for call in calls] == [str(n).encode() for n in range(500)]


def test_a_reply_may_come_later_and_from_another_thread() -> None:
    with ThreadPoolExecutor(4) as others:

        def answer(call: RawUnaryCall, request: bytes | None) -> None:
            time.sleep(0.01)
            call.reply(request or b"", ())

        def begin(call: RawUnaryCall) -> None:
            def received(request: bytes | None) -> None:
                others.submit(answer, call, request)

            call.receive(received)

        with _served(begin) as (_, channel):
            calls = [_call(channel).future(str(n).encode(), timeout=30) for n in range(100)]
            assert [call.result() for call in calls] == [str(n).encode() for n in range(100)]


def test_a_status_ends_a_call_before_and_after_its_request() -> None:
    def before(call: RawUnaryCall) -> None:
        call.fail(_REFUSED)

    def after(call: RawUnaryCall) -> None:
        call.receive(lambda _: call.fail(_REFUSED))

    for begin in (before, after):
        with _served(begin) as (_, channel):
            for _ in range(3):
                call = _call(channel).future(b"request", timeout=10)
                assert call.code() == grpc.StatusCode.ABORTED
                assert call.details() == "not today"
                assert dict(call.trailing_metadata())["why"] == "rain"


def test_an_exception_ends_its_own_call_only() -> None:
    def begin(call: RawUnaryCall) -> None:
        def received(request: bytes | None) -> None:
            if request == b"bad":
                raise SystemExit
            call.reply(b"good", ())

        call.receive(received)

    with _served(begin) as (_, channel):
        for _ in range(3):
            assert _call(channel).future(b"bad", timeout=10).code() == grpc.StatusCode.CANCELLED
            assert _call(channel)(b"x", timeout=10) == b"good"


def test_an_exception_before_the_request_ends_its_own_call_only() -> None:
    def begin(call: RawUnaryCall) -> None:
        if ("bad", "yes") in call.metadata:
            raise SystemExit
        _echo(call)

    with _served(begin) as (_, channel):
        for _ in range(3):
            bad = _call(channel).future(b"", metadata=(("bad", "yes"),), timeout=10)
            assert bad.code() == grpc.StatusCode.CANCELLED
            assert _call(channel)(b"x", timeout=10) == b"x"


def test_a_call_has_its_metadata_peer_and_deadline() -> None:
    seen: list[RawUnaryCall] = []
    remaining: list[float] = []

    def begin(call: RawUnaryCall) -> None:
        seen.append(call)
        remaining.append(call.time_remaining())
        _echo(call)

    with _served(begin) as (_, channel):
        _call(channel)(b"x", metadata=(("key", "value"), ("key-bin", b"\x00\xff")), timeout=10)
        _call(channel)(b"x")
    assert ("key", "value") in seen[0].metadata
    assert ("key-bin", b"\x00\xff") in seen[0].metadata
    assert seen[0].peer().startswith("ipv4:127.0.0.1:")
    assert 5 < remaining[0] < 11
    assert remaining[1] > 1e9
    assert not seen[0].queued


def test_a_standing_queue_is_detected_and_so_is_its_end() -> None:
    queued: list[bool] = []

    def begin(call: RawUnaryCall) -> None:
        queued.append(call.queued)
        time.sleep(0.0005)
        _echo(call)

    with _served(begin) as (_, channel):
        for waiting in (MAX_QUEUED_CALLS // 2, MAX_QUEUED_CALLS * 4, MAX_QUEUED_CALLS // 2):
            calls = [_call(channel).future(b"", timeout=30) for _ in range(waiting)]
            assert all(call.code() == grpc.StatusCode.OK for call in calls)
    few, many = queued[: MAX_QUEUED_CALLS // 2], queued[MAX_QUEUED_CALLS // 2 :]
    few_again = queued[-MAX_QUEUED_CALLS // 4 :]
    assert not any(few)
    assert any(many)
    assert not any(few_again)


def test_a_server_stops_while_calls_arrive() -> None:
    over = threading.Event()
    with _served(_echo) as (server, channel), ThreadPoolExecutor(8) as pool:

        def keep_calling() -> None:
            while not over.is_set():
                _call(channel).future(b"x", timeout=10).exception()

        callers = [pool.submit(keep_calling) for _ in range(8)]
        time.sleep(0.3)
        stopped = server.stop(0.2)
        assert stopped.wait(10)
        over.set()
        for caller in callers:
            caller.result()


def test_a_missing_request_and_a_cancelled_call_are_distinguished() -> None:
    ended = threading.Semaphore(0)
    seen: list[tuple[bytes | None, bool]] = []

    def begin(call: RawUnaryCall) -> None:
        def received(request: bytes | None) -> None:
            time.sleep(0.05)
            seen.append((request, call.is_active()))
            call.fail(_REFUSED)
            ended.release()

        call.receive(received)

    with _served(begin) as (_, channel):
        method: Any = channel.stream_unary("/test/Call")
        assert method.future(iter(()), timeout=10).code() == grpc.StatusCode.ABORTED
        assert ended.acquire(timeout=10)
        never = threading.Event()

        def nothing() -> Iterator[bytes]:
            never.wait()
            yield from ()

        call = method.future(nothing(), timeout=10)
        time.sleep(0.1)
        call.cancel()
        assert ended.acquire(timeout=10)
        never.set()
    assert seen[0] == (None, True)
    assert seen[1][0] is None


def test_a_call_that_has_ended_ignores_replies() -> None:
    held: list[RawUnaryCall] = []
    here = threading.Event()

    def begin(call: RawUnaryCall) -> None:
        def received(request: bytes | None) -> None:
            if request == b"hold":
                held.append(call)
                here.set()
            else:
                call.reply(b"", ())

        call.receive(received)

    with _served(begin) as (_, channel):
        call = _call(channel).future(b"hold", timeout=10)
        assert here.wait(10)
        call.cancel()
        while held[0].is_active():
            time.sleep(0.01)
        held[0].reply(b"late", ())
        held[0].fail(_REFUSED)
        assert _call(channel)(b"x", timeout=10) == b""


def test_a_stopping_server_waits_for_calls_in_flight() -> None:
    held: list[RawUnaryCall] = []
    here = threading.Event()

    def begin(call: RawUnaryCall) -> None:
        def received(_request: bytes | None) -> None:
            held.append(call)
            here.set()

        call.receive(received)

    with _served(begin) as (server, channel):
        call = _call(channel).future(b"x", timeout=30)
        assert here.wait(10)
        stopped = server.stop(20)
        assert not stopped.wait(0.2)
        held[0].reply(b"done", ())
        assert call.result() == b"done"
        assert stopped.wait(10)


def test_calls_are_freed_without_the_garbage_collector(tmp_path: Path) -> None:
    """Answered at once, by a worker, and refused."""
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0")
    with (
        ServerHandle(settings) as server,
        Client(server.target) as client,
        grpc.insecure_channel(server.target) as channel,
    ):
        client.create_namespace("n", 2)
        gc.collect()
        gc.disable()
        try:
            for _ in range(100):
                client.match("n", [1, 0])
                client.service_info()
                assert unary(channel, "Match").future(b"\xff", timeout=5).exception()
            end = time.monotonic() + 10
            while (left := sum(isinstance(each, RawUnaryCall) for each in gc.get_objects())) > 2:
                assert time.monotonic() < end, left
                time.sleep(0.05)
        finally:
            gc.enable()


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
