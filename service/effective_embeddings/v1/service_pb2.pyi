import datetime

from effective_embeddings.v1 import errors_pb2 as _errors_pb2
from effective_embeddings.v1 import resources_pb2 as _resources_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SuggestOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUGGEST_ORDER_UNSPECIFIED: _ClassVar[SuggestOrder]
    SUGGEST_ORDER_SUREST: _ClassVar[SuggestOrder]
    SUGGEST_ORDER_MOST_DOUBTFUL: _ClassVar[SuggestOrder]
    SUGGEST_ORDER_GROUPED: _ClassVar[SuggestOrder]

class ReviewOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REVIEW_ORDER_UNSPECIFIED: _ClassVar[ReviewOrder]
    REVIEW_ORDER_MISFIT: _ClassVar[ReviewOrder]
    REVIEW_ORDER_INFLUENCE: _ClassVar[ReviewOrder]

class DuplicateScope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DUPLICATE_SCOPE_UNSPECIFIED: _ClassVar[DuplicateScope]
    DUPLICATE_SCOPE_SAME_CATEGORY: _ClassVar[DuplicateScope]
    DUPLICATE_SCOPE_OTHER_CATEGORY: _ClassVar[DuplicateScope]
    DUPLICATE_SCOPE_ANY_CATEGORY: _ClassVar[DuplicateScope]

class HistoryOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HISTORY_ORDER_UNSPECIFIED: _ClassVar[HistoryOrder]
    HISTORY_ORDER_NEWEST_FIRST: _ClassVar[HistoryOrder]
    HISTORY_ORDER_OLDEST_FIRST: _ClassVar[HistoryOrder]
SUGGEST_ORDER_UNSPECIFIED: SuggestOrder
SUGGEST_ORDER_SUREST: SuggestOrder
SUGGEST_ORDER_MOST_DOUBTFUL: SuggestOrder
SUGGEST_ORDER_GROUPED: SuggestOrder
REVIEW_ORDER_UNSPECIFIED: ReviewOrder
REVIEW_ORDER_MISFIT: ReviewOrder
REVIEW_ORDER_INFLUENCE: ReviewOrder
DUPLICATE_SCOPE_UNSPECIFIED: DuplicateScope
DUPLICATE_SCOPE_SAME_CATEGORY: DuplicateScope
DUPLICATE_SCOPE_OTHER_CATEGORY: DuplicateScope
DUPLICATE_SCOPE_ANY_CATEGORY: DuplicateScope
HISTORY_ORDER_UNSPECIFIED: HistoryOrder
HISTORY_ORDER_NEWEST_FIRST: HistoryOrder
HISTORY_ORDER_OLDEST_FIRST: HistoryOrder

class WriteOptions(_message.Message):
    __slots__ = ("request_id", "validate_only", "actor", "reason", "embedding_model", "if_revision")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_MODEL_FIELD_NUMBER: _ClassVar[int]
    IF_REVISION_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    validate_only: bool
    actor: str
    reason: str
    embedding_model: str
    if_revision: int
    def __init__(self, request_id: _Optional[str] = ..., validate_only: bool = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., embedding_model: _Optional[str] = ..., if_revision: _Optional[int] = ...) -> None: ...

class CreateNamespaceRequest(_message.Message):
    __slots__ = ("namespace", "write")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    namespace: _resources_pb2.Namespace
    write: WriteOptions
    def __init__(self, namespace: _Optional[_Union[_resources_pb2.Namespace, _Mapping]] = ..., write: _Optional[_Union[WriteOptions, _Mapping]] = ...) -> None: ...

class CreateNamespaceResponse(_message.Message):
    __slots__ = ("namespace",)
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    namespace: _resources_pb2.Namespace
    def __init__(self, namespace: _Optional[_Union[_resources_pb2.Namespace, _Mapping]] = ...) -> None: ...

class GetNamespaceRequest(_message.Message):
    __slots__ = ("namespace", "min_revision", "epoch")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    min_revision: int
    epoch: int
    def __init__(self, namespace: _Optional[str] = ..., min_revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class GetNamespaceResponse(_message.Message):
    __slots__ = ("namespace", "epoch", "history")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    namespace: _resources_pb2.Namespace
    epoch: int
    history: _resources_pb2.HistorySize
    def __init__(self, namespace: _Optional[_Union[_resources_pb2.Namespace, _Mapping]] = ..., epoch: _Optional[int] = ..., history: _Optional[_Union[_resources_pb2.HistorySize, _Mapping]] = ...) -> None: ...

class ListNamespacesRequest(_message.Message):
    __slots__ = ("prefix", "page_size", "page_token")
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    prefix: str
    page_size: int
    page_token: str
    def __init__(self, prefix: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListNamespacesResponse(_message.Message):
    __slots__ = ("namespaces", "next_page_token", "damaged")
    NAMESPACES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DAMAGED_FIELD_NUMBER: _ClassVar[int]
    namespaces: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Namespace]
    next_page_token: str
    damaged: _containers.RepeatedCompositeFieldContainer[DamagedNamespace]
    def __init__(self, namespaces: _Optional[_Iterable[_Union[_resources_pb2.Namespace, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., damaged: _Optional[_Iterable[_Union[DamagedNamespace, _Mapping]]] = ...) -> None: ...

class DamagedNamespace(_message.Message):
    __slots__ = ("name", "reason", "message")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    name: str
    reason: _errors_pb2.ErrorReason
    message: str
    def __init__(self, name: _Optional[str] = ..., reason: _Optional[_Union[_errors_pb2.ErrorReason, str]] = ..., message: _Optional[str] = ...) -> None: ...

class UpdateNamespaceRequest(_message.Message):
    __slots__ = ("namespace", "description", "labels", "replace_labels", "write", "ranking", "fairness", "history_keep")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    REPLACE_LABELS_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    RANKING_FIELD_NUMBER: _ClassVar[int]
    FAIRNESS_FIELD_NUMBER: _ClassVar[int]
    HISTORY_KEEP_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    description: str
    labels: _containers.ScalarMap[str, str]
    replace_labels: bool
    write: WriteOptions
    ranking: _resources_pb2.RankingMode
    fairness: float
    history_keep: _resources_pb2.HistoryKeep
    def __init__(self, namespace: _Optional[str] = ..., description: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., replace_labels: bool = ..., write: _Optional[_Union[WriteOptions, _Mapping]] = ..., ranking: _Optional[_Union[_resources_pb2.RankingMode, str]] = ..., fairness: _Optional[float] = ..., history_keep: _Optional[_Union[_resources_pb2.HistoryKeep, _Mapping]] = ...) -> None: ...

class UpdateNamespaceResponse(_message.Message):
    __slots__ = ("namespace",)
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    namespace: _resources_pb2.Namespace
    def __init__(self, namespace: _Optional[_Union[_resources_pb2.Namespace, _Mapping]] = ...) -> None: ...

class DeleteNamespaceRequest(_message.Message):
    __slots__ = ("namespace", "force", "write")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    force: bool
    write: WriteOptions
    def __init__(self, namespace: _Optional[str] = ..., force: bool = ..., write: _Optional[_Union[WriteOptions, _Mapping]] = ...) -> None: ...

class DeleteNamespaceResponse(_message.Message):
    __slots__ = ("namespace",)
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    namespace: _resources_pb2.Namespace
    def __init__(self, namespace: _Optional[_Union[_resources_pb2.Namespace, _Mapping]] = ...) -> None: ...

class CategoryUpdate(_message.Message):
    __slots__ = ("key", "base", "clear_base", "base_weight", "window", "min_base_share", "frozen", "metadata", "replace_metadata", "min_score", "max_actor_share")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    KEY_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    CLEAR_BASE_FIELD_NUMBER: _ClassVar[int]
    BASE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    MIN_BASE_SHARE_FIELD_NUMBER: _ClassVar[int]
    FROZEN_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    REPLACE_METADATA_FIELD_NUMBER: _ClassVar[int]
    MIN_SCORE_FIELD_NUMBER: _ClassVar[int]
    MAX_ACTOR_SHARE_FIELD_NUMBER: _ClassVar[int]
    key: str
    base: _resources_pb2.Embedding
    clear_base: bool
    base_weight: float
    window: int
    min_base_share: float
    frozen: bool
    metadata: _containers.ScalarMap[str, str]
    replace_metadata: bool
    min_score: float
    max_actor_share: float
    def __init__(self, key: _Optional[str] = ..., base: _Optional[_Union[_resources_pb2.Embedding, _Mapping]] = ..., clear_base: bool = ..., base_weight: _Optional[float] = ..., window: _Optional[int] = ..., min_base_share: _Optional[float] = ..., frozen: bool = ..., metadata: _Optional[_Mapping[str, str]] = ..., replace_metadata: bool = ..., min_score: _Optional[float] = ..., max_actor_share: _Optional[float] = ...) -> None: ...

class PutCategoriesRequest(_message.Message):
    __slots__ = ("namespace", "categories", "write")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    categories: _containers.RepeatedCompositeFieldContainer[CategoryUpdate]
    write: WriteOptions
    def __init__(self, namespace: _Optional[str] = ..., categories: _Optional[_Iterable[_Union[CategoryUpdate, _Mapping]]] = ..., write: _Optional[_Union[WriteOptions, _Mapping]] = ...) -> None: ...

class PutCategoriesResponse(_message.Message):
    __slots__ = ("results", "revision", "epoch")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[PutCategoryResult]
    revision: int
    epoch: int
    def __init__(self, results: _Optional[_Iterable[_Union[PutCategoryResult, _Mapping]]] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class PutCategoryResult(_message.Message):
    __slots__ = ("category", "created", "changed")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    category: str
    created: bool
    changed: bool
    def __init__(self, category: _Optional[str] = ..., created: bool = ..., changed: bool = ...) -> None: ...

class GetCategoryRequest(_message.Message):
    __slots__ = ("namespace", "category", "include_embeddings", "min_revision", "epoch", "at_revision")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_EMBEDDINGS_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    AT_REVISION_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    category: str
    include_embeddings: bool
    min_revision: int
    epoch: int
    at_revision: int
    def __init__(self, namespace: _Optional[str] = ..., category: _Optional[str] = ..., include_embeddings: bool = ..., min_revision: _Optional[int] = ..., epoch: _Optional[int] = ..., at_revision: _Optional[int] = ...) -> None: ...

class GetCategoryResponse(_message.Message):
    __slots__ = ("category", "revision", "epoch")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    category: _resources_pb2.Category
    revision: int
    epoch: int
    def __init__(self, category: _Optional[_Union[_resources_pb2.Category, _Mapping]] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class ListCategoriesRequest(_message.Message):
    __slots__ = ("namespace", "page_size", "page_token", "include_embeddings", "min_revision", "epoch")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_EMBEDDINGS_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    page_size: int
    page_token: str
    include_embeddings: bool
    min_revision: int
    epoch: int
    def __init__(self, namespace: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., include_embeddings: bool = ..., min_revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class ListCategoriesResponse(_message.Message):
    __slots__ = ("categories", "next_page_token", "revision", "epoch")
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    categories: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Category]
    next_page_token: str
    revision: int
    epoch: int
    def __init__(self, categories: _Optional[_Iterable[_Union[_resources_pb2.Category, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class DeleteCategoriesRequest(_message.Message):
    __slots__ = ("namespace", "categories", "allow_missing", "write")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    categories: _containers.RepeatedScalarFieldContainer[str]
    allow_missing: bool
    write: WriteOptions
    def __init__(self, namespace: _Optional[str] = ..., categories: _Optional[_Iterable[str]] = ..., allow_missing: bool = ..., write: _Optional[_Union[WriteOptions, _Mapping]] = ...) -> None: ...

class DeleteCategoriesResponse(_message.Message):
    __slots__ = ("deleted_count", "unassigned_count", "revision", "epoch")
    DELETED_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNASSIGNED_COUNT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    deleted_count: int
    unassigned_count: int
    revision: int
    epoch: int
    def __init__(self, deleted_count: _Optional[int] = ..., unassigned_count: _Optional[int] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class ReanchorRequest(_message.Message):
    __slots__ = ("namespace", "category", "keep_last", "write")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    KEEP_LAST_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    category: str
    keep_last: int
    write: WriteOptions
    def __init__(self, namespace: _Optional[str] = ..., category: _Optional[str] = ..., keep_last: _Optional[int] = ..., write: _Optional[_Union[WriteOptions, _Mapping]] = ...) -> None: ...

class ReanchorResponse(_message.Message):
    __slots__ = ("category", "revision", "epoch")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    category: _resources_pb2.Category
    revision: int
    epoch: int
    def __init__(self, category: _Optional[_Union[_resources_pb2.Category, _Mapping]] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class RenameCategoryRequest(_message.Message):
    __slots__ = ("namespace", "category", "new_key", "write")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    NEW_KEY_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    category: str
    new_key: str
    write: WriteOptions
    def __init__(self, namespace: _Optional[str] = ..., category: _Optional[str] = ..., new_key: _Optional[str] = ..., write: _Optional[_Union[WriteOptions, _Mapping]] = ...) -> None: ...

class RenameCategoryResponse(_message.Message):
    __slots__ = ("category", "changed", "revision", "epoch")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    category: _resources_pb2.Category
    changed: bool
    revision: int
    epoch: int
    def __init__(self, category: _Optional[_Union[_resources_pb2.Category, _Mapping]] = ..., changed: bool = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class MergeCategoriesRequest(_message.Message):
    __slots__ = ("namespace", "sources", "target", "write")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    sources: _containers.RepeatedScalarFieldContainer[str]
    target: str
    write: WriteOptions
    def __init__(self, namespace: _Optional[str] = ..., sources: _Optional[_Iterable[str]] = ..., target: _Optional[str] = ..., write: _Optional[_Union[WriteOptions, _Mapping]] = ...) -> None: ...

class MergeCategoriesResponse(_message.Message):
    __slots__ = ("sources", "drift_before", "category", "revision", "epoch")
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    DRIFT_BEFORE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    sources: _containers.RepeatedCompositeFieldContainer[MergedCategory]
    drift_before: float
    category: _resources_pb2.Category
    revision: int
    epoch: int
    def __init__(self, sources: _Optional[_Iterable[_Union[MergedCategory, _Mapping]]] = ..., drift_before: _Optional[float] = ..., category: _Optional[_Union[_resources_pb2.Category, _Mapping]] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class MergedCategory(_message.Message):
    __slots__ = ("category", "member_count", "moved_count", "cosine")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    MOVED_COUNT_FIELD_NUMBER: _ClassVar[int]
    COSINE_FIELD_NUMBER: _ClassVar[int]
    category: str
    member_count: int
    moved_count: int
    cosine: float
    def __init__(self, category: _Optional[str] = ..., member_count: _Optional[int] = ..., moved_count: _Optional[int] = ..., cosine: _Optional[float] = ...) -> None: ...

class ItemUpdate(_message.Message):
    __slots__ = ("key", "embedding", "weight", "metadata", "replace_metadata", "expected_category", "parts")
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
    REPLACE_METADATA_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    key: str
    embedding: _resources_pb2.Embedding
    weight: float
    metadata: _containers.ScalarMap[str, str]
    replace_metadata: bool
    expected_category: str
    parts: _containers.RepeatedCompositeFieldContainer[_resources_pb2.ItemPart]
    def __init__(self, key: _Optional[str] = ..., embedding: _Optional[_Union[_resources_pb2.Embedding, _Mapping]] = ..., weight: _Optional[float] = ..., metadata: _Optional[_Mapping[str, str]] = ..., replace_metadata: bool = ..., expected_category: _Optional[str] = ..., parts: _Optional[_Iterable[_Union[_resources_pb2.ItemPart, _Mapping]]] = ...) -> None: ...

class PutItemsRequest(_message.Message):
    __slots__ = ("namespace", "items", "write")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    items: _containers.RepeatedCompositeFieldContainer[ItemUpdate]
    write: WriteOptions
    def __init__(self, namespace: _Optional[str] = ..., items: _Optional[_Iterable[_Union[ItemUpdate, _Mapping]]] = ..., write: _Optional[_Union[WriteOptions, _Mapping]] = ...) -> None: ...

class PutItemsResponse(_message.Message):
    __slots__ = ("results", "revision", "epoch")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[PutItemResult]
    revision: int
    epoch: int
    def __init__(self, results: _Optional[_Iterable[_Union[PutItemResult, _Mapping]]] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class PutItemResult(_message.Message):
    __slots__ = ("item", "created", "changed")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    item: str
    created: bool
    changed: bool
    def __init__(self, item: _Optional[str] = ..., created: bool = ..., changed: bool = ...) -> None: ...

class GetItemRequest(_message.Message):
    __slots__ = ("namespace", "item", "include_embedding", "min_revision", "epoch")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    item: str
    include_embedding: bool
    min_revision: int
    epoch: int
    def __init__(self, namespace: _Optional[str] = ..., item: _Optional[str] = ..., include_embedding: bool = ..., min_revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class GetItemResponse(_message.Message):
    __slots__ = ("item", "revision", "epoch")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    item: _resources_pb2.Item
    revision: int
    epoch: int
    def __init__(self, item: _Optional[_Union[_resources_pb2.Item, _Mapping]] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class ListItemsRequest(_message.Message):
    __slots__ = ("namespace", "category", "unassigned", "page_size", "page_token", "include_embeddings", "min_revision", "epoch")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    UNASSIGNED_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_EMBEDDINGS_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    category: str
    unassigned: bool
    page_size: int
    page_token: str
    include_embeddings: bool
    min_revision: int
    epoch: int
    def __init__(self, namespace: _Optional[str] = ..., category: _Optional[str] = ..., unassigned: bool = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., include_embeddings: bool = ..., min_revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class ListItemsResponse(_message.Message):
    __slots__ = ("items", "next_page_token", "revision", "epoch")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Item]
    next_page_token: str
    revision: int
    epoch: int
    def __init__(self, items: _Optional[_Iterable[_Union[_resources_pb2.Item, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class DeleteItemsRequest(_message.Message):
    __slots__ = ("namespace", "items", "allow_missing", "write")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    items: _containers.RepeatedScalarFieldContainer[str]
    allow_missing: bool
    write: WriteOptions
    def __init__(self, namespace: _Optional[str] = ..., items: _Optional[_Iterable[str]] = ..., allow_missing: bool = ..., write: _Optional[_Union[WriteOptions, _Mapping]] = ...) -> None: ...

class DeleteItemsResponse(_message.Message):
    __slots__ = ("deleted_count", "revision", "epoch")
    DELETED_COUNT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    deleted_count: int
    revision: int
    epoch: int
    def __init__(self, deleted_count: _Optional[int] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class Assignment(_message.Message):
    __slots__ = ("item", "category", "embedding", "weight", "metadata", "expected_category", "parts")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    item: str
    category: str
    embedding: _resources_pb2.Embedding
    weight: float
    metadata: _containers.ScalarMap[str, str]
    expected_category: str
    parts: _containers.RepeatedCompositeFieldContainer[_resources_pb2.ItemPart]
    def __init__(self, item: _Optional[str] = ..., category: _Optional[str] = ..., embedding: _Optional[_Union[_resources_pb2.Embedding, _Mapping]] = ..., weight: _Optional[float] = ..., metadata: _Optional[_Mapping[str, str]] = ..., expected_category: _Optional[str] = ..., parts: _Optional[_Iterable[_Union[_resources_pb2.ItemPart, _Mapping]]] = ...) -> None: ...

class AssignRequest(_message.Message):
    __slots__ = ("namespace", "assignments", "write")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ASSIGNMENTS_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    assignments: _containers.RepeatedCompositeFieldContainer[Assignment]
    write: WriteOptions
    def __init__(self, namespace: _Optional[str] = ..., assignments: _Optional[_Iterable[_Union[Assignment, _Mapping]]] = ..., write: _Optional[_Union[WriteOptions, _Mapping]] = ...) -> None: ...

class AssignResponse(_message.Message):
    __slots__ = ("results", "revision", "epoch")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[AssignmentResult]
    revision: int
    epoch: int
    def __init__(self, results: _Optional[_Iterable[_Union[AssignmentResult, _Mapping]]] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class AssignmentResult(_message.Message):
    __slots__ = ("item", "category", "previous_category", "changed", "score_before", "category_member_count", "category_drift", "item_created")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    SCORE_BEFORE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_DRIFT_FIELD_NUMBER: _ClassVar[int]
    ITEM_CREATED_FIELD_NUMBER: _ClassVar[int]
    item: str
    category: str
    previous_category: str
    changed: bool
    score_before: float
    category_member_count: int
    category_drift: float
    item_created: bool
    def __init__(self, item: _Optional[str] = ..., category: _Optional[str] = ..., previous_category: _Optional[str] = ..., changed: bool = ..., score_before: _Optional[float] = ..., category_member_count: _Optional[int] = ..., category_drift: _Optional[float] = ..., item_created: bool = ...) -> None: ...

class Unassignment(_message.Message):
    __slots__ = ("item", "category", "delete_item", "expected_category")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    DELETE_ITEM_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    item: str
    category: str
    delete_item: bool
    expected_category: str
    def __init__(self, item: _Optional[str] = ..., category: _Optional[str] = ..., delete_item: bool = ..., expected_category: _Optional[str] = ...) -> None: ...

class UnassignRequest(_message.Message):
    __slots__ = ("namespace", "unassignments", "write")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    UNASSIGNMENTS_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    unassignments: _containers.RepeatedCompositeFieldContainer[Unassignment]
    write: WriteOptions
    def __init__(self, namespace: _Optional[str] = ..., unassignments: _Optional[_Iterable[_Union[Unassignment, _Mapping]]] = ..., write: _Optional[_Union[WriteOptions, _Mapping]] = ...) -> None: ...

class UnassignResponse(_message.Message):
    __slots__ = ("results", "revision", "epoch")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[UnassignmentResult]
    revision: int
    epoch: int
    def __init__(self, results: _Optional[_Iterable[_Union[UnassignmentResult, _Mapping]]] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class UnassignmentResult(_message.Message):
    __slots__ = ("item", "previous_categories", "changed", "item_deleted")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    ITEM_DELETED_FIELD_NUMBER: _ClassVar[int]
    item: str
    previous_categories: _containers.RepeatedScalarFieldContainer[str]
    changed: bool
    item_deleted: bool
    def __init__(self, item: _Optional[str] = ..., previous_categories: _Optional[_Iterable[str]] = ..., changed: bool = ..., item_deleted: bool = ...) -> None: ...

class ItemCategory(_message.Message):
    __slots__ = ("item", "category")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    item: str
    category: str
    def __init__(self, item: _Optional[str] = ..., category: _Optional[str] = ...) -> None: ...

class DismissRequest(_message.Message):
    __slots__ = ("namespace", "pairs", "withdraw", "write")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    WITHDRAW_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    pairs: _containers.RepeatedCompositeFieldContainer[ItemCategory]
    withdraw: bool
    write: WriteOptions
    def __init__(self, namespace: _Optional[str] = ..., pairs: _Optional[_Iterable[_Union[ItemCategory, _Mapping]]] = ..., withdraw: bool = ..., write: _Optional[_Union[WriteOptions, _Mapping]] = ...) -> None: ...

class DismissResponse(_message.Message):
    __slots__ = ("results", "revision", "epoch")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[DismissResult]
    revision: int
    epoch: int
    def __init__(self, results: _Optional[_Iterable[_Union[DismissResult, _Mapping]]] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class DismissResult(_message.Message):
    __slots__ = ("item", "category", "changed")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    item: str
    category: str
    changed: bool
    def __init__(self, item: _Optional[str] = ..., category: _Optional[str] = ..., changed: bool = ...) -> None: ...

class Query(_message.Message):
    __slots__ = ("embedding", "item", "parts")
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    embedding: _resources_pb2.Embedding
    item: str
    parts: QueryParts
    def __init__(self, embedding: _Optional[_Union[_resources_pb2.Embedding, _Mapping]] = ..., item: _Optional[str] = ..., parts: _Optional[_Union[QueryParts, _Mapping]] = ...) -> None: ...

class QueryParts(_message.Message):
    __slots__ = ("parts",)
    PARTS_FIELD_NUMBER: _ClassVar[int]
    parts: _containers.RepeatedCompositeFieldContainer[QueryPart]
    def __init__(self, parts: _Optional[_Iterable[_Union[QueryPart, _Mapping]]] = ...) -> None: ...

class QueryPart(_message.Message):
    __slots__ = ("embedding", "item", "weight")
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    embedding: _resources_pb2.Embedding
    item: str
    weight: float
    def __init__(self, embedding: _Optional[_Union[_resources_pb2.Embedding, _Mapping]] = ..., item: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class MatchRequest(_message.Message):
    __slots__ = ("namespace", "queries", "limit", "min_score", "include_categories", "exclude_categories", "min_revision", "epoch", "embedding_model", "ranking", "fairness", "min_rank_score", "include_confidence", "min_confidence", "at_revision")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    MIN_SCORE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_MODEL_FIELD_NUMBER: _ClassVar[int]
    RANKING_FIELD_NUMBER: _ClassVar[int]
    FAIRNESS_FIELD_NUMBER: _ClassVar[int]
    MIN_RANK_SCORE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MIN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    AT_REVISION_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    queries: _containers.RepeatedCompositeFieldContainer[Query]
    limit: int
    min_score: float
    include_categories: _containers.RepeatedScalarFieldContainer[str]
    exclude_categories: _containers.RepeatedScalarFieldContainer[str]
    min_revision: int
    epoch: int
    embedding_model: str
    ranking: _resources_pb2.RankingMode
    fairness: float
    min_rank_score: float
    include_confidence: bool
    min_confidence: float
    at_revision: int
    def __init__(self, namespace: _Optional[str] = ..., queries: _Optional[_Iterable[_Union[Query, _Mapping]]] = ..., limit: _Optional[int] = ..., min_score: _Optional[float] = ..., include_categories: _Optional[_Iterable[str]] = ..., exclude_categories: _Optional[_Iterable[str]] = ..., min_revision: _Optional[int] = ..., epoch: _Optional[int] = ..., embedding_model: _Optional[str] = ..., ranking: _Optional[_Union[_resources_pb2.RankingMode, str]] = ..., fairness: _Optional[float] = ..., min_rank_score: _Optional[float] = ..., include_confidence: bool = ..., min_confidence: _Optional[float] = ..., at_revision: _Optional[int] = ...) -> None: ...

class MatchResponse(_message.Message):
    __slots__ = ("results", "revision", "epoch")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[MatchResult]
    revision: int
    epoch: int
    def __init__(self, results: _Optional[_Iterable[_Union[MatchResult, _Mapping]]] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class MatchResult(_message.Message):
    __slots__ = ("matches", "margin", "none_of_these")
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    NONE_OF_THESE_FIELD_NUMBER: _ClassVar[int]
    matches: _containers.RepeatedCompositeFieldContainer[CategoryMatch]
    margin: float
    none_of_these: bool
    def __init__(self, matches: _Optional[_Iterable[_Union[CategoryMatch, _Mapping]]] = ..., margin: _Optional[float] = ..., none_of_these: bool = ...) -> None: ...

class CategoryMatch(_message.Message):
    __slots__ = ("category", "score", "count", "rank_score", "confidence")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    RANK_SCORE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    category: str
    score: float
    count: int
    rank_score: float
    confidence: float
    def __init__(self, category: _Optional[str] = ..., score: _Optional[float] = ..., count: _Optional[int] = ..., rank_score: _Optional[float] = ..., confidence: _Optional[float] = ...) -> None: ...

class SuggestRequest(_message.Message):
    __slots__ = ("namespace", "order", "page_size", "page_token", "group_size", "categories", "min_score", "max_score", "min_margin", "max_margin", "key_prefix", "metadata", "ranking", "fairness", "include_confidence", "min_confidence", "below_confidence", "min_revision", "epoch")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    GROUP_SIZE_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    MIN_SCORE_FIELD_NUMBER: _ClassVar[int]
    MAX_SCORE_FIELD_NUMBER: _ClassVar[int]
    MIN_MARGIN_FIELD_NUMBER: _ClassVar[int]
    MAX_MARGIN_FIELD_NUMBER: _ClassVar[int]
    KEY_PREFIX_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    RANKING_FIELD_NUMBER: _ClassVar[int]
    FAIRNESS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MIN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    BELOW_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    order: SuggestOrder
    page_size: int
    page_token: str
    group_size: int
    categories: _containers.RepeatedScalarFieldContainer[str]
    min_score: float
    max_score: float
    min_margin: float
    max_margin: float
    key_prefix: str
    metadata: _containers.ScalarMap[str, str]
    ranking: _resources_pb2.RankingMode
    fairness: float
    include_confidence: bool
    min_confidence: float
    below_confidence: float
    min_revision: int
    epoch: int
    def __init__(self, namespace: _Optional[str] = ..., order: _Optional[_Union[SuggestOrder, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., group_size: _Optional[int] = ..., categories: _Optional[_Iterable[str]] = ..., min_score: _Optional[float] = ..., max_score: _Optional[float] = ..., min_margin: _Optional[float] = ..., max_margin: _Optional[float] = ..., key_prefix: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., ranking: _Optional[_Union[_resources_pb2.RankingMode, str]] = ..., fairness: _Optional[float] = ..., include_confidence: bool = ..., min_confidence: _Optional[float] = ..., below_confidence: _Optional[float] = ..., min_revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class SuggestResponse(_message.Message):
    __slots__ = ("suggestions", "groups", "next_page_token", "item_count", "suggestion_count", "revision", "epoch")
    SUGGESTIONS_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    SUGGESTION_COUNT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    suggestions: _containers.RepeatedCompositeFieldContainer[Suggestion]
    groups: _containers.RepeatedCompositeFieldContainer[SuggestionGroup]
    next_page_token: str
    item_count: int
    suggestion_count: int
    revision: int
    epoch: int
    def __init__(self, suggestions: _Optional[_Iterable[_Union[Suggestion, _Mapping]]] = ..., groups: _Optional[_Iterable[_Union[SuggestionGroup, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., item_count: _Optional[int] = ..., suggestion_count: _Optional[int] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class Suggestion(_message.Message):
    __slots__ = ("item", "best", "runner_up", "margin")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    BEST_FIELD_NUMBER: _ClassVar[int]
    RUNNER_UP_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    item: str
    best: CategoryMatch
    runner_up: CategoryMatch
    margin: float
    def __init__(self, item: _Optional[str] = ..., best: _Optional[_Union[CategoryMatch, _Mapping]] = ..., runner_up: _Optional[_Union[CategoryMatch, _Mapping]] = ..., margin: _Optional[float] = ...) -> None: ...

class SuggestionGroup(_message.Message):
    __slots__ = ("category", "count", "suggestions")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SUGGESTIONS_FIELD_NUMBER: _ClassVar[int]
    category: str
    count: int
    suggestions: _containers.RepeatedCompositeFieldContainer[Suggestion]
    def __init__(self, category: _Optional[str] = ..., count: _Optional[int] = ..., suggestions: _Optional[_Iterable[_Union[Suggestion, _Mapping]]] = ...) -> None: ...

class ExplainRequest(_message.Message):
    __slots__ = ("namespace", "query", "categories", "limit", "member_limit", "min_revision", "epoch", "embedding_model", "ranking", "fairness", "at_revision", "what_if")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    MEMBER_LIMIT_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_MODEL_FIELD_NUMBER: _ClassVar[int]
    RANKING_FIELD_NUMBER: _ClassVar[int]
    FAIRNESS_FIELD_NUMBER: _ClassVar[int]
    AT_REVISION_FIELD_NUMBER: _ClassVar[int]
    WHAT_IF_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    query: Query
    categories: _containers.RepeatedScalarFieldContainer[str]
    limit: int
    member_limit: int
    min_revision: int
    epoch: int
    embedding_model: str
    ranking: _resources_pb2.RankingMode
    fairness: float
    at_revision: int
    what_if: _containers.RepeatedCompositeFieldContainer[WhatIf]
    def __init__(self, namespace: _Optional[str] = ..., query: _Optional[_Union[Query, _Mapping]] = ..., categories: _Optional[_Iterable[str]] = ..., limit: _Optional[int] = ..., member_limit: _Optional[int] = ..., min_revision: _Optional[int] = ..., epoch: _Optional[int] = ..., embedding_model: _Optional[str] = ..., ranking: _Optional[_Union[_resources_pb2.RankingMode, str]] = ..., fairness: _Optional[float] = ..., at_revision: _Optional[int] = ..., what_if: _Optional[_Iterable[_Union[WhatIf, _Mapping]]] = ...) -> None: ...

class ExplainResponse(_message.Message):
    __slots__ = ("explanations", "margin", "flip", "revision", "epoch", "what_if")
    EXPLANATIONS_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    FLIP_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    WHAT_IF_FIELD_NUMBER: _ClassVar[int]
    explanations: _containers.RepeatedCompositeFieldContainer[Explanation]
    margin: float
    flip: Flip
    revision: int
    epoch: int
    what_if: _containers.RepeatedCompositeFieldContainer[WhatIfResult]
    def __init__(self, explanations: _Optional[_Iterable[_Union[Explanation, _Mapping]]] = ..., margin: _Optional[float] = ..., flip: _Optional[_Union[Flip, _Mapping]] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ..., what_if: _Optional[_Iterable[_Union[WhatIfResult, _Mapping]]] = ...) -> None: ...

class WhatIf(_message.Message):
    __slots__ = ("item", "leaves", "joins", "weight", "actor")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    LEAVES_FIELD_NUMBER: _ClassVar[int]
    JOINS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    item: str
    leaves: str
    joins: str
    weight: float
    actor: str
    def __init__(self, item: _Optional[str] = ..., leaves: _Optional[str] = ..., joins: _Optional[str] = ..., weight: _Optional[float] = ..., actor: _Optional[str] = ...) -> None: ...

class WhatIfResult(_message.Message):
    __slots__ = ("changed", "categories", "margin")
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    changed: bool
    categories: _containers.RepeatedCompositeFieldContainer[WhatIfCategory]
    margin: float
    def __init__(self, changed: bool = ..., categories: _Optional[_Iterable[_Union[WhatIfCategory, _Mapping]]] = ..., margin: _Optional[float] = ...) -> None: ...

class WhatIfCategory(_message.Message):
    __slots__ = ("category", "rank", "score", "rank_score")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    RANK_SCORE_FIELD_NUMBER: _ClassVar[int]
    category: str
    rank: int
    score: float
    rank_score: float
    def __init__(self, category: _Optional[str] = ..., rank: _Optional[int] = ..., score: _Optional[float] = ..., rank_score: _Optional[float] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ("category", "rank", "score", "rank_score", "count", "base", "members", "other_members", "other_member_count", "rounding", "fairness", "neighbours", "held_back", "leave_one_out", "dismissal", "capped_actors")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    RANK_SCORE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    OTHER_MEMBERS_FIELD_NUMBER: _ClassVar[int]
    OTHER_MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    ROUNDING_FIELD_NUMBER: _ClassVar[int]
    FAIRNESS_FIELD_NUMBER: _ClassVar[int]
    NEIGHBOURS_FIELD_NUMBER: _ClassVar[int]
    HELD_BACK_FIELD_NUMBER: _ClassVar[int]
    LEAVE_ONE_OUT_FIELD_NUMBER: _ClassVar[int]
    DISMISSAL_FIELD_NUMBER: _ClassVar[int]
    CAPPED_ACTORS_FIELD_NUMBER: _ClassVar[int]
    category: str
    rank: int
    score: float
    rank_score: float
    count: int
    base: BasePart
    members: _containers.RepeatedCompositeFieldContainer[MemberPart]
    other_members: float
    other_member_count: int
    rounding: float
    fairness: float
    neighbours: _containers.RepeatedCompositeFieldContainer[NeighbourPart]
    held_back: float
    leave_one_out: LeaveOneOut
    dismissal: _resources_pb2.Dismissal
    capped_actors: _containers.RepeatedCompositeFieldContainer[_resources_pb2.ActorShare]
    def __init__(self, category: _Optional[str] = ..., rank: _Optional[int] = ..., score: _Optional[float] = ..., rank_score: _Optional[float] = ..., count: _Optional[int] = ..., base: _Optional[_Union[BasePart, _Mapping]] = ..., members: _Optional[_Iterable[_Union[MemberPart, _Mapping]]] = ..., other_members: _Optional[float] = ..., other_member_count: _Optional[int] = ..., rounding: _Optional[float] = ..., fairness: _Optional[float] = ..., neighbours: _Optional[_Iterable[_Union[NeighbourPart, _Mapping]]] = ..., held_back: _Optional[float] = ..., leave_one_out: _Optional[_Union[LeaveOneOut, _Mapping]] = ..., dismissal: _Optional[_Union[_resources_pb2.Dismissal, _Mapping]] = ..., capped_actors: _Optional[_Iterable[_Union[_resources_pb2.ActorShare, _Mapping]]] = ...) -> None: ...

class BasePart(_message.Message):
    __slots__ = ("weight", "similarity", "part")
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    weight: float
    similarity: float
    part: float
    def __init__(self, weight: _Optional[float] = ..., similarity: _Optional[float] = ..., part: _Optional[float] = ...) -> None: ...

class MemberPart(_message.Message):
    __slots__ = ("item", "weight", "similarity", "part", "score_without", "assign_time", "actor", "reason", "scale")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    SCORE_WITHOUT_FIELD_NUMBER: _ClassVar[int]
    ASSIGN_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    item: str
    weight: float
    similarity: float
    part: float
    score_without: float
    assign_time: _timestamp_pb2.Timestamp
    actor: str
    reason: str
    scale: float
    def __init__(self, item: _Optional[str] = ..., weight: _Optional[float] = ..., similarity: _Optional[float] = ..., part: _Optional[float] = ..., score_without: _Optional[float] = ..., assign_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., scale: _Optional[float] = ...) -> None: ...

class NeighbourPart(_message.Message):
    __slots__ = ("item", "similarity", "pull")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    PULL_FIELD_NUMBER: _ClassVar[int]
    item: str
    similarity: float
    pull: float
    def __init__(self, item: _Optional[str] = ..., similarity: _Optional[float] = ..., pull: _Optional[float] = ...) -> None: ...

class LeaveOneOut(_message.Message):
    __slots__ = ("score",)
    SCORE_FIELD_NUMBER: _ClassVar[int]
    score: float
    def __init__(self, score: _Optional[float] = ...) -> None: ...

class Flip(_message.Message):
    __slots__ = ("first_category", "second_category", "items", "score")
    FIRST_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    SECOND_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    first_category: str
    second_category: str
    items: _containers.RepeatedScalarFieldContainer[str]
    score: float
    def __init__(self, first_category: _Optional[str] = ..., second_category: _Optional[str] = ..., items: _Optional[_Iterable[str]] = ..., score: _Optional[float] = ...) -> None: ...

class MemberFilter(_message.Message):
    __slots__ = ("category", "actor", "start_time", "end_time", "key_prefix")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    KEY_PREFIX_FIELD_NUMBER: _ClassVar[int]
    category: str
    actor: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    key_prefix: str
    def __init__(self, category: _Optional[str] = ..., actor: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., key_prefix: _Optional[str] = ...) -> None: ...

class ReviewMembersRequest(_message.Message):
    __slots__ = ("namespace", "order", "filter", "min_difference", "page_size", "page_token", "min_revision", "epoch")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    MIN_DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    order: ReviewOrder
    filter: MemberFilter
    min_difference: float
    page_size: int
    page_token: str
    min_revision: int
    epoch: int
    def __init__(self, namespace: _Optional[str] = ..., order: _Optional[_Union[ReviewOrder, str]] = ..., filter: _Optional[_Union[MemberFilter, _Mapping]] = ..., min_difference: _Optional[float] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., min_revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class ReviewMembersResponse(_message.Message):
    __slots__ = ("members", "next_page_token", "member_count", "listed_count", "revision", "epoch")
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    LISTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    members: _containers.RepeatedCompositeFieldContainer[MemberReview]
    next_page_token: str
    member_count: int
    listed_count: int
    revision: int
    epoch: int
    def __init__(self, members: _Optional[_Iterable[_Union[MemberReview, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., member_count: _Optional[int] = ..., listed_count: _Optional[int] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class MemberReview(_message.Message):
    __slots__ = ("item", "category", "weight", "counts", "score", "other_category", "other_score", "difference", "movement", "assign_time", "actor", "reason")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    OTHER_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    OTHER_SCORE_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    MOVEMENT_FIELD_NUMBER: _ClassVar[int]
    ASSIGN_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    item: str
    category: str
    weight: float
    counts: bool
    score: float
    other_category: str
    other_score: float
    difference: float
    movement: float
    assign_time: _timestamp_pb2.Timestamp
    actor: str
    reason: str
    def __init__(self, item: _Optional[str] = ..., category: _Optional[str] = ..., weight: _Optional[float] = ..., counts: bool = ..., score: _Optional[float] = ..., other_category: _Optional[str] = ..., other_score: _Optional[float] = ..., difference: _Optional[float] = ..., movement: _Optional[float] = ..., assign_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class EstimateReviewRateRequest(_message.Message):
    __slots__ = ("namespace", "levels", "sample_size", "ranking", "fairness", "min_revision", "epoch")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_SIZE_FIELD_NUMBER: _ClassVar[int]
    RANKING_FIELD_NUMBER: _ClassVar[int]
    FAIRNESS_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    levels: _containers.RepeatedScalarFieldContainer[float]
    sample_size: int
    ranking: _resources_pb2.RankingMode
    fairness: float
    min_revision: int
    epoch: int
    def __init__(self, namespace: _Optional[str] = ..., levels: _Optional[_Iterable[float]] = ..., sample_size: _Optional[int] = ..., ranking: _Optional[_Union[_resources_pb2.RankingMode, str]] = ..., fairness: _Optional[float] = ..., min_revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class EstimateReviewRateResponse(_message.Message):
    __slots__ = ("rates", "error_share", "sample_count", "member_count", "revision", "epoch")
    RATES_FIELD_NUMBER: _ClassVar[int]
    ERROR_SHARE_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    rates: _containers.RepeatedCompositeFieldContainer[ReviewRate]
    error_share: float
    sample_count: int
    member_count: int
    revision: int
    epoch: int
    def __init__(self, rates: _Optional[_Iterable[_Union[ReviewRate, _Mapping]]] = ..., error_share: _Optional[float] = ..., sample_count: _Optional[int] = ..., member_count: _Optional[int] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class ReviewRate(_message.Message):
    __slots__ = ("level", "review_share", "error_share")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    REVIEW_SHARE_FIELD_NUMBER: _ClassVar[int]
    ERROR_SHARE_FIELD_NUMBER: _ClassVar[int]
    level: float
    review_share: float
    error_share: float
    def __init__(self, level: _Optional[float] = ..., review_share: _Optional[float] = ..., error_share: _Optional[float] = ...) -> None: ...

class ReviewDuplicatesRequest(_message.Message):
    __slots__ = ("namespace", "filter", "scope", "min_similarity", "page_size", "page_token", "min_revision", "epoch")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    MIN_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    filter: MemberFilter
    scope: DuplicateScope
    min_similarity: float
    page_size: int
    page_token: str
    min_revision: int
    epoch: int
    def __init__(self, namespace: _Optional[str] = ..., filter: _Optional[_Union[MemberFilter, _Mapping]] = ..., scope: _Optional[_Union[DuplicateScope, str]] = ..., min_similarity: _Optional[float] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., min_revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class ReviewDuplicatesResponse(_message.Message):
    __slots__ = ("duplicates", "next_page_token", "revision", "epoch")
    DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    duplicates: _containers.RepeatedCompositeFieldContainer[Duplicate]
    next_page_token: str
    revision: int
    epoch: int
    def __init__(self, duplicates: _Optional[_Iterable[_Union[Duplicate, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class Duplicate(_message.Message):
    __slots__ = ("item", "category", "original", "original_category", "similarity", "duplicate_count", "assign_time", "actor", "reason")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    ASSIGN_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    item: str
    category: str
    original: str
    original_category: str
    similarity: float
    duplicate_count: int
    assign_time: _timestamp_pb2.Timestamp
    actor: str
    reason: str
    def __init__(self, item: _Optional[str] = ..., category: _Optional[str] = ..., original: _Optional[str] = ..., original_category: _Optional[str] = ..., similarity: _Optional[float] = ..., duplicate_count: _Optional[int] = ..., assign_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReviewActorsRequest(_message.Message):
    __slots__ = ("namespace", "filter", "page_size", "page_token", "min_revision", "epoch")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    filter: MemberFilter
    page_size: int
    page_token: str
    min_revision: int
    epoch: int
    def __init__(self, namespace: _Optional[str] = ..., filter: _Optional[_Union[MemberFilter, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., min_revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class ReviewActorsResponse(_message.Message):
    __slots__ = ("influences", "next_page_token", "influence_count", "revision", "epoch")
    INFLUENCES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INFLUENCE_COUNT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    influences: _containers.RepeatedCompositeFieldContainer[ActorInfluence]
    next_page_token: str
    influence_count: int
    revision: int
    epoch: int
    def __init__(self, influences: _Optional[_Iterable[_Union[ActorInfluence, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., influence_count: _Optional[int] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class ActorInfluence(_message.Message):
    __slots__ = ("actor", "category", "member_count", "counting_count", "weight", "weight_share", "movement", "first_assign_time", "last_assign_time", "scale")
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    COUNTING_COUNT_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_SHARE_FIELD_NUMBER: _ClassVar[int]
    MOVEMENT_FIELD_NUMBER: _ClassVar[int]
    FIRST_ASSIGN_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_ASSIGN_TIME_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    actor: str
    category: str
    member_count: int
    counting_count: int
    weight: float
    weight_share: float
    movement: float
    first_assign_time: _timestamp_pb2.Timestamp
    last_assign_time: _timestamp_pb2.Timestamp
    scale: float
    def __init__(self, actor: _Optional[str] = ..., category: _Optional[str] = ..., member_count: _Optional[int] = ..., counting_count: _Optional[int] = ..., weight: _Optional[float] = ..., weight_share: _Optional[float] = ..., movement: _Optional[float] = ..., first_assign_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_assign_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., scale: _Optional[float] = ...) -> None: ...

class ReviewImpactRequest(_message.Message):
    __slots__ = ("namespace", "filter", "item_limit", "change_limit", "min_revision", "epoch")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ITEM_LIMIT_FIELD_NUMBER: _ClassVar[int]
    CHANGE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    filter: MemberFilter
    item_limit: int
    change_limit: int
    min_revision: int
    epoch: int
    def __init__(self, namespace: _Optional[str] = ..., filter: _Optional[_Union[MemberFilter, _Mapping]] = ..., item_limit: _Optional[int] = ..., change_limit: _Optional[int] = ..., min_revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class ReviewImpactResponse(_message.Message):
    __slots__ = ("member_count", "item_count", "changed_count", "changes", "flows", "categories", "revision", "epoch")
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    CHANGED_COUNT_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    FLOWS_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    member_count: int
    item_count: int
    changed_count: int
    changes: _containers.RepeatedCompositeFieldContainer[ChangedAnswer]
    flows: _containers.RepeatedCompositeFieldContainer[AnswerFlow]
    categories: _containers.RepeatedCompositeFieldContainer[CategoryMovement]
    revision: int
    epoch: int
    def __init__(self, member_count: _Optional[int] = ..., item_count: _Optional[int] = ..., changed_count: _Optional[int] = ..., changes: _Optional[_Iterable[_Union[ChangedAnswer, _Mapping]]] = ..., flows: _Optional[_Iterable[_Union[AnswerFlow, _Mapping]]] = ..., categories: _Optional[_Iterable[_Union[CategoryMovement, _Mapping]]] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class ChangedAnswer(_message.Message):
    __slots__ = ("item", "category", "score", "category_without", "score_without")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_WITHOUT_FIELD_NUMBER: _ClassVar[int]
    SCORE_WITHOUT_FIELD_NUMBER: _ClassVar[int]
    item: str
    category: str
    score: float
    category_without: str
    score_without: float
    def __init__(self, item: _Optional[str] = ..., category: _Optional[str] = ..., score: _Optional[float] = ..., category_without: _Optional[str] = ..., score_without: _Optional[float] = ...) -> None: ...

class AnswerFlow(_message.Message):
    __slots__ = ("category_without", "category", "count")
    CATEGORY_WITHOUT_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    category_without: str
    category: str
    count: int
    def __init__(self, category_without: _Optional[str] = ..., category: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class CategoryMovement(_message.Message):
    __slots__ = ("category", "movement")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    MOVEMENT_FIELD_NUMBER: _ClassVar[int]
    category: str
    movement: float
    def __init__(self, category: _Optional[str] = ..., movement: _Optional[float] = ...) -> None: ...

class ReviewCategoriesRequest(_message.Message):
    __slots__ = ("namespace", "category", "member_limit", "page_size", "page_token", "min_revision", "epoch", "since_revision", "since_time")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    MEMBER_LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SINCE_REVISION_FIELD_NUMBER: _ClassVar[int]
    SINCE_TIME_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    category: str
    member_limit: int
    page_size: int
    page_token: str
    min_revision: int
    epoch: int
    since_revision: int
    since_time: _timestamp_pb2.Timestamp
    def __init__(self, namespace: _Optional[str] = ..., category: _Optional[str] = ..., member_limit: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., min_revision: _Optional[int] = ..., epoch: _Optional[int] = ..., since_revision: _Optional[int] = ..., since_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ReviewCategoriesResponse(_message.Message):
    __slots__ = ("categories", "next_page_token", "revision", "epoch")
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    categories: _containers.RepeatedCompositeFieldContainer[CategoryReview]
    next_page_token: str
    revision: int
    epoch: int
    def __init__(self, categories: _Optional[_Iterable[_Union[CategoryReview, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class CategoryReview(_message.Message):
    __slots__ = ("category", "member_count", "counting_count", "drift", "spread", "cohesion", "nearest_category", "nearest_similarity", "reviewed_count", "misfit_count", "confused", "movement", "split")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    COUNTING_COUNT_FIELD_NUMBER: _ClassVar[int]
    DRIFT_FIELD_NUMBER: _ClassVar[int]
    SPREAD_FIELD_NUMBER: _ClassVar[int]
    COHESION_FIELD_NUMBER: _ClassVar[int]
    NEAREST_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    NEAREST_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    REVIEWED_COUNT_FIELD_NUMBER: _ClassVar[int]
    MISFIT_COUNT_FIELD_NUMBER: _ClassVar[int]
    CONFUSED_FIELD_NUMBER: _ClassVar[int]
    MOVEMENT_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    category: str
    member_count: int
    counting_count: int
    drift: float
    spread: float
    cohesion: float
    nearest_category: str
    nearest_similarity: float
    reviewed_count: int
    misfit_count: int
    confused: _containers.RepeatedCompositeFieldContainer[ConfusedCategory]
    movement: float
    split: CategorySplit
    def __init__(self, category: _Optional[str] = ..., member_count: _Optional[int] = ..., counting_count: _Optional[int] = ..., drift: _Optional[float] = ..., spread: _Optional[float] = ..., cohesion: _Optional[float] = ..., nearest_category: _Optional[str] = ..., nearest_similarity: _Optional[float] = ..., reviewed_count: _Optional[int] = ..., misfit_count: _Optional[int] = ..., confused: _Optional[_Iterable[_Union[ConfusedCategory, _Mapping]]] = ..., movement: _Optional[float] = ..., split: _Optional[_Union[CategorySplit, _Mapping]] = ...) -> None: ...

class ConfusedCategory(_message.Message):
    __slots__ = ("category", "count")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    category: str
    count: int
    def __init__(self, category: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class CategorySplit(_message.Message):
    __slots__ = ("gain", "similarity", "halves")
    GAIN_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    HALVES_FIELD_NUMBER: _ClassVar[int]
    gain: float
    similarity: float
    halves: _containers.RepeatedCompositeFieldContainer[SplitHalf]
    def __init__(self, gain: _Optional[float] = ..., similarity: _Optional[float] = ..., halves: _Optional[_Iterable[_Union[SplitHalf, _Mapping]]] = ...) -> None: ...

class SplitHalf(_message.Message):
    __slots__ = ("member_count", "items")
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    member_count: int
    items: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, member_count: _Optional[int] = ..., items: _Optional[_Iterable[str]] = ...) -> None: ...

class HistoryFilter(_message.Message):
    __slots__ = ("item", "category", "actor", "start_time", "end_time", "first_revision", "last_revision")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    FIRST_REVISION_FIELD_NUMBER: _ClassVar[int]
    LAST_REVISION_FIELD_NUMBER: _ClassVar[int]
    item: str
    category: str
    actor: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    first_revision: int
    last_revision: int
    def __init__(self, item: _Optional[str] = ..., category: _Optional[str] = ..., actor: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., first_revision: _Optional[int] = ..., last_revision: _Optional[int] = ...) -> None: ...

class ListHistoryRequest(_message.Message):
    __slots__ = ("namespace", "filter", "order", "page_size", "page_token", "min_revision", "epoch")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    filter: HistoryFilter
    order: HistoryOrder
    page_size: int
    page_token: str
    min_revision: int
    epoch: int
    def __init__(self, namespace: _Optional[str] = ..., filter: _Optional[_Union[HistoryFilter, _Mapping]] = ..., order: _Optional[_Union[HistoryOrder, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., min_revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class ListHistoryResponse(_message.Message):
    __slots__ = ("changes", "next_page_token", "revision", "epoch", "first_revision")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    FIRST_REVISION_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[_resources_pb2.HistoryChange]
    next_page_token: str
    revision: int
    epoch: int
    first_revision: int
    def __init__(self, changes: _Optional[_Iterable[_Union[_resources_pb2.HistoryChange, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ..., first_revision: _Optional[int] = ...) -> None: ...

class WatchHistoryRequest(_message.Message):
    __slots__ = ("namespace", "after_revision", "filter", "max_behind", "epoch")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    AFTER_REVISION_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    MAX_BEHIND_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    after_revision: int
    filter: HistoryFilter
    max_behind: int
    epoch: int
    def __init__(self, namespace: _Optional[str] = ..., after_revision: _Optional[int] = ..., filter: _Optional[_Union[HistoryFilter, _Mapping]] = ..., max_behind: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class WatchHistoryResponse(_message.Message):
    __slots__ = ("changes", "revision", "current_revision", "epoch")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CURRENT_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[_resources_pb2.HistoryChange]
    revision: int
    current_revision: int
    epoch: int
    def __init__(self, changes: _Optional[_Iterable[_Union[_resources_pb2.HistoryChange, _Mapping]]] = ..., revision: _Optional[int] = ..., current_revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class TrimHistoryRequest(_message.Message):
    __slots__ = ("namespace", "keep_revisions", "before_revision", "before_time", "write")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    KEEP_REVISIONS_FIELD_NUMBER: _ClassVar[int]
    BEFORE_REVISION_FIELD_NUMBER: _ClassVar[int]
    BEFORE_TIME_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    keep_revisions: int
    before_revision: int
    before_time: _timestamp_pb2.Timestamp
    write: WriteOptions
    def __init__(self, namespace: _Optional[str] = ..., keep_revisions: _Optional[int] = ..., before_revision: _Optional[int] = ..., before_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., write: _Optional[_Union[WriteOptions, _Mapping]] = ...) -> None: ...

class TrimHistoryResponse(_message.Message):
    __slots__ = ("revision_count", "byte_count", "first_revision", "revision", "epoch")
    REVISION_COUNT_FIELD_NUMBER: _ClassVar[int]
    BYTE_COUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_REVISION_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    revision_count: int
    byte_count: int
    first_revision: int
    revision: int
    epoch: int
    def __init__(self, revision_count: _Optional[int] = ..., byte_count: _Optional[int] = ..., first_revision: _Optional[int] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class RevisionRange(_message.Message):
    __slots__ = ("first_revision", "last_revision")
    FIRST_REVISION_FIELD_NUMBER: _ClassVar[int]
    LAST_REVISION_FIELD_NUMBER: _ClassVar[int]
    first_revision: int
    last_revision: int
    def __init__(self, first_revision: _Optional[int] = ..., last_revision: _Optional[int] = ...) -> None: ...

class ActorChanges(_message.Message):
    __slots__ = ("actor", "start_time")
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    actor: str
    start_time: _timestamp_pb2.Timestamp
    def __init__(self, actor: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class UndoRequest(_message.Message):
    __slots__ = ("namespace", "revision", "range", "actor_since", "skip_conflicts", "write")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_SINCE_FIELD_NUMBER: _ClassVar[int]
    SKIP_CONFLICTS_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    revision: int
    range: RevisionRange
    actor_since: ActorChanges
    skip_conflicts: bool
    write: WriteOptions
    def __init__(self, namespace: _Optional[str] = ..., revision: _Optional[int] = ..., range: _Optional[_Union[RevisionRange, _Mapping]] = ..., actor_since: _Optional[_Union[ActorChanges, _Mapping]] = ..., skip_conflicts: bool = ..., write: _Optional[_Union[WriteOptions, _Mapping]] = ...) -> None: ...

class UndoResponse(_message.Message):
    __slots__ = ("changes", "change_count", "conflicts", "conflict_count", "revision", "epoch")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    CHANGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    CONFLICTS_FIELD_NUMBER: _ClassVar[int]
    CONFLICT_COUNT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[UndoneChange]
    change_count: int
    conflicts: _containers.RepeatedCompositeFieldContainer[UndoConflict]
    conflict_count: int
    revision: int
    epoch: int
    def __init__(self, changes: _Optional[_Iterable[_Union[UndoneChange, _Mapping]]] = ..., change_count: _Optional[int] = ..., conflicts: _Optional[_Iterable[_Union[UndoConflict, _Mapping]]] = ..., conflict_count: _Optional[int] = ..., revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class UndoneChange(_message.Message):
    __slots__ = ("undoes_revision", "kind", "item", "category")
    UNDOES_REVISION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    undoes_revision: int
    kind: _resources_pb2.ChangeKind
    item: str
    category: str
    def __init__(self, undoes_revision: _Optional[int] = ..., kind: _Optional[_Union[_resources_pb2.ChangeKind, str]] = ..., item: _Optional[str] = ..., category: _Optional[str] = ...) -> None: ...

class UndoConflict(_message.Message):
    __slots__ = ("revision", "kind", "item", "category", "by_revision")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    BY_REVISION_FIELD_NUMBER: _ClassVar[int]
    revision: int
    kind: _resources_pb2.ChangeKind
    item: str
    category: str
    by_revision: int
    def __init__(self, revision: _Optional[int] = ..., kind: _Optional[_Union[_resources_pb2.ChangeKind, str]] = ..., item: _Optional[str] = ..., category: _Optional[str] = ..., by_revision: _Optional[int] = ...) -> None: ...

class SnapshotRequest(_message.Message):
    __slots__ = ("namespace", "view", "min_revision", "epoch")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    view: _resources_pb2.SnapshotView
    min_revision: int
    epoch: int
    def __init__(self, namespace: _Optional[str] = ..., view: _Optional[_Union[_resources_pb2.SnapshotView, str]] = ..., min_revision: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class SnapshotResponse(_message.Message):
    __slots__ = ("frame",)
    FRAME_FIELD_NUMBER: _ClassVar[int]
    frame: _resources_pb2.SnapshotFrame
    def __init__(self, frame: _Optional[_Union[_resources_pb2.SnapshotFrame, _Mapping]] = ...) -> None: ...

class RestoreRequest(_message.Message):
    __slots__ = ("namespace", "frame", "write")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    frame: _resources_pb2.SnapshotFrame
    write: WriteOptions
    def __init__(self, namespace: _Optional[str] = ..., frame: _Optional[_Union[_resources_pb2.SnapshotFrame, _Mapping]] = ..., write: _Optional[_Union[WriteOptions, _Mapping]] = ...) -> None: ...

class RestoreResponse(_message.Message):
    __slots__ = ("namespace",)
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    namespace: _resources_pb2.Namespace
    def __init__(self, namespace: _Optional[_Union[_resources_pb2.Namespace, _Mapping]] = ...) -> None: ...

class VerifyRequest(_message.Message):
    __slots__ = ("namespace",)
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    def __init__(self, namespace: _Optional[str] = ...) -> None: ...

class VerifyResponse(_message.Message):
    __slots__ = ("category_count", "item_count", "membership_count", "digest", "findings", "revision")
    CATEGORY_COUNT_FIELD_NUMBER: _ClassVar[int]
    ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_COUNT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    category_count: int
    item_count: int
    membership_count: int
    digest: bytes
    findings: _containers.RepeatedScalarFieldContainer[str]
    revision: int
    def __init__(self, category_count: _Optional[int] = ..., item_count: _Optional[int] = ..., membership_count: _Optional[int] = ..., digest: _Optional[bytes] = ..., findings: _Optional[_Iterable[str]] = ..., revision: _Optional[int] = ...) -> None: ...

class VerifyStorageRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class VerifyStorageResponse(_message.Message):
    __slots__ = ("page_count", "findings")
    PAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    page_count: int
    findings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, page_count: _Optional[int] = ..., findings: _Optional[_Iterable[str]] = ...) -> None: ...

class GetServiceInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServiceInfoResponse(_message.Message):
    __slots__ = ("version", "kernel", "sqlite_version", "release_build", "namespace_count", "memory_bytes", "limits", "write_refusal", "member_count", "member_bytes", "history_entry_count", "history_byte_count", "database_bytes", "database_free_bytes")
    class LimitsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    VERSION_FIELD_NUMBER: _ClassVar[int]
    KERNEL_FIELD_NUMBER: _ClassVar[int]
    SQLITE_VERSION_FIELD_NUMBER: _ClassVar[int]
    RELEASE_BUILD_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_COUNT_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    WRITE_REFUSAL_FIELD_NUMBER: _ClassVar[int]
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    MEMBER_BYTES_FIELD_NUMBER: _ClassVar[int]
    HISTORY_ENTRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    HISTORY_BYTE_COUNT_FIELD_NUMBER: _ClassVar[int]
    DATABASE_BYTES_FIELD_NUMBER: _ClassVar[int]
    DATABASE_FREE_BYTES_FIELD_NUMBER: _ClassVar[int]
    version: str
    kernel: str
    sqlite_version: str
    release_build: bool
    namespace_count: int
    memory_bytes: int
    limits: _containers.ScalarMap[str, int]
    write_refusal: _errors_pb2.ErrorReason
    member_count: int
    member_bytes: int
    history_entry_count: int
    history_byte_count: int
    database_bytes: int
    database_free_bytes: int
    def __init__(self, version: _Optional[str] = ..., kernel: _Optional[str] = ..., sqlite_version: _Optional[str] = ..., release_build: bool = ..., namespace_count: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., limits: _Optional[_Mapping[str, int]] = ..., write_refusal: _Optional[_Union[_errors_pb2.ErrorReason, str]] = ..., member_count: _Optional[int] = ..., member_bytes: _Optional[int] = ..., history_entry_count: _Optional[int] = ..., history_byte_count: _Optional[int] = ..., database_bytes: _Optional[int] = ..., database_free_bytes: _Optional[int] = ...) -> None: ...
