"""The signals that a server is told to stop with, or to read its tokens again."""

from __future__ import annotations

import os
import signal
from types import FrameType, TracebackType
from typing import Self

__all__ = ["Signals"]

_STOP = (signal.SIGTERM, signal.SIGINT)
_TAKEN = (*_STOP, signal.SIGHUP)


class Signals:
    """Takes SIGTERM, SIGINT and SIGHUP while it is open; a context manager of the main thread.

    The interpreter itself writes a signal's number to a pipe, at the moment it comes. A handler in
    Python could do that too late: one that comes just before the main thread begins to wait would
    be handled when something else wakes it.
    """

    def __init__(self) -> None:
        self._stopping = False

    @property
    def stopping(self) -> bool:
        """Whether there was one that means stop."""
        return self._stopping

    def wait(self) -> signal.Signals:
        """Wait for the next signal, and return it."""
        while True:
            number = os.read(self._reader, 1)[0]
            if number in _TAKEN:
                return signal.Signals(number)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        # It can run between any two steps of the main thread, so it must not wait for a lock.
        if number in _STOP:
            if self._stopping:
                os._exit(1)
            self._stopping = True

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, self._on_signal) for number in _TAKEN}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._reader)
        os.close(self._writer)
