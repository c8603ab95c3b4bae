"""A soak from beginning to end."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import urlopen

import numpy as np

from bench.harness.measurement import Bound, Figure
from effective_embeddings import Client
from tests.soak.check import check_all, check_reopened
from tests.soak.clock import Timed
from tests.soak.load import Load
from tests.soak.samples import Sampler
from tests.soak.tenants import Tenant
from tests.soak.verdict import Seen, judge
from tests.support.process import ServerProcess

__all__ = ["Plan", "Result", "run"]


@dataclass(frozen=True, slots=True)
class Plan:
    """The parameters of a soak.

    Attributes:
        seconds: The duration of the load.
        rate: Sessions per second.
        tenants: Number of permanent namespaces.
        items: Items per namespace.
        categories: Categories per namespace.
        dimension: Components of their vectors.
        memory_budget: Bytes for loaded namespaces: fewer than all of them take.
        intervals: Number of parts into which the latencies are divided.
    """

    seconds: float
    rate: float = 40.0
    tenants: int = 16
    items: int = 240
    categories: int = 24
    dimension: int = 64
    memory_budget: int = 400_000
    intervals: int = 60


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome: figures, and the measurements behind them."""

    figures: list[Figure]
    notes: list[str]
    measured: dict[str, Any]

    @property
    def ok(self) -> bool:
        """Whether all bounds hold."""
        return all(figure.met is not False for figure in self.figures)


def run(plan: Plan) -> Result:
    """Start a server, load it, sample it, check its state and judge the samples.

    Raises:
        AssertionError: An answer or the final state is wrong.
    """
    with _server(plan) as (process, folder):
        tenants = [
            Tenant(number, dimension=plan.dimension, categories=plan.categories, items=plan.items)
            for number in range(plan.tenants)
        ]
        with Client(process.target) as client:
            for tenant in tenants:
                tenant.create(client, random.Random(tenant.name))
        load = Load(process.target, tenants, folder, plan.rate)
        sampler = Sampler(process.process.pid, process.data, folder / "data.log", plan.seconds)
        with sampler:
            load.run(plan.seconds)
        counted = _counters(process.told["metrics"])
        assert not load.failures, "\n".join(load.failures)
        with Client(process.target) as client:
            digests = check_all(client, tenants)
        assert process.terminate() == 0
        check_reopened(process.data, digests)
    seen = Seen(plan.seconds, sampler.samples, sampler.tables, load.latencies.calls)
    writes = sum(len(tenant.journal) for tenant in tenants)
    figures = [
        Figure(
            what="acknowledged writes found exactly once, after the run and after a restart",
            value=writes,
            unit=f"of {writes}",
            target=writes,
            bound=Bound.AT_LEAST,
        ),
        _least("namespaces loaded again", counted["effemb_namespaces_loads_total"]),
        _least("namespaces evicted from memory", counted["effemb_namespaces_evictions_total"]),
        *judge(seen),
    ]
    uncertain = load.uncertain
    measured = sampler.to_json() | {
        "sessions": load.sessions,
        "intervals": list(_intervals(seen.calls, plan)),
        "uncertain": {
            "sent again": uncertain.repeated,
            "found done": uncertain.done,
            "found not done": uncertain.not_done,
        },
    }
    return Result(figures, _notes(plan, load), measured)


def _least(what: str, value: float) -> Figure:
    return Figure(what=what, value=value, unit="", target=1, bound=Bound.AT_LEAST)


def _notes(plan: Plan, load: Load) -> list[str]:
    uncertain = load.uncertain
    pace = (
        f"{plan.seconds / 60:g} minutes, {plan.rate:g} sessions a second, begun on time whether or"
        f" not earlier ones had ended: {sum(load.sessions.values()):,} sessions,"
        f" {len(load.latencies.calls):,} timed calls."
    )
    namespaces = (
        f"{plan.tenants} namespaces of {plan.categories} categories and {plan.items} items that"
        f" come and go, {plan.dimension} components, a memory budget of {plan.memory_budget:,}"
        " bytes; further namespaces are created, restored and deleted."
    )
    total = uncertain.repeated + uncertain.done + uncertain.not_done
    outcomes = (
        f"{total} writes were cancelled or timed out: {uncertain.repeated} were repeated and"
        f" applied once, {uncertain.done} had been applied, {uncertain.not_done} had not."
    )
    thirds = "The first tenth is warm-up; the thirds are from 10 to 40 % and from 70 % on."
    return [pace, namespaces, outcomes, thirds]


@contextmanager
def _server(plan: Plan) -> Iterator[tuple[ServerProcess, Path]]:
    with TemporaryDirectory(prefix="effemb-soak-") as folder:
        options = ["--memory-budget", str(plan.memory_budget), "--metrics-listen", "127.0.0.1:0"]
        with ServerProcess(Path(folder) / "data", *options) as process:
            yield process, Path(folder)


def _counters(target: str) -> dict[str, float]:
    """The counters of the server, as Prometheus gets them."""
    with urlopen(f"http://{target}/metrics", timeout=10) as reply:
        lines = reply.read().decode().splitlines()
    plain = (line.split() for line in lines if line and line[0] != "#" and "{" not in line)
    return {name: float(value) for name, value in plain}


def _intervals(calls: Sequence[Timed], plan: Plan) -> Iterator[dict[str, Any]]:
    """Latencies of each kind in each part of the time."""
    width = plan.seconds / plan.intervals
    parts: dict[tuple[int, str], list[float]] = {}
    for call in calls:
        number = min(int(call.end / width), plan.intervals - 1)
        parts.setdefault((number, call.kind), []).append(call.took * 1000)
    for (number, kind), took in sorted(parts.items()):
        p50, p95, p99 = np.quantile(took, [0.5, 0.95, 0.99])
        yield {
            "from": number * width,
            "kind": kind,
            "calls": len(took),
            "p50_ms": float(p50),
            "p95_ms": float(p95),
            "p99_ms": float(p99),
        }
