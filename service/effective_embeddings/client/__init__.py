"""The client library: the same methods and results over gRPC, asyncio, or in process."""

from effective_embeddings.client import errors
from effective_embeddings.client.client import AsyncClient, Client
from effective_embeddings.client.errors import EffectiveEmbeddingsError, SnapshotFileError
from effective_embeddings.client.models.explanation import (
    BasePart,
    ExplainReply,
    Explanation,
    Flip,
    LeaveOneOut,
    MemberPart,
    NeighbourPart,
)
from effective_embeddings.client.models.history import ChangeKind, HistoryBatch, HistoryChange
from effective_embeddings.client.models.queries import Queries, Query, QueryPart
from effective_embeddings.client.models.replies import (
    AssignmentResult,
    AssignReply,
    CategoryMatch,
    DeleteReply,
    MatchResult,
    PutReply,
    PutResult,
    ServiceInfo,
    SnapshotProgress,
    SnapshotSummary,
    SnapshotView,
    StorageReport,
    UnassignmentResult,
    UnassignReply,
    VerifyReport,
)
from effective_embeddings.client.models.resources import (
    Category,
    CategoryUpdate,
    Item,
    Membership,
    MembershipMode,
    Namespace,
    Normalization,
    RankingMode,
)
from effective_embeddings.client.requests.writes import ChangeOptions, WriteOptions
from effective_embeddings.client.snapshot_file import read_frames, seal_frames
from effective_embeddings.client.transport.base import DEFAULT_TARGET, DEFAULT_TIMEOUT
from effective_embeddings.client.transport.tls import Tls

__all__ = [
    "DEFAULT_TARGET",
    "DEFAULT_TIMEOUT",
    "AssignReply",
    "AssignmentResult",
    "AsyncClient",
    "BasePart",
    "Category",
    "CategoryMatch",
    "CategoryUpdate",
    "ChangeKind",
    "ChangeOptions",
    "Client",
    "DeleteReply",
    "EffectiveEmbeddingsError",
    "ExplainReply",
    "Explanation",
    "Flip",
    "HistoryBatch",
    "HistoryChange",
    "Item",
    "LeaveOneOut",
    "MatchResult",
    "MemberPart",
    "Membership",
    "MembershipMode",
    "Namespace",
    "NeighbourPart",
    "Normalization",
    "PutReply",
    "PutResult",
    "Queries",
    "Query",
    "QueryPart",
    "RankingMode",
    "ServiceInfo",
    "SnapshotFileError",
    "SnapshotProgress",
    "SnapshotSummary",
    "SnapshotView",
    "StorageReport",
    "Tls",
    "UnassignReply",
    "UnassignmentResult",
    "VerifyReport",
    "WriteOptions",
    "errors",
    "read_frames",
    "seal_frames",
]
