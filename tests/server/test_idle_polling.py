"""Threads of connections poll between calls that come quickly, and use no CPU otherwise."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

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
_POLLING, _BUSY = 0.3, 0.1


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
        looks = [_Look.during(lambda: _call_at_intervals(match))]
        if idle_poll_us and len(os.sched_getaffinity(0)) > 1:
            while looks[-1].polling < _POLLING and len(looks) < _LOOKS:
                looks.append(_Look.during(lambda: _call_at_intervals(match)))
            # The first looks may fall into the second after another program has run.
            undisturbed = [look.others < _BUSY for look in looks[-4:]]
            assert looks[-1].polling > _POLLING or not all(undisturbed)
        else:
            assert looks[0].polling < _POLLING
        assert _Look.during(lambda: time.sleep(1)).polling < _BUSY


def _call_at_intervals(match: Any) -> None:
    request = service_pb2.MatchRequest(namespace="alice")
    request.queries.add().embedding.data = np.array([1, 0], dtype=np.float32).tobytes()
    message = request.SerializeToString()
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        match(message)
        time.sleep(0.003)


@dataclass(frozen=True, slots=True)
class _Look:
    """CPU seconds a second: of the threads of connections, and of other programs."""

    polling: float
    others: float

    @classmethod
    def during(cls, body: Callable[[], None]) -> Self:
        begin, (polling, others) = time.monotonic(), _cpu_seconds()
        body()
        seconds, (now_polling, now_others) = time.monotonic() - begin, _cpu_seconds()
        return cls((now_polling - polling) / seconds, (now_others - others) / seconds)


def _cpu_seconds() -> tuple[float, float]:
    """CPU seconds so far: of the threads of connections, and of other programs."""
    fields = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()
    everything = sum(int(fields[at]) for at in (1, 2, 3, 6, 7))
    stat = Path("/proc/self/stat").read_text("ascii")
    polling = 0
    for thread in Path("/proc/self/task").iterdir():
        name, ticks = _ticks((thread / "stat").read_text("ascii"))
        polling += ticks if name.startswith("effemb-io") else 0
    return polling / _TICKS, (everything - _ticks(stat)[1]) / _TICKS


def _ticks(stat: str) -> tuple[str, int]:
    """The name of a thread or process, and its clock ticks on a CPU."""
    name, _, rest = stat.partition("(")[2].rpartition(")")
    fields = rest.split()
    return name, int(fields[11]) + int(fields[12])
