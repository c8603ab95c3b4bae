"""The requests of DeleteItems and DeleteCategories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from effective_embeddings.client.convert.columns import Keys, key_column
from effective_embeddings.client.models.replies import DeleteReply
from effective_embeddings.client.requests.call import Call, batch_size, cut
from effective_embeddings.client.requests.writes import WriteOptions, write_options
from effective_embeddings.v1 import service_pb2

__all__ = ["delete"]

_Request = service_pb2.DeleteItemsRequest | service_pb2.DeleteCategoriesRequest


def delete(
    kind: Literal["items", "categories"],
    actor: str,
    namespace: str,
    keys: Keys,
    *,
    allow_missing: bool,
    options: WriteOptions,
) -> Call[DeleteReply]:
    """See Client.delete_items and Client.delete_categories; ``kind`` is the field of the keys."""
    all_keys = key_column("keys", keys)
    write = write_options(actor, options)
    items = kind == "items"
    message = service_pb2.DeleteItemsRequest if items else service_pb2.DeleteCategoriesRequest

    def new(number: int) -> _Request:
        return message(namespace=namespace, allow_missing=allow_missing, write=write(number))

    def add(request: _Request, index: int) -> int:
        getattr(request, kind).append(all_keys[index])
        return len(all_keys[index].encode())

    chunks = cut(len(all_keys), batch_size, new, add)
    return Call("DeleteItems" if items else "DeleteCategories", chunks, _join, kind)


def _join(
    replies: Sequence[service_pb2.DeleteCategoriesResponse | service_pb2.DeleteItemsResponse],
) -> DeleteReply:
    return DeleteReply(
        deleted_count=sum(reply.deleted_count for reply in replies),
        unassigned_count=sum(
            reply.unassigned_count
            for reply in replies
            if isinstance(reply, service_pb2.DeleteCategoriesResponse)
        ),
        revision=replies[-1].revision,
    )
