"""The replies of a call's parts, joined into its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from effective_embeddings.client.models.replies import PutReply, PutResult
from effective_embeddings.v1 import service_pb2

__all__ = ["put_reply"]


def put_reply(parse: Callable[[Any], PutResult]) -> Callable[[Sequence[Any]], PutReply]:
    """Return the parser of the replies of PutCategories or PutItems, given that of one result."""

    def join(
        replies: Sequence[service_pb2.PutCategoriesResponse | service_pb2.PutItemsResponse],
    ) -> PutReply:
        results = tuple(parse(result) for reply in replies for result in reply.results)
        return PutReply(results, replies[-1].revision)

    return join
