"""What one namespace has acknowledged, to be done again by the model."""

from __future__ import annotations

import threading

from effective_embeddings import CategoryUpdate
from tests.model import Model
from tests.operations import Operation, PutCategories

__all__ = ["Journal"]


class Journal:
    """The acknowledged writes of a namespace that begins with categories, by their revisions.

    Calls overlap, so replies do not come in the order of the writes; their revisions have it.

    Attributes:
        applied_unsure: Writes that were never answered and turned out to have been done.
    """

    def __init__(
        self, dimension: int, categories: list[CategoryUpdate], *, unit: bool, multiple: bool
    ) -> None:
        self._dimension, self._unit, self._multiple = dimension, unit, multiple
        self._lock = threading.Lock()
        # Revision 1 is the creation, 2 the categories.
        self._writes: dict[int, Operation] = {2: PutCategories(categories)}
        # Such that may have changed nothing, and then have the revision of another write.
        self._perhaps: dict[int, list[Operation]] = {}
        self.applied_unsure = 0
        self.newest = 2

    def acknowledged(self, revision: int, operation: Operation) -> None:
        """A write that changed something was answered.

        Raises:
            AssertionError: Another one was answered with the same revision.
        """
        with self._lock:
            assert revision not in self._writes, f"revision {revision} was given twice"
            self._writes[revision] = operation
            self.newest = max(self.newest, revision)

    def perhaps(self, revision: int, operation: Operation) -> None:
        """A write was answered that may have changed nothing."""
        with self._lock:
            self._perhaps.setdefault(revision, []).append(operation)
            self.newest = max(self.newest, revision)

    def turned_out_done(self) -> None:
        """A write that was not answered is there: one revision is its."""
        with self._lock:
            self.applied_unsure += 1

    def __len__(self) -> int:
        return len(self._writes)

    def model(self, revision: int) -> tuple[Model, int]:
        """Do all that was acknowledged, one after the other.

        Returns:
            The model, and the number of revisions up to this one that no acknowledged write has.
        """
        model = Model(self._dimension, unit=self._unit, multiple=self._multiple)
        missing = 0
        for each in range(2, revision + 1):
            operation = self._writes.get(each)
            if operation is not None:
                _, changed = operation.apply(model)
                assert changed, f"{operation} was acknowledged as a change"
                continue
            # Whatever has this revision: it may be one of those.
            done = [other.apply(model)[1] for other in self._perhaps.get(each, ())]
            assert sum(done) <= 1
            missing += not any(done)
        assert max(self._writes, default=0) <= revision, "an acknowledged write is not there"
        return model, missing
