"""What became of each assignment that the history has: did it stay, was it corrected or taken back.

An undo makes it as if the changes that it takes back had never been made: it has no part in
anything here, and an assignment that was taken back is counted as that alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from effective_embeddings.client import HistoryChange

__all__ = ["FATES", "Assignment", "Fate", "assignments"]

Fate = Literal["stayed", "corrected", "withdrawn", "taken back", "deleted"]
FATES: tuple[Fate, ...] = ("stayed", "corrected", "withdrawn", "taken back", "deleted")


@dataclass(slots=True)
class Assignment:
    """An item's way into a category.

    Attributes:
        item: Key of the item.
        category: Key of the category.
        time: When.
        actor: By whom.
        is_correction: True: the item had been in another category before.
        fate: ``"stayed"``: it is still there; ``"corrected"``: it moved to another category,
            directly or by way of the inbox; ``"withdrawn"``: it is in the inbox; ``"taken back"``:
            by an undo; ``"deleted"``: the item or the category is gone.
        corrected_to: Key of the category that it moved to; None: it did not.
        corrected_at: When; None: it did not.
        corrected_by: By whom; empty: it did not.
    """

    item: str
    category: str
    time: datetime
    actor: str
    is_correction: bool = False
    fate: Fate = "stayed"
    corrected_to: str | None = None
    corrected_at: datetime | None = None
    corrected_by: str = ""


@dataclass(slots=True)
class _Step:
    """An item joins or leaves a category."""

    change: HistoryChange
    category: str
    joins: bool
    is_undone: bool = False
    by_deletion: bool = False


def assignments(changes: Iterable[HistoryChange], *, single: bool) -> list[Assignment]:
    """Return every assignment of the history, by time.

    Args:
        changes: The changes, the oldest first.
        single: True: an item is in one category at most, so that joining another one later
            corrects the first. False: only a withdrawal says that a category was wrong.
    """
    by_item: dict[str, list[_Step]] = defaultdict(list)
    for step in _steps(changes):
        by_item[step.change.item].append(step)
    found = [each for steps in by_item.values() for each in _assignments_of(steps, single=single)]
    return [each for _, each in sorted(found, key=lambda pair: pair[0])]


def _steps(changes: Iterable[HistoryChange]) -> Iterator[_Step]:
    """Yield the steps of items, those of undos left out and what they take back marked."""
    known: dict[tuple[int, str, str, bool], _Step] = {}
    found: list[_Step] = []
    deleted: set[tuple[int, str]] = set()
    for change in changes:
        if change.kind in ("item_deleted", "category_deleted"):
            deleted.add((change.revision, change.item or change.category))
        for category, joins in ((change.from_category, False), (change.to_category, True)):
            if category is None:
                continue
            place = (change.revision, change.item, category, joins)
            if not change.undoes_revision:
                known[place] = _Step(change, category, joins)
                found.append(known[place])
                continue
            undone = known.get((change.undoes_revision, change.item, category, not joins))
            if undone is not None:
                # An undo of an undo puts the change in force again.
                undone.is_undone = not undone.is_undone
                known[place] = undone
    for step in found:
        keys = (step.change.item, step.category)
        step.by_deletion = any((step.change.revision, key) in deleted for key in keys)
    yield from found


def _assignments_of(
    steps: list[_Step], *, single: bool
) -> Iterator[tuple[tuple[int, int], Assignment]]:
    """Yield the assignments of one item with their places in the history."""
    current: dict[str, Assignment] = {}
    left: Assignment | None = None
    was_elsewhere = False
    for step in steps:
        change = step.change
        if step.joins:
            made = Assignment(change.item, step.category, change.time, change.actor)
            yield (change.revision, change.index), made
            if step.is_undone:
                made.fate = "taken back"
                continue
            moves = single and was_elsewhere and (left is None or left.category != step.category)
            made.is_correction = moves
            if moves and left is not None and left.fate == "withdrawn":
                left.fate = "corrected"
                left.corrected_to = step.category
                left.corrected_at, left.corrected_by = change.time, change.actor
            current[step.category] = made
            left = None
        elif not step.is_undone:
            ended = current.pop(step.category, None)
            was_elsewhere = not step.by_deletion
            if ended is not None:
                ended.fate = "deleted" if step.by_deletion else "withdrawn"
            left = ended
