"""Handlers that run in the polling thread itself, for calls that ``grpc.server`` handles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeAlias, TypeVar

import grpc

from effective_embeddings.server.admission.status import Status, abort

__all__ = ["INLINE", "refusing_handler"]

_P = ParamSpec("_P")
_T = TypeVar("_T")
# In quotes: generic for the type checker, and not when it runs.
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class _Inline(ThreadPoolExecutor):
    """A pool without threads: a task runs in the thread that submits it.

    gRPC hands each call to a pool, and accepts only subclasses of ThreadPoolExecutor.
    """

    def __init__(self) -> None:
        super().__init__(1)
        self._done: Future[Any] = Future()
        self._done.set_result(None)

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Run a task."""
        fn(*args, **kwargs)
        return self._done


INLINE = _Inline()


def refusing_handler(status: Status) -> _Handler:
    """Return the handler of a call that ends with a status before its request is read.

    A flood of refused calls takes no threads.
    """

    def refuse(_requests: Iterator[Any], context: grpc.ServicerContext, _send: object) -> None:
        abort(status, context)

    # gRPC's type stub expects a behaviour that returns its replies.
    behaviour: Any = refuse
    behaviour.experimental_non_blocking = True
    behaviour.experimental_thread_pool = INLINE
    return grpc.stream_stream_rpc_method_handler(behaviour)
