"""Answers given at once, in the thread that brings the calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, NoReturn, ParamSpec, TypeAlias, TypeVar

import grpc

from effective_embeddings.server.status import Status, abort

__all__ = ["INLINE", "turned_away"]

_P = ParamSpec("_P")
_T = TypeVar("_T")

# In quotes: generic for the type checker, and not when it runs.
_Handler: TypeAlias = "grpc.RpcMethodHandler[bytes, bytes]"

# gRPC makes a context for each call, and runs in it both who chooses its handler and the handler.
_STATUS: ContextVar[Status] = ContextVar("status")


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


def _refuse(_requests: Iterator[bytes], context: grpc.ServicerContext) -> NoReturn:
    abort(_STATUS.get(), context)


_refuse.experimental_thread_pool = INLINE  # type: ignore[attr-defined]
_REFUSE: _Handler = grpc.stream_unary_rpc_method_handler(_refuse)


def turned_away(status: Status) -> _Handler:
    """Return the handler of a call that ends with a status, before there is a thread for it.

    So a flood of calls that are refused takes no threads, and keeps no others from Python's lock.
    Call it where the call's handler is chosen.
    """
    _STATUS.set(status)
    return _REFUSE
