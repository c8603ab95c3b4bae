"""Blocking work of the asynchronous client: a pause, and file access in a worker thread.

``_sync/blocking.py`` is the counterpart, and the one module there that is written by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import ParamSpec, TypeVar

__all__ = ["iterate_blocking", "run_blocking", "sleep"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


async def sleep(seconds: float) -> None:
    """Pause for ``seconds``."""
    await asyncio.sleep(seconds)


async def run_blocking(function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """Call ``function`` in a worker thread and return its result."""
    return await asyncio.to_thread(function, *args, **kwargs)


async def iterate_blocking(entries: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield ``entries``, each fetched in a worker thread."""
    # The default marks the end: StopIteration cannot cross a coroutine.
    while (entry := await asyncio.to_thread(next, entries, None)) is not None:
        yield entry
