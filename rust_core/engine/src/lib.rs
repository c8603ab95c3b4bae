//! Namespaces on a store: one writer, batches that share a commit, consistent reads, recovery.
//!
//! ```text
//! caller ── Engine ─┬─ reads: NamespaceCache (namespaces in memory) and View (the store, one moment)
//!                   └─ writes: Writer ── Batch (one transaction) ── commit ── publish ── reply
//! ```
//!
//! Invariants:
//!
//! 1. A write is durable before it is visible. Everything that can fail comes before the commit;
//!    publishing is copying.
//! 2. The holder of the write lock writes, one batch at a time, through one session of the store. An
//!    error of the disk stops writing for good.
//! 3. Memory is derived: a namespace that is read back has the digest that was recorded, or is not
//!    served.
//! 4. The engine knows no SQL: that stops at `ee-store`.

mod api;
mod catalog;
mod clock;
mod copy_budget;
mod engine;
mod error;
mod health;
mod lifecycle;
mod maintenance;
mod metrics;
mod read;
mod shared;
mod transfer;
mod waiting;
mod watch;
mod write;

pub use api::*;
pub use catalog::cached_namespace::NamespaceHandle;
pub use copy_budget::CONCURRENT_COPIED_BYTES;
#[cfg(feature = "failpoints")]
pub use ee_store::failpoints;
pub use engine::Engine;
pub use error::{Error, Result};
pub use lifecycle::{ListedNamespace, UnreadableNamespace};
pub use maintenance::backup::{BackedUp, backup};
pub use maintenance::repair::{Lost, RepairReport, RepairedNamespace, repair};
pub use metrics::{Distribution, Kind, METRICS, Metric, Stats, Value};
pub use read::consistent::{MAX_REVISION_WAIT, end_of_wait};
pub use read::copy::COPIED_BYTES;
pub use read::explain::{
    BasePart, EXPLAINED_MEMBERS, ExplainSpec, Explained, Explanation, FLIP_MEMBERS, Flip,
    MemberPart,
};
pub use read::history::{
    ChangeIndex, HISTORY_BYTES, HISTORY_ENTRIES, HistoryChange, HistoryFilter, HistoryOrder,
    HistoryPage,
};
pub use read::past::PAST_CHANGES;
pub use read::review::actors::{ActorInfluence, ActorsReview, ReviewActorsSpec};
pub use read::review::categories::{
    CONFUSED_LISTED, CategoriesReview, CategoryReview, CategorySplit, MovedSince, REVIEW_READ,
    REVIEWED_MEMBERS, ReviewCategoriesSpec, SPLIT_LISTED,
};
pub use read::review::duplicates::{
    DUPLICATES_READ, Duplicate, DuplicateScope, DuplicatesReview, ReviewDuplicatesSpec,
};
pub use read::review::impact::{
    Answer, AnswerFlow, ChangedAnswer, IMPACT_ITEMS, IMPACT_LISTED, ImpactReview, ReviewImpactSpec,
};
pub use read::review::members::{
    MemberReview, MembersReview, ReviewMembersSpec, ReviewOrder, difference,
};
pub use read::review::rate::{ReviewRate, ReviewRateSpec, ReviewRates};
pub use read::review::{MemberFilter, ReviewPlace};
pub use read::suggest::{
    INBOX_BYTES, Place, SUGGESTED_PAIRS, SuggestOrder, SuggestSpec, Suggested, Suggestion,
    SuggestionGroup,
};
pub use read::what_if::{Placed, WHAT_IFS, WhatIf, WhatIfChange, WhatIfResult};
pub use transfer::restore::Restore;
pub use transfer::snapshot::Snapshot;
pub use waiting::{MAX_WAITING_READS, MAX_WAITING_READS_OF_A_CALLER};
pub use watch::{WATCH_HEARTBEAT, Watch, WatchBatch};
pub use write::trim::TrimBound;
pub use write::undo::UNDO_BYTES;
