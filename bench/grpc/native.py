"""The native listener under native load, next to an empty echo and to an earlier server.

The echo is on the HTTP/2 library of the listener. Every contender gets the same requests from
the same generator, in turn. ``--against COMMIT`` of ``python -m bench --only grpc_native`` adds
the server of a commit, built from the repository.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from bench.harness.builds import earlier, go_client
from bench.harness.fixtures import assign_request, check_match, fill, folder, match_request
from bench.harness.interleave import quantile, ratios
from bench.harness.load import closed_loop, sender
from bench.harness.measurement import Bound, Figure, Outcome
from bench.harness.native_load import NUMBER, Measured, background, grpc
from bench.harness.processes import Hosted, native_echo, service
from bench.harness.vectors import Matrix, unit_vectors
from effective_embeddings import Client

__all__ = ["AGAINST", "run"]

#: The commit of an earlier server, and no other element; empty: none.
AGAINST: list[str] = []

_OURS, _ECHO, _EARLIER = "ours", "echo", "earlier"
_WRITERS = 4
#: Unary calls outstanding in the rounds.
_OUTSTANDING = (1, 16, 64)


@dataclass(frozen=True, slots=True)
class _Shape:
    """Categories, and their dimension."""

    categories: int
    dimension: int

    @property
    def namespace(self) -> str:
        return f"bench-{self.categories}x{self.dimension}"


_SMALL, _LARGE = _Shape(100, 1024), _Shape(1000, 384)

#: Measures one round of so many seconds.
_Round = Callable[[float], Measured]


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Compare Match, durable Assign, Match beside writers, and clients in three languages."""
    outcome = Outcome()
    rounds, seconds = (9, 2.0) if full else (5, 1.0)
    with ExitStack() as stack:
        servers = {_OURS: stack.enter_context(service(stack.enter_context(folder())))}
        for commit in AGAINST[-1:]:
            data = stack.enter_context(folder())
            servers[_EARLIER] = stack.enter_context(service(data, package=earlier(commit)))
            outcome.notes.append(f"“{_EARLIER}” is the server of {commit}, with its defaults.")
        for shape in (_SMALL, _LARGE):
            request = _prepare(servers, shape)
            reply = _reply(servers[_OURS], request)
            hosts = servers | {_ECHO: stack.enter_context(native_echo(reply))}
            for outstanding in _OUTSTANDING:
                outcome.figures += _match(hosts, shape, request, outstanding, (rounds, seconds))
        vector = unit_vectors(1, _SMALL.dimension, seed=41)[0]
        assign = assign_request(_SMALL.namespace, {f"item-{NUMBER}": vector}, "c7")
        for outstanding in _OUTSTANDING:
            outcome.figures += _assign(servers, assign, outstanding, (rounds, seconds))
        match = match_request(_SMALL.namespace, unit_vectors(1, _SMALL.dimension, seed=40))
        outcome.figures += _beside_writers(servers, match, assign, (rounds, seconds))
        outcome.figures += _python_client(servers, (rounds, seconds))
        outcome.figures += _other_clients(servers, match, (rounds, seconds), outcome.notes)
    return outcome


def _prepare(servers: Mapping[str, Hosted], shape: _Shape) -> bytes:
    """Fill each server and check its answer; return the request of a Match."""
    query = unit_vectors(1, shape.dimension, seed=40)
    request = match_request(shape.namespace, query)
    for hosted in servers.values():
        with Client(hosted.target) as client:
            bases = fill(client, shape.namespace, shape.categories, shape.dimension)
        channel, send = sender(hosted.target, "Match")
        check_match(send(request), bases, query)
        channel.close()
    return request


def _reply(hosted: Hosted, request: bytes) -> int:
    channel, send = sender(hosted.target, "Match")
    size = len(send(request))
    channel.close()
    return size


class _Rounds:
    """Rounds of several contenders in turn."""

    def __init__(self, hosts: Mapping[str, Hosted], rounds: int) -> None:
        self.seen: dict[str, list[Measured]] = {name: [] for name in hosts}
        self._cpu = dict.fromkeys(hosts, 0.0)
        self._hosts = hosts
        self._rounds = rounds

    def measure(self, contenders: Mapping[str, _Round], seconds: float) -> None:
        for number in range(self._rounds):
            for name in sorted(contenders, reverse=bool(number % 2)):
                before = self._hosts[name].cpu_seconds()
                self.seen[name].append(contenders[name](seconds))
                self._cpu[name] += self._hosts[name].cpu_seconds() - before

    def rates(self, name: str) -> list[float]:
        return [each.rate for each in self.seen[name]]

    def p50(self, name: str) -> list[float]:
        return [each.p50_us for each in self.seen[name]]

    def p99(self, name: str) -> list[float]:
        return [each.p99_us for each in self.seen[name]]

    def cpu(self, name: str) -> float:
        """Microseconds of the server's CPU for a call, the warm-up's calls not counted."""
        return self._cpu[name] / sum(each.calls for each in self.seen[name]) * 1e6

    def parts(self) -> dict[str, float | str]:
        parts: dict[str, float | str] = {}
        for name in self.seen:
            parts[f"{name} p50 µs"] = median(self.p50(name))
            parts[f"{name} p99 µs"] = median(self.p99(name))
            parts[f"{name} calls/s"] = median(self.rates(name))
            parts[f"{name} server CPU µs a call"] = self.cpu(name)
        return parts


def _over(
    what: str,
    numerators: list[float],
    denominators: list[float],
    goal: tuple[Bound, float] | None,
    parts: dict[str, float | str],
) -> Figure:
    ratio, spread = ratios(numerators, denominators)
    bound, target = goal or (Bound.AT_MOST, None)
    return Figure(what=what, value=ratio, target=target, bound=bound, spread=spread, parts=parts)


def _match(
    hosts: Mapping[str, Hosted],
    shape: _Shape,
    request: bytes,
    outstanding: int,
    length: tuple[int, float],
) -> list[Figure]:
    rounds = _Rounds(hosts, length[0])

    def contender(hosted: Hosted) -> _Round:
        return lambda seconds: grpc(hosted.target, "Match", request, outstanding, seconds)

    rounds.measure({name: contender(hosted) for name, hosted in hosts.items()}, length[1])
    title = f"Match {shape.categories} × {shape.dimension}, {outstanding} outstanding"
    parts = rounds.parts()
    if outstanding == 1:
        figures = [
            _over(
                f"{title}: p50 over an echo's",
                rounds.p50(_OURS),
                rounds.p50(_ECHO),
                (Bound.AT_MOST, 1.5),
                parts,
            )
        ]
    else:
        figures = [
            _over(
                f"{title}: calls/s over an echo's",
                rounds.rates(_OURS),
                rounds.rates(_ECHO),
                (Bound.AT_LEAST, 0.75),
                parts,
            )
        ]
    if _EARLIER in hosts:
        figures += _over_earlier(rounds, title, outstanding, p50=0.35, rate=2.5, cpu=0.35)
    return figures


def _over_earlier(
    rounds: _Rounds, title: str, outstanding: int, *, p50: float, rate: float, cpu: float | None
) -> list[Figure]:
    if outstanding == 1:
        first = _over(
            f"{title}: p50 over the earlier server's",
            rounds.p50(_OURS),
            rounds.p50(_EARLIER),
            (Bound.AT_MOST, p50),
            {},
        )
    else:
        first = _over(
            f"{title}: calls/s over the earlier server's",
            rounds.rates(_OURS),
            rounds.rates(_EARLIER),
            (Bound.AT_LEAST, rate),
            {},
        )
    second = Figure(
        what=f"{title}: server CPU a call over the earlier server's",
        value=rounds.cpu(_OURS) / rounds.cpu(_EARLIER),
        target=cpu,
        bound=Bound.AT_MOST,
    )
    return [first, second]


def _assign(
    servers: Mapping[str, Hosted], request: bytes, outstanding: int, length: tuple[int, float]
) -> list[Figure]:
    rounds = _Rounds(servers, length[0])

    def contender(hosted: Hosted) -> _Round:
        return lambda seconds: grpc(hosted.target, "Assign", request, outstanding, seconds)

    rounds.measure({name: contender(hosted) for name, hosted in servers.items()}, length[1])
    title = f"durable Assign {_SMALL.dimension}, {outstanding} outstanding"
    one = outstanding == 1
    figures = [
        Figure(
            what=f"{title}: {'p50' if one else 'calls/s'}",
            value=median(rounds.p50(_OURS) if one else rounds.rates(_OURS)),
            unit="µs" if one else "1/s",
            parts=rounds.parts(),
        )
    ]
    if _EARLIER in servers:
        figures += _over_earlier(rounds, title, outstanding, p50=0.75, rate=2.0, cpu=None)
    return figures


def _beside_writers(
    servers: Mapping[str, Hosted], match: bytes, assign: bytes, length: tuple[int, float]
) -> list[Figure]:
    rounds = _Rounds(servers, length[0])

    def contender(hosted: Hosted) -> _Round:
        def measure(seconds: float) -> Measured:
            with background(hosted.target, "Assign", assign, _WRITERS):
                return grpc(hosted.target, "Match", match, 1, seconds)

        return measure

    rounds.measure({name: contender(hosted) for name, hosted in servers.items()}, length[1])
    title = f"Match 100 × 1024 beside {_WRITERS} writers: p99"
    figures = [Figure(what=title, value=median(rounds.p99(_OURS)), unit="µs", parts=rounds.parts())]
    if _EARLIER in servers:
        figures.append(
            _over(
                f"{title} over the earlier server's",
                rounds.p99(_OURS),
                rounds.p99(_EARLIER),
                (Bound.AT_MOST, 0.6),
                {},
            )
        )
    return figures


def _python_client(servers: Mapping[str, Hosted], length: tuple[int, float]) -> list[Figure]:
    """``Client.match`` of one array, as a program calls it."""
    query: Matrix = unit_vectors(1, _SMALL.dimension, seed=40)[0]
    rounds = _Rounds(servers, length[0])
    with ExitStack() as stack:

        def contender(hosted: Hosted) -> _Round:
            client = stack.enter_context(Client(hosted.target))

            def measure(seconds: float) -> Measured:
                latencies = []
                end = time.perf_counter() + seconds
                while (begin := time.perf_counter()) < end:
                    client.match(_SMALL.namespace, query)
                    latencies.append(time.perf_counter() - begin)
                return _measured(latencies, seconds)

            return measure

        rounds.measure({name: contender(hosted) for name, hosted in servers.items()}, length[1])
    title = "Client.match in Python, 100 × 1024, 1 outstanding: p50"
    parts = rounds.parts()
    figures = [Figure(what=title, value=median(rounds.p50(_OURS)), unit="µs", parts=parts)]
    if _EARLIER in servers:
        figures.append(
            _over(
                f"{title} over the earlier server's",
                rounds.p50(_OURS),
                rounds.p50(_EARLIER),
                (Bound.AT_MOST, 0.75),
                {},
            )
        )
    return figures


def _other_clients(
    servers: Mapping[str, Hosted], match: bytes, length: tuple[int, float], notes: list[str]
) -> list[Figure]:
    """The same Match from gRPC's libraries for Python and Go."""
    go = go_client()
    if go is None:
        notes.append("No figures of a client in Go: Go, or its modules, are not installed.")
    figures = []
    for outstanding in _OUTSTANDING[:2]:
        with ExitStack() as stack:

            def grpcio(hosted: Hosted, stack: ExitStack = stack, n: int = outstanding) -> _Round:
                channel, send = sender(hosted.target, "Match")
                stack.callback(channel.close)

                def measure(seconds: float) -> Measured:
                    load = closed_loop(send, lambda _: match, n, seconds)
                    return _measured(load.latencies, load.seconds)

                return measure

            def in_go(hosted: Hosted, n: int = outstanding) -> _Round:
                return lambda seconds: grpc(hosted.target, "Match", match, n, seconds, program=go)

            clients = {"grpcio": grpcio} | ({"Go": in_go} if go else {})
            for name, contender in clients.items():
                rounds = _Rounds(servers, length[0])
                rounds.measure({key: contender(each) for key, each in servers.items()}, length[1])
                one = outstanding == 1
                figures.append(
                    Figure(
                        what=f"Match 100 × 1024 from {name}, {outstanding} outstanding: "
                        f"{'p50' if one else 'calls/s'}",
                        value=median(rounds.p50(_OURS) if one else rounds.rates(_OURS)),
                        unit="µs" if one else "1/s",
                        parts=rounds.parts(),
                    )
                )
    return figures


def _measured(latencies: list[float], seconds: float) -> Measured:
    return Measured(
        calls=len(latencies),
        rate=len(latencies) / seconds,
        p50_us=quantile(latencies, 0.5) * 1e6,
        p99_us=quantile(latencies, 0.99) * 1e6,
    )
