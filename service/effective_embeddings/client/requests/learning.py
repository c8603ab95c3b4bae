"""The calls that teach and un-teach: Assign and Unassign."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from effective_embeddings.client.convert import messages
from effective_embeddings.client.convert.columns import (
    Metadata,
    Weights,
    key_column,
    metadata_column,
    row_column,
    weight_column,
)
from effective_embeddings.client.limits import MAX_BATCH
from effective_embeddings.client.models.replies import AssignReply, UnassignReply
from effective_embeddings.client.requests.call import Call, cut
from effective_embeddings.client.requests.writes import WriteOptions, write_options
from effective_embeddings.v1 import service_pb2

__all__ = ["assign", "unassign"]


def assign(
    actor: str,
    namespace: str,
    items: str | Sequence[str],
    categories: str | Sequence[str],
    embeddings: ArrayLike | None,
    *,
    weights: Weights,
    metadata: Metadata,
    options: WriteOptions,
) -> Call[AssignReply]:
    """See Client.assign."""
    # One item can go into several categories, and several items into one.
    count = max(len(key_column(items)), len(key_column(categories)))
    item_of = key_column(items, count)
    category_of = key_column(categories, count)
    one_item = isinstance(items, str)
    rows = row_column(embeddings, count, repeat=one_item)
    one_row = rows is not None and rows.count == 1
    weight_of = weight_column(weights, count)
    metadata_of = metadata_column(metadata, count)
    write = write_options(actor, options)

    def new(number: int) -> service_pb2.AssignRequest:
        return service_pb2.AssignRequest(namespace=namespace, write=write(number))

    def add(request: service_pb2.AssignRequest, index: int) -> int:
        entry = request.assignments.add(item=item_of[index], category=category_of[index])
        if rows is not None:
            entry.embedding.data = rows[0 if one_row else index]
        if weight_of is not None:
            entry.weight = weight_of[index]
        if metadata_of is not None and (own := metadata_of[index]) is not None:
            entry.metadata.update(own)
        return entry.ByteSize()

    def parse(replies: Sequence[service_pb2.AssignResponse]) -> AssignReply:
        return AssignReply(
            tuple(messages.assignment_result(one) for reply in replies for one in reply.results),
            replies[-1].revision,
        )

    return Call("Assign", cut(count, MAX_BATCH, new, add), parse, "assignments")


def unassign(
    actor: str,
    namespace: str,
    items: str | Sequence[str],
    categories: str | Sequence[str] | None,
    *,
    delete_items: bool,
    options: WriteOptions,
) -> Call[UnassignReply]:
    """See Client.unassign."""
    if categories is None:
        categories = ""
    count = max(len(key_column(items)), len(key_column(categories)))
    item_of = key_column(items, count)
    category_of = key_column(categories, count)
    write = write_options(actor, options)

    def new(number: int) -> service_pb2.UnassignRequest:
        return service_pb2.UnassignRequest(namespace=namespace, write=write(number))

    def add(request: service_pb2.UnassignRequest, index: int) -> int:
        entry = request.unassignments.add(
            item=item_of[index], category=category_of[index], delete_item=delete_items
        )
        return entry.ByteSize()

    def parse(replies: Sequence[service_pb2.UnassignResponse]) -> UnassignReply:
        return UnassignReply(
            tuple(messages.unassignment_result(one) for reply in replies for one in reply.results),
            replies[-1].revision,
        )

    return Call("Unassign", cut(count, MAX_BATCH, new, add), parse, "unassignments")
