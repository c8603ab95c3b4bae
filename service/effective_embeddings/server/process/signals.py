"""The signals of a server: SIGTERM and SIGINT stop it, SIGHUP reloads its tokens."""

from __future__ import annotations

import os
import signal
from types import FrameType, TracebackType
from typing import Self

__all__ = ["Signals"]

_STOP = (signal.SIGTERM, signal.SIGINT)
_TAKEN = (*_STOP, signal.SIGHUP)


class Signals:
    """Handles SIGTERM, SIGINT and SIGHUP while it is open; a context manager of the main thread.

    The interpreter writes a signal's number to a pipe at the moment the signal arrives. A handler
    in Python may run too late: after a signal that arrives just before the main thread begins to
    wait, the handler runs only when something else wakes that thread.
    """

    def __init__(self) -> None:
        self._stopping = False

    @property
    def stopping(self) -> bool:
        """Whether SIGTERM or SIGINT has arrived."""
        return self._stopping

    def wait(self) -> signal.Signals:
        """Return the next signal; waits for it."""
        while True:
            number = os.read(self._reader, 1)[0]
            if number in _TAKEN:
                return signal.Signals(number)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        # The handler runs between any two steps of the main thread: it must not wait for a lock.
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
