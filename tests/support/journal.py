"""What one namespace has acknowledged, done again by the model."""

from __future__ import annotations

import threading

from tests.model.operations import Operation
from tests.model.oracle import Model

__all__ = ["Journal"]


class Journal:
    """The acknowledged writes of a namespace, by their revisions.

    Calls overlap, so replies do not come in the order of the writes; their revisions have it.

    Attributes:
        multiple: Whether an item can be in several categories.
        newest: The newest revision that was answered.
        unanswered: Revisions that no acknowledged write has, as far as the model has come.
    """

    def __init__(self, dimension: int, *, unit: bool = False, multiple: bool = False) -> None:
        self.multiple = multiple
        self._model = Model(dimension, unit=unit, multiple=multiple)
        self._lock = threading.Lock()
        self._writes: dict[int, Operation] = {}
        # Such that may have changed nothing, and then have the revision of another write.
        self._perhaps: dict[int, list[Operation]] = {}
        self.newest = 1
        self.unanswered = 0
        self._count = 0

    def acknowledged(self, revision: int, operation: Operation) -> None:
        """A write that changed something was answered.

        Raises:
            AssertionError: Another one was answered with the same revision.
        """
        with self._lock:
            assert revision > self._model.revision, "a revision that is settled already"
            assert revision not in self._writes, f"revision {revision} was given twice"
            self._writes[revision] = operation
            self.newest = max(self.newest, revision)
            self._count += 1

    def perhaps(self, revision: int, operation: Operation) -> None:
        """A write was answered that may have changed nothing."""
        with self._lock:
            self._perhaps.setdefault(revision, []).append(operation)
            self.newest = max(self.newest, revision)

    def __len__(self) -> int:
        """Number of acknowledged writes that changed something."""
        return self._count

    def catch_up(self, revision: int) -> Model:
        """Do all that was acknowledged since the last time, and return the model.

        Args:
            revision: Of the namespace; nothing that was answered may be beyond it.
        """
        assert self.newest <= revision, "an acknowledged write is not there"
        return self.at(revision)

    def at(self, revision: int) -> Model:
        """The model at a revision, not below the last one that it was asked for."""
        model = self._model
        assert model.revision <= revision
        with self._lock:
            for each in range(model.revision + 1, revision + 1):
                # Whatever has this revision, if nothing was answered with it: one of those.
                operation = self._writes.pop(each, None)
                others = self._perhaps.pop(each, ())
                if operation is not None:
                    _, changed = operation.apply(model)
                    assert changed, f"{operation} was acknowledged as a change"
                elif sum(other.apply(model)[1] for other in others) != 1:
                    self.unanswered += 1
                model.touch()
        return model
