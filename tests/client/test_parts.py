"""Calls that are sent in parts: by what fits, and so that they can be repeated."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from effective_embeddings import AsyncClient, CategoryUpdate, Client, Query, QueryPart
from effective_embeddings.errors import InvalidArgument, NotFound, ResourceExhausted
from effective_embeddings.server import ServerHandle, Settings

_CATEGORIES = 2000


def test_queries_without_a_limit_are_cut_by_what_the_replies_hold(tmp_path: Path) -> None:
    async def match(target: str) -> list[int]:
        async with AsyncClient(target) as client:
            results = await client.match("n", queries, limit=0)
            return [len(result.matches) for result in results]

    settings = Settings(
        data=tmp_path / "data", listen="127.0.0.1:0", max_message_bytes=1 << 20, drain_seconds=1
    )
    queries = np.random.default_rng(7).normal(size=(70, 2)).astype(np.float32)
    with ServerHandle(settings) as server, Client(server.target) as client:
        client.create_namespace("n", 2)
        keys = [f"{'k' * 60} {number}" for number in range(_CATEGORIES)]
        client.put_categories("n", [CategoryUpdate(key, base=[1, 2]) for key in keys])
        results = client.match("n", queries, limit=0)
        assert [len(result.matches) for result in results] == [_CATEGORIES] * 70
        # In the order of the queries.
        for number in (0, 31, 69):
            assert client.match("n", queries[number], limit=0)[0].matches == results[number].matches
        assert asyncio.run(match(server.target)) == [_CATEGORIES] * 70
        limited = client.match("n", queries, limit=_CATEGORIES)
        assert [result.matches for result in limited] == [result.matches for result in results]
        with pytest.raises(NotFound) as refused:
            client.match("n", [*(["nobody"] * 40)], limit=0)
        assert "queries[0]" in str(refused.value.field_violations or refused.value)


def test_queries_with_more_parts_than_a_request_may_have_are_cut(client: Client, ns: str) -> None:
    client.create_namespace(ns, 2)
    client.put_categories(ns, CategoryUpdate("c", base=[1, 2]))
    client.put_items(ns, ["i"], [[1, 2]])
    queries = [Query(parts=[QueryPart(item="i")] * 600) for _ in range(20)]
    results = client.match(ns, queries)
    assert [result.matches[0].category for result in results] == ["c"] * 20


def test_a_single_query_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    settings = Settings(
        data=tmp_path / "data", listen="127.0.0.1:0", max_message_bytes=1 << 20, drain_seconds=1
    )
    with ServerHandle(settings) as server, Client(server.target) as client:
        client.create_namespace("n", 1)
        keys = [f"{'k' * 500} {number}" for number in range(3000)]
        for start in range(0, len(keys), 1000):
            client.put_categories(
                "n", [CategoryUpdate(key, base=[1]) for key in keys[start : start + 1000]]
            )
        with pytest.raises(ResourceExhausted) as refused:
            client.match("n", [[1]], limit=0)
        assert refused.value.reason == "REPLY_TOO_LARGE"


@pytest.mark.parametrize("request_id", ["i" * 128, "ž" * 64, "i" * 126, "short"])
def test_a_call_in_parts_can_be_repeated_whatever_its_id(
    client: Client, ns: str, request_id: str
) -> None:
    client.create_namespace(ns, 1)
    keys = [f"{number}" for number in range(10_001)]
    first = client.put_items(ns, keys, np.ones((len(keys), 1)), request_id=request_id)
    again = client.put_items(ns, keys, np.ones((len(keys), 1)), request_id=request_id)
    assert first == again
    assert all(result.created for result in again.results)
    assert client.get_namespace(ns).item_count == len(keys)


def test_an_id_that_is_too_long_is_refused_before_anything_is_written(
    client: Client, ns: str
) -> None:
    client.create_namespace(ns, 1)
    keys = [f"{number}" for number in range(10_001)]
    with pytest.raises(InvalidArgument, match="request_id"):
        client.put_items(ns, keys, np.ones((len(keys), 1)), request_id="i" * 129)
    assert client.get_namespace(ns).item_count == 0
