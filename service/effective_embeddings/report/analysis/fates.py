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
        category: Key that the category has now, or had at last.
        time: When.
        actor: By whom.
        is_correction: True: the item had been in another category before.
        fate: ``"stayed"``: it is still there; ``"corrected"``: it moved to another category,
            directly or by way of the inbox; ``"withdrawn"``: it is in the inbox; ``"taken back"``:
            by an undo; ``"deleted"``: the item or the category is gone.
        corrected_to: Key of the category that it moved to; None: it did not.
    """

    item: str
    category: str
    time: datetime
    actor: str
    is_correction: bool = False
    fate: Fate = "stayed"
    corrected_to: str | None = None


@dataclass(slots=True, eq=False)
class _Category:
    """A category, whatever its key is at a time."""

    key: str


@dataclass(slots=True, eq=False)
class _Step:
    """An item joins or leaves a category, by deletion of one of them or otherwise."""

    change: HistoryChange
    category: _Category
    joins: bool
    is_undone: bool = False
    by_deletion: bool = False


def assignments(changes: Iterable[HistoryChange], *, single: bool) -> list[Assignment]:
    """Return every assignment of the history, by time.

    A rename, and a merge, which moves members out of a category that it deletes, assign nothing.

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


def _steps(changes: Iterable[HistoryChange]) -> list[_Step]:
    """Return the steps of items, without those of undos, which mark what they take back."""
    found: list[_Step] = []
    known: dict[tuple[int, str, _Category, bool], _Step] = {}
    categories: dict[str, _Category] = {}
    deleted: set[tuple[int, str, str]] = set()
    for change in changes:
        if change.kind in ("item_deleted", "category_deleted"):
            deleted.add((change.revision, change.item, change.category))
        if not change.item:
            _follow(change, categories)
            continue
        for key, joins in ((change.from_category, False), (change.to_category, True)):
            if key is None:
                continue
            category = categories.setdefault(key, _Category(key))
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
        revision, key = step.change.revision, step.change.from_category or ""
        step.by_deletion = not deleted.isdisjoint(
            {(revision, step.change.item, ""), (revision, "", key)}
        )
    return found


def _follow(change: HistoryChange, categories: dict[str, _Category]) -> None:
    """Keep the keys of categories as a change of a category leaves them."""
    old, new = change.from_category, change.to_category
    if old is not None and new is not None:  # a rename
        category = categories.pop(old, _Category(old))
        category.key = new
        categories[new] = category


def _assignments_of(
    steps: list[_Step], *, single: bool
) -> Iterator[tuple[tuple[int, int], Assignment]]:
    """Yield the assignments of one item with their places in the history."""
    current: dict[_Category, Assignment] = {}
    left: Assignment | None = None
    was_elsewhere = False
    for step in steps:
        change = step.change
        if step.is_undone and not step.joins:
            continue
        if not step.joins:
            left = current.pop(step.category, None)
            was_elsewhere = not step.by_deletion
            if left is not None:
                left.fate = "deleted" if step.by_deletion else "withdrawn"
            continue
        if step.by_deletion:  # a merge
            if left is not None and not step.is_undone:
                left.fate, left.category = "stayed", step.category.key
                current[step.category] = left
            continue
        made = Assignment(change.item, step.category.key, change.time, change.actor)
        yield (change.revision, change.index), made
        if step.is_undone:
            made.fate = "taken back"
            continue
        if single and was_elsewhere and (left is None or left.category != made.category):
            made.is_correction = True
            if left is not None:
                left.fate, left.corrected_to = "corrected", made.category
        current[step.category] = made
        left = None
