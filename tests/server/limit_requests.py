"""Requests of a given size, for the limits that one request alone can exceed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from effective_embeddings.server import Settings, all_limits
from effective_embeddings.v1 import resources_pb2, service_pb2
from tests.support.raw import embedding

LIMITS = {each.name: each for each in all_limits(Settings(data=Path("unused")))}
ENTRY = service_pb2.ItemUpdate(key="i", embedding=embedding([1, 0]))
WRITE = service_pb2.WriteOptions


def put(**item: Any) -> tuple[str, Any]:
    entry = service_pb2.ItemUpdate(**{"key": "i", "embedding": embedding([1, 0]), **item})
    return "PutItems", service_pb2.PutItemsRequest(namespace="n", items=[entry])


def reanchor(**write: Any) -> tuple[str, Any]:
    request = service_pb2.ReanchorRequest(namespace="n", category="c", write=WRITE(**write))
    return "Reanchor", request


def create(**fields: Any) -> tuple[str, Any]:
    namespace = resources_pb2.Namespace(**{"name": "new", "dimension": 2, **fields})
    return "CreateNamespace", service_pb2.CreateNamespaceRequest(namespace=namespace)


def matching(count: int = 1, **fields: Any) -> tuple[str, Any]:
    query = service_pb2.Query(embedding=embedding([1, 0]))
    return "Match", service_pb2.MatchRequest(namespace="n", queries=[query] * count, **fields)


def parts(*counts: int) -> tuple[str, Any]:
    part = service_pb2.QueryPart(embedding=embedding([1, 0]))
    queries = [
        service_pb2.Query(parts=service_pb2.QueryParts(parts=[part] * count)) for count in counts
    ]
    return "Match", service_pb2.MatchRequest(namespace="n", queries=queries)


def explain(**fields: Any) -> tuple[str, Any]:
    query = service_pb2.Query(embedding=embedding([1, 0]))
    return "Explain", service_pb2.ExplainRequest(namespace="n", query=query, **fields)


def suggest(**fields: Any) -> tuple[str, Any]:
    return "Suggest", service_pb2.SuggestRequest(namespace="n", **fields)


def impact(**fields: Any) -> tuple[str, Any]:
    wanted = service_pb2.MemberFilter(actor="eve")
    return "ReviewImpact", service_pb2.ReviewImpactRequest(namespace="n", filter=wanted, **fields)


# By limit: makes the request with a given value of it.
REQUESTS: dict[str, Callable[[int], tuple[str, Any]]] = {
    # Untouched zeros take no memory.
    "request_bytes": lambda at: ("Match", bytes(at)),
    "key_bytes": lambda at: put(key="k" * at),
    "namespace_name_bytes": lambda at: create(name="n" * at),
    "batch_entries": lambda at: (
        "PutItems",
        service_pb2.PutItemsRequest(namespace="n", items=[ENTRY] * at),
    ),
    "match_queries": matching,
    "query_parts": parts,
    "match_parts": lambda at: parts(*[1_000] * (at // 1_000), *filter(None, [at % 1_000])),
    "filter_keys": lambda at: matching(exclude_categories=["c"] * at),
    "explain_categories": lambda at: explain(limit=at),
    "explain_members": lambda at: explain(member_limit=at),
    "suggest_group_size": lambda at: suggest(
        order=service_pb2.SUGGEST_ORDER_GROUPED, group_size=at
    ),
    "review_members": lambda at: (
        "ReviewCategories",
        service_pb2.ReviewCategoriesRequest(namespace="n", member_limit=at),
    ),
    "impact_items": lambda at: impact(item_limit=at),
    "impact_changes": lambda at: impact(change_limit=at),
    "page_size": lambda at: (
        "ListItems",
        service_pb2.ListItemsRequest(namespace="n", page_size=at),
    ),
    "metadata_entries": lambda at: put(metadata={str(n): "" for n in range(at)}),
    "metadata_bytes": lambda at: put(metadata={"k": "v" * (at - 1)}),
    "request_id_bytes": lambda at: reanchor(request_id="x" * at),
    "actor_bytes": lambda at: reanchor(actor="x" * at),
    "reason_bytes": lambda at: reanchor(reason="x" * at),
    "description_bytes": lambda at: create(description="x" * at),
    "embedding_model_bytes": lambda at: create(embedding_model="x" * at),
    "history_keep_revisions": lambda at: create(history_keep={"revisions": at}),
    "history_keep_age_seconds": lambda at: create(history_keep={"age_seconds": at}),
    "dimension": lambda at: create(dimension=at),
    "component": lambda at: put(
        embedding=embedding(
            [np.nextafter(np.float32(at), 0, dtype=np.float32) if at == 32_768 else at, 0]
        )
    ),
    "weight": lambda at: put(weight=at),
}
