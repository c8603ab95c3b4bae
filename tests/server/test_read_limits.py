"""Limits of Explain, of a page of history and of a watch, each exceeded."""

from __future__ import annotations

import time
from pathlib import Path

from effective_embeddings import Client
from effective_embeddings.v1 import service_pb2
from tests.server.limit_requests import LIMITS, explain, put
from tests.support.raw import EmbeddedRaw, embedding


def test_explain_defaults(raw: EmbeddedRaw) -> None:
    categories = [
        service_pb2.CategoryUpdate(key=f"c{n:03}", base=embedding([1, n])) for n in range(10)
    ]
    raw.call(
        "PutCategories", service_pb2.PutCategoriesRequest(namespace="n", categories=categories)
    )
    _assign(raw, [(f"i{n}", [1, 0], 1) for n in range(50)], "c000")
    found = raw.call(*explain()).explanations
    assert len(found) == LIMITS["default_explain_limit"].value
    (found,) = raw.call(*explain(categories=["c000"])).explanations
    assert len(found.members) == LIMITS["default_explain_members"].value


def _assign(raw: EmbeddedRaw, items: list[tuple[str, list[float], float]], category: str) -> None:
    entries = [
        service_pb2.Assignment(
            item=key, category=category, embedding=embedding(vector), weight=weight
        )
        for key, vector, weight in items
    ]
    raw.call("Assign", service_pb2.AssignRequest(namespace="n", assignments=entries))


def test_explain_members_read(raw: EmbeddedRaw) -> None:
    """The oldest member has the largest part, and is read as long as it is among the newest."""
    limit = int(LIMITS["explain_members_read"].value)
    _assign(raw, [("oldest", [1, 0], 1000)], "c")
    for first in range(1, limit, 1000):
        others = range(first, min(first + 1000, limit))
        _assign(raw, [(f"i{n}", [0, 1], 1) for n in others], "c")
    request = explain(categories=["c"], member_limit=1)
    (found,) = raw.call(*request).explanations
    assert found.members[0].item == "oldest"
    _assign(raw, [("newest", [0, 1], 1)], "c")
    (found,) = raw.call(*request).explanations
    assert found.members[0].item != "oldest"


def _history_of_nobody(raw: EmbeddedRaw) -> bool:
    """Whether one page reads the whole history."""
    nobody = service_pb2.HistoryFilter(actor="nobody")
    request = service_pb2.ListHistoryRequest(namespace="n", filter=nobody)
    page = raw.call("ListHistory", request)
    assert not page.changes
    return not page.next_page_token


def test_history_page_revisions(raw: EmbeddedRaw) -> None:
    # Two revisions made the namespace.
    for number in range(int(LIMITS["history_page_revisions"].value) - 2):
        raw.call(*put(weight=1 + number % 2))
    assert _history_of_nobody(raw)
    raw.call(*put(weight=3))
    assert not _history_of_nobody(raw)


def test_history_page_log_bytes(raw: EmbeddedRaw) -> None:
    limit = int(LIMITS["history_page_log_bytes"].value)
    entry = 900 * 4000
    for number in range(limit // entry + 2):
        # Each item gets other metadata, else nothing is written.
        metadata = {"k": f"{number:04}" * 1000}
        items = [
            service_pb2.ItemUpdate(key=f"i{n}", embedding=embedding([1, 0]), metadata=metadata)
            for n in range(900)
        ]
        raw.call("PutItems", service_pb2.PutItemsRequest(namespace="n", items=items))
        if number * entry < limit // 4:
            assert _history_of_nobody(raw)
    assert not _history_of_nobody(raw)


def test_watch_heartbeat_seconds(tmp_path: Path) -> None:
    pause = LIMITS["watch_heartbeat_seconds"].value
    with Client.embedded(tmp_path / "data") as client:
        client.create_namespace("n", 2)
        watch = client.watch_history("n", after_revision=1)
        next(watch)
        begin = time.monotonic()
        assert not next(watch).changes
        assert pause * 0.9 < time.monotonic() - begin < pause + 10
