"""Threads of connections poll between calls that come quickly, and use no CPU otherwise."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.server import ServerHandle, Settings
from effective_embeddings.v1 import service_pb2

_MATCH = "/effective_embeddings.v1.EffectiveEmbeddingsService/Match"
_TICKS = os.sysconf("SC_CLK_TCK")
#: How often to look again while other programs use the machine, which suspends the polling.
_LOOKS = 20
#: CPU seconds a second of the threads of connections.
_POLLING, _IDLE = 0.3, 0.1
#: A program that has the core of a polling thread for so many seconds suspends its polling.
_LONG_YIELD = 0.0005


@pytest.mark.parametrize("idle_poll_us", [0, 10_000])
def test_polls_between_calls_and_not_without_calls(tmp_path: Path, idle_poll_us: int) -> None:
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", idle_poll_us=idle_poll_us)
    with (
        ServerHandle(settings) as server,
        Client(server.target) as client,
        grpc.insecure_channel(server.target) as channel,
    ):
        client.create_namespace("alice", dimension=2)
        client.put_categories("alice", [CategoryUpdate("a", base=[1, 0])])
        # Client.match takes the core of a polling thread for long enough to suspend the polling.
        match: Any = channel.unary_unary(_MATCH)
        looks = [_cpu_during(lambda: _call_at_intervals(match))]
        if idle_poll_us and len(os.sched_getaffinity(0)) > 1:
            while looks[-1] < _POLLING and len(looks) < _LOOKS:
                looks.append(_cpu_during(lambda: _call_at_intervals(match)))
            assert looks[-1] > _POLLING or _others_want_a_core()
        else:
            assert looks[0] < _POLLING
        assert _cpu_during(lambda: time.sleep(1)) < _IDLE


def _call_at_intervals(match: Any) -> None:
    request = service_pb2.MatchRequest(namespace="alice")
    request.queries.add().embedding.data = np.array([1, 0], dtype=np.float32).tobytes()
    message = request.SerializeToString()
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        match(message)
        time.sleep(0.003)


def _cpu_during(body: Callable[[], None]) -> float:
    """CPU seconds a second of the threads of connections."""
    begin, before = time.monotonic(), _cpu_seconds()
    body()
    return (_cpu_seconds() - before) / (time.monotonic() - begin)


def _cpu_seconds() -> float:
    """CPU seconds of the threads of connections so far."""
    ticks = 0
    for thread in Path("/proc/self/task").iterdir():
        name, _, rest = (thread / "stat").read_text("ascii").partition("(")[2].rpartition(")")
        fields = rest.split()
        if name.startswith("effemb-io"):
            ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def _others_want_a_core() -> bool:
    """Whether another program, or the machine's host, has a core for long in a second of its."""
    cores = os.sched_getaffinity(0)
    try:
        return any(_longest_yield(core, 1) > _LONG_YIELD for core in cores)
    finally:
        os.sched_setaffinity(0, cores)


def _longest_yield(core: int, seconds: float) -> float:
    """The seconds of the longest time without the core, of a thread that yields it at once."""
    os.sched_setaffinity(0, {core})
    longest, now = 0.0, time.monotonic()
    end = now + seconds
    while now < end:
        os.sched_yield()
        before, now = now, time.monotonic()
        longest = max(longest, now - before)
    return longest
