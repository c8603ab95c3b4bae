"""The client library: arrays in and out, large batches in parts, errors with their types."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from effective_embeddings import AsyncClient, CategoryUpdate, Client, Query, QueryPart, errors
from effective_embeddings.server import ServerHandle
from tests.support.populated import DIMENSION
from tests.support.vectors import Vectors, present, random_vectors


@pytest.fixture
def pair(client: Client, ns: str) -> str:
    client.create_namespace(ns, 3)
    client.put_categories(
        ns, [CategoryUpdate("a", base=[1, 0, 0]), CategoryUpdate("b", base=[0, 1, 0])]
    )
    return ns


_QUERY_AND_KEY: Any = [Query(item="one"), "one"]
_KEY_AND_VECTOR: Any = ["one", [1, 2, 3]]
_ROWS = np.arange(1, 7, dtype=np.float64).reshape(2, 3)


def vector_of(client: Client, ns: str, key: str) -> Vectors:
    return present(client.get_item(ns, key).embedding)


@pytest.mark.parametrize(
    "rows",
    [
        _ROWS,
        _ROWS.astype(np.float32),
        _ROWS.astype(np.float16),
        _ROWS.astype(np.int64),
        _ROWS.astype(">f4"),
        np.asfortranarray(_ROWS),
        np.concatenate([_ROWS, _ROWS], axis=1)[:, ::2][:, [0, 2, 1]],
        np.repeat(_ROWS, 2, axis=0)[::2],
        _ROWS.tolist(),
        [tuple(row) for row in _ROWS],
        list(_ROWS),
    ],
    ids=[
        *("float64", "float32", "float16", "int64", "big-endian", "Fortran order"),
        *("picked columns", "every second row", "lists", "tuples", "list of arrays"),
    ],
)
def test_embeddings_of_any_type_and_layout_are_the_same(
    client: Client, pair: str, rows: Any
) -> None:
    client.put_items(pair, ["one", "two"], rows)
    one, two = (vector_of(client, pair, key) for key in ("one", "two"))
    np.testing.assert_array_equal(np.stack([one, two]), np.asarray(rows, dtype=np.float32))
    assert client.match(pair, rows) == client.match(pair, ["one", "two"])


def test_returned_embeddings_are_read_only_float32_arrays(client: Client, pair: str) -> None:
    client.put_items(pair, "one", [1, 2, 3])
    embedding = vector_of(client, pair, "one")
    assert embedding.dtype == np.float32
    assert embedding.shape == (3,)
    assert not embedding.flags.writeable


@pytest.mark.parametrize(
    "call",
    [
        lambda c, ns: c.put_items(ns, ["one", "two"], [[1, 2, 3]]),
        lambda c, ns: c.put_items(ns, "one", np.ones((1, 1, 3))),
        lambda c, ns: c.put_items(ns, ["one"], [[1, 2, 3]], weights=[1, 2]),
        lambda c, ns: c.put_items(ns, ["one"], [[1, 2, 3]], metadata=[{}, {}]),
        lambda c, ns: c.assign(ns, ["one", "two"], ["a", "b", "a"], np.ones((2, 3))),
        lambda c, ns: c.unassign(ns, ["one", "two"], ["a", "b", "a"]),
        lambda c, ns: c.match(ns, np.ones((1, 1, 3))),
        lambda c, ns: c.match(ns, _KEY_AND_VECTOR),
        lambda c, ns: c.match(ns, _QUERY_AND_KEY),
        lambda c, ns: list(c.list_items(ns, category="a", unassigned=True)),
        lambda *_: Query(),
        lambda *_: Query(item="one", embedding=[1, 2, 3]),
        lambda *_: QueryPart(item="one", embedding=[1, 2, 3]),
    ],
)
def test_columns_of_different_lengths_are_a_value_error(
    client: Client, pair: str, call: Callable[[Client, str], Any]
) -> None:
    before = client.get_namespace(pair)
    with pytest.raises(ValueError, match=r"\w"):
        call(client, pair)
    assert client.get_namespace(pair) == before


def test_a_single_value_applies_to_all_rows(client: Client, pair: str) -> None:
    client.assign(pair, ["one", "two"], "a", np.ones((2, 3)), weights=2, metadata={"x": "y"})
    for item in client.list_items(pair):
        assert (item.weight, item.metadata) == (2, {"x": "y"})
    client.unassign(pair, ["one", "two"], "a")
    assert len(list(client.list_items(pair, unassigned=True))) == 2


def test_large_batches_are_sent_in_parts_and_returned_as_one(client: Client, ns: str) -> None:
    """About 3 MiB a part: 4000 rows of 512 components are 8 MB, twice gRPC's default limit."""
    client.create_namespace(ns, 512)
    client.put_categories(ns, [CategoryUpdate("c")])
    vectors = random_vectors(4000, 512, seed=30)
    keys = [f"item {number:04}" for number in range(4000)]
    reply = client.put_items(ns, keys, vectors)
    assert [result.key for result in reply.results] == keys
    assert all(result.created for result in reply.results)
    assert reply.revision == client.get_namespace(ns).revision > 3, "some parts, each a write"
    stored = [item.embedding for item in client.list_items(ns, include_embeddings=True)]
    np.testing.assert_array_equal(np.stack([present(each) for each in stored]), vectors)
    again = client.assign(ns, keys, "c", vectors)
    assert [result.item for result in again.results] == keys
    assert client.get_category(ns, "c", include_embeddings=False).member_count == 4000
    results = client.match(ns, vectors[:2000], limit=1)
    assert len(results) == 2000


def test_a_batch_over_the_limit_is_sent_in_repeatable_parts(client: Client, ns: str) -> None:
    client.create_namespace(ns, 1)
    keys = [f"{number}" for number in range(10_001)]
    vectors = np.ones((10_001, 1), dtype=np.float32)
    first = client.put_items(ns, keys, vectors, request_id="parts")
    assert client.get_namespace(ns).revision == 3
    assert client.put_items(ns, keys, vectors, request_id="parts") == first
    assert client.get_namespace(ns).revision == 3
    assert client.delete_items(ns, keys).deleted_count == 10_001


def test_a_refusal_in_a_later_part_names_the_index_in_the_whole(client: Client, ns: str) -> None:
    client.create_namespace(ns, 1)
    keys = [f"{number}" for number in range(10_003)]
    keys[10_002] = "bad\nkey"
    with pytest.raises(errors.InvalidArgument) as caught:
        client.put_items(ns, keys, np.ones((10_003, 1)))
    (violation,) = caught.value.field_violations
    assert violation.field == "items[10002].key"
    assert caught.value.metadata["field"] == "items[10002].key"
    assert client.get_namespace(ns).item_count == 10_000, "the parts before it stay"


def test_every_refusal_has_its_class_reason_and_field(client: Client, pair: str) -> None:
    with pytest.raises(errors.InvalidArgument) as invalid:
        client.match(pair, np.array([[1, 0, 0], [np.nan, 0, 0]]))
    error = invalid.value
    assert (error.code, error.reason) == (errors.Code.INVALID_ARGUMENT, "INVALID_VECTOR")
    assert error.metadata == {
        "field": "queries[1].embedding",
        "component": "0",
        "actual": "NaN",
    }
    assert error.field_violations[0].field == "queries[1].embedding"
    assert str(error) == f"{error.message} [INVALID_VECTOR]"
    with pytest.raises(errors.NotFound, match="CATEGORY_NOT_FOUND"):
        client.get_category(pair, "no")
    with pytest.raises(errors.AlreadyExists):
        client.create_namespace(pair, 3)
    with pytest.raises(errors.FailedPrecondition) as failed:
        client.put_items(pair, "one", [1, 1, 1], embedding_model="other")
    assert failed.value.metadata == {"expected": "", "actual": "other"}
    assert isinstance(failed.value, errors.EffectiveEmbeddingsError)


def test_errors_survive_pickling(client: Client, pair: str) -> None:
    with pytest.raises(errors.NotFound) as caught:
        client.get_item(pair, "nobody")
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert type(copy) is errors.NotFound
    told = (copy.message, copy.reason, copy.metadata, copy.field_violations, copy.code)
    error = caught.value
    assert told == (
        *(error.message, error.reason, error.metadata, error.field_violations, error.code),
    )


def test_actors_of_the_client_and_of_one_call(
    shared_remote: Client, shared_server: ServerHandle, ns: str
) -> None:
    shared_remote.create_namespace(ns, 1)
    shared_remote.put_categories(ns, [CategoryUpdate("c")])
    with Client(shared_server.target) as anonymous, Client(shared_server.target, actor="b") as ben:
        anonymous.assign(ns, "1", "c", [1])
        ben.assign(ns, "2", "c", [1])
        ben.assign(ns, "3", "c", [1], actor="carl")
    items = {item.key: item.memberships[0].actor for item in shared_remote.list_items(ns)}
    assert items == {"1": "local", "2": "b", "3": "carl"}


def test_an_unreachable_server_is_unavailable_after_some_retries() -> None:
    with Client("127.0.0.1:1", timeout=1.0) as client, pytest.raises(errors.Unavailable):
        client.get_namespace("anything")


def test_a_deadline_of_one_call(shared_remote: Client, ns: str) -> None:
    shared_remote.create_namespace(ns, 1)
    hurried = shared_remote.with_timeout(0.2)
    with pytest.raises((errors.DeadlineExceeded, errors.FailedPrecondition)):
        hurried.get_namespace(ns, min_revision=100)
    assert shared_remote.get_namespace(ns).revision == 1


def test_the_async_client_does_the_same(
    shared_server: ServerHandle, shared_remote: Client, ns: str, tmp_path: Any
) -> None:
    vectors = random_vectors(6, DIMENSION, seed=31)

    async def work() -> Any:
        async with AsyncClient(shared_server.target, actor="async") as client:
            await client.create_namespace(ns, DIMENSION)
            await client.put_categories(ns, [CategoryUpdate("c", base=vectors[0])])
            await client.put_items(ns, "waiting", vectors[1])
            replies = await asyncio.gather(
                *(client.assign(ns, f"{n}", "c", vectors[n]) for n in range(2, 6))
            )
            assert sorted(reply.revision for reply in replies) == [4, 5, 6, 7]
            await client.unassign(ns, "5")
            with pytest.raises(errors.NotFound, match="ITEM_NOT_FOUND"):
                await client.get_item(ns, "nobody")
            found = [item.key async for item in client.list_items(ns, unassigned=True)]
            assert found == ["5", "waiting"]
            await client.snapshot(ns, tmp_path / "snapshot")
            restored = await client.restore(tmp_path / "snapshot", f"{ns}-copy")
            namespace = await client.get_namespace(ns)
            assert restored.digest == namespace.digest
            assert (await client.verify(ns)).ok
            hurried = client.with_timeout(0.2)
            with pytest.raises((errors.DeadlineExceeded, errors.FailedPrecondition)):
                await hurried.get_namespace(ns, min_revision=100)
            return await client.match(ns, vectors), await client.get_category(ns, "c"), namespace

    matched, category, namespace = asyncio.run(work())
    assert matched == shared_remote.match(ns, vectors)
    assert category == shared_remote.get_category(ns, "c")
    assert namespace == shared_remote.get_namespace(ns)
