"""The requests of the methods on items."""

from __future__ import annotations

from typing import Any

from effective_embeddings.client.convert import messages
from effective_embeddings.client.convert.columns import (
    Embeddings,
    Keys,
    Metadata,
    Parts,
    Weights,
    add_parts,
    expected_column,
    key_column,
    metadata_column,
    parts_column,
    row_column,
    text,
    weight_column,
    whole,
)
from effective_embeddings.client.limits import PAGE_SIZE
from effective_embeddings.client.models.replies import PutReply, PutResult
from effective_embeddings.client.models.resources import Item
from effective_embeddings.client.requests.call import Call, Pages, batch_size, cut, single
from effective_embeddings.client.requests.join import put_reply
from effective_embeddings.client.requests.writes import WriteOptions, write_options
from effective_embeddings.v1 import service_pb2

__all__ = ["get", "listing", "put"]


def put(
    actor: str,
    namespace: str,
    keys: Keys,
    embeddings: Embeddings | None,
    *,
    weights: Weights,
    metadata: Metadata,
    parts: Parts,
    expected: Keys | None,
    options: WriteOptions,
) -> Call[PutReply]:
    """See Client.put_items."""
    names = key_column("keys", keys)
    count = len(names)
    rows = row_column(embeddings, count)
    weight_of = weight_column(weights, count)
    metadata_of = metadata_column(metadata, count)
    parts_of = parts_column(parts, count)
    expected_of = expected_column(expected, count)
    write = write_options(actor, options)

    def new(number: int) -> service_pb2.PutItemsRequest:
        return service_pb2.PutItemsRequest(namespace=namespace, write=write(number))

    def add(request: service_pb2.PutItemsRequest, index: int) -> int:
        entry = request.items.add(key=names[index])
        if rows is not None and (data := rows[index]) is not None:
            entry.embedding.data = data
        if weight_of is not None and (weight := weight_of[index]) is not None:
            entry.weight = weight
        if metadata_of is not None and (own := metadata_of[index]) is not None:
            entry.metadata.update(own)
            entry.replace_metadata = True
        if expected_of is not None:
            entry.expected_category = expected_of[index]
        if parts_of is not None and (made_of := parts_of[index]) is not None:
            return add_parts(entry, made_of)
        return entry.ByteSize()

    def parse(result: service_pb2.PutItemResult) -> PutResult:
        return PutResult(result.item, result.created, result.changed)

    return Call("PutItems", cut(count, batch_size, new, add), put_reply(parse), "items")


def get(namespace: str, key: str, *, include_embedding: bool, min_revision: int) -> Call[Item]:
    """See Client.get_item."""
    request = service_pb2.GetItemRequest(
        namespace=namespace,
        item=text("key", key),
        include_embedding=include_embedding,
        min_revision=whole("min_revision", min_revision, 64),
    )

    def parse(reply: service_pb2.GetItemResponse) -> Item:
        return messages.item(reply.item)

    return single("GetItem", request, parse)


def listing(
    namespace: str,
    *,
    category: str | None,
    unassigned: bool,
    include_embeddings: bool,
    min_revision: int,
) -> Pages[Item]:
    """See Client.list_items."""
    if category is not None and unassigned:
        message = "category and unassigned exclude each other"
        raise ValueError(message)

    # One of the two at most is in the request: they are one field of the contract.
    which: dict[str, Any] = {"unassigned": True} if unassigned else {}
    if category is not None:
        which["category"] = text("category", category)
    revision = whole("min_revision", min_revision, 64)

    def request(token: str) -> service_pb2.ListItemsRequest:
        return service_pb2.ListItemsRequest(
            namespace=namespace,
            page_size=PAGE_SIZE,
            page_token=token,
            include_embeddings=include_embeddings,
            min_revision=revision,
            **which,
        )

    def parse(reply: service_pb2.ListItemsResponse) -> list[Item]:
        return [messages.item(message) for message in reply.items]

    return Pages("ListItems", request, parse)
