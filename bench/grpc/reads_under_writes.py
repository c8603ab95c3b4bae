"""Match while others assign: do reads wait for commits?

On few cores a stream of Assigns also takes CPU time from the Matches, with or without locks. So
the baseline has two forms: no other call, and the same stream of calls to an echo server, which
costs the machine the same and commits nothing. The latter is what a read that never waits for a
commit would see.
"""

from __future__ import annotations

from contextlib import ExitStack

from bench.harness.assign_stream import Stream
from bench.harness.fixtures import fill, folder, match_request
from bench.harness.interleave import ratios
from bench.harness.load import open_loop, sender
from bench.harness.measurement import Bound, Figure, Outcome
from bench.harness.processes import echo, service
from bench.harness.vectors import unit_vectors
from effective_embeddings import Client

__all__ = ["run"]

_CATEGORIES, _DIMENSION = 100, 1024
_RATE = 200


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Measure Match at a fixed rate: alone, beside Assigns, and beside calls that do nothing."""
    outcome = Outcome()
    rounds, seconds = (9, 5.0) if full else (5, 3.0)
    requests = [match_request("bench", query[None]) for query in unit_vectors(64, _DIMENSION, 24)]
    with ExitStack() as stack:
        hosted = stack.enter_context(service(stack.enter_context(folder())))
        empty = stack.enter_context(echo(200))
        with Client(hosted.target) as client:
            fill(client, "bench", _CATEGORIES, _DIMENSION)
        channel, match = sender(hosted.target, "Match")
        stack.callback(channel.close)
        tails: dict[str, list[float]] = {"alone": [], "beside Assigns": [], "beside echoes": []}
        assigned = 0.0
        for number in range(rounds):
            for name, seen in tails.items():
                target = {"beside Assigns": hosted.target, "beside echoes": empty.target}.get(name)
                with Stream(target, f"{number}") as stream:
                    load = open_loop(match, lambda n: requests[n % len(requests)], _RATE, seconds)
                seen.append(load.at(0.99))
                if name == "beside Assigns":
                    assigned += stream.calls / (rounds * seconds)
    middle = rounds // 2
    parts: dict[str, float | str] = {
        f"{name} p99 µs": sorted(values)[middle] * 1e6 for name, values in tails.items()
    }
    parts["assigns/s"] = assigned
    ratio, spread = ratios(tails["beside Assigns"], tails["alone"])
    outcome.figures.append(
        Figure(
            what="p99 of Match beside a stream of Assigns over p99 alone",
            value=ratio,
            target=1.5,
            bound=Bound.AT_MOST,
            spread=spread,
            parts=parts,
        )
    )
    ratio, spread = ratios(tails["beside Assigns"], tails["beside echoes"])
    outcome.figures.append(
        Figure(
            what="the same over p99 beside a stream of calls to another, empty server",
            value=ratio,
            spread=spread,
        )
    )
    outcome.notes.append(f"Match at {_RATE} calls/s, open loop; four callers assign all the time.")
    return outcome
