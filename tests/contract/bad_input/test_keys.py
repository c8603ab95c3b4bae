"""Keys and names: empty, too long, or with forbidden characters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from effective_embeddings import Client
from effective_embeddings.v1 import service_pb2 as pb
from tests.contract.bad_input.cases import (
    Bad,
    assert_refused,
    assignment,
    make_good_state,
    namespace_message,
    table,
)
from tests.support.raw import Raw

# The fault, the key, and the details of the refusal.
_KEYS: list[tuple[str, str, dict[str, str]]] = [
    ("empty", "", {"limit": "512", "actual": "0"}),
    ("over-long", "k" * 513, {"limit": "512", "actual": "513"}),
    ("over-long in bytes", "ž" * 257, {"limit": "512", "actual": "514"}),
    ("a line break", "a\nb", {"character": "U+000A", "position": "1"}),
    ("a NUL", "\0", {"character": "U+0000", "position": "0"}),
    ("a DEL", "ab\x7f", {"character": "U+007F", "position": "2"}),
    ("a C1 control", "č\x85", {"character": "U+0085", "position": "2"}),
]

# The method, the field, and the request with the key in it.
_PLACES: list[tuple[str, str, Callable[[str, str], Any]]] = [
    (
        "Assign",
        "assignments[0].item",
        lambda ns, key: pb.AssignRequest(namespace=ns, assignments=[assignment(item=key)]),
    ),
    (
        "Assign",
        "assignments[0].category",
        lambda ns, key: pb.AssignRequest(namespace=ns, assignments=[assignment(category=key)]),
    ),
    (
        "Unassign",
        "unassignments[0].item",
        lambda ns, key: pb.UnassignRequest(namespace=ns, unassignments=[pb.Unassignment(item=key)]),
    ),
    (
        "PutCategories",
        "categories[0].key",
        lambda ns, key: pb.PutCategoriesRequest(
            namespace=ns, categories=[pb.CategoryUpdate(key=key)]
        ),
    ),
    (
        "PutItems",
        "items[0].key",
        lambda ns, key: pb.PutItemsRequest(namespace=ns, items=[pb.ItemUpdate(key=key)]),
    ),
    ("GetCategory", "category", lambda ns, key: pb.GetCategoryRequest(namespace=ns, category=key)),
    ("GetItem", "item", lambda ns, key: pb.GetItemRequest(namespace=ns, item=key)),
    ("Reanchor", "category", lambda ns, key: pb.ReanchorRequest(namespace=ns, category=key)),
    (
        "DeleteCategories",
        "categories[0]",
        lambda ns, key: pb.DeleteCategoriesRequest(namespace=ns, categories=[key]),
    ),
    (
        "DeleteItems",
        "items[0]",
        lambda ns, key: pb.DeleteItemsRequest(namespace=ns, items=[key]),
    ),
    (
        "Match",
        "queries[0].item",
        lambda ns, key: pb.MatchRequest(namespace=ns, queries=[pb.Query(item=key)]),
    ),
    (
        "Match",
        "include_categories[0]",
        lambda ns, key: pb.MatchRequest(
            namespace=ns, queries=[pb.Query(item="known")], include_categories=[key]
        ),
    ),
    (
        "Match",
        "exclude_categories[1]",
        lambda ns, key: pb.MatchRequest(
            namespace=ns, queries=[pb.Query(item="known")], exclude_categories=["a", key]
        ),
    ),
    (
        "ListItems",
        "category",
        lambda ns, key: pb.ListItemsRequest(namespace=ns, category=key),
    ),
]


def _cases() -> Iterator[Bad]:
    for method, field, make in _PLACES:
        for name, key, details in _KEYS:
            yield Bad(
                f"{method} {field}: {name}",
                method,
                lambda ns, make=make, key=key: make(ns, key),  # type: ignore[misc]
                "INVALID_ARGUMENT",
                "INVALID_KEY",
                field,
                details,
            )


@table(list(_cases()))
def test_a_bad_key_is_refused(bad: Bad, client: Client, raw: Raw, ns: str) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))


@pytest.mark.parametrize(
    ("name", "details"),
    [
        ("", {"limit": "128", "actual": "0"}),
        ("n" * 129, {"limit": "128", "actual": "129"}),
        ("a b", {"character": "U+0020", "position": "1"}),
        ("-a", {"character": "U+002D", "position": "0"}),
        ("naïve", {"character": "U+00EF", "position": "2"}),
        ("a/b", {"character": "U+002F", "position": "1"}),
    ],
)
@pytest.mark.parametrize("method", ["CreateNamespace", "GetNamespace"])
def test_a_bad_name_of_a_namespace_is_refused(
    method: str, name: str, details: dict[str, str], client: Client, raw: Raw, ns: str
) -> None:
    make_good_state(client, ns)
    create = method == "CreateNamespace"
    request = (
        pb.CreateNamespaceRequest(namespace=namespace_message(name))
        if create
        else pb.GetNamespaceRequest(namespace=name)
    )
    field = "namespace.name" if create else "namespace"
    bad = Bad(name, method, lambda _: request, "INVALID_ARGUMENT", "INVALID_KEY", field, details)
    assert_refused(bad, client, raw, ns)


@pytest.mark.parametrize("key", ["k" * 512, "ž" * 256, " ", "a/b c?#%", "日本語", "🙂", "\u200b"])
def test_a_key_at_its_limit_or_in_any_script_is_accepted(client: Client, ns: str, key: str) -> None:
    make_good_state(client, ns)
    client.assign(ns, key, "a", [1, 0, 0, 0])
    assert client.get_item(ns, key).memberships[0].category == "a"


def test_the_longest_namespace_name_is_accepted(client: Client, ns: str) -> None:
    name = f"{ns}." + "n" * (127 - len(ns))
    assert client.create_namespace(name, 4).name == name
