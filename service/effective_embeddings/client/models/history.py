"""Changes of a namespace, as frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from effective_embeddings.client.models.resources import (
    Category,
    Dismissal,
    ItemPart,
    Membership,
    Namespace,
)

__all__ = [
    "ChangeKind",
    "HistoryBatch",
    "HistoryChange",
    "HistorySize",
    "TrimReport",
    "UndoConflict",
    "UndoReply",
    "UndoneChange",
]

ChangeKind = Literal[
    "namespace_created",
    "namespace_updated",
    "category_created",
    "category_updated",
    "category_reanchored",
    "category_deleted",
    "item_created",
    "item_updated",
    "item_deleted",
    "assigned",
    "unassigned",
    "category_renamed",
    "dismissed",
    "dismissal_ended",
    "part_added",
    "part_removed",
    "unspecified",
]


@dataclass(frozen=True, slots=True)
class HistoryChange:
    """One change of a namespace.

    Attributes:
        revision: The revision of the write that made the change.
        index: Its place among the changes of its revision, from 0.
        kind: What it did; ``"unspecified"``: a kind that this client does not know.
        time: When the write was made, in UTC.
        actor: The author of the write.
        reason: Why; empty: no reason was given.
        request_id: The request_id of the write; empty: it had none.
        item: Key of the item; empty for changes of categories and of the namespace.
        category: Key of the category that changed, or that the item joined or left; after a
            rename; else empty.
        from_category: Key of the category that the item left, or before a rename; else None.
        to_category: Key of the category that the item joined, or after a rename; else None.
        ended_membership: The membership in ``from_category``, which ended; None: none did.
        weight_before: The item's weight before; None unless its weight or embedding changed.
        metadata_before: The item's metadata before (``"item_updated"``, ``"item_deleted"``).
        category_before: Settings, metadata, anchor and creation time of the category before, no
            counts and no embeddings (``"category_updated"``, ``"category_deleted"``).
        anchor_before: The anchor before (``"category_reanchored"``).
        namespace_before: Description, labels, ranking, fairness and retention before, only
            (``"namespace_updated"``).
        undoes_revision: Of an undo, the revision whose change this one took back; else 0.
        ended_dismissal: The dismissal that ended (``"dismissal_ended"``).
        part: What the composite ``item`` got (``"part_added"``) or lost (``"part_removed"``).
    """

    revision: int
    index: int
    kind: ChangeKind
    time: datetime
    actor: str
    reason: str
    request_id: str
    item: str
    category: str
    from_category: str | None
    to_category: str | None
    ended_membership: Membership | None = None
    weight_before: float | None = None
    metadata_before: Mapping[str, str] = field(default_factory=dict)
    category_before: Category | None = None
    anchor_before: int | None = None
    namespace_before: Namespace | None = None
    undoes_revision: int = 0
    ended_dismissal: Dismissal | None = None
    part: ItemPart | None = None


@dataclass(frozen=True, slots=True)
class HistoryBatch:
    """Some changes of a watched namespace.

    Attributes:
        changes: The next changes, the oldest first; empty: there are no new ones.
        revision: All changes up to this revision have come: to resume, watch after it. Changes of
            a later revision that came in part come again then.
        current_revision: The revision of the namespace.
        epoch: The epoch of these revisions: to resume, pass it along.
    """

    changes: tuple[HistoryChange, ...]
    revision: int
    current_revision: int
    epoch: int


@dataclass(frozen=True, slots=True)
class HistorySize:
    """The history that a namespace keeps.

    Attributes:
        first_revision: The first revision that is kept; 1: nothing was trimmed.
        revision_count: Revisions that are kept.
        byte_count: Bytes of their log entries.
    """

    first_revision: int
    revision_count: int
    byte_count: int


@dataclass(frozen=True, slots=True)
class TrimReport:
    """What a trim has deleted, or would delete.

    Attributes:
        revision_count: Revisions whose log entries were deleted.
        byte_count: Bytes of these entries.
        first_revision: The first revision that is kept.
        revision: The revision of the namespace.
    """

    revision_count: int
    byte_count: int
    first_revision: int
    revision: int


@dataclass(frozen=True, slots=True)
class UndoneChange:
    """A change that an undo has made.

    Attributes:
        undoes_revision: The revision whose change it takes back.
        kind: What the new change did: ``"unassigned"`` takes back ``"assigned"``. A move is taken
            back by two changes.
        item: Key of the item; empty for changes of categories and of the namespace.
        category: Key of the category that changed, or that the item joined or left; else empty.
    """

    undoes_revision: int
    kind: ChangeKind
    item: str
    category: str


@dataclass(frozen=True, slots=True)
class UndoConflict:
    """A change that an undo could not take back.

    Attributes:
        revision: Its revision.
        kind: What it did.
        item: Key of the item; empty for changes of categories and of the namespace.
        category: Key of the category that changed, or that the item joined or left; else empty.
        by_revision: The first later revision that depends on it; 0: an older version of the service
            has not logged enough to take the change back.
    """

    revision: int
    kind: ChangeKind
    item: str
    category: str
    by_revision: int


@dataclass(frozen=True, slots=True)
class UndoReply:
    """The result of an undo.

    Attributes:
        changes: The changes that it has made, in order, at most 1000.
        change_count: The number of changes that it has made; 0: nothing was left to take back.
        conflicts: The changes that stay since later ones depend on them, the newest first, at most
            1000; empty without ``skip_conflicts``.
        conflict_count: The number of changes that stay.
        revision: The namespace's revision after it.
    """

    changes: tuple[UndoneChange, ...]
    change_count: int
    conflicts: tuple[UndoConflict, ...]
    conflict_count: int
    revision: int
