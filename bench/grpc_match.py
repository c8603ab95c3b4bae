"""Unary Match over gRPC next to an empty server on the same stack with the same payloads."""

from __future__ import annotations

from bench.figures import Bound, Figure, Outcome
from bench.load import closed_loop, open_loop, sender
from bench.processes import echo, service
from bench.rounds import ratios
from bench.vectors import unit_vectors
from bench.world import check_match, fill, folder, match_request
from effective_embeddings import Client

__all__ = ["run"]

_CATEGORIES, _DIMENSION = 100, 1024


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Compare at 1 and 16 outstanding calls, in turn; then at fixed rates."""
    outcome = Outcome()
    queries = unit_vectors(64, _DIMENSION, seed=20)
    requests = [match_request("bench", query[None]) for query in queries]
    rounds, seconds = (25, 1.0) if full else (9, 0.6)
    with folder() as data, service(data) as ours:
        with Client(ours.target) as client:
            bases = fill(client, "bench", _CATEGORIES, _DIMENSION)
        channel, match = sender(ours.target, "Match")
        for index in range(len(queries)):
            check_match(match(requests[index]), bases, queries[index : index + 1])
        with echo(len(match(requests[0]))) as empty:
            other, reply = sender(empty.target, "Match")
            servers = {"echo": (empty, reply), "Match": (ours, match)}

            def request(number: int) -> bytes:
                return requests[number % len(requests)]

            for outstanding in (1, 16):
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
                outcome.figures.append(_figure(outstanding, rates, medians, cpu, calls))
            for rate in (200, 1000):
                parts: dict[str, float | str] = {}
                for name, (_, send) in servers.items():
                    load = open_loop(send, request, rate, 4.0 if full else 2.0)
                    for share in (0.5, 0.99):
                        parts[f"{name} p{share * 100:.0f} µs"] = load.at(share) * 1e6
                outcome.figures.append(
                    Figure(
                        what=f"open loop, {rate} calls/s: p50 over echo's",
                        value=float(parts["Match p50 µs"]) / float(parts["echo p50 µs"]),
                        parts=parts,
                    )
                )
            other.close()
        channel.close()
    return outcome


def _figure(
    outstanding: int,
    rates: dict[str, list[float]],
    medians: dict[str, list[float]],
    cpu: dict[str, float],
    calls: dict[str, int],
) -> Figure:
    parts: dict[str, float | str] = {}
    for name in rates:
        parts[f"{name} calls/s"] = sorted(rates[name])[len(rates[name]) // 2]
        parts[f"{name} p50 µs"] = sorted(medians[name])[len(medians[name]) // 2] * 1e6
        parts[f"{name} server CPU µs a call"] = cpu[name] / calls[name] * 1e6
    if outstanding == 1:
        ratio, spread = ratios(medians["Match"], medians["echo"])
        what, target, bound = "1 outstanding: p50 over echo's", 1.15, Bound.AT_MOST
    else:
        ratio, spread = ratios(rates["Match"], rates["echo"])
        what, target, bound = (
            f"{outstanding} outstanding: calls/s over echo's",
            0.85,
            Bound.AT_LEAST,
        )
    return Figure(what=what, value=ratio, target=target, bound=bound, spread=spread, parts=parts)
