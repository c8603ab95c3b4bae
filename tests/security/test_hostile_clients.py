"""Hostile clients: under each attack the server answers other clients and its memory stays bounded.

All attacks run on the loopback and are bounded. EFFEMB_TEST_ATTACK=10 makes each attack ten times
as large (10,000 connections, 20,000 resets, ...).
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import resource
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from effective_embeddings import CategoryUpdate, Client, errors
from effective_embeddings._core import METHODS
from effective_embeddings.server import new_token, token_line
from effective_embeddings.v1 import resources_pb2, service_pb2, service_pb2_grpc
from tests.support import http2
from tests.support.access import bearer, unary
from tests.support.frames import Frame, frames_of, requests
from tests.support.process import ServerProcess, inherited

TIMES = int(os.environ.get("EFFEMB_TEST_ATTACK", "1"))
PATIENCE = 3.0
IDLE, CONNECTIONS = min(1000 * TIMES, 10_000), min(2000 * TIMES, 12_000)
# Seconds allowed for a good call on a busy machine.
SOON = 2.5


class Victim:
    """A server in a process of its own, with a tenant that keeps working."""

    def __init__(self, process: ServerProcess, tokens: dict[str, str]) -> None:
        self.process = process
        self.target = process.target
        self.tokens = tokens
        self.transport = inherited["EFFEMB_TRANSPORT"]
        self.client = Client(self.target, token=tokens["good"], timeout=5)
        self.client.create_namespace("good", 2)
        self.client.put_categories("good", [CategoryUpdate("c", base=[1, 0])])

    def memory_mib(self) -> int:
        """Its peak memory."""
        status = Path(f"/proc/{self.process.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) // 1024

    def files(self) -> int:
        return len(list(Path(f"/proc/{self.process.process.pid}/fd").iterdir()))

    def serves(self, calls: int = 20) -> float:
        """Call as a well-behaved client; return the seconds of the slowest call."""
        slowest = 0.0
        for _ in range(calls):
            begin = time.monotonic()
            assert self.client.match("good", [1, 1])[0].matches[0].category == "c"
            slowest = max(slowest, time.monotonic() - begin)
        return slowest


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    folder = tmp_path_factory.mktemp("victim")
    tokens = {"good": new_token(), "evil": new_token()}
    rules = {"good": ["admin:good"], "evil": ["admin:evil*"]}
    lines = [token_line(name, token, rules[name]) for name, token in tokens.items()]
    (folder / "tokens").write_text("\n".join(lines))
    (folder / "config.toml").write_text(
        f"client_stall_timeout_seconds = {PATIENCE}\nmax_connections = {CONNECTIONS}\n"
        'log_level = "debug"\naudit_log = "audit"\n'
    )
    options = ["--tokens", str(folder / "tokens"), "--config", str(folder / "config.toml")]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = min(hard, 25_000) if hard != resource.RLIM_INFINITY else 25_000
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with ServerProcess(folder / "data", *options) as process:
        victim = Victim(process, tokens)
        yield victim
        victim.serves()
        victim.client.close()
        assert "defect" not in process.log()
        assert "Traceback" not in process.log()
        for token in tokens.values():
            assert token not in process.log()
            assert token not in (folder / "audit").read_text()


@pytest.fixture(autouse=True)
def unharmed(victim: Victim) -> Iterator[None]:
    """After each attack other clients are served, and the memory has not grown much."""
    before = victim.memory_mib()
    yield
    assert victim.serves() < SOON
    # An idle connection takes about 35 KiB.
    assert victim.memory_mib() - before < 150 + 40 * (TIMES - 1)


@pytest.mark.parametrize(("method", "_scope"), METHODS)
def test_hostile_protobufs_are_refused_and_never_an_internal_error(
    victim: Victim, method: str, _scope: str
) -> None:
    draw = random.Random(method)
    allowed = {"OK", "INVALID_ARGUMENT", "PERMISSION_DENIED", "NOT_FOUND", "UNIMPLEMENTED"}
    with grpc.insecure_channel(victim.target) as channel:
        call = unary(channel, method)
        for round_ in range(20 * TIMES):
            body = draw.randbytes(draw.randrange(200))
            if round_ % 3 == 0:
                body = b"\x0a\x04evil" + body
            if round_ % 7 == 0:
                # Deeply nested groups: a recursive parser would overflow its stack.
                body = b"\x0b" * 10_000
            answer: Any = call.future(body, metadata=bearer(victim.tokens["evil"]), timeout=5)
            assert answer.code().name in allowed, answer


@pytest.mark.parametrize("mebibytes", [17, 256])
def test_a_decompression_bomb_is_refused(victim: Victim, mebibytes: int) -> None:
    body = bytes(mebibytes << 20)
    with grpc.insecure_channel(
        victim.target, options=[("grpc.max_send_message_length", -1)]
    ) as channel:
        call = unary(channel, "Match")
        with pytest.raises(grpc.RpcError) as caught:
            call(
                body,
                metadata=bearer(victim.tokens["evil"]),
                compression=grpc.Compression.Gzip,
                timeout=30,
            )
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "max" in (caught.value.details() or "")


def test_a_message_over_the_limit_is_refused_before_it_arrives(victim: Victim) -> None:
    with http2.Connection(victim.target) as evil:
        stream = evil.open_call(http2.call_headers("Match", victim.tokens["evil"]))
        evil.send(stream, http2.grpc_message(b"", claimed=2**32 - 1))
        evil.send(stream, bytes(10_000))
        victim.serves()


def test_floods_of_headers_are_cut_off(victim: Victim) -> None:
    for size, pieces in ((8_000, 20), (16_000, 200)):
        with http2.Connection(victim.target) as evil, contextlib.suppress(OSError):
            evil.open_call(http2.call_headers("Match"), flags=0)
            for number in range(pieces * TIMES):
                field = http2.call_headers("/", **{f"x_{number}": "v" * size})
                evil.frame(http2.CONTINUATION, 0, 1, field[:16_384])
    with grpc.insecure_channel(victim.target) as channel:
        metadata = [*bearer(victim.tokens["evil"]), ("x", "v" * 100_000)]
        with pytest.raises(grpc.RpcError) as caught:
            unary(channel, "GetServiceInfo")(b"", metadata=metadata, timeout=5)
        # The native listener's HTTP/2 library ends the connection.
        ended = (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)
        assert caught.value.code() in ended
        if victim.transport == "grpcio":
            assert caught.value.code() == ended[0]
    assert victim.serves(5) < SOON


def test_calls_without_their_request_delay_no_other_call_and_are_cancelled(victim: Victim) -> None:
    """Slowloris at the level of calls: more calls than workers and permits."""
    connections = [http2.Connection(victim.target) for _ in range(10)]
    try:
        for evil in connections:
            for _ in range(20):
                stream = evil.open_call(http2.call_headers("Match", victim.tokens["evil"]))
                evil.send(stream, http2.grpc_message(b"\x0a", claimed=1000))
        assert victim.serves(50) < SOON
        victim.process.wait_for_log("reason=stalled_client", PATIENCE + 8)
        with Client(victim.target, token=victim.tokens["evil"], timeout=5) as client:
            end = time.monotonic() + 10
            while True:
                with contextlib.suppress(errors.ResourceExhausted):
                    client.service_info()
                    break
                assert time.monotonic() < end
                time.sleep(0.1)
    finally:
        for evil in connections:
            evil.socket.close()


def test_unauthenticated_calls_take_no_permit(victim: Victim) -> None:
    with http2.Connection(victim.target) as evil:
        for _ in range(200):
            stream = evil.open_call(http2.call_headers("Match"))
            evil.send(stream, http2.grpc_message(b"\x0a", claimed=1000))
        assert victim.serves(50) < SOON


def test_an_unread_snapshot_delays_no_other_call(victim: Victim) -> None:
    with Client(victim.target, token=victim.tokens["evil"]) as client:
        client.create_namespace("evil", 512)
        keys = [f"{number}" for number in range(2000)]
        client.put_items("evil", keys, [[1.0] * 512] * len(keys))
    with http2.Connection(victim.target) as evil:
        for _ in range(5):
            stream = evil.open_call(http2.call_headers("Snapshot", victim.tokens["evil"]))
            evil.send(stream, http2.grpc_message(b"\x0a\x04evil"), http2.END_STREAM)
        assert victim.serves(50) < SOON
        time.sleep(PATIENCE + 1.5)
        assert victim.serves() < SOON
    with Client(victim.target, token=victim.tokens["evil"]) as client:
        client.delete_namespace("evil", force=True)


def test_restores_that_drip_are_cancelled(victim: Victim, tmp_path: Path) -> None:
    """A small frame now and then, each within the stall timeout, would hold the place for ever."""
    pause, frames = PATIENCE * 0.6, 20

    def drip() -> Iterator[Any]:
        nothing = Frame(categories=resources_pb2.SnapshotCategories())
        first, *rest = requests([taken[0], *[nothing] * frames], "evil-again")
        yield first
        for request in rest:
            time.sleep(pause)
            yield request

    with Client(victim.target, token=victim.tokens["evil"]) as client:
        client.create_namespace("evil", 2)
        taken = frames_of(client, "evil", tmp_path)
        client.delete_namespace("evil", force=True)
    with grpc.insecure_channel(victim.target) as channel:
        stub: Any = service_pb2_grpc.EffectiveEmbeddingsServiceStub(channel)  # type: ignore[no-untyped-call]
        begin = time.monotonic()
        call = stub.Restore.future(drip(), metadata=bearer(victim.tokens["evil"]), timeout=60)
        assert call.code() == grpc.StatusCode.CANCELLED
        assert PATIENCE < time.monotonic() - begin < PATIENCE * 3


def test_replies_that_are_not_read_take_bounded_memory(tmp_path: Path) -> None:
    """Thousands of pages of 3 MiB are asked for, over connections that take none of them."""
    tokens = {"good": new_token(), "evil": new_token()}
    (tmp_path / "tokens").write_text(
        "\n".join(token_line(name, token, [f"admin:{name}"]) for name, token in tokens.items())
    )
    (tmp_path / "config.toml").write_text(
        f"client_stall_timeout_seconds = {PATIENCE}\nmax_message_bytes = {4 << 20}\n"
        "max_concurrent_calls = 16\n"
    )
    options = ["--tokens", str(tmp_path / "tokens"), "--config", str(tmp_path / "config.toml")]
    request = service_pb2.ListItemsRequest(namespace="evil", page_size=1000)
    request.include_embeddings = True
    headers = http2.call_headers("ListItems", tokens["evil"])
    with ServerProcess(tmp_path / "data", *options) as process:
        victim = Victim(process, tokens)
        with Client(victim.target, token=tokens["evil"]) as client:
            client.create_namespace("evil", 1024)
            keys = [f"{number}" for number in range(800)]
            client.put_items("evil", keys, [[1.0] * 1024] * len(keys))
        before = victim.memory_mib()
        connections = [http2.Connection(victim.target, hello=False) for _ in range(12)]
        try:
            for evil in connections:
                evil.socket.sendall(http2.PREFACE)
                # A window of 0: nothing of a reply may be sent.
                evil.frame(http2.SETTINGS, 0, 0, b"\x00\x04\x00\x00\x00\x00")
                evil.frame(http2.SETTINGS, http2.ACK, 0, b"")
            for _ in range(60):
                for evil in connections:
                    stream = evil.open_call(headers)
                    message = http2.grpc_message(request.SerializeToString())
                    evil.send(stream, message, http2.END_STREAM)
                time.sleep(0.02)
            assert victim.serves(50) < SOON
            # Half of 16 messages of 4 MiB, and the 8 calls of one principal.
            assert victim.memory_mib() - before < 32 + 8 * 4 + 150
            # The server hangs up on peers that answer no ping; these do.
            for evil in connections:
                threading.Thread(target=evil.answer_pings, daemon=True).start()
            # What is not taken in time is dropped, and then its caller is served too: the stall
            # timeout, and 12 s for a page at the least rate.
            process.wait_for_log("reason=stalled_client", PATIENCE + 12 + 8)
            with Client(victim.target, token=tokens["evil"], timeout=5) as client:
                end = time.monotonic() + 10
                while True:
                    with contextlib.suppress(errors.ResourceExhausted):
                        assert client.get_namespace("evil").item_count == len(keys)
                        break
                    assert time.monotonic() < end
                    time.sleep(0.1)
        finally:
            for evil in connections:
                evil.socket.close()
        victim.client.close()


def test_silent_and_half_open_handshakes_delay_no_other_call(victim: Victim) -> None:
    silent = [http2.Connection(victim.target, hello=False) for _ in range(300)]
    try:
        for number, evil in enumerate(silent):
            evil.socket.sendall(http2.PREFACE[: number % len(http2.PREFACE)])
        assert victim.serves(50) < SOON
        if TIMES > 1:
            assert all(evil.is_closed(15) for evil in silent), "after the time for a handshake"
    finally:
        for evil in silent:
            evil.socket.close()


@pytest.mark.skipif(TIMES == 1, reason="takes half a minute; EFFEMB_TEST_ATTACK=10")
def test_a_peer_that_answers_no_ping_is_closed(victim: Victim) -> None:
    """The server pings every 20 s and allows 10 s for the answer: the peer may be gone."""
    with http2.Connection(victim.target) as silent:
        # A peer that does not acknowledge SETTINGS is closed by the handshake timeout instead.
        silent.frame(http2.SETTINGS, 1, 0, b"")
        assert not silent.is_closed(15)
        assert silent.is_closed(25)


def test_thousands_of_idle_connections_and_a_limit_to_them(victim: Victim) -> None:
    idle: list[http2.Connection] = []
    try:
        idle.extend(http2.Connection(victim.target) for _ in range(IDLE))
        assert victim.serves(50) < SOON
        files = victim.files()
        assert files >= IDLE * 0.9
        for _ in range(CONNECTIONS - IDLE + 500):
            with contextlib.suppress(OSError):
                idle.append(http2.Connection(victim.target))
        assert victim.files() < CONNECTIONS + 100
    finally:
        for evil in idle:
            evil.socket.close()
    end = time.monotonic() + 20
    while victim.files() > 200:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_vanished_connections_leak_nothing(victim: Victim) -> None:
    before = victim.files()
    for number in range(500 * TIMES):
        evil = http2.Connection(victim.target, hello=number % 2 == 0)
        if number % 4 == 0:
            evil.open_call(http2.call_headers("Match", victim.tokens["evil"]))
        evil.vanish()
    end = time.monotonic() + 10
    while victim.files() > before + 20:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_rapid_resets_are_survived(victim: Victim) -> None:
    """Good calls that gRPC cancels meanwhile are repeated, and none of them fails."""
    headers = http2.call_headers("Match", victim.tokens["evil"])

    def flood() -> None:
        for _ in range(4 * TIMES):
            with http2.Connection(victim.target) as evil, contextlib.suppress(OSError):
                for _ in range(500):
                    evil.reset(evil.open_call(headers))

    flooding = threading.Thread(target=flood)
    flooding.start()
    while flooding.is_alive():
        assert victim.serves(5) < SOON
    flooding.join()
    assert victim.serves(50) < SOON


def test_floods_of_settings_and_pings_are_survived(victim: Victim) -> None:
    with http2.Connection(victim.target) as evil, contextlib.suppress(OSError):
        for _ in range(5000 * TIMES):
            evil.frame(http2.PING, 0, 0, bytes(8))
            evil.frame(http2.SETTINGS, 0, 0, b"")
    assert victim.serves(50) < SOON


NAMES = [
    "../../../../tmp/effemb-owned",
    "/etc/passwd",
    "..",
    ".",
    "a/../b",
    "a\\..\\b",
    "%2e%2e%2f",
    "evil\x00",
    "evil\n2026-01-01T00:00:00.000Z INFO all is well",
    "evil\x1b[2J",
    "evil'; DROP TABLE namespaces; --",
    "evil\u202e",
    "ev\u0131l",
    "e" * 10_000,
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_names_cannot_become_paths_or_log_lines(victim: Victim, name: str) -> None:
    data = victim.process.data
    outside = set(data.parent.iterdir())
    inside = {path.name for path in data.iterdir()}
    with Client(victim.target, token=victim.tokens["evil"]) as client:
        for call in (
            lambda: client.create_namespace(name, 2),
            lambda: client.create_namespace(f"evil{name}", 2),
            lambda: client.get_namespace(name),
            lambda: client.delete_namespace(name, force=True),
            lambda: client.match(name, [1, 1]),
            lambda: list(client.list_namespaces(prefix=name)),
            lambda: client.put_categories("evil-names", [CategoryUpdate(name)]),
            lambda: client.assign("evil-names", name, name, [1, 1], actor=name, reason=name),
        ):
            with contextlib.suppress(errors.EffectiveEmbeddingsError):
                call()
    assert {path.name for path in data.iterdir()} == inside
    assert set(data.parent.iterdir()) == outside
    for line in victim.process.log().splitlines():
        assert re.match(r"\d{4}-|[EWI]\d{4} ", line), line
        assert "\x1b" not in line
    assert "Z INFO all is well" not in [line[24:] for line in victim.process.log().splitlines()]


def test_method_names_cannot_forge_log_lines(victim: Victim) -> None:
    with http2.Connection(victim.target) as evil:
        for path in ("Match\r\nINFO owned", "\x1b[31mowned", "../../Match", "Match" * 3000):
            with contextlib.suppress(OSError):
                evil.open_call(http2.call_headers(path), http2.END_HEADERS | http2.END_STREAM)
    victim.serves()
    assert "owned" not in victim.process.log()
