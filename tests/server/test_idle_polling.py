"""Threads of connections poll between calls that come quickly, and use no CPU otherwise."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.server import ServerHandle, Settings

_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE_SECONDS = 20.0


@pytest.mark.parametrize("idle_poll_us", [0, 10_000])
def test_polls_between_calls_and_not_without_calls(tmp_path: Path, idle_poll_us: int) -> None:
    polls = idle_poll_us > 0 and len(os.sched_getaffinity(0)) > 1
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", idle_poll_us=idle_poll_us)
    with ServerHandle(settings) as server, Client(server.target) as client:
        client.create_namespace("alice", dimension=2)
        client.put_categories("alice", [CategoryUpdate("a", base=[1, 0])])
        # Other programs on this machine suspend the polling, for a second each time.
        end = time.monotonic() + _PATIENCE_SECONDS
        share = _share_of_a_core(lambda: _call_at_intervals(client))
        while polls and share < 0.3 and time.monotonic() < end:
            share = _share_of_a_core(lambda: _call_at_intervals(client))
        assert (share > 0.3) == polls
        assert _share_of_a_core(lambda: time.sleep(1)) < 0.1


def _call_at_intervals(client: Client) -> None:
    query = np.array([1, 0], dtype=np.float32)
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        client.match("alice", query)
        time.sleep(0.003)


def _share_of_a_core(body: Callable[[], None]) -> float:
    """CPU seconds of the threads of connections for each second of the body."""
    cpu, begin = _cpu_seconds(), time.monotonic()
    body()
    return (_cpu_seconds() - cpu) / (time.monotonic() - begin)


def _cpu_seconds() -> float:
    ticks = 0
    for thread in Path("/proc/self/task").iterdir():
        stat = (thread / "stat").read_text("ascii")
        name, _, rest = stat.partition("(")[2].rpartition(")")
        if name.startswith("effemb-io"):
            fields = rest.split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS
