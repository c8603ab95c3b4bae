"""A pool without threads, for what the thread that brings the calls does itself."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

__all__ = ["INLINE"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class _Inline(ThreadPoolExecutor):
    """Runs what it is given in the thread that gives it.

    gRPC hands each call to a pool, and takes subclasses of this one only.
    """

    def __init__(self) -> None:
        super().__init__(1)
        self._done: Future[Any] = Future()
        self._done.set_result(None)

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Run it."""
        fn(*args, **kwargs)
        return self._done


INLINE = _Inline()
