"""What every write is."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from effective_embeddings import Client
from tests.model.oracle import Model, Stored

__all__ = ["Operation", "either", "same"]


class Operation(Protocol):
    """A write."""

    def send(self, client: Client, ns: str, **write: Any) -> Any:
        """Ask for it, and return the reply in the form that ``apply`` returns."""

    def apply(self, model: Model) -> tuple[Any, bool]:
        """Do it to the model: the reply, and whether anything changed."""


def same(one: Stored | None, other: Stored | None) -> bool:
    """Whether two vectors are the same, or neither is there."""
    if one is None or other is None:
        return one is other
    return bool(np.array_equal(one, other))


def either(new: Any, old: Any) -> Any:
    """The new one, where there is one."""
    return old if new is None else new
