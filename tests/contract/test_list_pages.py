"""List pages: of any size, without gaps or repeats, under concurrent writes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from effective_embeddings import Client
from effective_embeddings.v1 import service_pb2 as pb
from tests.support.populated import DIMENSION
from tests.support.raw import Raw


def _pages(raw: Raw, method: str, request: Any, field: str) -> Iterator[list[str]]:
    """The keys of each page."""
    while True:
        reply = raw.call(method, request)
        yield [getattr(entry, "key", "") or entry.name for entry in getattr(reply, field)]
        if not reply.next_page_token:
            return
        request.page_token = reply.next_page_token


_LISTS: dict[str, tuple[str, Any, str]] = {
    "categories": ("ListCategories", pb.ListCategoriesRequest(), "categories"),
    "items": ("ListItems", pb.ListItemsRequest(), "items"),
    "members": ("ListItems", pb.ListItemsRequest(category="c1"), "items"),
    "inbox": ("ListItems", pb.ListItemsRequest(unassigned=True), "items"),
    "not only the inbox": ("ListItems", pb.ListItemsRequest(unassigned=False), "items"),
}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 46, 47, 48, 1000])
@pytest.mark.parametrize("name", _LISTS)
def test_pages_of_any_size_are_cut_from_one_list(name: str, size: int, raw: Raw, full: str) -> None:
    method, template, field = _LISTS[name]
    whole, paged = type(template)(), type(template)()
    for request, page_size in ((whole, 1000), (paged, size)):
        request.CopyFrom(template)
        request.namespace, request.page_size = full, page_size
    (everything,) = _pages(raw, method, whole, field)
    pages = list(_pages(raw, method, paged, field))
    assert [key for page in pages for key in page] == everything
    assert all(len(page) == size for page in pages[:-1]), "only the last page may be short"
    assert 0 < len(pages[-1]) <= size, "no page is empty"


def test_namespaces_are_listed_by_name_in_pages(client: Client, raw: Raw, ns: str) -> None:
    names = [f"{ns}.{letter}" for letter in ("a", "b", "B", "a.b", "a-b", "z", "9")]
    for name in names:
        client.create_namespace(name, 1)
    request = pb.ListNamespacesRequest(prefix=f"{ns}.", page_size=2)
    pages = list(_pages(raw, "ListNamespaces", request, "namespaces"))
    assert [name for page in pages for name in page] == sorted(names)
    assert [len(page) for page in pages] == [2, 2, 2, 1]
    assert [each.name for each in client.list_namespaces(f"{ns}.a")] == sorted(
        name for name in names if name.startswith(f"{ns}.a")
    )


def test_a_page_has_100_entries_by_default(client: Client, raw: Raw, ns: str) -> None:
    client.create_namespace(ns, 2)
    client.put_items(ns, [f"item {number:03}" for number in range(101)], np.ones((101, 2)))
    reply = raw.call("ListItems", pb.ListItemsRequest(namespace=ns))
    assert len(reply.items) == 100
    assert reply.next_page_token


def test_pages_under_concurrent_writes_repeat_and_miss_no_key(
    client: Client, raw: Raw, full: str
) -> None:
    """A key that exists throughout is listed once, while others are created and deleted."""
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            client.put_items(full, f"passing {number % 7}", np.ones(DIMENSION))
            client.delete_items(full, f"passing {(number + 3) % 7}", allow_missing=True)
            number += 1

    stayed = {item.key for item in client.list_items(full)}
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            request = pb.ListItemsRequest(namespace=full, page_size=3)
            keys = [key for page in _pages(raw, "ListItems", request, "items") for key in page]
            assert len(keys) == len(set(keys))
            assert stayed <= set(keys)
    finally:
        stop.set()
        writer.join()


def test_members_are_listed_the_most_recently_assigned_first(client: Client, full: str) -> None:
    client.unassign(full, "c1 item 3")
    client.assign(full, ["inbox 5", "c1 item 3"], "c1")
    members = [item.key for item in client.list_items(full, category="c1")]
    assert members == ["c1 item 3", "inbox 5", *(f"c1 item {n}" for n in (7, 6, 5, 4, 2, 1, 0))]


def test_the_inbox_lists_items_without_a_category(client: Client, full: str) -> None:
    client.assign(full, "inbox 0", "c0")
    client.unassign(full, ["c2 item 2", "c3 item 3"])
    client.delete_categories(full, "c4")
    inbox = [item.key for item in client.list_items(full, unassigned=True)]
    back = [f"c4 item {n}" for n in range(8)]
    assert inbox == ["c2 item 2", "c3 item 3", *back, *(f"inbox {n}" for n in range(1, 7))]
