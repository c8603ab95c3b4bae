"""The replies of calls, as frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from effective_embeddings.client.models.resources import Category, Namespace

__all__ = [
    "AssignReply",
    "AssignmentResult",
    "CategoryMatch",
    "DamagedNamespace",
    "DeleteReply",
    "DismissReply",
    "DismissResult",
    "MatchResult",
    "MergeReply",
    "MergedCategory",
    "PutReply",
    "PutResult",
    "RenameReply",
    "ServiceInfo",
    "SnapshotProgress",
    "SnapshotSummary",
    "SnapshotView",
    "StorageReport",
    "UnassignReply",
    "UnassignmentResult",
    "VerifyReport",
]

SnapshotView = Literal["full", "effective"]


@dataclass(frozen=True, slots=True)
class DamagedNamespace:
    """A namespace whose stored row cannot be read.

    Attributes:
        name: Its name.
        reason: The ErrorReason, such as ``DATA_CORRUPTED``.
        message: The damage, for people.
    """

    name: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class PutResult:
    """The outcome for one category or item.

    Attributes:
        key: Its key.
        created: True if it is new.
        changed: True if anything changed.
    """

    key: str
    created: bool
    changed: bool


@dataclass(frozen=True, slots=True)
class PutReply:
    """The outcomes, in the order of the request, and the revision after the write."""

    results: tuple[PutResult, ...]
    revision: int


@dataclass(frozen=True, slots=True)
class RenameReply:
    """The result of a rename.

    Attributes:
        category: The category under its new key, without embeddings.
        changed: True if the new key is another one.
        revision: The namespace's revision after the write.
    """

    category: Category
    changed: bool
    revision: int


@dataclass(frozen=True, slots=True)
class MergedCategory:
    """A category that was merged into another one.

    Attributes:
        category: The key that it had.
        member_count: Number of its members.
        moved_count: How many of them became members of the target; the others were members of it.
        cosine: Cosine of its effective embedding with that of the target before the merge; None if
            one of them had none.
    """

    category: str
    member_count: int
    moved_count: int
    cosine: float | None


@dataclass(frozen=True, slots=True)
class MergeReply:
    """The result of a merge.

    Attributes:
        sources: The merged categories, in the order of the request.
        drift_before: Drift of the target before; None if it had none.
        category: The target afterwards, without embeddings; its ``drift`` is the one after.
        revision: The namespace's revision after the write.
    """

    sources: tuple[MergedCategory, ...]
    drift_before: float | None
    category: Category
    revision: int


@dataclass(frozen=True, slots=True)
class DismissResult:
    """The outcome of one dismissal, or of its withdrawal.

    Attributes:
        item: The item's key.
        category: The category's key.
        changed: True if anything changed.
    """

    item: str
    category: str
    changed: bool


@dataclass(frozen=True, slots=True)
class DismissReply:
    """The outcomes, in the order of the request, and the revision after the write."""

    results: tuple[DismissResult, ...]
    revision: int


@dataclass(frozen=True, slots=True)
class DeleteReply:
    """The result of a deletion.

    Attributes:
        deleted_count: Number of categories or items deleted.
        unassigned_count: Number of memberships that ended with deleted categories; 0 for items.
        revision: The namespace's revision after the write.
    """

    deleted_count: int
    unassigned_count: int
    revision: int


@dataclass(frozen=True, slots=True)
class AssignmentResult:
    """The outcome of one assignment.

    Attributes:
        item: The item's key.
        category: The category's key.
        previous_category: The category that the item left, or this one if the item was in it
            already; None if the item was in no category.
        changed: True if anything changed.
        score_before: Cosine of the item with the category before the change, −1 to 1; None if
            the category had no embedding.
        category_member_count: Number of the category's members after the write.
        category_drift: The category's drift after it, 0 to 2; None without a base or embedding.
        item_created: True if the item is new.
    """

    item: str
    category: str
    previous_category: str | None
    changed: bool
    score_before: float | None
    category_member_count: int
    category_drift: float | None
    item_created: bool


@dataclass(frozen=True, slots=True)
class AssignReply:
    """The outcomes, in the order of the request, and the revision after the write."""

    results: tuple[AssignmentResult, ...]
    revision: int


@dataclass(frozen=True, slots=True)
class UnassignmentResult:
    """The outcome for one item.

    Attributes:
        item: The item's key.
        previous_categories: The categories that the item left.
        changed: True if anything changed.
        item_deleted: True if the item was deleted.
    """

    item: str
    previous_categories: tuple[str, ...]
    changed: bool
    item_deleted: bool


@dataclass(frozen=True, slots=True)
class UnassignReply:
    """The outcomes, in the order of the request, and the revision after the write."""

    results: tuple[UnassignmentResult, ...]
    revision: int


@dataclass(frozen=True, slots=True)
class CategoryMatch:
    """One category in a ranking.

    Attributes:
        category: Its key.
        score: cos(query, effective embedding), −1 to 1.
        count: Number of its counting members.
        rank_score: What the order follows; it never rises down a ranking. Equal to ``score`` if
            the ranking is ``"cosine"`` and fairness is 0.
        confidence: The share of its members that fit it no better, leave-one-out, than the query
            (a conformal p-value), 1/(n + 1) to 1 with n counting members, at most the newest
            1024. None if it was not asked for, or no member counts.
    """

    category: str
    score: float
    count: int
    rank_score: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class MatchResult:
    """The ranking for one query.

    Attributes:
        matches: Best rank score first; equal ones by key.
        margin: Rank score of the first minus rank score of the second competing category; None
            if fewer than two compete.
        revision: The namespace's revision that was read.
        none_of_these: True if ``min_confidence`` was given and no match reaches it.
    """

    matches: tuple[CategoryMatch, ...]
    margin: float | None
    revision: int
    none_of_these: bool = False

    @property
    def best(self) -> CategoryMatch | None:
        """The first match; None if no category competes."""
        return self.matches[0] if self.matches else None


@dataclass(frozen=True, slots=True)
class SnapshotProgress:
    """Progress of a snapshot or a restore: frames, bytes, categories and items so far.

    ``category_total`` and ``item_total`` are the numbers in the header.
    """

    frames: int
    bytes: int
    categories: int
    items: int
    category_total: int
    item_total: int


@dataclass(frozen=True, slots=True)
class SnapshotSummary:
    """A complete snapshot.

    Attributes:
        file: The file; ``-`` for a stream.
        size: Number of bytes.
        namespace: The namespace at the snapshot's revision.
        view: The view that the snapshot holds.
        category_count: Number of categories in it.
        item_count: Number of items in it.
        membership_count: Number of memberships in it.
        digest: The state digest, 32 bytes.
    """

    file: Path
    size: int
    namespace: Namespace
    view: SnapshotView
    category_count: int
    item_count: int
    membership_count: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The result of a verification.

    Attributes:
        category_count: Number of categories whose sum was rebuilt and compared.
        item_count: Number of items read.
        membership_count: Number of memberships read.
        digest: The digest of the rebuilt state, 32 bytes.
        findings: What does not agree, in words, the first 100; empty: all is well.
        revision: The revision that was verified.
    """

    category_count: int
    item_count: int
    membership_count: int
    digest: bytes
    findings: tuple[str, ...]
    revision: int

    @property
    def ok(self) -> bool:
        """True if everything agrees."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class StorageReport:
    """The result of verifying the storage below all namespaces.

    Attributes:
        page_count: Number of pages read.
        findings: The damage found, for people, at most 100; empty: everything is intact.
    """

    page_count: int
    findings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """True if everything is intact."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """Version, state and limits of the service.

    Attributes:
        version: Its version.
        kernel: Ranking kernel in use.
        sqlite_version: Version of the embedded SQLite.
        release_build: False for a debug build of the core, which is many times slower.
        namespace_count: Number of namespaces.
        memory_bytes: Bytes held for the categories of loaded namespaces.
        limits: The limits, by name.
        write_refusal: The ErrorReason with which the service currently refuses writes, such as
            ``STORE_FAILED``; None: it accepts them.
        member_count: Number of members in memory for the ranking ``"local"``.
        member_bytes: Bytes of ``memory_bytes`` that these members take.
        history_entry_count: Log entries of all namespaces.
        history_byte_count: Bytes of these entries.
        database_bytes: Bytes that the database file takes on the disk, without its write-ahead log.
        database_free_bytes: Bytes of these that are free for new rows.
    """

    version: str
    kernel: str
    sqlite_version: str
    release_build: bool
    namespace_count: int
    memory_bytes: int
    limits: Mapping[str, int]
    write_refusal: str | None = None
    member_count: int = 0
    member_bytes: int = 0
    history_entry_count: int = 0
    history_byte_count: int = 0
    database_bytes: int = 0
    database_free_bytes: int = 0
