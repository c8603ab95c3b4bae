"""What the thread that brings the calls does itself, for those that ``grpc.server`` handles."""

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
    """A pool without threads: it runs what it is given in the thread that gives it.

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


def refusing_handler(status: Status) -> _Handler:
    """Return the handler of a call that ends with a status before its request is read.

    So a flood of calls that are refused takes no threads.
    """

    def refuse(_requests: Iterator[Any], context: grpc.ServicerContext, _send: object) -> None:
        abort(status, context)

    # gRPC's stub knows behaviours that return what they send.
    behaviour: Any = refuse
    behaviour.experimental_non_blocking = True
    behaviour.experimental_thread_pool = INLINE
    return grpc.stream_stream_rpc_method_handler(behaviour)
