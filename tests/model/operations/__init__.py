"""Writes as data: each can be sent by a client and applied to the model."""

from tests.model.operations.assignments import Assign, Dismiss, Unassign
from tests.model.operations.base import Operation
from tests.model.operations.categories import (
    DeleteCategories,
    Merge,
    PutCategories,
    Reanchor,
    Rename,
)
from tests.model.operations.items import DeleteItems, PutItems

__all__ = [
    "Assign",
    "DeleteCategories",
    "DeleteItems",
    "Dismiss",
    "Merge",
    "Operation",
    "PutCategories",
    "PutItems",
    "Reanchor",
    "Rename",
    "Unassign",
]
