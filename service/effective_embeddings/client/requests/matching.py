"""The requests of Match and Explain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from effective_embeddings.client.convert import messages
from effective_embeddings.client.convert.columns import Keys, entries, key_column, text, whole
from effective_embeddings.client.convert.vectors import Rows, vector_bytes
from effective_embeddings.client.limits import (
    MAX_PARTS,
    MAX_QUERIES,
    MAX_RESULTS,
    UNLIMITED_QUERIES,
)
from effective_embeddings.client.models.explanation import ExplainReply, WhatIf
from effective_embeddings.client.models.queries import Queries, Query
from effective_embeddings.client.models.replies import MatchResult
from effective_embeddings.client.models.resources import RankingMode
from effective_embeddings.client.requests.call import Call, Chunk, cut, single
from effective_embeddings.v1 import service_pb2

__all__ = ["explain", "match"]

_Fill = Callable[[service_pb2.Query, int], None]


def match(
    namespace: str,
    queries: Queries,
    *,
    limit: int,
    min_score: float | None,
    min_rank_score: float | None,
    confidence: bool,
    min_confidence: float | None,
    ranking: RankingMode | None,
    fairness: float | None,
    include: Keys,
    exclude: Keys,
    min_revision: int,
    at_revision: int,
    embedding_model: str,
) -> Call[list[MatchResult]]:
    """See Client.match."""
    count, fill = _read(queries)
    most = whole("limit", limit)

    def new(_number: int) -> service_pb2.MatchRequest:
        return service_pb2.MatchRequest(
            namespace=namespace,
            limit=most,
            min_score=min_score,
            min_rank_score=min_rank_score,
            include_confidence=confidence,
            min_confidence=min_confidence,
            ranking=messages.ranking_mode(ranking),
            fairness=fairness,
            include_categories=key_column("include", include),
            exclude_categories=key_column("exclude", exclude),
            min_revision=whole("min_revision", min_revision, 64),
            at_revision=whole("at_revision", at_revision, 64),
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

    size = _ChunkSize(most, _most_parts(queries))
    chunks = cut(count, lambda: size.queries, new, add)
    return Call("Match", chunks, parse, "queries", size.halve)


def explain(
    actor: str,
    namespace: str,
    query: Queries,
    *,
    categories: Keys,
    limit: int,
    members: int,
    ranking: RankingMode | None,
    fairness: float | None,
    what_if: Sequence[WhatIf],
    min_revision: int,
    at_revision: int,
    embedding_model: str,
) -> Call[ExplainReply]:
    """See Client.explain."""
    count, fill = _read(query)
    if count != 1:
        message = f"query must be one query, not {count}"
        raise ValueError(message)
    request = service_pb2.ExplainRequest(
        namespace=namespace,
        categories=key_column("categories", categories),
        limit=whole("limit", limit),
        member_limit=whole("members", members),
        ranking=messages.ranking_mode(ranking),
        fairness=fairness,
        min_revision=whole("min_revision", min_revision, 64),
        at_revision=whole("at_revision", at_revision, 64),
        embedding_model=embedding_model,
    )
    fill(request.query, 0)
    for each in what_if:
        _add_what_if(request, each, actor)
    return single("Explain", request, messages.explain_reply)


def _add_what_if(request: service_pb2.ExplainRequest, what_if: WhatIf, actor: str) -> None:
    change = {
        "leaves": what_if.leaves,
        "joins": what_if.joins,
        "weight": what_if.weight,
    }
    given = {name: value for name, value in change.items() if value is not None}
    if len(given) != 1:
        message = f"{what_if!r} must have exactly one of leaves, joins and weight"
        raise ValueError(message)
    author = actor if what_if.actor is None else what_if.actor
    request.what_if.add(item=text("item", what_if.item), actor=author, **cast("Any", given))


class _ChunkSize:
    """The number of queries of one request: within its limits, and for a reply of moderate size.

    With a limit of 0 only the service knows how many matches a query has: the first chunks are a
    guess, and smaller from then on if a reply was too large.
    """

    def __init__(self, limit: int, most_parts: int) -> None:
        by_results = MAX_RESULTS // limit if limit else UNLIMITED_QUERIES
        by_parts = MAX_PARTS // max(1, most_parts)
        self.queries = max(1, min(MAX_QUERIES, by_results, by_parts))

    def halve(self, chunk: Chunk) -> tuple[Chunk, ...]:
        """Return a request in two parts, or nothing if it has one query only."""
        request = cast("service_pb2.MatchRequest", chunk.request)
        middle = len(request.queries) // 2
        if middle == 0:
            return ()
        self.queries = min(self.queries, middle)
        first, second = service_pb2.MatchRequest(), service_pb2.MatchRequest()
        first.CopyFrom(request)
        second.CopyFrom(request)
        del first.queries[middle:]
        del second.queries[:middle]
        return Chunk(first, chunk.offset), Chunk(second, chunk.offset + middle)


def _most_parts(queries: Queries) -> int:
    """Return the number of parts of the query that has the most; one query is sent as it is."""
    if not isinstance(queries, (list, tuple)):
        return 0
    return max((len(each.parts or ()) for each in queries if isinstance(each, Query)), default=0)


def _read(queries: Queries) -> tuple[int, _Fill]:
    """Return the number of queries, and the function that fills in the one with an index."""
    if isinstance(queries, (str, Query)):
        queries = cast("Queries", (queries,))
    if not isinstance(queries, (list, tuple)):
        array = np.asarray(queries)
        if array.ndim == 1 and array.dtype.kind not in "fiu":
            # A column of keys, or of vectors.
            queries = cast("Queries", entries("queries", queries))
    if isinstance(queries, (list, tuple)) and queries:
        given: Sequence[Any] = queries
        if all(isinstance(entry, str) for entry in given):
            keys = key_column("queries", given)
            return len(keys), lambda query, index: _set_item(query, keys[index])
        if all(isinstance(entry, Query) for entry in given):
            return len(given), lambda query, index: _set_query(query, given[index], index)
        if any(isinstance(entry, (str, Query)) for entry in given):
            message = "queries must be all keys, all Query objects, or all vectors"
            raise ValueError(message)
    rows = Rows("queries", cast("Any", queries))

    def set_row(query: service_pb2.Query, index: int) -> None:
        data = rows[index]
        if data is None:
            message = f"queries[{index}] must be a vector, not None"
            raise TypeError(message)
        query.embedding.data = data

    return rows.count, set_row


def _set_item(query: service_pb2.Query, key: str) -> None:
    query.item = key


def _set_query(query: service_pb2.Query, source: Query, index: int) -> None:
    name = f"queries[{index}]"
    if source.embedding is not None:
        query.embedding.data = vector_bytes(source.embedding, f"{name}.embedding")
    elif source.item is not None:
        query.item = text(f"{name}.item", source.item)
    else:
        query.parts.SetInParent()
        for number, part in enumerate(source.parts or ()):
            own = f"{name}.parts[{number}]"
            entry = query.parts.parts.add(weight=part.weight)
            if part.embedding is not None:
                entry.embedding.data = vector_bytes(part.embedding, f"{own}.embedding")
            elif part.item is not None:
                entry.item = text(f"{own}.item", part.item)
