"""The replies of a call's parts, joined into its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from effective_embeddings.client.models.replies import DeleteReply, PutReply, PutResult
from effective_embeddings.v1 import service_pb2

__all__ = ["delete_reply", "put_reply"]


def put_reply(parse: Callable[[Any], PutResult]) -> Callable[[Sequence[Any]], PutReply]:
    """Return the parser of the replies of PutCategories or PutItems, given that of one result."""

    def join(
        replies: Sequence[service_pb2.PutCategoriesResponse | service_pb2.PutItemsResponse],
    ) -> PutReply:
        results = tuple(parse(result) for reply in replies for result in reply.results)
        return PutReply(results, replies[-1].revision)

    return join


def delete_reply(
    replies: Sequence[service_pb2.DeleteCategoriesResponse | service_pb2.DeleteItemsResponse],
) -> DeleteReply:
    """Join the replies of DeleteCategories or DeleteItems."""
    return DeleteReply(
        deleted_count=sum(reply.deleted_count for reply in replies),
        unassigned_count=sum(
            reply.unassigned_count
            for reply in replies
            if isinstance(reply, service_pb2.DeleteCategoriesResponse)
        ),
        revision=replies[-1].revision,
    )
