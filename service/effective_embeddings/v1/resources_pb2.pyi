import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Normalization(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NORMALIZATION_UNSPECIFIED: _ClassVar[Normalization]
    NORMALIZATION_RAW: _ClassVar[Normalization]
    NORMALIZATION_UNIT: _ClassVar[Normalization]

class MembershipMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEMBERSHIP_MODE_UNSPECIFIED: _ClassVar[MembershipMode]
    MEMBERSHIP_MODE_SINGLE: _ClassVar[MembershipMode]
    MEMBERSHIP_MODE_MULTIPLE: _ClassVar[MembershipMode]

class RankingMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RANKING_MODE_UNSPECIFIED: _ClassVar[RankingMode]
    RANKING_MODE_COSINE: _ClassVar[RankingMode]
    RANKING_MODE_LOCAL: _ClassVar[RankingMode]

class ChangeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHANGE_KIND_UNSPECIFIED: _ClassVar[ChangeKind]
    CHANGE_KIND_NAMESPACE_CREATED: _ClassVar[ChangeKind]
    CHANGE_KIND_NAMESPACE_UPDATED: _ClassVar[ChangeKind]
    CHANGE_KIND_CATEGORY_CREATED: _ClassVar[ChangeKind]
    CHANGE_KIND_CATEGORY_UPDATED: _ClassVar[ChangeKind]
    CHANGE_KIND_CATEGORY_REANCHORED: _ClassVar[ChangeKind]
    CHANGE_KIND_CATEGORY_DELETED: _ClassVar[ChangeKind]
    CHANGE_KIND_ITEM_CREATED: _ClassVar[ChangeKind]
    CHANGE_KIND_ITEM_UPDATED: _ClassVar[ChangeKind]
    CHANGE_KIND_ITEM_DELETED: _ClassVar[ChangeKind]
    CHANGE_KIND_ASSIGNED: _ClassVar[ChangeKind]
    CHANGE_KIND_UNASSIGNED: _ClassVar[ChangeKind]
    CHANGE_KIND_CATEGORY_RENAMED: _ClassVar[ChangeKind]
    CHANGE_KIND_DISMISSED: _ClassVar[ChangeKind]
    CHANGE_KIND_DISMISSAL_ENDED: _ClassVar[ChangeKind]
    CHANGE_KIND_PART_ADDED: _ClassVar[ChangeKind]
    CHANGE_KIND_PART_REMOVED: _ClassVar[ChangeKind]

class SnapshotView(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SNAPSHOT_VIEW_UNSPECIFIED: _ClassVar[SnapshotView]
    SNAPSHOT_VIEW_FULL: _ClassVar[SnapshotView]
    SNAPSHOT_VIEW_EFFECTIVE: _ClassVar[SnapshotView]
NORMALIZATION_UNSPECIFIED: Normalization
NORMALIZATION_RAW: Normalization
NORMALIZATION_UNIT: Normalization
MEMBERSHIP_MODE_UNSPECIFIED: MembershipMode
MEMBERSHIP_MODE_SINGLE: MembershipMode
MEMBERSHIP_MODE_MULTIPLE: MembershipMode
RANKING_MODE_UNSPECIFIED: RankingMode
RANKING_MODE_COSINE: RankingMode
RANKING_MODE_LOCAL: RankingMode
CHANGE_KIND_UNSPECIFIED: ChangeKind
CHANGE_KIND_NAMESPACE_CREATED: ChangeKind
CHANGE_KIND_NAMESPACE_UPDATED: ChangeKind
CHANGE_KIND_CATEGORY_CREATED: ChangeKind
CHANGE_KIND_CATEGORY_UPDATED: ChangeKind
CHANGE_KIND_CATEGORY_REANCHORED: ChangeKind
CHANGE_KIND_CATEGORY_DELETED: ChangeKind
CHANGE_KIND_ITEM_CREATED: ChangeKind
CHANGE_KIND_ITEM_UPDATED: ChangeKind
CHANGE_KIND_ITEM_DELETED: ChangeKind
CHANGE_KIND_ASSIGNED: ChangeKind
CHANGE_KIND_UNASSIGNED: ChangeKind
CHANGE_KIND_CATEGORY_RENAMED: ChangeKind
CHANGE_KIND_DISMISSED: ChangeKind
CHANGE_KIND_DISMISSAL_ENDED: ChangeKind
CHANGE_KIND_PART_ADDED: ChangeKind
CHANGE_KIND_PART_REMOVED: ChangeKind
SNAPSHOT_VIEW_UNSPECIFIED: SnapshotView
SNAPSHOT_VIEW_FULL: SnapshotView
SNAPSHOT_VIEW_EFFECTIVE: SnapshotView

class Embedding(_message.Message):
    __slots__ = ("data", "values")
    DATA_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, data: _Optional[bytes] = ..., values: _Optional[_Iterable[float]] = ...) -> None: ...

class Namespace(_message.Message):
    __slots__ = ("name", "dimension", "embedding_model", "normalization", "membership", "description", "labels", "revision", "category_count", "item_count", "membership_count", "digest", "create_time", "ranking", "fairness", "history_keep")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIMENSION_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_MODEL_FIELD_NUMBER: _ClassVar[int]
    NORMALIZATION_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_COUNT_FIELD_NUMBER: _ClassVar[int]
    ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_COUNT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    RANKING_FIELD_NUMBER: _ClassVar[int]
    FAIRNESS_FIELD_NUMBER: _ClassVar[int]
    HISTORY_KEEP_FIELD_NUMBER: _ClassVar[int]
    name: str
    dimension: int
    embedding_model: str
    normalization: Normalization
    membership: MembershipMode
    description: str
    labels: _containers.ScalarMap[str, str]
    revision: int
    category_count: int
    item_count: int
    membership_count: int
    digest: bytes
    create_time: _timestamp_pb2.Timestamp
    ranking: RankingMode
    fairness: float
    history_keep: HistoryKeep
    def __init__(self, name: _Optional[str] = ..., dimension: _Optional[int] = ..., embedding_model: _Optional[str] = ..., normalization: _Optional[_Union[Normalization, str]] = ..., membership: _Optional[_Union[MembershipMode, str]] = ..., description: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., revision: _Optional[int] = ..., category_count: _Optional[int] = ..., item_count: _Optional[int] = ..., membership_count: _Optional[int] = ..., digest: _Optional[bytes] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ranking: _Optional[_Union[RankingMode, str]] = ..., fairness: _Optional[float] = ..., history_keep: _Optional[_Union[HistoryKeep, _Mapping]] = ...) -> None: ...

class HistoryKeep(_message.Message):
    __slots__ = ("revisions", "age_seconds")
    REVISIONS_FIELD_NUMBER: _ClassVar[int]
    AGE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    revisions: int
    age_seconds: int
    def __init__(self, revisions: _Optional[int] = ..., age_seconds: _Optional[int] = ...) -> None: ...

class HistorySize(_message.Message):
    __slots__ = ("first_revision", "revision_count", "byte_count")
    FIRST_REVISION_FIELD_NUMBER: _ClassVar[int]
    REVISION_COUNT_FIELD_NUMBER: _ClassVar[int]
    BYTE_COUNT_FIELD_NUMBER: _ClassVar[int]
    first_revision: int
    revision_count: int
    byte_count: int
    def __init__(self, first_revision: _Optional[int] = ..., revision_count: _Optional[int] = ..., byte_count: _Optional[int] = ...) -> None: ...

class Category(_message.Message):
    __slots__ = ("key", "base", "base_weight", "window", "min_base_share", "frozen", "metadata", "member_count", "counting_count", "counting_weight", "drift", "spread", "effective", "anchor", "create_time", "min_score", "max_actor_share", "actor_shares")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    KEY_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    BASE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    MIN_BASE_SHARE_FIELD_NUMBER: _ClassVar[int]
    FROZEN_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    COUNTING_COUNT_FIELD_NUMBER: _ClassVar[int]
    COUNTING_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    DRIFT_FIELD_NUMBER: _ClassVar[int]
    SPREAD_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    MIN_SCORE_FIELD_NUMBER: _ClassVar[int]
    MAX_ACTOR_SHARE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_SHARES_FIELD_NUMBER: _ClassVar[int]
    key: str
    base: Embedding
    base_weight: float
    window: int
    min_base_share: float
    frozen: bool
    metadata: _containers.ScalarMap[str, str]
    member_count: int
    counting_count: int
    counting_weight: float
    drift: float
    spread: float
    effective: Embedding
    anchor: int
    create_time: _timestamp_pb2.Timestamp
    min_score: float
    max_actor_share: float
    actor_shares: _containers.RepeatedCompositeFieldContainer[ActorShare]
    def __init__(self, key: _Optional[str] = ..., base: _Optional[_Union[Embedding, _Mapping]] = ..., base_weight: _Optional[float] = ..., window: _Optional[int] = ..., min_base_share: _Optional[float] = ..., frozen: bool = ..., metadata: _Optional[_Mapping[str, str]] = ..., member_count: _Optional[int] = ..., counting_count: _Optional[int] = ..., counting_weight: _Optional[float] = ..., drift: _Optional[float] = ..., spread: _Optional[float] = ..., effective: _Optional[_Union[Embedding, _Mapping]] = ..., anchor: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., min_score: _Optional[float] = ..., max_actor_share: _Optional[float] = ..., actor_shares: _Optional[_Iterable[_Union[ActorShare, _Mapping]]] = ...) -> None: ...

class ActorShare(_message.Message):
    __slots__ = ("actor", "counting_count", "weight", "scale", "share")
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    COUNTING_COUNT_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    actor: str
    counting_count: int
    weight: float
    scale: float
    share: float
    def __init__(self, actor: _Optional[str] = ..., counting_count: _Optional[int] = ..., weight: _Optional[float] = ..., scale: _Optional[float] = ..., share: _Optional[float] = ...) -> None: ...

class Item(_message.Message):
    __slots__ = ("key", "embedding", "weight", "metadata", "memberships", "create_time", "dismissals", "parts")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    KEY_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIPS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DISMISSALS_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    key: str
    embedding: Embedding
    weight: float
    metadata: _containers.ScalarMap[str, str]
    memberships: _containers.RepeatedCompositeFieldContainer[Membership]
    create_time: _timestamp_pb2.Timestamp
    dismissals: _containers.RepeatedCompositeFieldContainer[Dismissal]
    parts: _containers.RepeatedCompositeFieldContainer[ItemPart]
    def __init__(self, key: _Optional[str] = ..., embedding: _Optional[_Union[Embedding, _Mapping]] = ..., weight: _Optional[float] = ..., metadata: _Optional[_Mapping[str, str]] = ..., memberships: _Optional[_Iterable[_Union[Membership, _Mapping]]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., dismissals: _Optional[_Iterable[_Union[Dismissal, _Mapping]]] = ..., parts: _Optional[_Iterable[_Union[ItemPart, _Mapping]]] = ...) -> None: ...

class ItemPart(_message.Message):
    __slots__ = ("item", "weight")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    item: str
    weight: float
    def __init__(self, item: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class Membership(_message.Message):
    __slots__ = ("category", "sequence", "assign_time", "actor", "reason")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ASSIGN_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    category: str
    sequence: int
    assign_time: _timestamp_pb2.Timestamp
    actor: str
    reason: str
    def __init__(self, category: _Optional[str] = ..., sequence: _Optional[int] = ..., assign_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Dismissal(_message.Message):
    __slots__ = ("category", "dismiss_time", "actor", "reason")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    DISMISS_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    category: str
    dismiss_time: _timestamp_pb2.Timestamp
    actor: str
    reason: str
    def __init__(self, category: _Optional[str] = ..., dismiss_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class HistoryChange(_message.Message):
    __slots__ = ("revision", "index", "kind", "time", "actor", "reason", "request_id", "item", "category", "from_category", "to_category", "ended_membership", "weight_before", "metadata_before", "category_before", "anchor_before", "namespace_before", "undoes_revision", "ended_dismissal", "part")
    class MetadataBeforeEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    REVISION_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    FROM_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    TO_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    ENDED_MEMBERSHIP_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_BEFORE_FIELD_NUMBER: _ClassVar[int]
    METADATA_BEFORE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_BEFORE_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_BEFORE_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_BEFORE_FIELD_NUMBER: _ClassVar[int]
    UNDOES_REVISION_FIELD_NUMBER: _ClassVar[int]
    ENDED_DISMISSAL_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    revision: int
    index: int
    kind: ChangeKind
    time: _timestamp_pb2.Timestamp
    actor: str
    reason: str
    request_id: str
    item: str
    category: str
    from_category: str
    to_category: str
    ended_membership: Membership
    weight_before: float
    metadata_before: _containers.ScalarMap[str, str]
    category_before: Category
    anchor_before: int
    namespace_before: Namespace
    undoes_revision: int
    ended_dismissal: Dismissal
    part: ItemPart
    def __init__(self, revision: _Optional[int] = ..., index: _Optional[int] = ..., kind: _Optional[_Union[ChangeKind, str]] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ..., item: _Optional[str] = ..., category: _Optional[str] = ..., from_category: _Optional[str] = ..., to_category: _Optional[str] = ..., ended_membership: _Optional[_Union[Membership, _Mapping]] = ..., weight_before: _Optional[float] = ..., metadata_before: _Optional[_Mapping[str, str]] = ..., category_before: _Optional[_Union[Category, _Mapping]] = ..., anchor_before: _Optional[int] = ..., namespace_before: _Optional[_Union[Namespace, _Mapping]] = ..., undoes_revision: _Optional[int] = ..., ended_dismissal: _Optional[_Union[Dismissal, _Mapping]] = ..., part: _Optional[_Union[ItemPart, _Mapping]] = ...) -> None: ...

class SnapshotFrame(_message.Message):
    __slots__ = ("header", "categories", "items", "trailer", "checksum")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    TRAILER_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    header: SnapshotHeader
    categories: SnapshotCategories
    items: SnapshotItems
    trailer: SnapshotTrailer
    checksum: int
    def __init__(self, header: _Optional[_Union[SnapshotHeader, _Mapping]] = ..., categories: _Optional[_Union[SnapshotCategories, _Mapping]] = ..., items: _Optional[_Union[SnapshotItems, _Mapping]] = ..., trailer: _Optional[_Union[SnapshotTrailer, _Mapping]] = ..., checksum: _Optional[int] = ...) -> None: ...

class SnapshotHeader(_message.Message):
    __slots__ = ("format", "view", "namespace", "time")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    format: int
    view: SnapshotView
    namespace: Namespace
    time: _timestamp_pb2.Timestamp
    def __init__(self, format: _Optional[int] = ..., view: _Optional[_Union[SnapshotView, str]] = ..., namespace: _Optional[_Union[Namespace, _Mapping]] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SnapshotCategories(_message.Message):
    __slots__ = ("categories",)
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    categories: _containers.RepeatedCompositeFieldContainer[Category]
    def __init__(self, categories: _Optional[_Iterable[_Union[Category, _Mapping]]] = ...) -> None: ...

class SnapshotItems(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Item]
    def __init__(self, items: _Optional[_Iterable[_Union[Item, _Mapping]]] = ...) -> None: ...

class SnapshotTrailer(_message.Message):
    __slots__ = ("category_count", "item_count", "membership_count", "digest")
    CATEGORY_COUNT_FIELD_NUMBER: _ClassVar[int]
    ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_COUNT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    category_count: int
    item_count: int
    membership_count: int
    digest: bytes
    def __init__(self, category_count: _Optional[int] = ..., item_count: _Optional[int] = ..., membership_count: _Optional[int] = ..., digest: _Optional[bytes] = ...) -> None: ...
