"""A good client's Match, and the server's memory and descriptors, before, during and after attacks.

The attacks come from a process of their own with a token of their own; the good client is the
native load generator with one outstanding call. ``tests/security/test_hostile_clients.py`` has the
bounds.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.harness.fixtures import fill, folder, match_request
from bench.harness.measurement import Figure, Outcome, Table
from bench.harness.native_load import Measured, grpc
from bench.harness.processes import Hosted, service
from bench.harness.vectors import unit_vectors
from effective_embeddings import Client
from effective_embeddings.server import new_token, token_line
from effective_embeddings.v1 import service_pb2
from tests.support import http2

__all__ = ["run"]

_CONNECTIONS = 10_000
_SNAPSHOT = "evil"
_FILES = 25_000


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Measure the good client around each attack."""
    _raise_files()
    seconds = 5.0 if full else 2.0
    outcome = Outcome()
    rows = []
    with ExitStack() as stack:
        home = stack.enter_context(folder())
        tokens = {"good": new_token(), "evil": new_token()}
        lines = [token_line(name, token, ["admin:*"]) for name, token in tokens.items()]
        (home / "tokens").write_text("\n".join(lines))
        options = ("--tokens", str(home / "tokens"), "--max-connections", str(_CONNECTIONS + 2000))
        hosted = stack.enter_context(service(home / "data", *options))
        with Client(hosted.target, token=tokens["good"]) as client:
            fill(client, "bench", 100, 1024)
            client.create_namespace(_SNAPSHOT, dimension=512)
            keys = [f"{number}" for number in range(2000)]
            client.put_items(_SNAPSHOT, keys, unit_vectors(len(keys), 512, seed=60))
        request = match_request("bench", unit_vectors(1, 1024, seed=61))

        def good() -> Measured:
            return grpc(hosted.target, "Match", request, 1, seconds, token=tokens["good"])

        good()
        for name, (title, _) in _ATTACKS.items():
            before = (good(), hosted.rss(), _files(hosted))
            with _attack(name, hosted.target, tokens["evil"]):
                during = (good(), hosted.rss(), _files(hosted))
            _settle(hosted, before[2])
            after = (good(), hosted.rss(), _files(hosted))
            stages = (before, during, after)
            rows.append(
                (
                    title,
                    *(f"{each.p50_us:.0f} / {each.p99_us:.0f}" for each, _, _ in stages),
                    " → ".join(f"{rss / 2**20:.0f}" for _, rss, _ in stages),
                    " → ".join(str(files) for _, _, files in stages),
                )
            )
            outcome.figures.append(
                Figure(
                    what=f"{title}: the good client's p99 during over before",
                    value=during[0].p99_us / before[0].p99_us,
                )
            )
    columns = ("attack", "before: p50 / p99 µs", "during", "after", "memory MiB", "descriptors")
    outcome.tables.append(Table("A good client's Match beside attacks", columns, rows))
    outcome.notes.append("Memory and descriptors: before → during → after.")
    return outcome


def _files(hosted: Hosted) -> int:
    return len(list(Path(f"/proc/{hosted.process.pid}/fd").iterdir()))


def _settle(hosted: Hosted, files: int) -> None:
    """Wait until the server has closed the connections of an attack."""
    end = time.monotonic() + 30
    while _files(hosted) > files + 5 and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(0.5)


@contextmanager
def _attack(name: str, target: str, token: str) -> Iterator[None]:
    command = [sys.executable, "-m", "bench.grpc.hostile", name, target, token]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - our own command
    try:
        if process.stdout is None or not process.stdout.readline():
            message = f"the attack {name!r} did not begin"
            raise RuntimeError(message)
        yield
        if process.poll() is not None:
            message = f"the attack {name!r} ended with {process.returncode}"
            raise RuntimeError(message)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _raise_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _begun() -> None:
    print("begun", flush=True)


def _hold() -> None:
    _begun()
    while True:
        time.sleep(1)


def _idle(target: str, _token: str) -> None:
    _kept = [http2.Connection(target) for _ in range(_CONNECTIONS)]
    _hold()


def _silent(target: str, _token: str) -> None:
    """Half of the connections send nothing, the others a part of HTTP/2's preface."""
    silent = [http2.Connection(target, hello=False) for _ in range(_CONNECTIONS)]
    for number, connection in enumerate(silent):
        connection.socket.sendall(http2.PREFACE[: (number % 2) * 10])
    _hold()


def _half_open(target: str, token: str) -> None:
    """Calls whose requests never come to their end."""
    connections = [http2.Connection(target) for _ in range(200)]
    for connection in connections:
        for _ in range(10):
            stream = connection.open_call(http2.call_headers("Match", token))
            connection.send(stream, http2.grpc_message(b"\x0a", claimed=1000))
    _hold()


def _snapshots(target: str, token: str) -> None:
    """Snapshots of which nothing is read."""
    request = service_pb2.SnapshotRequest(namespace=_SNAPSHOT).SerializeToString()
    connections = [http2.Connection(target) for _ in range(20)]
    for connection in connections:
        for _ in range(10):
            stream = connection.open_call(http2.call_headers("Snapshot", token))
            connection.send(stream, http2.grpc_message(request), http2.END_STREAM)
    _hold()


def _resets(target: str, token: str) -> None:
    headers = http2.call_headers("Match", token)
    _begun()
    while True:
        with http2.Connection(target) as evil, contextlib.suppress(OSError):
            for _ in range(500):
                evil.reset(evil.open_call(headers))


def _pings(target: str, _token: str) -> None:
    _begun()
    while True:
        with http2.Connection(target) as evil, contextlib.suppress(OSError):
            while True:
                evil.frame(http2.PING, 0, 0, bytes(8))
                evil.frame(http2.SETTINGS, 0, 0, b"")


_ATTACKS: dict[str, tuple[str, Callable[[str, str], None]]] = {
    "idle": (f"{_CONNECTIONS:,} idle connections", _idle),
    "silent": (f"{_CONNECTIONS:,} connections without a preface", _silent),
    "half_open": ("2,000 calls whose requests never end", _half_open),
    "snapshots": ("200 Snapshots that nobody reads", _snapshots),
    "resets": ("calls that are reset at once", _resets),
    "pings": ("a flood of PING and SETTINGS", _pings),
}


def main() -> None:
    """Attack until killed; print a line once the attack has begun."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("attack", choices=_ATTACKS)
    parser.add_argument("target")
    parser.add_argument("token")
    args = parser.parse_args()
    _raise_files()
    _ATTACKS[args.attack][1](args.target, args.token)


if __name__ == "__main__":
    main()
