"""Reads of single resources, revisions, and read-your-writes."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.v1 import service_pb2 as pb
from tests.support.populated import CENTRES, DIMENSION, MEMBERS
from tests.support.raw import Raw, RefusedError
from tests.support.vectors import present


def test_embeddings_are_returned_on_request_only(client: Client, raw: Raw, full: str) -> None:
    plain = raw.call("GetCategory", pb.GetCategoryRequest(namespace=full, category="c0"))
    assert not plain.category.HasField("base")
    assert not plain.category.HasField("effective")
    assert client.get_category(full, "c0").effective is not None
    assert client.get_item(full, "inbox 1", include_embedding=False).embedding is None
    assert all(item.embedding is None for item in client.list_items(full))
    for item in client.list_items(full, include_embeddings=True):
        embedding = present(item.embedding)
        assert embedding.shape == (DIMENSION,)
        assert embedding.dtype == np.float32


def test_get_category_returns_every_field(client: Client, full: str) -> None:
    client.put_categories(
        full,
        [
            CategoryUpdate(
                "c0", base_weight=2, window=6, min_base_share=0.25, metadata={"name": "zero"}
            )
        ],
    )
    category = client.get_category(full, "c0")
    assert (category.key, category.metadata) == ("c0", {"name": "zero"})
    settings = [category.base_weight, category.window, category.min_base_share, category.frozen]
    assert settings == [2, 6, 0.25, False]
    assert (category.member_count, category.counting_count, category.counting_weight) == (8, 6, 6)
    counting = MEMBERS[0][2:].astype(np.float64)
    numerator = 2 * CENTRES[0] + counting.sum(axis=0)
    np.testing.assert_allclose(present(category.effective), numerator / 8, rtol=1e-5, atol=1e-6)
    base = CENTRES[0].astype(np.float64)
    cos = base @ numerator / np.linalg.norm(base) / np.linalg.norm(numerator)
    assert category.drift == pytest.approx(1 - cos, abs=1e-6)
    distances = ((counting - counting.mean(axis=0)) ** 2).sum(axis=1)
    assert category.spread == pytest.approx(np.sqrt(distances.mean()), rel=1e-6)
    assert category.create_time.tzinfo is not None


def test_get_item_returns_actor_time_and_reason(client: Client, full: str) -> None:
    before = client.get_item(full, "inbox 2")
    assert before.memberships == ()
    client.assign(full, "inbox 2", "c3", actor="ann", reason="looks like it", weights=0.5)
    item = client.get_item(full, "inbox 2")
    (membership,) = item.memberships
    told = (membership.category, membership.actor, membership.reason, item.weight)
    assert told == ("c3", "ann", "looks like it", 0.5)
    assert membership.assign_time >= item.create_time == before.create_time
    client.assign(full, "inbox 3", "c3")
    (later,) = client.get_item(full, "inbox 3").memberships
    assert later.sequence > membership.sequence
    assert later.actor == "tester"


def test_every_write_is_seen_by_the_next_read(client: Client, ns: str) -> None:
    client.create_namespace(ns, 2)
    client.put_categories(ns, [CategoryUpdate("x", base=[1, 0]), CategoryUpdate("y", base=[0, 1])])
    for number in range(20):
        category = "xy"[number % 2]
        reply = client.assign(ns, "item", category, [1, 1])
        assert client.get_namespace(ns).revision == reply.revision == number + 3
        (result,) = client.match(ns, [1.0, 0.1], limit=0)
        counts = {match.category: match.count for match in result.matches}
        assert counts == {"x": 1 - number % 2, "y": number % 2}
        assert result.revision == reply.revision


def test_min_revision_waits_for_its_write(client: Client, full: str) -> None:
    now = client.get_namespace(full).revision
    write = threading.Timer(0.2, lambda: client.assign(full, "inbox 1", "c1"))
    write.start()
    begin = time.monotonic()
    namespace = client.get_namespace(full, min_revision=now + 1)
    waited = time.monotonic() - begin
    write.join()
    assert namespace.revision == now + 1
    assert 0.1 < waited < 3


def test_a_reached_min_revision_does_not_wait(client: Client, full: str) -> None:
    now = client.get_namespace(full).revision
    begin = time.monotonic()
    client.get_category(full, "c0", min_revision=now)
    client.get_item(full, "inbox 0", min_revision=now)
    list(client.list_items(full, min_revision=now))
    list(client.list_categories(full, min_revision=now))
    client.match(full, "inbox 0", min_revision=now)
    assert time.monotonic() - begin < 1


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("GetCategory", pb.GetCategoryRequest(category="c0", min_revision=10**6)),
        ("ListCategories", pb.ListCategoriesRequest(min_revision=10**6)),
        ("GetItem", pb.GetItemRequest(item="inbox 0", min_revision=10**6)),
        ("ListItems", pb.ListItemsRequest(min_revision=10**6)),
        ("Match", pb.MatchRequest(queries=[pb.Query(item="inbox 0")], min_revision=10**6)),
    ],
)
def test_no_read_answers_before_its_min_revision(
    method: str, request_: Any, raw: Raw, full: str
) -> None:
    request_.namespace = full
    with pytest.raises(RefusedError) as caught:
        raw.call(method, request_, timeout=0.2)
    assert caught.value.code in ("FAILED_PRECONDITION", "DEADLINE_EXCEEDED")
