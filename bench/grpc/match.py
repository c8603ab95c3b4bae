"""Unary Match next to an echo server on the gRPC library for Python, with the same payloads."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from statistics import median

from bench.harness.fixtures import check_match, fill, folder, match_request
from bench.harness.interleave import ratios
from bench.harness.load import Send, closed_loop, open_loop, sender
from bench.harness.measurement import Bound, Figure, Outcome
from bench.harness.processes import Hosted, echo, service
from bench.harness.vectors import unit_vectors
from effective_embeddings import Client

__all__ = ["run"]

_CATEGORIES, _DIMENSION = 100, 1024
_ECHO = "echo"


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Compare at 1 and 16 outstanding calls, in turn; then at fixed rates."""
    outcome = Outcome()
    queries = unit_vectors(64, _DIMENSION, seed=20)
    requests = [match_request("bench", query[None]) for query in queries]

    def request(number: int) -> bytes:
        return requests[number % len(requests)]

    with ExitStack() as stack:
        ours = stack.enter_context(service(stack.enter_context(folder())))
        with Client(ours.target) as client:
            bases = fill(client, "bench", _CATEGORIES, _DIMENSION)
        match = _sender(stack, ours)
        for index in range(len(queries)):
            check_match(match(requests[index]), bases, queries[index : index + 1])
        size = len(match(requests[0]))
        hosted = stack.enter_context(echo(size))
        servers = {"Match": (ours, match), _ECHO: (hosted, _sender(stack, hosted))}
        for outstanding in (1, 16):
            outcome.figures += _closed(servers, request, outstanding, full=full)
        for rate in (200, 1000):
            outcome.figures.append(_open(servers, request, rate, 4.0 if full else 2.0))
    return outcome


def _sender(stack: ExitStack, hosted: Hosted) -> Send:
    channel, send = sender(hosted.target, "Match")
    stack.callback(channel.close)
    return send


def _closed(
    servers: dict[str, tuple[Hosted, Send]],
    request: Callable[[int], bytes],
    outstanding: int,
    *,
    full: bool,
) -> list[Figure]:
    rounds, seconds = (25, 1.0) if full else (9, 0.6)
    rates: dict[str, list[float]] = {name: [] for name in servers}
    medians: dict[str, list[float]] = {name: [] for name in servers}
    cpu = dict.fromkeys(servers, 0.0)
    calls = dict.fromkeys(servers, 0)
    for number in range(rounds + 1):
        for name in sorted(servers, reverse=bool(number % 2)):
            hosted, send = servers[name]
            before = hosted.cpu_seconds()
            load = closed_loop(send, request, outstanding, seconds)
            if number:
                rates[name].append(load.rate)
                medians[name].append(load.at(0.5))
                cpu[name] += hosted.cpu_seconds() - before
                calls[name] += len(load.latencies)
    parts: dict[str, float | str] = {}
    for name, seen in rates.items():
        parts[f"{name} calls/s"] = median(seen)
        parts[f"{name} p50 µs"] = median(medians[name]) * 1e6
        parts[f"{name} server CPU µs a call"] = cpu[name] / calls[name] * 1e6
    if outstanding == 1:
        return [_over(medians, _ECHO, "1 outstanding: p50", (1.15, Bound.AT_MOST), parts)]
    what = f"{outstanding} outstanding: calls/s"
    return [_over(rates, _ECHO, what, (0.85, Bound.AT_LEAST), parts)]


def _over(
    measured: dict[str, list[float]],
    other: str,
    what: str,
    goal: tuple[float, Bound],
    parts: dict[str, float | str],
) -> Figure:
    ratio, spread = ratios(measured["Match"], measured[other])
    target, bound = goal
    return Figure(
        what=f"{what} over that of an {other}",
        value=ratio,
        target=target,
        bound=bound,
        spread=spread,
        parts=parts,
    )


def _open(
    servers: dict[str, tuple[Hosted, Send]],
    request: Callable[[int], bytes],
    rate: int,
    seconds: float,
) -> Figure:
    parts: dict[str, float | str] = {}
    for name, (_, send) in servers.items():
        load = open_loop(send, request, rate, seconds)
        for share in (0.5, 0.99):
            parts[f"{name} p{share * 100:.0f} µs"] = load.at(share) * 1e6
    return Figure(
        what=f"open loop, {rate} calls/s: p50 over that of an {_ECHO}",
        value=float(parts["Match p50 µs"]) / float(parts[f"{_ECHO} p50 µs"]),
        parts=parts,
    )
