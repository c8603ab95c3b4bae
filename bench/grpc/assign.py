"""Unary Assign over gRPC next to an echo server; the cost of the sync is shown separately."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from bench.harness.fixtures import assign_request, fill, folder, in_memory_folder
from bench.harness.interleave import ratios
from bench.harness.load import Send, closed_loop, sender
from bench.harness.measurement import Bound, Figure, Outcome
from bench.harness.processes import echo, service
from bench.harness.vectors import unit_vectors
from effective_embeddings import Client

__all__ = ["run"]

_CATEGORIES, _DIMENSION = 100, 1024
_ECHO, _MEMORY, _DISK = "echo", "Assign without sync", "Assign on disk"


class _Requests:
    """Requests for new items, over the categories in turn."""

    def __init__(self) -> None:
        self._vectors = unit_vectors(256, _DIMENSION, seed=21)
        self._made = 0

    def __call__(self, _number: int) -> bytes:
        self._made += 1
        vector = self._vectors[self._made % len(self._vectors)]
        return assign_request(
            "bench", {f"item-{self._made}": vector}, f"c{self._made % _CATEGORIES}"
        )


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Compare at 1 and 16 outstanding calls, in turn."""
    outcome = Outcome()
    rounds, seconds = (15, 1.0) if full else (7, 0.6)
    requests = _Requests()
    with ExitStack() as stack:
        sends: dict[str, Send] = {}
        memory = stack.enter_context(in_memory_folder())
        if memory is None:
            outcome.notes.append("No /dev/shm here, so nothing without a sync.")
        else:
            sends[_MEMORY] = _serve(stack, memory)
        sends[_DISK] = _serve(stack, stack.enter_context(folder()))
        reply = sends[_DISK](requests(0))
        empty = stack.enter_context(echo(len(reply)))
        channel, sends[_ECHO] = sender(empty.target, "Assign")
        stack.callback(channel.close)
        for outstanding in (1, 16):
            rates: dict[str, list[float]] = {name: [] for name in sends}
            medians: dict[str, list[float]] = {name: [] for name in sends}
            for number in range(rounds + 1):
                for name in sorted(sends, reverse=bool(number % 2)):
                    load = closed_loop(sends[name], requests, outstanding, seconds)
                    if number:
                        rates[name].append(load.rate)
                        medians[name].append(load.at(0.5))
            for name in (_MEMORY, _DISK):
                if name in sends:
                    outcome.figures.append(_figure(name, outstanding, rates, medians))
    outcome.notes.append(
        "Without sync: the data directory is in memory (/dev/shm), where a sync costs nothing. "
        "Everything else is done: checks, SQLite's pages, the log, the watermark."
    )
    return outcome


def _serve(stack: ExitStack, data: Path) -> Send:
    hosted = stack.enter_context(service(data))
    with Client(hosted.target) as client:
        fill(client, "bench", _CATEGORIES, _DIMENSION)
    channel, send = sender(hosted.target, "Assign")
    stack.callback(channel.close)
    return send


def _figure(
    name: str, outstanding: int, rates: dict[str, list[float]], medians: dict[str, list[float]]
) -> Figure:
    parts: dict[str, float | str] = {}
    for each in (_ECHO, name):
        parts[f"{each} calls/s"] = sorted(rates[each])[len(rates[each]) // 2]
        parts[f"{each} p50 µs"] = sorted(medians[each])[len(medians[each]) // 2] * 1e6
    alone = outstanding == 1
    if alone:
        ratio, spread = ratios(medians[name], medians[_ECHO])
    else:
        ratio, spread = ratios(rates[name], rates[_ECHO])
    target = (1.15 if alone else 0.85) if name == _MEMORY else None
    return Figure(
        what=f"{name}, {outstanding} outstanding: {'p50' if alone else 'calls/s'} over echo's",
        value=ratio,
        target=target,
        bound=Bound.AT_MOST if alone else Bound.AT_LEAST,
        spread=spread,
        parts=parts,
    )
