"""Calls on categories."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from effective_embeddings.client.convert import messages
from effective_embeddings.client.convert.vectors import vector_bytes
from effective_embeddings.client.limits import MAX_BATCH, PAGE_SIZE
from effective_embeddings.client.models.replies import DeleteReply, PutReply, PutResult
from effective_embeddings.client.models.resources import Category, CategoryUpdate
from effective_embeddings.client.requests.call import Call, Pages, cut, single
from effective_embeddings.client.requests.join import delete_reply, put_reply
from effective_embeddings.client.requests.writes import WriteOptions, write_options
from effective_embeddings.v1 import service_pb2

__all__ = ["delete", "get", "listing", "put", "reanchor"]


def put(
    actor: str, namespace: str, categories: Iterable[CategoryUpdate], options: WriteOptions
) -> Call[PutReply]:
    """See Client.put_categories."""
    updates = tuple(categories)
    write = write_options(actor, options)

    def new(number: int) -> service_pb2.PutCategoriesRequest:
        return service_pb2.PutCategoriesRequest(namespace=namespace, write=write(number))

    def add(request: service_pb2.PutCategoriesRequest, index: int) -> int:
        update = updates[index]
        entry = request.categories.add(
            key=update.key,
            clear_base=update.clear_base,
            base_weight=update.base_weight,
            window=update.window,
            min_base_share=update.min_base_share,
            frozen=update.frozen,
            metadata=update.metadata,
            replace_metadata=update.metadata is not None,
        )
        if update.base is not None:
            entry.base.data = vector_bytes(update.base)
        return entry.ByteSize()

    def parse(result: service_pb2.PutCategoryResult) -> PutResult:
        return PutResult(result.category, result.created, result.changed)

    chunks = cut(len(updates), MAX_BATCH, new, add)
    return Call("PutCategories", chunks, put_reply(parse), "categories")


def get(namespace: str, key: str, *, include_embeddings: bool, min_revision: int) -> Call[Category]:
    """See Client.get_category."""
    request = service_pb2.GetCategoryRequest(
        namespace=namespace,
        category=key,
        include_embeddings=include_embeddings,
        min_revision=min_revision,
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
            min_revision=min_revision,
        )

    def parse(reply: service_pb2.ListCategoriesResponse) -> list[Category]:
        return [messages.category(message) for message in reply.categories]

    return Pages("ListCategories", request, parse)


def delete(
    actor: str,
    namespace: str,
    keys: str | Sequence[str],
    *,
    allow_missing: bool,
    options: WriteOptions,
) -> Call[DeleteReply]:
    """See Client.delete_categories."""
    all_keys = (keys,) if isinstance(keys, str) else tuple(keys)
    write = write_options(actor, options)

    def new(number: int) -> service_pb2.DeleteCategoriesRequest:
        return service_pb2.DeleteCategoriesRequest(
            namespace=namespace, allow_missing=allow_missing, write=write(number)
        )

    def add(request: service_pb2.DeleteCategoriesRequest, index: int) -> int:
        request.categories.append(all_keys[index])
        return len(all_keys[index])

    chunks = cut(len(all_keys), MAX_BATCH, new, add)
    return Call("DeleteCategories", chunks, delete_reply, "categories")


def reanchor(
    actor: str, namespace: str, key: str, *, keep_last: int, options: WriteOptions
) -> Call[Category]:
    """See Client.reanchor."""
    request = service_pb2.ReanchorRequest(
        namespace=namespace,
        category=key,
        keep_last=keep_last,
        write=write_options(actor, options)(0),
    )
    return single("Reanchor", request, _parse)


def _parse(reply: service_pb2.GetCategoryResponse | service_pb2.ReanchorResponse) -> Category:
    return messages.category(reply.category)
