//! Valid requests of every method, from which mutation begins.

use ee_wire::embedding::Embedding;
use ee_wire::proto::v1::*;
use prost::Message;

use crate::case::{Call, Case};
use crate::world::World;

fn call<Q: Message>(method: &str, request: &Q) -> Call {
    Call::new(method, request.encode_to_vec())
}

fn vector(components: &[f32]) -> Option<Embedding> {
    Some(Embedding::of(components.to_vec()))
}

fn options(request_id: &str, validate_only: bool) -> Option<WriteOptions> {
    Some(WriteOptions {
        request_id: request_id.to_owned(),
        validate_only,
        actor: "seed".to_owned(),
        reason: "to begin from".to_owned(),
        embedding_model: "model-a".to_owned(),
        if_revision: 0,
    })
}

/// Cases of all methods.
pub fn calls(world: &World) -> Vec<Case> {
    let mut cases: Vec<Case> = ["alice", "many"]
        .iter()
        .flat_map(|namespace| of_namespace(world, namespace))
        .map(|call| Case::of(vec![call]))
        .collect();
    cases.extend(sequences());
    cases.extend(restores(world));
    for grant in 1..4 {
        let writes = of_namespace(world, "alice").into_iter().take(6);
        cases.push(Case {
            grant,
            calls: writes.collect(),
        });
    }
    cases
}

/// Cases of Restore.
pub fn restores(world: &World) -> Vec<Case> {
    let restore = |namespace: &str, name: &str| {
        let mut messages = world.restore_messages(namespace);
        let mut first = RestoreRequest::decode(messages[0].as_slice()).unwrap();
        first.namespace = name.to_owned();
        first.write = options("", false);
        messages[0] = first.encode_to_vec();
        Case::of(vec![Call::restore(&messages)])
    };
    vec![
        restore("alice", "copy"),
        restore("many", "copy"),
        restore("alice", ""),
    ]
}

fn of_namespace(world: &World, namespace: &str) -> Vec<Call> {
    let namespace = namespace.to_owned();
    let page: ListItemsResponse = world.ask(
        "ListItems",
        &ListItemsRequest {
            namespace: namespace.clone(),
            page_size: 1,
            ..ListItemsRequest::default()
        },
    );
    let item = ItemUpdate {
        key: "new".to_owned(),
        embedding: vector(&[1.0, 2.0]),
        weight: Some(2.0),
        metadata: [("a".to_owned(), "b".to_owned())].into(),
        replace_metadata: true,
        expected_category: None,
        parts: Vec::new(),
    };
    let part = |item: &str, weight: Option<f32>| ItemPart {
        item: item.to_owned(),
        weight,
    };
    let composite = ItemUpdate {
        key: "plan".to_owned(),
        parts: vec![part("run", None), part("loose", Some(0.5))],
        ..ItemUpdate::default()
    };
    let assignment = |item: &str, before: &str, category: &str| Assignment {
        item: item.to_owned(),
        category: category.to_owned(),
        embedding: vector(&[1.0, -2.0]),
        weight: Some(1.5),
        metadata: Default::default(),
        expected_category: Some(before.to_owned()),
        parts: Vec::new(),
    };
    let composed = Assignment {
        item: "plan".to_owned(),
        category: "work".to_owned(),
        parts: composite.parts.clone(),
        ..Assignment::default()
    };
    vec![
        call(
            "PutItems",
            &PutItemsRequest {
                namespace: namespace.clone(),
                items: vec![item],
                write: options("r1", false),
            },
        ),
        call(
            "PutItems",
            &PutItemsRequest {
                namespace: namespace.clone(),
                items: vec![composite],
                write: options("r8", false),
            },
        ),
        call(
            "Assign",
            &AssignRequest {
                namespace: namespace.clone(),
                assignments: vec![composed],
                write: None,
            },
        ),
        call(
            "PutCategories",
            &PutCategoriesRequest {
                namespace: namespace.clone(),
                categories: vec![CategoryUpdate {
                    key: "work".to_owned(),
                    base: vector(&[0.5, 0.5]),
                    base_weight: Some(3.0),
                    window: Some(1),
                    min_base_share: Some(0.5),
                    frozen: Some(false),
                    max_actor_share: Some(0.25),
                    ..CategoryUpdate::default()
                }],
                write: None,
            },
        ),
        call(
            "Assign",
            &AssignRequest {
                namespace: namespace.clone(),
                assignments: vec![
                    assignment("run", "health", "work"),
                    assignment("new", "", "bare"),
                ],
                write: options("r2", false),
            },
        ),
        call(
            "Unassign",
            &UnassignRequest {
                namespace: namespace.clone(),
                unassignments: vec![Unassignment {
                    item: "run".to_owned(),
                    category: "health".to_owned(),
                    delete_item: false,
                    expected_category: None,
                }],
                write: None,
            },
        ),
        call(
            "Reanchor",
            &ReanchorRequest {
                namespace: namespace.clone(),
                category: "health".to_owned(),
                keep_last: 1,
                write: options("", true),
            },
        ),
        call(
            "RenameCategory",
            &RenameCategoryRequest {
                namespace: namespace.clone(),
                category: "health".to_owned(),
                new_key: "fitness".to_owned(),
                write: options("r5", true),
            },
        ),
        call(
            "MergeCategories",
            &MergeCategoriesRequest {
                namespace: namespace.clone(),
                sources: vec!["health".to_owned(), "health".to_owned()],
                target: "work".to_owned(),
                write: options("r6", true),
            },
        ),
        call(
            "Dismiss",
            &DismissRequest {
                namespace: namespace.clone(),
                pairs: vec![ItemCategory {
                    item: "loose".to_owned(),
                    category: "health".to_owned(),
                }],
                withdraw: false,
                write: options("r7", false),
            },
        ),
        call(
            "DeleteItems",
            &DeleteItemsRequest {
                namespace: namespace.clone(),
                items: vec!["run".to_owned(), "loose".to_owned()],
                allow_missing: true,
                write: None,
            },
        ),
        call(
            "DeleteCategories",
            &DeleteCategoriesRequest {
                namespace: namespace.clone(),
                categories: vec!["health".to_owned()],
                allow_missing: false,
                write: None,
            },
        ),
        call(
            "UpdateNamespace",
            &UpdateNamespaceRequest {
                namespace: namespace.clone(),
                description: Some("other".to_owned()),
                labels: [("a".to_owned(), "b".to_owned())].into(),
                replace_labels: true,
                write: options("r3", false),
                ranking: 2,
                fairness: Some(0.25),
                history_keep: Some(HistoryKeep {
                    revisions: 1000,
                    age_seconds: 86_400,
                }),
            },
        ),
        call(
            "Undo",
            &UndoRequest {
                namespace: namespace.clone(),
                selection: Some(undo_request::Selection::Range(RevisionRange {
                    first_revision: 2,
                    last_revision: 3,
                })),
                skip_conflicts: true,
                write: options("r4", false),
            },
        ),
        call(
            "DeleteNamespace",
            &DeleteNamespaceRequest {
                namespace: namespace.clone(),
                force: true,
                write: None,
            },
        ),
        call(
            "CreateNamespace",
            &CreateNamespaceRequest {
                namespace: Some(Namespace {
                    name: "bob".to_owned(),
                    dimension: 3,
                    embedding_model: "model-b".to_owned(),
                    normalization: Normalization::Unit.into(),
                    membership: MembershipMode::Multiple.into(),
                    ..Namespace::default()
                }),
                write: None,
            },
        ),
        call(
            "GetNamespace",
            &GetNamespaceRequest {
                namespace: namespace.clone(),
                min_revision: 1,
                epoch: 0,
            },
        ),
        call(
            "ListNamespaces",
            &ListNamespacesRequest {
                prefix: "a".to_owned(),
                page_size: 1,
                page_token: String::new(),
            },
        ),
        call(
            "GetCategory",
            &GetCategoryRequest {
                namespace: namespace.clone(),
                category: "health".to_owned(),
                include_embeddings: true,
                min_revision: 0,
                epoch: 0,
                at_revision: 1,
            },
        ),
        call(
            "ListCategories",
            &ListCategoriesRequest {
                namespace: namespace.clone(),
                page_size: 2,
                include_embeddings: true,
                ..ListCategoriesRequest::default()
            },
        ),
        call(
            "GetItem",
            &GetItemRequest {
                namespace: namespace.clone(),
                item: "run".to_owned(),
                include_embedding: true,
                min_revision: 0,
                epoch: 0,
            },
        ),
        call(
            "ListItems",
            &ListItemsRequest {
                namespace: namespace.clone(),
                page_size: 1,
                page_token: page.next_page_token,
                ..ListItemsRequest::default()
            },
        ),
        call(
            "ListItems",
            &ListItemsRequest {
                namespace: namespace.clone(),
                filter: Some(list_items_request::Filter::Category("health".to_owned())),
                include_embeddings: true,
                ..ListItemsRequest::default()
            },
        ),
        call("Match", &matching(&namespace)),
        call(
            "Explain",
            &ExplainRequest {
                namespace: namespace.clone(),
                query: Some(Query {
                    source: Some(query::Source::Item("run".to_owned())),
                }),
                categories: vec!["health".to_owned(), "work".to_owned()],
                limit: Some(2),
                member_limit: Some(1),
                ranking: 2,
                fairness: Some(0.5),
                at_revision: 1,
                what_if: vec![WhatIf {
                    item: "run".to_owned(),
                    change: Some(what_if::Change::Joins("work".to_owned())),
                    actor: String::new(),
                }],
                ..ExplainRequest::default()
            },
        ),
        call(
            "ReviewDuplicates",
            &ReviewDuplicatesRequest {
                namespace: namespace.clone(),
                filter: None,
                scope: DuplicateScope::AnyCategory.into(),
                min_similarity: Some(0.5),
                page_size: 1,
                ..ReviewDuplicatesRequest::default()
            },
        ),
        call(
            "ReviewActors",
            &ReviewActorsRequest {
                namespace: namespace.clone(),
                filter: Some(MemberFilter {
                    actor: "tester".to_owned(),
                    ..MemberFilter::default()
                }),
                page_size: 2,
                ..ReviewActorsRequest::default()
            },
        ),
        call(
            "ReviewImpact",
            &ReviewImpactRequest {
                namespace: namespace.clone(),
                filter: Some(MemberFilter {
                    actor: "tester".to_owned(),
                    ..MemberFilter::default()
                }),
                item_limit: Some(5),
                change_limit: Some(2),
                ..ReviewImpactRequest::default()
            },
        ),
        call(
            "ReviewCategories",
            &ReviewCategoriesRequest {
                namespace: namespace.clone(),
                category: "health".to_owned(),
                member_limit: Some(10),
                since: Some(review_categories_request::Since::SinceRevision(1)),
                page_size: 1,
                ..ReviewCategoriesRequest::default()
            },
        ),
        call(
            "ReviewMembers",
            &ReviewMembersRequest {
                namespace: namespace.clone(),
                order: ReviewOrder::Misfit.into(),
                filter: Some(MemberFilter {
                    category: "health".to_owned(),
                    key_prefix: "r".to_owned(),
                    ..MemberFilter::default()
                }),
                min_difference: Some(-1.0),
                page_size: 1,
                ..ReviewMembersRequest::default()
            },
        ),
        call(
            "EstimateReviewRate",
            &EstimateReviewRateRequest {
                namespace: namespace.clone(),
                levels: vec![0.1, 0.5],
                sample_size: 3,
                ranking: 2,
                fairness: Some(0.5),
                ..EstimateReviewRateRequest::default()
            },
        ),
        call(
            "Suggest",
            &SuggestRequest {
                namespace: namespace.clone(),
                order: SuggestOrder::Grouped.into(),
                group_size: Some(3),
                categories: vec!["health".to_owned()],
                min_score: Some(-1.0),
                max_margin: Some(2.0),
                min_confidence: Some(0.05),
                key_prefix: "r".to_owned(),
                ranking: 2,
                fairness: Some(0.5),
                ..SuggestRequest::default()
            },
        ),
        call(
            "ListHistory",
            &ListHistoryRequest {
                namespace: namespace.clone(),
                filter: Some(HistoryFilter {
                    item: "run".to_owned(),
                    actor: "tester".to_owned(),
                    first_revision: 1,
                    last_revision: 9,
                    ..HistoryFilter::default()
                }),
                order: HistoryOrder::OldestFirst.into(),
                page_size: 2,
                ..ListHistoryRequest::default()
            },
        ),
        call(
            "WatchHistory",
            &WatchHistoryRequest {
                namespace: namespace.clone(),
                after_revision: 1,
                filter: Some(HistoryFilter {
                    category: "health".to_owned(),
                    ..HistoryFilter::default()
                }),
                max_behind: 100,
                epoch: 0,
            },
        ),
        call(
            "TrimHistory",
            &TrimHistoryRequest {
                namespace: namespace.clone(),
                keep: Some(trim_history_request::Keep::KeepRevisions(5)),
                write: options("r20", false),
            },
        ),
        call(
            "Snapshot",
            &SnapshotRequest {
                namespace: namespace.clone(),
                view: SnapshotView::Effective.into(),
                min_revision: 0,
                epoch: 0,
            },
        ),
        call(
            "Verify",
            &VerifyRequest {
                namespace: namespace.clone(),
            },
        ),
        call("VerifyStorage", &VerifyStorageRequest {}),
        call("GetServiceInfo", &GetServiceInfoRequest {}),
        Call::restore(&world.restore_messages(&namespace)),
    ]
}

fn matching(namespace: &str) -> MatchRequest {
    let query = |source| Query {
        source: Some(source),
    };
    let parts = QueryParts {
        parts: vec![
            QueryPart {
                source: Some(query_part::Source::Item("run".to_owned())),
                weight: Some(2.0),
            },
            QueryPart {
                source: Some(query_part::Source::Embedding(Embedding {
                    values: vec![1.0, 0.5],
                    ..Embedding::default()
                })),
                weight: None,
            },
        ],
    };
    MatchRequest {
        namespace: namespace.to_owned(),
        queries: vec![
            query(query::Source::Embedding(Embedding::of(vec![1.0, 2.0]))),
            query(query::Source::Item("swim".to_owned())),
            query(query::Source::Parts(parts)),
        ],
        limit: Some(0),
        min_score: Some(-0.5),
        include_categories: vec!["health".to_owned(), "work".to_owned()],
        exclude_categories: vec!["still".to_owned()],
        min_revision: 0,
        epoch: 0,
        embedding_model: "model-a".to_owned(),
        ranking: 2,
        fairness: Some(0.75),
        min_rank_score: Some(-0.7),
        include_confidence: true,
        min_confidence: Some(0.1),
        at_revision: 0,
    }
}

/// Sequences of calls that depend on each other.
fn sequences() -> Vec<Case> {
    let namespace = || "alice".to_owned();
    let put = |key: &str, frozen| {
        call(
            "PutCategories",
            &PutCategoriesRequest {
                namespace: namespace(),
                categories: vec![CategoryUpdate {
                    key: key.to_owned(),
                    frozen: Some(frozen),
                    ..CategoryUpdate::default()
                }],
                write: None,
            },
        )
    };
    let again = PutItemsRequest {
        namespace: namespace(),
        items: vec![ItemUpdate {
            key: "run".to_owned(),
            embedding: vector(&[7.0, 7.0]),
            ..ItemUpdate::default()
        }],
        write: options("again", false),
    };
    let gone = DeleteNamespaceRequest {
        namespace: namespace(),
        force: true,
        write: None,
    };
    let back = CreateNamespaceRequest {
        namespace: Some(Namespace {
            name: namespace(),
            dimension: 1,
            ..Namespace::default()
        }),
        write: None,
    };
    // A restored namespace is at its first revision, which cannot be taken back.
    let undo = UndoRequest {
        namespace: namespace(),
        selection: Some(undo_request::Selection::Revision(2)),
        skip_conflicts: false,
        write: None,
    };
    vec![
        Case::of(vec![put("still", false), put("still", true)]),
        Case::of(vec![call("PutItems", &again), call("Undo", &undo)]),
        Case::of(vec![call("PutItems", &again), call("PutItems", &again)]),
        Case::of(vec![
            call("DeleteNamespace", &gone),
            call("CreateNamespace", &back),
            put("fresh", false),
        ]),
    ]
}

/// Input of each decoder.
pub fn decodable(world: &World) -> Vec<Vec<u8>> {
    crate::decoders::seeds(world)
}
