"""Writes as data: each can be sent to a client, and be done to the model."""

from tests.operations.base import Operation
from tests.operations.categories import DeleteCategories, PutCategories, Reanchor
from tests.operations.items import DeleteItems, PutItems
from tests.operations.verbs import Assign, Unassign

__all__ = [
    "Assign",
    "DeleteCategories",
    "DeleteItems",
    "Operation",
    "PutCategories",
    "PutItems",
    "Reanchor",
    "Unassign",
]
