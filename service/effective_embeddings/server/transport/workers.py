"""Threads for the calls that take longer than the one thread that brings them may."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

__all__ = ["Workers"]

_log = logging.getLogger("effective_embeddings.server")


class Workers:
    """A fixed number of threads that do what they are given, in the order in which it comes.

    ``ThreadPoolExecutor`` makes a future with a lock for each call, which nobody looks at here:
    an echo that is handed over takes 103 us of CPU this way, and 114 that way.
    """

    def __init__(self, count: int) -> None:
        """Make them; ``start`` makes them work.

        Args:
            count: How many.
        """
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        # Daemons: what a call waits for, such as a disk, may never come.
        self._threads = [
            threading.Thread(target=self._keep_working, name=f"effemb-worker-{n}", daemon=True)
            for n in range(count)
        ]

    def start(self) -> None:
        """Begin to do what is given."""
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[[], None]) -> None:
        """Have ``work`` done as soon as a thread is free."""
        self._queue.put(work)

    def close(self) -> None:
        """Let the threads go once they have done what they were given before."""
        for _ in self._threads:
            self._queue.put(None)

    def _keep_working(self) -> None:
        while (work := self._queue.get()) is not None:
            try:
                work()
            except BaseException:  # noqa: BLE001
                _log.error("defect where=worker", exc_info=True)
            # Or a thread that waits would keep the last call, with its request.
            del work
