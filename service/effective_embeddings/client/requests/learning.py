"""The requests of Assign, Unassign and Dismiss."""

from __future__ import annotations

from collections.abc import Sequence

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
    weight_column,
)
from effective_embeddings.client.models.replies import (
    AssignReply,
    DismissReply,
    DismissResult,
    UnassignReply,
)
from effective_embeddings.client.requests.call import Call, batch_size, cut
from effective_embeddings.client.requests.writes import WriteOptions, write_options
from effective_embeddings.v1 import service_pb2

__all__ = ["assign", "dismiss", "unassign"]


def assign(
    actor: str,
    namespace: str,
    items: Keys,
    categories: Keys,
    embeddings: Embeddings | None,
    *,
    weights: Weights,
    metadata: Metadata,
    parts: Parts,
    expected: Keys | None,
    options: WriteOptions,
) -> Call[AssignReply]:
    """See Client.assign."""
    # One item can go into several categories, and several items into one.
    item_of, category_of = _pairs(items, categories)
    count = len(item_of)
    one_item = isinstance(items, str)
    rows = row_column(embeddings, count, repeat=one_item)
    one_row = rows is not None and rows.count == 1
    weight_of = weight_column(weights, count)
    metadata_of = metadata_column(metadata, count)
    parts_of = parts_column(parts, count)
    expected_of = expected_column(expected, count)
    write = write_options(actor, options)

    def new(number: int) -> service_pb2.AssignRequest:
        return service_pb2.AssignRequest(namespace=namespace, write=write(number))

    def add(request: service_pb2.AssignRequest, index: int) -> int:
        entry = request.assignments.add(item=item_of[index], category=category_of[index])
        if rows is not None and (data := rows[0 if one_row else index]) is not None:
            entry.embedding.data = data
        if weight_of is not None and (weight := weight_of[index]) is not None:
            entry.weight = weight
        if metadata_of is not None and (own := metadata_of[index]) is not None:
            entry.metadata.update(own)
        if expected_of is not None:
            entry.expected_category = expected_of[index]
        if parts_of is not None and (made_of := parts_of[index]) is not None:
            return add_parts(entry, made_of)
        return entry.ByteSize()

    def parse(replies: Sequence[service_pb2.AssignResponse]) -> AssignReply:
        return AssignReply(
            tuple(messages.assignment_result(one) for reply in replies for one in reply.results),
            replies[-1].revision,
        )

    return Call("Assign", cut(count, batch_size, new, add), parse, "assignments")


def unassign(
    actor: str,
    namespace: str,
    items: Keys,
    categories: Keys | None,
    *,
    delete_items: bool,
    expected: Keys | None,
    options: WriteOptions,
) -> Call[UnassignReply]:
    """See Client.unassign."""
    if categories is None:
        categories = ""
    item_of, category_of = _pairs(items, categories)
    count = len(item_of)
    expected_of = expected_column(expected, count)
    write = write_options(actor, options)

    def new(number: int) -> service_pb2.UnassignRequest:
        return service_pb2.UnassignRequest(namespace=namespace, write=write(number))

    def add(request: service_pb2.UnassignRequest, index: int) -> int:
        entry = request.unassignments.add(
            item=item_of[index], category=category_of[index], delete_item=delete_items
        )
        if expected_of is not None:
            entry.expected_category = expected_of[index]
        return entry.ByteSize()

    def parse(replies: Sequence[service_pb2.UnassignResponse]) -> UnassignReply:
        return UnassignReply(
            tuple(messages.unassignment_result(one) for reply in replies for one in reply.results),
            replies[-1].revision,
        )

    return Call("Unassign", cut(count, batch_size, new, add), parse, "unassignments")


def dismiss(
    actor: str,
    namespace: str,
    items: Keys,
    categories: Keys,
    *,
    withdraw: bool,
    options: WriteOptions,
) -> Call[DismissReply]:
    """See Client.dismiss."""
    item_of, category_of = _pairs(items, categories)
    write = write_options(actor, options)

    def new(number: int) -> service_pb2.DismissRequest:
        return service_pb2.DismissRequest(
            namespace=namespace, withdraw=withdraw, write=write(number)
        )

    def add(request: service_pb2.DismissRequest, index: int) -> int:
        entry = request.pairs.add(item=item_of[index], category=category_of[index])
        return entry.ByteSize()

    def parse(replies: Sequence[service_pb2.DismissResponse]) -> DismissReply:
        results = (one for reply in replies for one in reply.results)
        return DismissReply(
            tuple(DismissResult(one.item, one.category, one.changed) for one in results),
            replies[-1].revision,
        )

    return Call("Dismiss", cut(len(item_of), batch_size, new, add), parse, "pairs")


def _pairs(items: Keys, categories: Keys) -> tuple[Sequence[str], Sequence[str]]:
    """Return the keys of each assignment: one item in n categories, n in one, or n pairs."""
    item_of, category_of = key_column("items", items), key_column("categories", categories)
    count = max(len(item_of), len(category_of))
    if isinstance(items, str):
        item_of = key_column("items", items, count)
    if isinstance(categories, str):
        category_of = key_column("categories", categories, count)
    if len(item_of) != len(category_of):
        message = f"items: {len(item_of)} of them for {len(category_of)} categories"
        raise ValueError(message)
    return item_of, category_of
