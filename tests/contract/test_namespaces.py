"""Namespaces: independent of each other, with fixed settings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.client.errors import AlreadyExists, FailedPrecondition, NotFound
from tests.support.vectors import present

NewName = Callable[[], str]


def test_a_new_namespace_is_empty_and_at_revision_1(client: Client, ns: str) -> None:
    before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    created = client.create_namespace(ns, 384)
    assert (created.name, created.dimension, created.revision) == (ns, 384, 1)
    assert (created.category_count, created.item_count, created.membership_count) == (0, 0, 0)
    assert (created.normalization, created.membership) == ("raw", "single")
    assert (created.embedding_model, created.description, created.labels) == ("", "", {})
    assert len(created.digest) == 32
    assert before <= created.create_time <= dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
    assert client.get_namespace(ns) == created


def test_a_namespace_is_what_it_was_created_as(client: Client, ns: str) -> None:
    told: dict[str, Any] = {
        "embedding_model": "some/model v2",
        "normalization": "unit",
        "membership": "multiple",
        "description": "Štítky",
        "labels": {"owner": "ann", "empty": ""},
    }
    created = client.create_namespace(ns, 16384, **told)
    assert {name: getattr(created, name) for name in told} == told
    assert client.get_namespace(ns) == created


def test_a_name_can_be_used_once(client: Client, ns: str) -> None:
    client.create_namespace(ns, 3)
    with pytest.raises(AlreadyExists):
        client.create_namespace(ns, 3)
    client.delete_namespace(ns)
    assert client.create_namespace(ns, 5).dimension == 5


def test_an_existing_namespace_is_accepted_with_exist_ok(client: Client, ns: str) -> None:
    settings: dict[str, Any] = {"embedding_model": "m", "membership": "multiple"}
    first = client.create_namespace(ns, 3, exist_ok=True, description="first", **settings)
    again = client.create_namespace(ns, 3, exist_ok=True, description="second", **settings)
    assert again == first
    with pytest.raises(AlreadyExists):
        client.create_namespace(ns, 3, **settings)
    with pytest.raises(AlreadyExists, match="dimension 3 instead of 4"):
        client.create_namespace(ns, 4, exist_ok=True, **settings)
    with pytest.raises(AlreadyExists, match="membership 'multiple' instead of 'single'"):
        client.create_namespace(ns, 3, exist_ok=True, embedding_model="m")


def test_namespaces_are_independent(client: Client, new_name: NewName) -> None:
    ann, ben = new_name(), new_name()
    for ns, base in ((ann, [1, 0]), (ben, [0, 1])):
        client.create_namespace(ns, 2)
        client.put_categories(ns, [CategoryUpdate("same key", base=base)])
        client.assign(ns, "same item", "same key", base)
    digest = client.get_namespace(ben).digest
    client.delete_items(ann, "same item")
    client.delete_categories(ann, "same key")
    assert client.get_namespace(ben).digest == digest
    assert client.get_item(ben, "same item").memberships[0].category == "same key"
    (result,) = client.match(ben, [0.6, 0.8])
    assert result.matches[0].score == pytest.approx(0.8)


def test_description_and_labels_change_and_the_state_does_not(client: Client, ns: str) -> None:
    created = client.create_namespace(ns, 2, description="old", labels={"a": "1"})
    changed = client.update_namespace(ns, description="new")
    assert (changed.description, changed.labels, changed.revision) == ("new", {"a": "1"}, 2)
    changed = client.update_namespace(ns, labels={"b": "2"})
    assert (changed.description, changed.labels, changed.revision) == ("new", {"b": "2"}, 3)
    changed = client.update_namespace(ns, description="", labels={})
    assert (changed.description, changed.labels, changed.revision) == ("", {}, 4)
    assert client.update_namespace(ns, description="").revision == 4, "nothing was changed"
    assert changed.digest == created.digest
    assert client.get_namespace(ns) == changed


def test_a_namespace_with_content_is_deleted_only_by_force(client: Client, ns: str) -> None:
    client.create_namespace(ns, 2)
    client.put_categories(ns, [CategoryUpdate("c")])
    with pytest.raises(FailedPrecondition) as caught:
        client.delete_namespace(ns)
    assert caught.value.reason == "NAMESPACE_NOT_EMPTY"
    gone = client.delete_namespace(ns, force=True)
    assert (gone.name, gone.category_count) == (ns, 1)
    with pytest.raises(NotFound):
        client.get_namespace(ns)
    assert ns not in [each.name for each in client.list_namespaces(ns)]


def test_a_deleted_namespace_leaves_nothing_to_its_successor(client: Client, ns: str) -> None:
    client.create_namespace(ns, 2)
    client.put_categories(ns, [CategoryUpdate("c", base=[1, 0])])
    client.assign(ns, "item", "c", [0, 1], request_id="once")
    empty = client.create_namespace(f"{ns}-empty", 2).digest
    client.delete_namespace(ns, force=True)
    again = client.create_namespace(ns, 2)
    assert (again.revision, again.digest) == (1, empty)
    assert list(client.list_items(ns)) == []
    client.put_categories(ns, [CategoryUpdate("c", base=[1, 0])])
    reply = client.assign(ns, "item", "c", [0, 1], request_id="once")
    assert reply.results[0].item_created, "the id belongs to the one that was deleted"


@pytest.mark.parametrize("write", ["create", "update", "delete"])
def test_validate_only_on_a_namespace_changes_nothing(client: Client, ns: str, write: str) -> None:
    if write == "create":
        told = client.create_namespace(ns, 2, validate_only=True)
        with pytest.raises(NotFound):
            client.get_namespace(ns)
        done = client.create_namespace(ns, 2)
        assert (told.name, told.dimension, told.digest) == (ns, 2, done.digest)
        return
    created = client.create_namespace(ns, 2, description="old")
    if write == "update":
        told = client.update_namespace(ns, description="new", validate_only=True)
        assert told.description == "new"
    else:
        told = client.delete_namespace(ns, validate_only=True)
        assert told == created
    assert client.get_namespace(ns) == created


def test_unit_namespaces_normalize_their_input(client: Client, ns: str) -> None:
    client.create_namespace(ns, 2, normalization="unit")
    client.put_categories(ns, [CategoryUpdate("c", base=[30, 40])])
    client.assign(ns, "item", "c", [0, 1e-3])
    np.testing.assert_allclose(present(client.get_category(ns, "c").base), [0.6, 0.8], rtol=1e-7)
    np.testing.assert_allclose(present(client.get_item(ns, "item").embedding), [0, 1])
    np.testing.assert_allclose(
        present(client.get_category(ns, "c").effective), [0.3, 0.9], rtol=1e-6
    )
    digest = client.get_namespace(ns).digest
    stored = client.get_item(ns, "item").embedding
    assert not client.put_items(ns, "item", stored).results[0].changed, "unit is unit already"
    assert client.get_namespace(ns).digest == digest


def test_in_a_multiple_namespace_an_item_is_in_many(client: Client, ns: str) -> None:
    client.create_namespace(ns, 2, membership="multiple")
    client.put_categories(ns, [CategoryUpdate(key) for key in "abc"])
    reply = client.assign(ns, "item", ["a", "b", "c"], [1, 1])
    assert [result.previous_category for result in reply.results] == [None] * 3
    assert [each.category for each in client.get_item(ns, "item").memberships] == ["a", "b", "c"]
    # All categories follow the new embedding.
    client.put_items(ns, "item", [1, 3])
    for key in "abc":
        np.testing.assert_array_equal(client.get_category(ns, key).effective, [1, 3])
    (result,) = client.unassign(ns, "item", "b").results
    assert result.previous_categories == ("b",)
    assert client.get_category(ns, "b").effective is None
    (result,) = client.unassign(ns, "item").results
    assert result.previous_categories == ("a", "c")
    assert [item.key for item in client.list_items(ns, unassigned=True)] == ["item"]


def test_in_a_single_namespace_an_item_is_in_one(client: Client, ns: str) -> None:
    client.create_namespace(ns, 2)
    client.put_categories(ns, [CategoryUpdate(key) for key in "ab"])
    client.assign(ns, "item", "a", [1, 1])
    reply = client.assign(ns, "item", "b")
    assert reply.results[0].previous_category == "a"
    assert [each.category for each in client.get_item(ns, "item").memberships] == ["b"]
    assert client.get_category(ns, "a").member_count == 0
    again = client.assign(ns, "item", "b")
    assert (again.results[0].changed, again.results[0].previous_category) == (False, "b")
    assert again.revision == reply.revision, "saying it twice changes nothing"


def test_service_info_has_limits_and_kernel(client: Client) -> None:
    info = client.service_info()
    assert info.limits["batch_entries"] == 10_000
    assert info.limits["dimension"] == 16_384
    assert info.kernel in ("scalar", "avx2", "avx512", "neon")
    assert tuple(map(int, info.sqlite_version.split("."))) >= (3, 51, 3)
    assert info.version
