"""Messages of the contract to dataclasses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from google.protobuf.timestamp_pb2 import Timestamp

from effective_embeddings.client.convert.vectors import vector_from_message
from effective_embeddings.client.models.replies import (
    AssignmentResult,
    CategoryMatch,
    MatchResult,
    ServiceInfo,
    SnapshotView,
    StorageReport,
    UnassignmentResult,
    VerifyReport,
)
from effective_embeddings.client.models.resources import (
    Category,
    Item,
    Membership,
    MembershipMode,
    Namespace,
    Normalization,
)
from effective_embeddings.v1 import errors_pb2, resources_pb2, service_pb2

__all__ = [
    "MEMBERSHIP_MODES",
    "NORMALIZATIONS",
    "VIEWS",
    "assignment_result",
    "category",
    "item",
    "match_result",
    "namespace",
    "service_info",
    "storage_report",
    "unassignment_result",
    "verify_report",
]

NORMALIZATIONS: dict[Normalization, resources_pb2.Normalization] = {
    "raw": resources_pb2.NORMALIZATION_RAW,
    "unit": resources_pb2.NORMALIZATION_UNIT,
}
MEMBERSHIP_MODES: dict[MembershipMode, resources_pb2.MembershipMode] = {
    "single": resources_pb2.MEMBERSHIP_MODE_SINGLE,
    "multiple": resources_pb2.MEMBERSHIP_MODE_MULTIPLE,
}
VIEWS: dict[SnapshotView, resources_pb2.SnapshotView] = {
    "full": resources_pb2.SNAPSHOT_VIEW_FULL,
    "effective": resources_pb2.SNAPSHOT_VIEW_EFFECTIVE,
}


class _HasOptionals(Protocol):
    def HasField(self, field_name: str, /) -> bool: ...  # noqa: N802


def _optional(message: _HasOptionals, field: str) -> float | None:
    return float(getattr(message, field)) if message.HasField(field) else None


def _time(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)


def namespace(message: resources_pb2.Namespace) -> Namespace:
    """Return the message as a Namespace."""
    unit = message.normalization == resources_pb2.NORMALIZATION_UNIT
    multiple = message.membership == resources_pb2.MEMBERSHIP_MODE_MULTIPLE
    return Namespace(
        name=message.name,
        dimension=message.dimension,
        embedding_model=message.embedding_model,
        normalization="unit" if unit else "raw",
        membership="multiple" if multiple else "single",
        description=message.description,
        labels=dict(message.labels),
        revision=message.revision,
        category_count=message.category_count,
        item_count=message.item_count,
        membership_count=message.membership_count,
        digest=message.digest,
        create_time=_time(message.create_time),
    )


def category(message: resources_pb2.Category) -> Category:
    """Return the message as a Category."""
    return Category(
        key=message.key,
        base=vector_from_message(message.base),
        base_weight=message.base_weight,
        window=message.window,
        min_base_share=message.min_base_share,
        frozen=message.frozen,
        metadata=dict(message.metadata),
        member_count=message.member_count,
        counting_count=message.counting_count,
        counting_weight=message.counting_weight,
        drift=_optional(message, "drift"),
        spread=_optional(message, "spread"),
        effective=vector_from_message(message.effective),
        anchor=message.anchor,
        create_time=_time(message.create_time),
    )


def item(message: resources_pb2.Item) -> Item:
    """Return the message as an Item."""
    return Item(
        key=message.key,
        embedding=vector_from_message(message.embedding),
        weight=message.weight,
        metadata=dict(message.metadata),
        memberships=tuple(
            Membership(
                category=membership.category,
                sequence=membership.sequence,
                assign_time=_time(membership.assign_time),
                actor=membership.actor,
                reason=membership.reason,
            )
            for membership in message.memberships
        ),
        create_time=_time(message.create_time),
    )


def assignment_result(message: service_pb2.AssignmentResult) -> AssignmentResult:
    """Return the message as an AssignmentResult."""
    return AssignmentResult(
        item=message.item,
        category=message.category,
        previous_category=message.previous_category or None,
        changed=message.changed,
        score_before=_optional(message, "score_before"),
        category_member_count=message.category_member_count,
        category_drift=_optional(message, "category_drift"),
        item_created=message.item_created,
    )


def unassignment_result(message: service_pb2.UnassignmentResult) -> UnassignmentResult:
    """Return the message as an UnassignmentResult."""
    return UnassignmentResult(
        item=message.item,
        previous_categories=tuple(message.previous_categories),
        changed=message.changed,
        item_deleted=message.item_deleted,
    )


def match_result(message: service_pb2.MatchResult, revision: int) -> MatchResult:
    """Return the message as a MatchResult that saw ``revision``."""
    return MatchResult(
        matches=tuple(
            CategoryMatch(match.category, match.score, match.count) for match in message.matches
        ),
        margin=_optional(message, "margin"),
        revision=revision,
    )


def verify_report(message: service_pb2.VerifyResponse) -> VerifyReport:
    """Return the message as a VerifyReport."""
    return VerifyReport(
        category_count=message.category_count,
        item_count=message.item_count,
        membership_count=message.membership_count,
        digest=message.digest,
        findings=tuple(message.findings),
        revision=message.revision,
    )


def storage_report(message: service_pb2.VerifyStorageResponse) -> StorageReport:
    """Return the message as a StorageReport."""
    return StorageReport(page_count=message.page_count, findings=tuple(message.findings))


def service_info(message: service_pb2.GetServiceInfoResponse) -> ServiceInfo:
    """Return the message as a ServiceInfo."""
    return ServiceInfo(
        version=message.version,
        kernel=message.kernel,
        sqlite_version=message.sqlite_version,
        release_build=message.release_build,
        namespace_count=message.namespace_count,
        memory_bytes=message.memory_bytes,
        limits=dict(message.limits),
        write_refusal=_reason(message.write_refusal),
    )


def _reason(value: errors_pb2.ErrorReason) -> str | None:
    if value == errors_pb2.ERROR_REASON_UNSPECIFIED:
        return None
    return errors_pb2.ErrorReason.Name(value).removeprefix("ERROR_REASON_")
