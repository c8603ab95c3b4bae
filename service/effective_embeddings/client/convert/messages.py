"""Messages of the contract to dataclasses, field by field of the same name."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from effective_embeddings.client.convert.vectors import vector_from_message
from effective_embeddings.client.models.explanation import (
    BasePart,
    ExplainReply,
    Explanation,
    Flip,
    LeaveOneOut,
    MemberPart,
    NeighbourPart,
    WhatIfCategory,
    WhatIfResult,
)
from effective_embeddings.client.models.history import (
    ChangeKind,
    HistoryBatch,
    HistoryChange,
    HistorySize,
    TrimReport,
    UndoConflict,
    UndoneChange,
    UndoReply,
)
from effective_embeddings.client.models.replies import (
    AssignmentResult,
    CategoryMatch,
    DamagedNamespace,
    MatchResult,
    MergedCategory,
    MergeReply,
    ServiceInfo,
    SnapshotView,
    StorageReport,
    UnassignmentResult,
    VerifyReport,
)
from effective_embeddings.client.models.resources import (
    ActorShare,
    Category,
    Dismissal,
    HistoryKeep,
    Item,
    ItemPart,
    Membership,
    MembershipMode,
    Namespace,
    Normalization,
    RankingMode,
    Vector,
)
from effective_embeddings.client.models.review import (
    ActorInfluence,
    AnswerFlow,
    CategoryMovement,
    CategoryReview,
    CategorySplit,
    ChangedAnswer,
    ConfusedCategory,
    Duplicate,
    ImpactReview,
    MemberReview,
    ReviewRate,
    ReviewRates,
    SplitHalf,
)
from effective_embeddings.client.models.suggestions import (
    Suggestion,
    SuggestionGroup,
    SuggestOrder,
    SuggestReply,
)
from effective_embeddings.v1 import errors_pb2, resources_pb2, service_pb2

__all__ = [
    "MEMBERSHIP_MODES",
    "NORMALIZATIONS",
    "RANKING_MODES",
    "SUGGEST_ORDERS",
    "VIEWS",
    "actor_influence",
    "assignment_result",
    "category",
    "category_review",
    "choice",
    "damaged_namespace",
    "duplicate",
    "explain_reply",
    "history_batch",
    "history_change",
    "history_size",
    "impact_review",
    "item",
    "match_result",
    "member_review",
    "namespace",
    "ranking_mode",
    "review_rates",
    "service_info",
    "storage_report",
    "suggest_reply",
    "trim_report",
    "unassignment_result",
    "undo_reply",
    "verify_report",
]

NORMALIZATIONS: dict[Normalization, resources_pb2.Normalization] = {
    "raw": resources_pb2.NORMALIZATION_RAW,
    "unit": resources_pb2.NORMALIZATION_UNIT,
}
RANKING_MODES: dict[RankingMode, resources_pb2.RankingMode] = {
    "cosine": resources_pb2.RANKING_MODE_COSINE,
    "local": resources_pb2.RANKING_MODE_LOCAL,
}
MEMBERSHIP_MODES: dict[MembershipMode, resources_pb2.MembershipMode] = {
    "single": resources_pb2.MEMBERSHIP_MODE_SINGLE,
    "multiple": resources_pb2.MEMBERSHIP_MODE_MULTIPLE,
}
SUGGEST_ORDERS: dict[SuggestOrder, service_pb2.SuggestOrder] = {
    "surest": service_pb2.SUGGEST_ORDER_SUREST,
    "most_doubtful": service_pb2.SUGGEST_ORDER_MOST_DOUBTFUL,
    "grouped": service_pb2.SUGGEST_ORDER_GROUPED,
}
VIEWS: dict[SnapshotView, resources_pb2.SnapshotView] = {
    "full": resources_pb2.SNAPSHOT_VIEW_FULL,
    "effective": resources_pb2.SNAPSHOT_VIEW_EFFECTIVE,
}


_Choice = TypeVar("_Choice")
_Model = TypeVar("_Model")


def choice(name: str, choices: Mapping[Any, _Choice], value: object) -> _Choice:
    """Return the contract's value for one of the names that an argument can have.

    Raises:
        ValueError: The argument is not one of them.
    """
    try:
        return choices[value]
    except (KeyError, TypeError):
        message = f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}"
        raise ValueError(message) from None


def ranking_mode(ranking: RankingMode | None) -> resources_pb2.RankingMode:
    """Return the contract's value; unspecified for None.

    Raises:
        ValueError: It is not a ranking.
    """
    if ranking is None:
        return resources_pb2.RANKING_MODE_UNSPECIFIED
    return choice("ranking", RANKING_MODES, ranking)


def _optional(message: Any, field: str) -> float | None:
    return float(getattr(message, field)) if message.HasField(field) else None


@functools.cache
def _readers(
    model: type, descriptor: Descriptor, special: frozenset[str]
) -> list[tuple[str, Callable[[Any, str], Any]]]:
    """Return how each field of a dataclass is read from the message's field of the same name."""
    readers: list[tuple[str, Callable[[Any, str], Any]]] = []
    for field in dataclasses.fields(model):
        if field.name in special:
            continue
        source = descriptor.fields_by_name[field.name]
        kind = source.message_type
        read: Callable[[Any, str], Any] = getattr
        if kind is None:
            if source.has_presence:
                read = _optional
        elif kind.GetOptions().map_entry:
            read = _mapping
        else:
            read = _MESSAGES[kind.full_name]
        readers.append((field.name, read))
    return readers


def _mapping(message: Any, field: str) -> dict[str, Any]:
    return dict(getattr(message, field))


def _vector(message: Any, field: str) -> Vector | None:
    return vector_from_message(getattr(message, field))


def _time(message: Any, field: str) -> datetime:
    stamp: Timestamp = getattr(message, field)
    return stamp.ToDatetime(tzinfo=UTC)


_MESSAGES: dict[str, Callable[[Any, str], Any]] = {
    "effective_embeddings.v1.Embedding": _vector,
    "google.protobuf.Timestamp": _time,
}


def _read(model: Callable[..., _Model], message: Message, **special: Any) -> _Model:
    """Return a dataclass with the fields of a message, and those given, which differ."""
    readers = _readers(cast("type", model), message.DESCRIPTOR, frozenset(special))
    return model(**{name: read(message, name) for name, read in readers}, **special)


def namespace(message: resources_pb2.Namespace) -> Namespace:
    """Return the message as a Namespace."""
    unit = message.normalization == resources_pb2.NORMALIZATION_UNIT
    multiple = message.membership == resources_pb2.MEMBERSHIP_MODE_MULTIPLE
    return _read(
        Namespace,
        message,
        normalization="unit" if unit else "raw",
        membership="multiple" if multiple else "single",
        ranking="local" if message.ranking == resources_pb2.RANKING_MODE_LOCAL else "cosine",
        history_keep=_read(HistoryKeep, message.history_keep)
        if message.HasField("history_keep")
        else None,
    )


def damaged_namespace(message: service_pb2.DamagedNamespace) -> DamagedNamespace:
    """Return the message as a DamagedNamespace."""
    return DamagedNamespace(message.name, _reason(message.reason) or "", message.message)


def category(message: resources_pb2.Category) -> Category:
    """Return the message as a Category."""
    return _read(Category, message, actor_shares=_actor_shares(message.actor_shares))


def _actor_shares(shares: Iterable[resources_pb2.ActorShare]) -> tuple[ActorShare, ...]:
    return tuple(_read(ActorShare, each) for each in shares)


def merge_reply(message: service_pb2.MergeCategoriesResponse) -> MergeReply:
    """Return the message as a MergeReply."""
    sources = tuple(
        _read(MergedCategory, each, cosine=_optional(each, "cosine")) for each in message.sources
    )
    return MergeReply(
        sources, _optional(message, "drift_before"), category(message.category), message.revision
    )


def item(message: resources_pb2.Item) -> Item:
    """Return the message as an Item."""
    memberships = tuple(_read(Membership, each) for each in message.memberships)
    dismissals = tuple(_read(Dismissal, each) for each in message.dismissals)
    parts = tuple(_read(ItemPart, each) for each in message.parts)
    return _read(Item, message, memberships=memberships, dismissals=dismissals, parts=parts)


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
        matches=tuple(_category_match(match) for match in message.matches),
        margin=_optional(message, "margin"),
        revision=revision,
        none_of_these=message.none_of_these,
    )


def _category_match(message: service_pb2.CategoryMatch) -> CategoryMatch:
    return CategoryMatch(
        message.category,
        message.score,
        message.count,
        message.rank_score,
        _optional(message, "confidence"),
    )


def suggest_reply(message: service_pb2.SuggestResponse) -> SuggestReply:
    """Return the message as a SuggestReply."""
    groups = (
        SuggestionGroup(group.category, group.count, _suggestions(group.suggestions))
        for group in message.groups
    )
    suggestions = _suggestions(message.suggestions)
    return _read(SuggestReply, message, suggestions=suggestions, groups=tuple(groups))


def _suggestions(messages: Iterable[service_pb2.Suggestion]) -> tuple[Suggestion, ...]:
    return tuple(
        Suggestion(
            item=each.item,
            best=_category_match(each.best),
            runner_up=_category_match(each.runner_up) if each.HasField("runner_up") else None,
            margin=_optional(each, "margin"),
        )
        for each in messages
    )


def explain_reply(message: service_pb2.ExplainResponse) -> ExplainReply:
    """Return the message as an ExplainReply."""
    flip = _read(Flip, message.flip, items=tuple(message.flip.items))
    return ExplainReply(
        explanations=tuple(_explanation(each) for each in message.explanations),
        margin=_optional(message, "margin"),
        flip=flip if message.HasField("flip") else None,
        revision=message.revision,
        what_if=tuple(_what_if_result(each) for each in message.what_if),
    )


def _what_if_result(message: service_pb2.WhatIfResult) -> WhatIfResult:
    return _read(
        WhatIfResult,
        message,
        categories=tuple(_read(WhatIfCategory, each) for each in message.categories),
    )


def _explanation(message: service_pb2.Explanation) -> Explanation:
    one_out = LeaveOneOut(_optional(message.leave_one_out, "score"))
    return _read(
        Explanation,
        message,
        base=_read(BasePart, message.base) if message.HasField("base") else None,
        members=tuple(_read(MemberPart, each) for each in message.members),
        neighbours=tuple(
            NeighbourPart(each.item or None, each.similarity, each.pull)
            for each in message.neighbours
        ),
        leave_one_out=one_out if message.HasField("leave_one_out") else None,
        dismissal=_read(Dismissal, message.dismissal) if message.HasField("dismissal") else None,
        capped_actors=_actor_shares(message.capped_actors),
    )


def member_review(message: service_pb2.MemberReview) -> MemberReview:
    """Return the message as a MemberReview."""
    return _read(MemberReview, message, other_category=message.other_category or None)


def review_rates(message: service_pb2.EstimateReviewRateResponse) -> ReviewRates:
    """Return the message as ReviewRates."""
    return _read(
        ReviewRates, message, rates=tuple(_read(ReviewRate, each) for each in message.rates)
    )


def duplicate(message: service_pb2.Duplicate) -> Duplicate:
    """Return the message as a Duplicate."""
    return _read(Duplicate, message)


def actor_influence(message: service_pb2.ActorInfluence) -> ActorInfluence:
    """Return the message as an ActorInfluence."""
    return _read(ActorInfluence, message)


def impact_review(message: service_pb2.ReviewImpactResponse) -> ImpactReview:
    """Return the message as an ImpactReview."""

    def changed(each: service_pb2.ChangedAnswer) -> ChangedAnswer:
        without = each.category_without or None
        return _read(ChangedAnswer, each, category=each.category or None, category_without=without)

    return _read(
        ImpactReview,
        message,
        changes=tuple(changed(each) for each in message.changes),
        flows=tuple(
            AnswerFlow(each.category_without or None, each.category or None, each.count)
            for each in message.flows
        ),
        categories=tuple(_read(CategoryMovement, each) for each in message.categories),
    )


def category_review(message: service_pb2.CategoryReview) -> CategoryReview:
    """Return the message as a CategoryReview."""
    halves = (_read(SplitHalf, half, items=tuple(half.items)) for half in message.split.halves)
    split = _read(CategorySplit, message.split, halves=tuple(halves))
    return _read(
        CategoryReview,
        message,
        nearest_category=message.nearest_category or None,
        confused=tuple(_read(ConfusedCategory, each) for each in message.confused),
        split=split if message.HasField("split") else None,
    )


def history_change(message: resources_pb2.HistoryChange) -> HistoryChange:
    """Return the message as a HistoryChange."""

    def part(field: str, read: Callable[[Any], _Model]) -> _Model | None:
        return read(getattr(message, field)) if message.HasField(field) else None

    anchor = message.anchor_before if message.HasField("anchor_before") else None
    return _read(
        HistoryChange,
        message,
        kind=_change_kind(message.kind),
        from_category=message.from_category or None,
        to_category=message.to_category or None,
        ended_membership=part("ended_membership", functools.partial(_read, Membership)),
        ended_dismissal=part("ended_dismissal", functools.partial(_read, Dismissal)),
        part=part("part", functools.partial(_read, ItemPart)),
        category_before=part("category_before", category),
        anchor_before=anchor,
        namespace_before=part("namespace_before", namespace),
    )


def history_batch(message: service_pb2.WatchHistoryResponse) -> HistoryBatch:
    """Return the message as a HistoryBatch."""
    changes = tuple(history_change(each) for each in message.changes)
    return HistoryBatch(changes, message.revision, message.current_revision, message.epoch)


def history_size(message: service_pb2.GetNamespaceResponse) -> HistorySize:
    """Return the size in the message as a HistorySize."""
    return _read(HistorySize, message.history)


def trim_report(message: service_pb2.TrimHistoryResponse) -> TrimReport:
    """Return the message as a TrimReport."""
    return _read(TrimReport, message)


def undo_reply(message: service_pb2.UndoResponse) -> UndoReply:
    """Return the message as an UndoReply."""
    changes = (_read(UndoneChange, each, kind=_change_kind(each.kind)) for each in message.changes)
    conflicts = (
        _read(UndoConflict, each, kind=_change_kind(each.kind)) for each in message.conflicts
    )
    return _read(UndoReply, message, changes=tuple(changes), conflicts=tuple(conflicts))


def _change_kind(kind: int) -> ChangeKind:
    # An open enum: a newer service may send a kind that this client has no name for.
    value = resources_pb2.ChangeKind.DESCRIPTOR.values_by_number.get(kind)
    name = "unspecified" if value is None else value.name.removeprefix("CHANGE_KIND_").lower()
    return cast("ChangeKind", name)


def verify_report(message: service_pb2.VerifyResponse) -> VerifyReport:
    """Return the message as a VerifyReport."""
    return _read(VerifyReport, message, findings=tuple(message.findings))


def storage_report(message: service_pb2.VerifyStorageResponse) -> StorageReport:
    """Return the message as a StorageReport."""
    return _read(StorageReport, message, findings=tuple(message.findings))


def service_info(message: service_pb2.GetServiceInfoResponse) -> ServiceInfo:
    """Return the message as a ServiceInfo."""
    return _read(ServiceInfo, message, write_refusal=_reason(message.write_refusal))


def _reason(value: errors_pb2.ErrorReason) -> str | None:
    if value == errors_pb2.ERROR_REASON_UNSPECIFIED:
        return None
    return errors_pb2.ErrorReason.Name(value).removeprefix("ERROR_REASON_")
