"""The threads that serve calls, and the count of calls that they have not finished."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

__all__ = ["CallPool"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class CallPool(ThreadPoolExecutor):
    """A thread pool that can be waited for until it has nothing to do.

    gRPC submits a call once, when it arrives. It has no way itself to tell calls that are worth
    waiting for from streams that never end, such as a health Watch (which holds no thread).
    """

    def __init__(self, workers: int) -> None:
        super().__init__(workers, thread_name_prefix="effemb-call")
        self._unfinished = 0
        self._idle = threading.Condition()

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Queue a call. See ``ThreadPoolExecutor.submit``."""
        with self._idle:
            self._unfinished += 1
        try:
            future = super().submit(fn, *args, **kwargs)
        except BaseException:
            self._finish(None)
            raise
        future.add_done_callback(self._finish)
        return future

    def _finish(self, _future: Future[_T] | None) -> None:
        with self._idle:
            self._unfinished -= 1
            if not self._unfinished:
                self._idle.notify_all()

    def wait_idle(self, timeout: float) -> bool:
        """Wait until no call is queued or running; return False if ``timeout`` seconds pass."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._unfinished, timeout)
