"""What overload does: more and more clients, and the latency of a good client beside them.

Starts a server in a process of its own and calls Match from a growing number of connections,
with one call outstanding, which do not wait after a refusal: the worst that clients can do. Says
for each number how many calls a second were answered and turned away. Beside them one good client,
in a process of its own and with a token of its own, calls and waits a little after a refusal: how
long its answered calls take is what counts.

    python bench/overload.py --json overload.json --plot docs/images/overload.svg
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.server import new_token, token_line
from effective_embeddings.v1 import resources_pb2, service_pb2

DIMENSION, CATEGORIES = 384, 1000
MATCH = "/effective_embeddings.v1.EffectiveEmbeddingsService/Match"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of clients; times in milliseconds, rates a second.

    Attributes:
        limit: max_concurrent_calls.
        clients: Clients, each with one call outstanding.
        answered: Their calls that were answered.
        refused: Their calls that were turned away.
        p50: Median time of the good client's calls that were answered.
        p99: 99th percentile of these.
        good_refused: Share of its calls that were turned away.
    """

    limit: int
    clients: int
    answered: float
    refused: float
    p50: float
    p99: float
    good_refused: float


def call_for(
    target: str, token: str, request: bytes, seconds: float, pause: float = 0.0
) -> tuple[list[float], ...]:
    """Call again and again; return the times of the answers and of the refusals."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    answered: list[float] = []
    refused: list[float] = []
    metadata = (("authorization", f"Bearer {token}"),)
    with grpc.insecure_channel(target, options) as channel:
        call: Any = channel.unary_unary(MATCH)
        end = time.perf_counter() + seconds
        while (begin := time.perf_counter()) < end:
            try:
                call(request, metadata=metadata)
            except grpc.RpcError:
                refused.append(time.perf_counter() - begin)
                time.sleep(pause)
            else:
                answered.append(time.perf_counter() - begin)
    return answered, refused


def clients(
    target: str, token: str, request: bytes, count: int, seconds: float, pause: float, out: Any
) -> None:
    """Run several clients in this process, each in a thread, and send what they measured."""
    found: list[tuple[list[float], ...]] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(call_for(target, token, request, seconds, pause))
        )
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    out.put(tuple([t for each in found for t in each[side]] for side in (0, 1)))


def measure(limit: int, counts: list[int], seconds: float, pause: float) -> list[Figure]:
    """Measure one setting of max_concurrent_calls."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        names = ["setup", *(f"client-{n}" for n in range(64))]
        tokens = {name: new_token() for name in names}
        lines = [token_line(name, token, ["admin:*"]) for name, token in tokens.items()]
        (root / "tokens").write_text("\n".join(lines))
        command = [sys.executable, "-m", "effective_embeddings.cli", "serve", "--json"]
        command += ["--listen", "127.0.0.1:0", "--data", str(root / "data")]
        command += ["--tokens", str(root / "tokens"), "--max-concurrent-calls", str(limit)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603
        try:
            assert process.stdout is not None  # noqa: S101
            target = json.loads(process.stdout.readline())["listening"]
            request = fill(target, tokens["setup"])
            return [load(target, tokens, request, limit, count, seconds, pause) for count in counts]
        finally:
            process.terminate()
            process.wait()


def fill(target: str, token: str) -> bytes:
    """Make a namespace; return a Match request."""
    vectors = np.random.default_rng(1).normal(size=(CATEGORIES, DIMENSION)).astype(np.float32)
    with Client(target, token=token) as client:
        client.create_namespace("load", DIMENSION)
        updates = [CategoryUpdate(f"c{n}", base=vector) for n, vector in enumerate(vectors)]
        client.put_categories("load", updates)
    query = service_pb2.Query(embedding=resources_pb2.Embedding(data=vectors[0].tobytes()))
    return service_pb2.MatchRequest(namespace="load", queries=[query]).SerializeToString()


def load(
    target: str,
    tokens: dict[str, str],
    request: bytes,
    limit: int,
    count: int,
    seconds: float,
    pause: float,
) -> Figure:
    """Call from ``count`` clients, in two processes at most."""
    out: Any = multiprocessing.Queue()
    parts = [count // 2 + (n < count % 2) for n in range(2)]
    processes = [
        multiprocessing.Process(
            target=clients, args=(target, tokens[f"client-{n}"], request, part, seconds, pause, out)
        )
        for n, part in enumerate(parts)
        if part
    ]
    for process in processes:
        process.start()
    good, turned_away = call_for(target, tokens["setup"], request, seconds, pause=0.02)
    found = [out.get() for _ in processes]
    for process in processes:
        process.join()
    times = np.array(good) * 1000
    figure = Figure(
        limit=limit,
        clients=count,
        answered=sum(len(each[0]) for each in found) / seconds,
        refused=sum(len(each[1]) for each in found) / seconds,
        p50=float(np.percentile(times, 50)),
        p99=float(np.percentile(times, 99)),
        good_refused=len(turned_away) / (len(good) + len(turned_away)),
    )
    print(figure, flush=True)
    return figure


def plot(figures: list[Figure], path: Path) -> None:
    """Draw latency and rates against the number of clients."""
    import matplotlib as mpl  # noqa: PLC0415 - only who wants a picture needs it

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    _, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for limit in sorted({each.limit for each in figures}):
        mine = [each for each in figures if each.limit == limit]
        x = [each.clients for each in mine]
        left.plot(x, [each.p50 for each in mine], marker="o", label=f"p50, {limit} places")
        left.plot(x, [each.p99 for each in mine], marker=".", ls=":", label=f"p99, {limit} places")
        right.plot(x, [each.answered for each in mine], marker="o", label=f"answered, {limit}")
        right.plot(x, [each.refused for each in mine], ls="--", label=f"turned away, {limit}")
    left.set(xlabel="clients, one call outstanding each", ylabel="ms", xscale="log", yscale="log")
    left.set_title("latency of a good client beside them")
    right.set(xlabel="clients, one call outstanding each", ylabel="calls/s", xscale="log")
    right.set_title("calls answered and turned away")
    for axes in (left, right):
        axes.legend(fontsize="small")
        axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    plt.savefig(path)


def main() -> None:
    """Measure, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--pause", type=float, default=0.2)
    parser.add_argument("--limits", type=int, nargs="+", default=[16, 64, 1024])
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16, 64, 256])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    figures = [
        figure
        for limit in options.limits
        for figure in measure(limit, options.clients, options.seconds, options.pause)
    ]
    machine = {"cpus": os.cpu_count(), "machine": platform.machine()}
    if options.json:
        found = {"machine": machine, "figures": [asdict(each) for each in figures]}
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    if options.plot:
        plot(figures, options.plot)


if __name__ == "__main__":
    main()
