//! Every limit of a request, each with one name.

use ee_core::arithmetic::limits::{
    MAX_CAPPED_ACTORS, MAX_COMPONENT, MAX_DIMENSION, MAX_KEPT_REVISIONS, MAX_KEPT_SECONDS,
    MAX_WEIGHT,
};
use ee_core::command::undo::MAX_UNDO_CHANGES;
use ee_core::command::{MAX_COMPOSITES, MAX_MEMBERSHIPS, MAX_MERGED, MAX_PARTS, UNDO_LISTED};
use ee_engine::{
    CONCURRENT_COPIED_BYTES, CONFUSED_LISTED, COPIED_BYTES, DUPLICATES_READ, EXPLAINED_MEMBERS,
    HISTORY_BYTES, HISTORY_ENTRIES, IMPACT_ITEMS, IMPACT_LISTED, MAX_REVISION_WAIT,
    MAX_WAITING_READS, MAX_WAITING_READS_OF_A_CALLER, PART_KEY_BYTES, PAST_CHANGES, REVIEW_READ,
    REVIEWED_MEMBERS, SPLIT_LISTED, SUGGESTED_PAIRS, UNDO_BYTES, WATCH_HEARTBEAT,
};

/// Changes of an Explain that are not made.
pub use ee_engine::WHAT_IFS;

/// Bytes of a request.
pub const REQUEST_BYTES: usize = 1 << 30;
/// Bytes of a category's or an item's key.
pub const KEY_BYTES: usize = 512;
/// Bytes of a namespace's name.
pub const NAMESPACE_NAME_BYTES: usize = 128;
/// Entries of a write's batch.
pub const BATCH_ENTRIES: usize = 10_000;
/// Parts of all composite items of a write's batch together.
pub const BATCH_PARTS: usize = 20_000;
/// Memberships that a write may change, since the writes of all namespaces wait for it. One that is
/// only read counts as a sixteenth.
pub const WRITE_MEMBERSHIPS: u64 = MAX_MEMBERSHIPS;
/// Queries of a Match.
pub const MATCH_QUERIES: usize = 1_000;
/// Parts of a query.
pub const QUERY_PARTS: usize = 1_000;
/// Parts of all queries of a Match together: a part that names an item is a read of the store.
pub const MATCH_PARTS: usize = 10_000;
/// Keys that a Match includes, and keys that it excludes.
pub const FILTER_KEYS: usize = 10_000;
/// Categories in all rankings of a Match together.
pub const MATCH_RESULTS: u64 = 1_000_000;
/// Categories in a ranking if the request sets no limit.
pub const DEFAULT_MATCH_LIMIT: u32 = 10;
/// Categories of an Explain.
pub const EXPLAIN_CATEGORIES: usize = 100;
/// Categories that an Explain explains if the request names none and sets no limit.
pub const DEFAULT_EXPLAIN_LIMIT: u32 = 3;
/// Members that an Explain lists for a category.
pub const EXPLAIN_MEMBERS: u32 = 1_000;
/// Members that an Explain lists for a category if the request does not say.
pub const DEFAULT_EXPLAIN_MEMBERS: u32 = 10;
/// Levels of an EstimateReviewRate.
pub const REVIEW_LEVELS: usize = 100;
/// The levels if the request has none.
pub const DEFAULT_REVIEW_LEVELS: [f64; 6] = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5];
/// Members that an EstimateReviewRate matches.
pub const REVIEW_SAMPLE: u32 = 10_000;
/// Members that an EstimateReviewRate matches if the request does not say.
pub const DEFAULT_REVIEW_SAMPLE: u32 = 1_000;
/// Suggestions of a group of a Suggest.
pub const GROUP_SIZE: u32 = 1_000;
/// Suggestions of a group if the request sets no size.
pub const DEFAULT_GROUP_SIZE: u32 = 10;
/// Members of a category that a ReviewCategories reviews if the request does not say.
pub const DEFAULT_REVIEW_MEMBERS: u32 = 1_000;
/// Items that a ReviewImpact compares if the request does not say.
pub const DEFAULT_IMPACT_ITEMS: u32 = 10_000;
/// Changed answers that a ReviewImpact lists.
pub const IMPACT_CHANGES: u32 = 1_000;
/// Changed answers that a ReviewImpact lists if the request does not say.
pub const DEFAULT_IMPACT_CHANGES: u32 = 100;
/// Entries of a page.
pub const PAGE_SIZE: u32 = 1_000;
/// Entries of a page if the request sets no size.
pub const DEFAULT_PAGE_SIZE: u32 = 100;
/// Bytes after which a page ends early: most clients accept 4 MiB.
pub const PAGE_BYTES: usize = 3 << 20;
// The engine may end a page of items only where its message is too large.
const _: () = assert!(PAGE_BYTES <= PART_KEY_BYTES);
/// Entries of metadata or labels.
pub const METADATA_ENTRIES: usize = 64;
/// Bytes of metadata or labels, keys and values together.
pub const METADATA_BYTES: usize = 16 * 1024;
/// Bytes of a request_id.
pub const REQUEST_ID_BYTES: usize = 128;
/// Bytes of an actor; a principal is the actor of a write that names no other.
pub const ACTOR_BYTES: usize = ee_access::limits::PRINCIPAL_BYTES;
/// Bytes of a reason.
pub const REASON_BYTES: usize = 1024;
/// Bytes of a description.
pub const DESCRIPTION_BYTES: usize = 4096;
/// Bytes of an embedding_model.
pub const EMBEDDING_MODEL_BYTES: usize = 256;
/// Records in one frame of a snapshot to restore.
pub const FRAME_RECORDS: usize = 100_000;
/// Memberships, dismissals, and parts, in one frame of a snapshot to restore.
pub const SNAPSHOT_MEMBERSHIPS: usize = 1_000_000;

/// All limits and defaults that are whole numbers, by name.
pub fn all() -> Vec<(&'static str, u64)> {
    vec![
        ("request_bytes", REQUEST_BYTES as u64),
        ("key_bytes", KEY_BYTES as u64),
        ("namespace_name_bytes", NAMESPACE_NAME_BYTES as u64),
        ("batch_entries", BATCH_ENTRIES as u64),
        ("memberships_per_write", WRITE_MEMBERSHIPS),
        ("merged_members", MAX_MERGED),
        ("capped_category_actors", MAX_CAPPED_ACTORS as u64),
        ("item_parts", MAX_PARTS as u64),
        ("batch_parts", BATCH_PARTS as u64),
        ("item_composites", MAX_COMPOSITES as u64),
        ("match_queries", MATCH_QUERIES as u64),
        ("query_parts", QUERY_PARTS as u64),
        ("match_parts", MATCH_PARTS as u64),
        ("filter_keys", FILTER_KEYS as u64),
        ("match_results", MATCH_RESULTS),
        ("default_match_limit", u64::from(DEFAULT_MATCH_LIMIT)),
        ("explain_categories", EXPLAIN_CATEGORIES as u64),
        ("default_explain_limit", u64::from(DEFAULT_EXPLAIN_LIMIT)),
        ("explain_what_ifs", WHAT_IFS as u64),
        ("explain_members", u64::from(EXPLAIN_MEMBERS)),
        (
            "default_explain_members",
            u64::from(DEFAULT_EXPLAIN_MEMBERS),
        ),
        ("explain_members_read", EXPLAINED_MEMBERS as u64),
        ("review_levels", REVIEW_LEVELS as u64),
        ("review_sample", u64::from(REVIEW_SAMPLE)),
        ("default_review_sample", u64::from(DEFAULT_REVIEW_SAMPLE)),
        ("copied_category_bytes", COPIED_BYTES),
        ("concurrent_copied_bytes", CONCURRENT_COPIED_BYTES),
        ("suggest_pairs", SUGGESTED_PAIRS),
        ("suggest_group_size", u64::from(GROUP_SIZE)),
        ("default_suggest_group_size", u64::from(DEFAULT_GROUP_SIZE)),
        ("review_members", u64::from(REVIEWED_MEMBERS)),
        ("default_review_members", u64::from(DEFAULT_REVIEW_MEMBERS)),
        ("review_members_read", REVIEW_READ as u64),
        ("duplicate_members_read", DUPLICATES_READ as u64),
        ("impact_items", u64::from(IMPACT_ITEMS)),
        ("default_impact_items", u64::from(DEFAULT_IMPACT_ITEMS)),
        ("impact_changes", u64::from(IMPACT_CHANGES)),
        ("default_impact_changes", u64::from(DEFAULT_IMPACT_CHANGES)),
        ("impact_listed", IMPACT_LISTED as u64),
        ("confused_listed", CONFUSED_LISTED as u64),
        ("split_listed", SPLIT_LISTED as u64),
        ("page_size", u64::from(PAGE_SIZE)),
        ("default_page_size", u64::from(DEFAULT_PAGE_SIZE)),
        ("page_bytes", PAGE_BYTES as u64),
        ("history_page_revisions", HISTORY_ENTRIES),
        ("history_page_log_bytes", HISTORY_BYTES as u64),
        ("history_keep_revisions", MAX_KEPT_REVISIONS),
        ("history_keep_age_seconds", MAX_KEPT_SECONDS),
        ("undo_changes", MAX_UNDO_CHANGES as u64),
        ("undo_log_bytes", UNDO_BYTES as u64),
        ("undo_listed", UNDO_LISTED as u64),
        ("past_changes", PAST_CHANGES as u64),
        ("watch_heartbeat_seconds", WATCH_HEARTBEAT.as_secs()),
        ("metadata_entries", METADATA_ENTRIES as u64),
        ("metadata_bytes", METADATA_BYTES as u64),
        ("request_id_bytes", REQUEST_ID_BYTES as u64),
        ("actor_bytes", ACTOR_BYTES as u64),
        ("reason_bytes", REASON_BYTES as u64),
        ("description_bytes", DESCRIPTION_BYTES as u64),
        ("embedding_model_bytes", EMBEDDING_MODEL_BYTES as u64),
        ("snapshot_frame_records", FRAME_RECORDS as u64),
        ("snapshot_frame_memberships", SNAPSHOT_MEMBERSHIPS as u64),
        ("waiting_reads", u64::from(MAX_WAITING_READS)),
        (
            "waiting_reads_of_a_caller",
            u64::from(MAX_WAITING_READS_OF_A_CALLER),
        ),
        ("revision_wait_seconds", MAX_REVISION_WAIT.as_secs()),
        ("dimension", MAX_DIMENSION as u64),
        ("component", MAX_COMPONENT as u64),
        ("weight", MAX_WEIGHT as u64),
    ]
}
