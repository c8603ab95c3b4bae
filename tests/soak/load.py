"""The load: sessions begin at a fixed rate, independent of earlier ones."""

from __future__ import annotations

import itertools
import random
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from effective_embeddings import Client
from tests.soak import hostile_client, namespace_calls, reads, writes
from tests.soak.clock import Latencies, Timer
from tests.soak.indeterminate import UncertainWrites
from tests.soak.session import Session
from tests.soak.tenants import Tenant
from tests.support.raw import RemoteRaw

__all__ = ["CALLERS", "REFERENCE", "Load"]

#: A call that uses neither engine nor disk: it shows the load of the machine.
REFERENCE = "health"

# Per thousand sessions.
_MIX: dict[Callable[[Session], None], int] = {
    reads.match_vector: 200,
    reads.match_item: 60,
    reads.match_batch: 40,
    reads.get_category: 60,
    reads.get_item: 60,
    reads.get_namespace: 30,
    reads.list_items: 40,
    reads.inbox: 30,
    reads.list_categories: 30,
    writes.assign_or_delete: 150,
    writes.assign_batch: 20,
    writes.correct: 60,
    writes.take_out: 40,
    writes.change_item: 20,
    writes.change_category: 10,
    writes.reanchor: 5,
    writes.assign_again: 15,
    hostile_client.cancel_a_write: 20,
    hostile_client.run_out_of_time: 20,
    hostile_client.settle: 50,
    hostile_client.leave_a_snapshot: 4,
    hostile_client.cut_a_restore: 4,
    namespace_calls.snapshot: 12,
    namespace_calls.snapshot_and_restore: 6,
    namespace_calls.come_and_go: 10,
    namespace_calls.verify: 4,
}
#: The most concurrent sessions; one that is due beyond that begins late and is timed as late.
CALLERS = 16
_SECONDS_TO_END = 120.0


class Load:
    """Sessions to the tenants of a server.

    Attributes:
        latencies: Of all calls.
        uncertain: What was not answered and is not settled yet.
        failures: What went wrong, in words.
        sessions: Sessions that have ended, by their kind.
    """

    def __init__(self, target: str, tenants: list[Tenant], folder: Path, rate: float) -> None:
        self._target, self._tenants, self._folder, self._rate = target, tenants, folder, rate
        self.latencies = Latencies()
        self.uncertain = UncertainWrites()
        self.failures: list[str] = []
        self.sessions = dict.fromkeys((kind.__name__ for kind in _MIX), 0)
        self._lock = threading.Lock()

    def run(self, seconds: float) -> None:
        """Session for so long, then settle what is uncertain."""
        kinds, shares = zip(*_MIX.items(), strict=True)
        rng = random.Random("soak")
        self.latencies.begin = begin = time.monotonic()
        with (
            Client(self._target) as client,
            grpc.insecure_channel(self._target) as channel,
            ThreadPoolExecutor(CALLERS, thread_name_prefix="soak") as pool,
        ):
            raw, look = RemoteRaw(channel), health_pb2_grpc.HealthStub(channel)
            for number in itertools.count():
                due = begin + number / self._rate
                if due > begin + seconds or self.failures:
                    break
                time.sleep(max(0.0, due - time.monotonic()))
                kind = rng.choices(kinds, shares)[0]
                session = Session(
                    number=number,
                    client=client,
                    raw=raw,
                    tenant=rng.choice(self._tenants),
                    rng=random.Random(number),
                    timed=Timer(self.latencies, due),
                    uncertain=self.uncertain,
                    folder=self._folder,
                )
                pool.submit(self._visit, kind, session)
                if number % 20 == 0:
                    pool.submit(self._ask_health, look, due)
            pool.shutdown()
            while not self.failures and (write := self.uncertain.take(wait=True)):
                self.uncertain.settle(write, client, repeat=rng.random() < 0.5)

    def _visit(self, kind: Callable[[Session], None], session: Session) -> None:
        try:
            kind(session)
        except Exception:  # noqa: BLE001 - told at the end, with all others
            with self._lock:
                self.failures.append(f"{kind.__name__}: {traceback.format_exc()}")
            return
        with self._lock:
            self.sessions[kind.__name__] += 1

    def _ask_health(self, stub: Any, due: float) -> None:
        with Timer(self.latencies, due)(REFERENCE):
            stub.Check(health_pb2.HealthCheckRequest(), timeout=_SECONDS_TO_END)
