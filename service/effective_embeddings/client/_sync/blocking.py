"""Blocking work of the synchronous client, done in the calling thread.

Written by hand, as the counterpart of ``_async/blocking.py``; every other module of this folder
is generated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import sleep
from typing import ParamSpec, TypeVar

__all__ = ["iterate_blocking", "run_blocking", "sleep"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


def run_blocking(function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """Call ``function`` and return its result."""
    return function(*args, **kwargs)


def iterate_blocking(entries: Iterator[bytes]) -> Iterator[bytes]:
    """Return ``entries``."""
    return entries
