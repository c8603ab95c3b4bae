"""The interface of all writes."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from effective_embeddings import Client
from tests.model.oracle import Model, Stored

__all__ = ["Operation", "either", "same"]


class Operation(Protocol):
    """A write."""

    def send(self, client: Client, ns: str, **write: Any) -> Any:
        """Send the write, and return the reply in the form of ``apply``."""

    def apply(self, model: Model) -> tuple[Any, bool]:
        """Apply the write to the model; return the reply, and whether anything changed."""


def same(one: Stored | None, other: Stored | None) -> bool:
    """Whether two vectors are equal, or both absent."""
    if one is None or other is None:
        return one is other
    return bool(np.array_equal(one, other))


def either(new: Any, old: Any) -> Any:
    """The new value if given, otherwise the old one."""
    return old if new is None else new
