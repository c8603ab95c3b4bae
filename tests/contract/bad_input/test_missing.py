"""Missing namespaces, categories and items."""

from __future__ import annotations

from typing import Any

from effective_embeddings import Client
from effective_embeddings.v1 import service_pb2 as pb
from tests.contract.bad_input.cases import Bad, assert_refused, assignment, make_good_state, table
from tests.support.raw import Raw

_KNOWN = pb.Query(item="known")
_UNKNOWN = pb.Query(item="nobody")


def _on(request: Any) -> Any:
    def make(ns: str) -> Any:
        request.namespace = ns
        return request

    return make


_NO_CATEGORY = [
    Bad(name, method, _on(request), "NOT_FOUND", "CATEGORY_NOT_FOUND", field, {"category": "no"})
    for name, method, request, field in [
        (
            "assign to it",
            "Assign",
            pb.AssignRequest(assignments=[assignment(), assignment("x", "no")]),
            "assignments[1].category",
        ),
        (
            "unassign from it",
            "Unassign",
            pb.UnassignRequest(unassignments=[pb.Unassignment(item="known", category="no")]),
            "unassignments[0].category",
        ),
        ("get it", "GetCategory", pb.GetCategoryRequest(category="no"), "category"),
        ("reanchor it", "Reanchor", pb.ReanchorRequest(category="no"), "category"),
        ("list its members", "ListItems", pb.ListItemsRequest(category="no"), "category"),
        (
            "delete it",
            "DeleteCategories",
            pb.DeleteCategoriesRequest(categories=["a", "no"]),
            "categories[1]",
        ),
    ]
]

_NO_ITEM = [
    Bad(name, method, _on(request), "NOT_FOUND", "ITEM_NOT_FOUND", field, {"item": "nobody"})
    for name, method, request, field in [
        (
            "assign it without an embedding",
            "Assign",
            pb.AssignRequest(assignments=[pb.Assignment(item="nobody", category="a")]),
            "assignments[0].item",
        ),
        (
            "unassign it",
            "Unassign",
            pb.UnassignRequest(unassignments=[pb.Unassignment(item="nobody")]),
            "unassignments[0].item",
        ),
        ("get it", "GetItem", pb.GetItemRequest(item="nobody"), "item"),
        (
            "put it without an embedding",
            "PutItems",
            pb.PutItemsRequest(items=[pb.ItemUpdate(key="nobody", weight=2)]),
            "items[0].key",
        ),
        ("delete it", "DeleteItems", pb.DeleteItemsRequest(items=["known", "nobody"]), "items[1]"),
        ("match it", "Match", pb.MatchRequest(queries=[_KNOWN, _UNKNOWN]), "queries[1].item"),
        (
            "match it as a part",
            "Match",
            pb.MatchRequest(
                queries=[pb.Query(parts=pb.QueryParts(parts=[pb.QueryPart(item="nobody")]))]
            ),
            "queries[0].parts.parts[0].item",
        ),
    ]
]

_NO_NAMESPACE = [
    Bad(
        method,
        method,
        lambda _, request=request: request,  # type: ignore[misc]
        "NOT_FOUND",
        "NAMESPACE_NOT_FOUND",
        metadata={"namespace": "nowhere"},
    )
    for method, request in [
        ("GetNamespace", pb.GetNamespaceRequest(namespace="nowhere")),
        ("UpdateNamespace", pb.UpdateNamespaceRequest(namespace="nowhere", description="x")),
        ("DeleteNamespace", pb.DeleteNamespaceRequest(namespace="nowhere", force=True)),
        (
            "PutCategories",
            pb.PutCategoriesRequest(namespace="nowhere", categories=[pb.CategoryUpdate(key="a")]),
        ),
        ("GetCategory", pb.GetCategoryRequest(namespace="nowhere", category="a")),
        ("ListCategories", pb.ListCategoriesRequest(namespace="nowhere")),
        (
            "DeleteCategories",
            pb.DeleteCategoriesRequest(namespace="nowhere", categories=["a"], allow_missing=True),
        ),
        ("Reanchor", pb.ReanchorRequest(namespace="nowhere", category="a")),
        (
            "RenameCategory",
            pb.RenameCategoryRequest(namespace="nowhere", category="a", new_key="b"),
        ),
        (
            "MergeCategories",
            pb.MergeCategoriesRequest(namespace="nowhere", sources=["a"], target="b"),
        ),
        (
            "PutItems",
            pb.PutItemsRequest(namespace="nowhere", items=[pb.ItemUpdate(key="known")]),
        ),
        ("GetItem", pb.GetItemRequest(namespace="nowhere", item="known")),
        ("ListItems", pb.ListItemsRequest(namespace="nowhere")),
        ("Explain", pb.ExplainRequest(namespace="nowhere", query=pb.Query(item="i"))),
        ("ReviewMembers", pb.ReviewMembersRequest(namespace="nowhere")),
        ("EstimateReviewRate", pb.EstimateReviewRateRequest(namespace="nowhere")),
        ("ReviewDuplicates", pb.ReviewDuplicatesRequest(namespace="nowhere")),
        ("ReviewActors", pb.ReviewActorsRequest(namespace="nowhere")),
        ("ReviewImpact", pb.ReviewImpactRequest(namespace="nowhere", filter={"actor": "a"})),
        ("ReviewCategories", pb.ReviewCategoriesRequest(namespace="nowhere")),
        ("ListHistory", pb.ListHistoryRequest(namespace="nowhere")),
        (
            "DeleteItems",
            pb.DeleteItemsRequest(namespace="nowhere", items=["known"], allow_missing=True),
        ),
        ("Assign", pb.AssignRequest(namespace="nowhere", assignments=[assignment()])),
        (
            "Dismiss",
            pb.DismissRequest(
                namespace="nowhere", pairs=[pb.ItemCategory(item="known", category="a")]
            ),
        ),
        (
            "Unassign",
            pb.UnassignRequest(namespace="nowhere", unassignments=[pb.Unassignment(item="known")]),
        ),
        ("Match", pb.MatchRequest(namespace="nowhere", queries=[_KNOWN])),
        ("Verify", pb.VerifyRequest(namespace="nowhere")),
    ]
]


@table([*_NO_CATEGORY, *_NO_ITEM, *_NO_NAMESPACE])
def test_missing_resources_are_reported(bad: Bad, client: Client, raw: Raw, ns: str) -> None:
    assert_refused(bad, client, raw, make_good_state(client, ns))
