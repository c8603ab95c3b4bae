"""Load on a gRPC method: closed loop (a caller waits for its reply) and open (it does not)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import grpc

from bench.harness.interleave import quantile

__all__ = ["METHOD", "Load", "Send", "background", "closed_loop", "open_loop", "sender"]

METHOD = "/effective_embeddings.v1.EffectiveEmbeddingsService/"
Send = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Load:
    """The latencies of calls, and the duration of the load."""

    latencies: list[float]
    seconds: float

    @property
    def rate(self) -> float:
        """Calls per second."""
        return len(self.latencies) / self.seconds

    def at(self, share: float) -> float:
        """The latency that ``share`` of the calls stayed below, in seconds."""
        return quantile(self.latencies, share)


def sender(target: str, method: str) -> tuple[grpc.Channel, Send]:
    """A channel, and a call on it that takes and returns serialized messages."""
    channel = grpc.insecure_channel(
        target,
        [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            ("grpc.enable_http_proxy", 0),
        ],
    )
    send: Any = channel.unary_unary(METHOD + method)
    return channel, send


def closed_loop(
    send: Send, request: Callable[[int], bytes], outstanding: int, seconds: float
) -> Load:
    """Call for some seconds with a number of calls outstanding; request n is ``request(n)``."""
    numbers = count()
    own: list[list[float]] = [[] for _ in range(outstanding)]
    begin = time.perf_counter()
    stop = begin + seconds

    def call_repeatedly(latencies: list[float]) -> None:
        while True:
            message = request(next(numbers))
            start = time.perf_counter()
            if start > stop:
                return
            send(message)
            latencies.append(time.perf_counter() - start)

    if outstanding == 1:
        call_repeatedly(own[0])
    else:
        threads = [threading.Thread(target=call_repeatedly, args=(each,)) for each in own]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    elapsed = time.perf_counter() - begin
    return Load([latency for each in own for latency in each], elapsed)


def open_loop(send: Any, request: Callable[[int], bytes], rate: float, seconds: float) -> Load:
    """Call at a fixed rate, with or without replies; a latency starts when its call was due.

    A closed loop sends less to a server that stalls, and so hides the stall. This loop does not.
    """
    latencies: list[float] = []
    begin = time.perf_counter() + 0.01
    total = int(rate * seconds)
    left = threading.Semaphore(0)

    def done(due: float) -> Callable[[Any], None]:
        def note(_reply: Any) -> None:
            latencies.append(time.perf_counter() - due)
            left.release()

        return note

    for number in range(total):
        due = begin + number / rate
        while (wait := due - time.perf_counter()) > 0:
            time.sleep(wait)
        send.future(request(number)).add_done_callback(done(due))
    for _ in range(total):
        left.acquire()
    return Load(latencies, time.perf_counter() - begin)


@contextmanager
def background(work: Callable[[], object]) -> Iterator[list[int]]:
    """Repeat ``work`` during the body; yields a list that grows by one each time."""
    stop = threading.Event()
    done: list[int] = []

    def keep_working() -> None:
        while not stop.is_set():
            work()
            done.append(1)

    thread = threading.Thread(target=keep_working)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()
