"""The requests of the methods on categories."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from effective_embeddings.client.convert import messages
from effective_embeddings.client.convert.columns import Keys, key_column, mapping, text, whole
from effective_embeddings.client.convert.vectors import vector_bytes
from effective_embeddings.client.limits import PAGE_SIZE
from effective_embeddings.client.models.replies import (
    MergeReply,
    PutReply,
    PutResult,
    RenameReply,
)
from effective_embeddings.client.models.resources import Category, CategoryUpdate
from effective_embeddings.client.requests.call import Call, Pages, batch_size, cut, single
from effective_embeddings.client.requests.join import put_reply
from effective_embeddings.client.requests.writes import WriteOptions, write_options
from effective_embeddings.v1 import service_pb2

__all__ = ["get", "listing", "merge", "put", "reanchor", "rename"]

# The settings that go into the message under their own names.
_SETTINGS = [
    field.name
    for field in dataclasses.fields(CategoryUpdate)
    if field.name not in ("key", "base", "metadata")
]


def put(
    actor: str,
    namespace: str,
    categories: CategoryUpdate | Iterable[CategoryUpdate],
    options: WriteOptions,
) -> Call[PutReply]:
    """See Client.put_categories."""
    updates = (categories,) if isinstance(categories, CategoryUpdate) else tuple(categories)
    write = write_options(actor, options)

    def new(number: int) -> service_pb2.PutCategoriesRequest:
        return service_pb2.PutCategoriesRequest(namespace=namespace, write=write(number))

    def add(request: service_pb2.PutCategoriesRequest, index: int) -> int:
        update, name = updates[index], f"categories[{index}]"
        entry = request.categories.add(key=text(f"{name}.key", update.key))
        for setting in _SETTINGS:
            value = getattr(update, setting)
            if value is not None:
                _set(entry, setting, value, f"{name}.{setting}")
        if update.base is not None:
            entry.base.data = vector_bytes(update.base, f"{name}.base")
        if update.metadata is not None:
            entry.metadata.update(mapping(f"{name}.metadata", update.metadata))
            entry.replace_metadata = True
        return entry.ByteSize()

    def parse(result: service_pb2.PutCategoryResult) -> PutResult:
        return PutResult(result.category, result.created, result.changed)

    chunks = cut(len(updates), batch_size, new, add)
    return Call("PutCategories", chunks, put_reply(parse), "categories")


def get(
    namespace: str, key: str, *, include_embeddings: bool, min_revision: int, at_revision: int
) -> Call[Category]:
    """See Client.get_category."""
    request = service_pb2.GetCategoryRequest(
        namespace=namespace,
        category=text("key", key),
        include_embeddings=include_embeddings,
        min_revision=whole("min_revision", min_revision, 64),
        at_revision=whole("at_revision", at_revision, 64),
    )
    return single("GetCategory", request, _parse)


def listing(namespace: str, *, include_embeddings: bool, min_revision: int) -> Pages[Category]:
    """See Client.list_categories."""

    def request(token: str) -> service_pb2.ListCategoriesRequest:
        return service_pb2.ListCategoriesRequest(
            namespace=namespace,
            page_size=PAGE_SIZE,
            page_token=token,
            include_embeddings=include_embeddings,
            min_revision=whole("min_revision", min_revision, 64),
        )

    def parse(reply: service_pb2.ListCategoriesResponse) -> list[Category]:
        return [messages.category(message) for message in reply.categories]

    return Pages("ListCategories", request, parse)


def reanchor(
    actor: str, namespace: str, key: str, *, keep_last: int, options: WriteOptions
) -> Call[Category]:
    """See Client.reanchor."""
    request = service_pb2.ReanchorRequest(
        namespace=namespace,
        category=text("key", key),
        keep_last=whole("keep_last", keep_last),
        write=write_options(actor, options)(0),
    )
    return single("Reanchor", request, _parse)


def rename(
    actor: str, namespace: str, key: str, new_key: str, *, options: WriteOptions
) -> Call[RenameReply]:
    """See Client.rename_category."""
    request = service_pb2.RenameCategoryRequest(
        namespace=namespace,
        category=text("key", key),
        new_key=text("new_key", new_key),
        write=write_options(actor, options)(0),
    )

    def parse(reply: service_pb2.RenameCategoryResponse) -> RenameReply:
        return RenameReply(messages.category(reply.category), reply.changed, reply.revision)

    return single("RenameCategory", request, parse)


def merge(
    actor: str, namespace: str, sources: Keys, target: str, *, options: WriteOptions
) -> Call[MergeReply]:
    """See Client.merge_categories."""
    request = service_pb2.MergeCategoriesRequest(
        namespace=namespace,
        sources=key_column("sources", sources),
        target=text("target", target),
        write=write_options(actor, options)(0),
    )
    return single("MergeCategories", request, messages.merge_reply)


def _parse(reply: service_pb2.GetCategoryResponse | service_pb2.ReanchorResponse) -> Category:
    return messages.category(reply.category)


def _set(message: Any, field: str, value: object, name: str) -> None:
    try:
        setattr(message, field, value)
    except (TypeError, ValueError) as error:
        problem = f"{name}: {error}"
        raise type(error)(problem) from None
