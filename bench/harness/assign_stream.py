"""A full stream of Assigns, from a process of its own."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import threading
from types import TracebackType
from typing import Self

from bench.harness.fixtures import assign_request
from bench.harness.load import sender
from bench.harness.vectors import unit_vectors

__all__ = ["Stream"]

_CALLERS = 4


class Stream:
    """Assigns during the body of a ``with``; afterwards ``calls`` is their number."""

    def __init__(self, target: str | None, name: str) -> None:
        """Prepare a stream to a server; ``target`` None: a stream of nothing."""
        self._target = target
        self._name = name
        self._process: subprocess.Popen[str] | None = None
        self.calls = 0

    def __enter__(self) -> Self:
        if self._target is not None:
            command = [
                sys.executable,
                "-m",
                "bench.harness.assign_stream",
                self._target,
                self._name,
            ]
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                command, stdout=subprocess.PIPE, text=True
            )
            if self._process.stdout:
                self._process.stdout.readline()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            told, _ = self._process.communicate()
            self.calls = int(told)


def main() -> None:
    """Assign until SIGTERM, then print the number of calls."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("name")
    args = parser.parse_args()
    vectors = unit_vectors(64, 1024, seed=25)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    channel, send = sender(args.target, "Assign")
    counts = [0] * _CALLERS

    def assign(caller: int) -> None:
        while not stop.is_set():
            number = counts[caller]
            item = f"{args.name}-{caller}-{number}"
            send(assign_request("bench", {item: vectors[number % 64]}, f"c{number % 100}"))
            counts[caller] += 1

    threads = [threading.Thread(target=assign, args=(caller,)) for caller in range(_CALLERS)]
    for thread in threads:
        thread.start()
    print("started", flush=True)
    for thread in threads:
        thread.join()
    channel.close()
    print(sum(counts))


if __name__ == "__main__":
    main()
