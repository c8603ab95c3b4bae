"""The Match call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from effective_embeddings.client.convert import messages
from effective_embeddings.client.convert.columns import key_column
from effective_embeddings.client.convert.vectors import Rows, vector_bytes
from effective_embeddings.client.limits import MAX_QUERIES, MAX_RESULTS, UNLIMITED_QUERIES
from effective_embeddings.client.models.queries import Queries, Query
from effective_embeddings.client.models.replies import MatchResult
from effective_embeddings.client.requests.call import Call, cut
from effective_embeddings.v1 import service_pb2

__all__ = ["match"]

_Fill = Callable[[service_pb2.Query, int], None]


def match(
    namespace: str,
    queries: Queries,
    *,
    limit: int,
    min_score: float | None,
    include: str | Sequence[str],
    exclude: str | Sequence[str],
    min_revision: int,
    embedding_model: str,
) -> Call[list[MatchResult]]:
    """See Client.match."""
    count, fill = _read(queries)

    def new(_number: int) -> service_pb2.MatchRequest:
        return service_pb2.MatchRequest(
            namespace=namespace,
            limit=limit,
            min_score=min_score,
            include_categories=key_column(include),
            exclude_categories=key_column(exclude),
            min_revision=min_revision,
            embedding_model=embedding_model,
        )

    def add(request: service_pb2.MatchRequest, index: int) -> int:
        query = request.queries.add()
        fill(query, index)
        return query.ByteSize()

    def parse(replies: Sequence[service_pb2.MatchResponse]) -> list[MatchResult]:
        return [
            messages.match_result(result, reply.revision)
            for reply in replies
            for result in reply.results
        ]

    return Call("Match", cut(count, _queries_each(limit), new, add), parse, "queries")


def _queries_each(limit: int) -> int:
    """Return how many queries one message may hold for its reply to be of a moderate size."""
    if limit <= 0:
        return UNLIMITED_QUERIES
    return max(1, min(MAX_QUERIES, MAX_RESULTS // limit))


def _read(queries: Queries) -> tuple[int, _Fill]:
    """Return the number of queries, and what fills in the one with a given index."""
    if isinstance(queries, (str, Query)):
        queries = cast("Queries", (queries,))
    # Only a list or tuple can hold keys or Querys; anything else is an array or becomes one.
    if isinstance(queries, (list, tuple)) and queries:
        entries: Sequence[Any] = queries
        if all(isinstance(entry, str) for entry in entries):
            return len(entries), lambda query, index: _set_item(query, entries[index])
        if all(isinstance(entry, Query) for entry in entries):
            return len(entries), lambda query, index: _set_query(query, entries[index])
        if any(isinstance(entry, (str, Query)) for entry in entries):
            message = "queries must be all keys, all Query objects, or all vectors"
            raise ValueError(message)
    rows = Rows(cast("Any", queries))

    def set_row(query: service_pb2.Query, index: int) -> None:
        query.embedding.data = rows[index]

    return rows.count, set_row


def _set_item(query: service_pb2.Query, key: str) -> None:
    query.item = key


def _set_query(query: service_pb2.Query, source: Query) -> None:
    if source.embedding is not None:
        query.embedding.data = vector_bytes(source.embedding)
    elif source.item is not None:
        query.item = source.item
    else:
        query.parts.SetInParent()
        for part in source.parts or ():
            entry = query.parts.parts.add(weight=part.weight)
            if part.embedding is not None:
                entry.embedding.data = vector_bytes(part.embedding)
            elif part.item is not None:
                entry.item = part.item
