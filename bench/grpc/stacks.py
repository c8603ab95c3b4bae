"""Which stack of the gRPC library for Python: the thread pool, or asyncio?

Starts a server that echoes bytes without decoding them, once per stack and each in a process of
its own, and calls it from this process at several numbers of outstanding calls. So it measures the
stack alone: latency, throughput, and CPU per call.

    python -m bench.grpc.stacks --json stacks.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import statistics
import struct
import sys
import threading
import time
from collections.abc import Callable
from concurrent import futures
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

ECHO = "/stacks.Bench/Echo"
CPU = "/stacks.Bench/Cpu"
OPTIONS = (("grpc.so_reuseport", 0),)


@dataclass(frozen=True, slots=True)
class Figure:
    """One stack at one number of outstanding calls."""

    stack: str
    outstanding: int
    payload_bytes: int
    calls: int
    calls_per_second: float
    p50_us: float
    p99_us: float
    server_cpu_us_per_call: float


def _echo(request: bytes, _context: object) -> bytes:
    return request


def _cpu(_request: bytes, _context: object) -> bytes:
    return struct.pack("<d", time.process_time())


async def _echo_inline(request: bytes, _context: object) -> bytes:
    return request


async def _echo_executor(request: bytes, context: object) -> bytes:
    return await asyncio.get_running_loop().run_in_executor(None, _echo, request, context)


async def _cpu_async(request: bytes, context: object) -> bytes:
    return _cpu(request, context)


def _handlers(echo: Callable[..., Any], cpu: Callable[..., Any]) -> grpc.GenericRpcHandler:
    return grpc.method_handlers_generic_handler(
        "stacks.Bench",
        {
            "Echo": grpc.unary_unary_rpc_method_handler(echo),
            "Cpu": grpc.unary_unary_rpc_method_handler(cpu),
        },
    )


def _serve_sync(pipe: Connection, workers: int) -> None:
    server = grpc.server(
        futures.ThreadPoolExecutor(workers),
        handlers=[_handlers(_echo, _cpu)],
        options=OPTIONS,
        maximum_concurrent_rpcs=256,
    )
    pipe.send(server.add_insecure_port("127.0.0.1:0"))
    server.start()
    pipe.recv()
    server.stop(None).wait()


def _serve_aio(pipe: Connection, workers: int, *, inline: bool) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(futures.ThreadPoolExecutor(workers))
        echo = _echo_inline if inline else _echo_executor
        server = grpc.aio.server(
            handlers=[_handlers(echo, _cpu_async)], options=OPTIONS, maximum_concurrent_rpcs=256
        )
        pipe.send(server.add_insecure_port("127.0.0.1:0"))
        await server.start()
        stop = asyncio.Event()
        loop.add_reader(pipe.fileno(), stop.set)
        await stop.wait()
        await server.stop(None)

    asyncio.run(run())


def _serve(stack: str, pipe: Connection, workers: int) -> None:
    if stack == "sync":
        _serve_sync(pipe, workers)
    else:
        _serve_aio(pipe, workers, inline=stack == "aio-inline")


STACKS = {
    "sync": "thread pool; the handler runs in a worker",
    "aio-inline": "asyncio; the handler runs in the loop (it may never block)",
    "aio-executor": "asyncio; the handler hands over to a worker, as a handler that blocks must",
}


def _measure(channel: grpc.Channel, seconds: float, outstanding: int, payload: bytes) -> list[int]:
    """Return the latency of each call, in nanoseconds."""
    echo: Any = channel.unary_unary(ECHO)
    stop = time.perf_counter() + seconds

    def call_repeatedly(latencies: list[int]) -> None:
        while time.perf_counter() < stop:
            start = time.perf_counter_ns()
            echo(payload)
            latencies.append(time.perf_counter_ns() - start)

    results: list[list[int]] = [[] for _ in range(outstanding)]
    threads = [threading.Thread(target=call_repeatedly, args=(own,)) for own in results]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [latency for own in results for latency in own]


def _run(stack: str, args: argparse.Namespace) -> list[Figure]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(stack, theirs, args.workers))
    process.start()
    payload = os.urandom(args.payload)
    figures = []
    try:
        with grpc.insecure_channel(f"127.0.0.1:{ours.recv()}") as channel:
            read_cpu: Any = channel.unary_unary(CPU)
            for outstanding in args.outstanding:
                _measure(channel, args.seconds / 5, outstanding, payload)
                (cpu_before,) = struct.unpack("<d", read_cpu(b""))
                start = time.perf_counter()
                latencies = _measure(channel, args.seconds, outstanding, payload)
                elapsed = time.perf_counter() - start
                (cpu_after,) = struct.unpack("<d", read_cpu(b""))
                cuts = statistics.quantiles(latencies, n=100)
                figures.append(
                    Figure(
                        stack=stack,
                        outstanding=outstanding,
                        payload_bytes=args.payload,
                        calls=len(latencies),
                        calls_per_second=round(len(latencies) / elapsed, 1),
                        p50_us=round(cuts[49] / 1e3, 1),
                        p99_us=round(cuts[98] / 1e3, 1),
                        server_cpu_us_per_call=round(
                            (cpu_after - cpu_before) / len(latencies) * 1e6, 1
                        ),
                    )
                )
    finally:
        ours.send("stop")
        process.join(10)
    return figures


def main() -> None:
    """Measure each stack and print a table, or write JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0],
        epilog="stacks: " + "; ".join(f"{name}: {text}" for name, text in STACKS.items()),
    )
    parser.add_argument("--stacks", nargs="+", choices=STACKS, default=list(STACKS))
    parser.add_argument("--outstanding", nargs="+", type=int, default=[1, 16])
    parser.add_argument("--payload", type=int, default=4096, help="bytes each way (default 4096)")
    parser.add_argument("--seconds", type=float, default=5.0, help="per figure (default 5)")
    parser.add_argument("--rounds", type=int, default=1, help="repeat all, interleaved (default 1)")
    parser.add_argument("--workers", type=int, default=16, help="server threads (default 16)")
    parser.add_argument("--json", help="write the figures to this file; -: standard output")
    args = parser.parse_args()

    figures = [
        figure for _ in range(args.rounds) for stack in args.stacks for figure in _run(stack, args)
    ]
    report = {
        "machine": {
            "cpus": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
            "grpcio": grpc.__version__,
        },
        "workers": args.workers,
        "figures": [asdict(figure) for figure in figures],
    }
    text = json.dumps(report, indent=2)
    if args.json == "-":
        sys.stdout.write(text + "\n")
        return
    for figure in figures:
        sys.stdout.write(
            f"{figure.stack:13} {figure.outstanding:3} outstanding  "
            f"{figure.calls_per_second:8.0f} calls/s  p50 {figure.p50_us:7.1f} us  "
            f"p99 {figure.p99_us:7.1f} us  "
            f"server CPU {figure.server_cpu_us_per_call:6.1f} us/call\n"
        )
    if args.json:
        Path(args.json).write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
