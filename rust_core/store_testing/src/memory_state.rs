//! The state of the store in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ee_core::namespace::{CategoryRecord, Dismissal, Item, Membership, Part};

use ee_store::codec::StoredStats;
use ee_store::{HistoryStart, NamespaceRow, StoredRequest};

/// Everything that is stored.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) sequence: u64,
    pub(super) last_id: i64,
    pub(super) time_ms: i64,
    pub(super) namespaces: BTreeMap<i64, NamespaceRow>,
    /// With their namespaces.
    pub(super) categories: BTreeMap<i64, (i64, Arc<CategoryRecord>)>,
    pub(super) sums: BTreeMap<i64, (u64, StoredStats, Arc<[i64]>)>,
    pub(super) items: BTreeMap<i64, (i64, Arc<Item>)>,
    pub(super) items_by_key: BTreeMap<(i64, String), i64>,
    pub(super) inbox: BTreeSet<(i64, String)>,
    pub(super) memberships: BTreeMap<(i64, i64), Membership>,
    /// Items by (category, sequence).
    pub(super) members: BTreeMap<(i64, u64), i64>,
    /// By (item, category).
    pub(super) dismissals: BTreeMap<(i64, i64), Dismissal>,
    /// By (composite, item).
    pub(super) parts: BTreeMap<(i64, i64), Part>,
    pub(super) log: BTreeMap<(i64, u64), Arc<[u8]>>,
    /// Where logs begin from which entries were trimmed.
    pub(super) starts: BTreeMap<i64, HistoryStart>,
    pub(super) answers: BTreeMap<(i64, String), StoredRequest>,
}
