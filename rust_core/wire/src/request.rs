//! The parts that requests have in common: a namespace, write options, and lists with limits.

use prost::Message;

use crate::decode::shape::Rule;
use crate::limits::{
    BATCH_ENTRIES, BATCH_PARTS, EXPLAIN_CATEGORIES, FILTER_KEYS, FRAME_RECORDS, MATCH_PARTS,
    MATCH_QUERIES, QUERY_PARTS, SNAPSHOT_MEMBERSHIPS, WHAT_IFS,
};
use crate::proto::v1::*;

/// A request that names a namespace.
pub(crate) trait Request: Message + Default {
    /// The field that names the namespace.
    const NAME_FIELD: &'static str = "namespace";
    /// Limits of its lists.
    const SHAPE: &'static [Rule] = &[];

    /// Takes the namespace's name out of it.
    fn take_name(&mut self) -> String;
}

/// A request that changes a namespace.
pub(crate) trait WriteRequest: Request {
    /// Its write options.
    fn options(&mut self) -> &mut Option<WriteOptions>;
}

macro_rules! requests {
    ($($request:ident $(: $shape:expr)?;)*) => {
        $(impl Request for $request {
            $(const SHAPE: &'static [Rule] = $shape;)?

            fn take_name(&mut self) -> String {
                std::mem::take(&mut self.namespace)
            }
        })*
    };
}

macro_rules! writes {
    ($($request:ident),*) => {
        $(impl WriteRequest for $request {
            fn options(&mut self) -> &mut Option<WriteOptions> {
                &mut self.write
            }
        })*
    };
}

requests! {
    GetNamespaceRequest;
    UpdateNamespaceRequest;
    DeleteNamespaceRequest;
    PutCategoriesRequest: &[Rule::list(2, "categories", BATCH_ENTRIES)];
    GetCategoryRequest;
    ListCategoriesRequest;
    DeleteCategoriesRequest: &[Rule::list(2, "categories", BATCH_ENTRIES)];
    ReanchorRequest;
    RenameCategoryRequest;
    MergeCategoriesRequest: &[Rule::list(2, "sources", BATCH_ENTRIES)];
    PutItemsRequest: &[
        Rule::nested(2, "items", BATCH_ENTRIES, &[Rule::list(7, "items.parts", BATCH_PARTS)]),
    ];
    GetItemRequest;
    ListItemsRequest;
    DeleteItemsRequest: &[Rule::list(2, "items", BATCH_ENTRIES)];
    AssignRequest: &[
        Rule::nested(2, "assignments", BATCH_ENTRIES, &[
            Rule::list(7, "assignments.parts", BATCH_PARTS),
        ]),
    ];
    DismissRequest: &[Rule::list(2, "pairs", BATCH_ENTRIES)];
    UnassignRequest: &[Rule::list(2, "unassignments", BATCH_ENTRIES)];
    MatchRequest: &[
        Rule::nested(2, "queries", MATCH_QUERIES, &[
            Rule::within(3, &[
                Rule::list(1, "queries.parts.parts", MATCH_PARTS),
            ]),
        ]),
        Rule::list(5, "include_categories", FILTER_KEYS),
        Rule::list(6, "exclude_categories", FILTER_KEYS),
    ];
    ExplainRequest: &[
        Rule::within(2, &[Rule::within(3, &[Rule::list(1, "query.parts.parts", QUERY_PARTS)])]),
        Rule::list(3, "categories", EXPLAIN_CATEGORIES),
        Rule::list(12, "what_if", WHAT_IFS),
    ];
    ReviewMembersRequest;
    EstimateReviewRateRequest;
    SuggestRequest: &[Rule::list(6, "categories", FILTER_KEYS)];
    ReviewDuplicatesRequest;
    ReviewActorsRequest;
    ReviewImpactRequest;
    ReviewCategoriesRequest;
    ListHistoryRequest;
    WatchHistoryRequest;
    TrimHistoryRequest;
    UndoRequest;
    SnapshotRequest;
    RestoreRequest: &[Rule::within(2, &[
        Rule::within(2, &[Rule::list(1, "frame.categories.categories", FRAME_RECORDS)]),
        Rule::within(3, &[
            Rule::nested(1, "frame.items.items", FRAME_RECORDS, &[
                Rule::list(5, "frame.items.items.memberships", SNAPSHOT_MEMBERSHIPS),
                Rule::list(7, "frame.items.items.dismissals", SNAPSHOT_MEMBERSHIPS),
                Rule::list(8, "frame.items.items.parts", SNAPSHOT_MEMBERSHIPS),
            ]),
        ]),
    ])];
    VerifyRequest;
}

writes!(
    CreateNamespaceRequest,
    UpdateNamespaceRequest,
    DeleteNamespaceRequest,
    TrimHistoryRequest,
    PutCategoriesRequest,
    DeleteCategoriesRequest,
    ReanchorRequest,
    RenameCategoryRequest,
    MergeCategoriesRequest,
    PutItemsRequest,
    DeleteItemsRequest,
    AssignRequest,
    UnassignRequest,
    DismissRequest,
    UndoRequest,
    RestoreRequest
);

impl Request for CreateNamespaceRequest {
    const NAME_FIELD: &'static str = "namespace.name";

    fn take_name(&mut self) -> String {
        // The name stays in the request: it is a field of the namespace to create.
        self.namespace
            .as_ref()
            .map(|namespace| namespace.name.clone())
            .unwrap_or_default()
    }
}
