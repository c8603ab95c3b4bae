"""Overload: a rising rate of calls, sent whether or not earlier ones are answered.

Starts a server in a process of its own and calls Match at a fixed rate, from eight callers with a
connection and a token each, far beyond its capacity: among few categories, where the thread of the
connection answers, and among many, where each call takes a worker. Reports for each rate the calls
per second that were answered, refused with a retry delay, and ended by gRPC, and the latency of
answered calls from the time at which they were due. One well-behaved caller, with a token of its
own, makes 50 calls a second meanwhile.

    python -m bench.grpc.overload --json overload.json --plot docs/images/overload.png
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.harness.open_loop import Answers, Source, header_block, run
from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.server import new_token, token_line
from effective_embeddings.v1 import resources_pb2, service_pb2

DIMENSION = 384
MATCH = "/effective_embeddings.v1.EffectiveEmbeddingsService/Match"
CROWD, GOOD_RATE = 8, 50.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One rate; times in milliseconds, rates per second.

    Attributes:
        categories: Categories of the namespace.
        offered: Calls that were due.
        answered: Answered calls.
        refused: Calls refused with a reason and a retry delay.
        ended: Calls that gRPC ended before the service saw them.
        p50: Median latency of answered calls.
        p99: 99th percentile of the same.
        good_answered: Share of the well-behaved caller's calls that were answered at once.
        good_p50: Median latency of these.
        good_p99: 99th percentile of these.
        server_cpu: Cores that the server kept busy.
    """

    categories: int
    offered: float
    answered: float
    refused: float
    ended: float
    p50: float
    p99: float
    good_answered: float
    good_p50: float
    good_p99: float
    server_cpu: float


def measure(categories: int, rates: list[float], seconds: float) -> list[Figure]:
    """Measure one size of namespace."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        names = ["setup", "good", *(f"caller-{number}" for number in range(CROWD))]
        tokens = {name: new_token() for name in names}
        lines = [token_line(name, token, ["admin:*"]) for name, token in tokens.items()]
        (root / "tokens").write_text("\n".join(lines))
        (root / "config.toml").write_text('tokens = "tokens"\n')
        command = [sys.executable, "-m", "effective_embeddings.cli", "serve", "--json"]
        options = ["--listen", "127.0.0.1:0", "--data", str(root / "data")]
        options += ["--config", str(root / "config.toml")]
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        try:
            line = b"" if process.stdout is None else process.stdout.readline()
            target = json.loads(line)["listening"]
            request = fill(target, tokens["setup"], categories)
            return [
                offer(target, process.pid, tokens, request, categories, r, seconds) for r in rates
            ]
        finally:
            process.terminate()
            process.wait()


def fill(target: str, token: str, categories: int) -> bytes:
    """Make a namespace; return a Match request."""
    vectors = np.random.default_rng(1).normal(size=(categories, DIMENSION)).astype(np.float32)
    with Client(target, token=token) as client:
        client.create_namespace("load", DIMENSION)
        updates = [CategoryUpdate(f"c{n}", base=vector) for n, vector in enumerate(vectors)]
        client.put_categories("load", updates)
    query = service_pb2.Query(embedding=resources_pb2.Embedding(data=vectors[0].tobytes()))
    return service_pb2.MatchRequest(namespace="load", queries=[query]).SerializeToString()


def offer(
    target: str,
    pid: int,
    tokens: dict[str, str],
    request: bytes,
    categories: int,
    rate: float,
    seconds: float,
) -> Figure:
    """Call at one rate."""
    crowd = [
        Source(rate / CROWD, header_block(MATCH, tokens[f"caller-{number}"]), request)
        for number in range(CROWD)
    ]
    before = cpu_seconds(pid)
    good, *rest = run(
        target, [Source(GOOD_RATE, header_block(MATCH, tokens["good"]), request), *crowd], seconds
    )
    times, good_times = milliseconds(rest), milliseconds([good])
    figure = Figure(
        categories=categories,
        offered=rate,
        answered=len(times) / seconds,
        refused=sum(len(each.refused) for each in rest) / seconds,
        ended=sum(each.bare + each.ended + each.late for each in rest) / seconds,
        p50=float(np.percentile(times, 50)),
        p99=float(np.percentile(times, 99)),
        good_answered=len(good_times) / max(1, good.offered),
        good_p50=float(np.percentile(good_times, 50)),
        good_p99=float(np.percentile(good_times, 99)),
        server_cpu=(cpu_seconds(pid) - before) / seconds,
    )
    print(figure, flush=True)
    return figure


def milliseconds(answers: Iterable[Answers]) -> np.ndarray:
    """The latencies of answered calls."""
    return np.array([seconds * 1000 for each in answers for seconds in each.answered])


def cpu_seconds(pid: int) -> float:
    """The CPU seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def plot(figures: list[Figure], path: Path) -> None:
    """Draw the outcome of calls, and the latency of answered ones, against the rate."""
    from matplotlib.figure import Figure as Canvas  # noqa: PLC0415 - only for a picture

    ink, quiet = "#1b1f24", "#6b7178"
    canvas = Canvas(figsize=(10, 4.2), dpi=130, facecolor="white", layout="constrained")
    left, right = canvas.subplots(1, 2)
    colours = ["#0b5c8f", "#c2571a"]
    for colour, size in zip(colours, sorted({each.categories for each in figures}), strict=False):
        mine = [each for each in figures if each.categories == size]
        x = [each.offered for each in mine]
        among = f"among {size:,}"
        left.plot(x, [e.answered for e in mine], "o-", color=colour, label=f"answered, {among}")
        left.plot(x, [e.refused for e in mine], "s--", ms=4, color=colour, label="turned away")
        left.plot(x, [e.ended for e in mine], ".:", color=colour, label="ended by gRPC")
        right.plot(x, [e.p50 for e in mine], "o-", color=colour, label=f"median, {among}")
        right.plot(x, [e.p99 for e in mine], "^--", ms=4, color=colour, label="99th percentile")
        good = [e.good_p99 for e in mine]
        right.plot(x, good, ".:", color=colour, label="of the good caller")
    most = max(each.answered for each in figures)
    left.plot([0, most], [0, most], color=quiet, lw=0.8)
    left.set(ylabel="calls a second", title="Calls by outcome")
    # Room for the legend below the lines.
    right.set(ylabel="ms", yscale="log", ylim=(0.05, None), title="Latency of answered calls")
    for axes in (left, right):
        axes.set_xlabel("calls offered a second", color=ink)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#e3e6e8")
        axes.legend(fontsize="small", frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.savefig(path)


def main() -> None:
    """Measure, print, and write the requested files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--categories", type=int, nargs="+", default=[1_000, 20_000])
    rates = [500, 1000, 2000, 4000, 6000, 8000, 10_000, 12_000, 14_000, 18_000, 24_000]
    parser.add_argument("--rates", type=float, nargs="+", default=rates)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    figures = [
        figure
        for categories in options.categories
        for figure in measure(categories, options.rates, options.seconds)
    ]
    machine = {"cpus": os.cpu_count(), "machine": platform.machine()}
    if options.json:
        found = {"machine": machine, "figures": [asdict(each) for each in figures]}
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    if options.plot:
        plot(figures, options.plot)


if __name__ == "__main__":
    main()
