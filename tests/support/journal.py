"""The acknowledged writes of a namespace, replayed on the model."""

from __future__ import annotations

import threading

from tests.model.operations import Operation
from tests.model.oracle import Model

__all__ = ["Journal"]


class Journal:
    """The acknowledged writes of a namespace, by their revisions.

    Calls overlap, so replies arrive out of order; their revisions give the order of the writes.

    Attributes:
        multiple: Whether an item can be in several categories.
        newest: The newest answered revision.
        unanswered: Revisions without an acknowledged write, up to the model's revision.
    """

    def __init__(self, dimension: int, *, unit: bool = False, multiple: bool = False) -> None:
        self.multiple = multiple
        self._model = Model(dimension, unit=unit, multiple=multiple)
        self._lock = threading.Lock()
        self._writes: dict[int, Operation] = {}
        # Writes that may have changed nothing and then carry the revision of another write.
        self._perhaps: dict[int, list[Operation]] = {}
        self.newest = 1
        self.unanswered = 0
        self._count = 0

    def acknowledged(self, revision: int, operation: Operation) -> None:
        """Record an answered write that changed something.

        Raises:
            AssertionError: Another write has the same revision.
        """
        with self._lock:
            assert revision > self._model.revision, "a revision that is settled already"
            assert revision not in self._writes, f"revision {revision} was given twice"
            self._writes[revision] = operation
            self.newest = max(self.newest, revision)
            self._count += 1

    def perhaps(self, revision: int, operation: Operation) -> None:
        """Record an answered write that may have changed nothing."""
        with self._lock:
            self._perhaps.setdefault(revision, []).append(operation)
            self.newest = max(self.newest, revision)

    def __len__(self) -> int:
        """Number of acknowledged writes that changed something."""
        return self._count

    def catch_up(self, revision: int) -> Model:
        """Apply the writes acknowledged since the last call, and return the model.

        Args:
            revision: The namespace's revision; no answered write may be beyond it.
        """
        assert self.newest <= revision, "an acknowledged write is not there"
        return self.at(revision)

    def at(self, revision: int) -> Model:
        """The model at a revision, which must not be below the last requested one."""
        model = self._model
        assert model.revision <= revision
        with self._lock:
            for each in range(model.revision + 1, revision + 1):
                # A revision without an answered write belongs to one of those.
                operation = self._writes.pop(each, None)
                others = self._perhaps.pop(each, ())
                if operation is not None:
                    _, changed = operation.apply(model)
                    assert changed, f"{operation} was acknowledged as a change"
                elif sum(other.apply(model)[1] for other in others) != 1:
                    self.unanswered += 1
                model.touch()
        return model
