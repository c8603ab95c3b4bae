//! Members of categories in memory, for LOCAL: read when a query is the first to need them, kept under
//! the memory budget.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ee_core::arithmetic::limits::MAX_NEIGHBOURS;
use ee_core::namespace::{MoreMembers, Namespace};
use ee_core::scoring::{MemberRow, MemberRows};
use ee_store::Reads;

use crate::Result;
use crate::catalog::cached_namespace::CachedNamespace;
use crate::shared::Shared;

/// The rows of a category's newest counting members, from a view at the published revision.
pub(crate) fn read(
    reads: &dyn Reads,
    namespace: i64,
    published: &Namespace,
    category: i64,
) -> Result<MemberRows> {
    let mut rows = MemberRows::new(published.settings().dimension as usize);
    let Some(first) = published.counting_from(category) else {
        return Ok(rows);
    };
    let nth = MAX_NEIGHBOURS as u64 - 1;
    let oldest = reads.nth_newest_member(namespace, category, first - 1, u64::MAX, nth)?;
    let from = oldest.map_or(first, |(sequence, _)| sequence);
    for member in reads.members(namespace, category, from, MAX_NEIGHBOURS)? {
        let item = reads.item_by_id(namespace, member.item)?;
        let (weight, embedding) = (item.weight, &item.embedding);
        rows.join(&MemberRow::new(
            member.sequence,
            &item.key,
            weight,
            embedding,
        ));
    }
    Ok(rows)
}

impl Shared {
    /// Keeps rows that an answer has needed, as far as the memory budget allows: the rows of the
    /// namespace that were used longest ago leave first.
    pub(crate) fn keep_members(
        &self,
        loaded: &CachedNamespace,
        published: &Namespace,
        members: MoreMembers,
    ) {
        let mut bytes = 0;
        for (category, rows) in members {
            bytes += rows.memory_bytes();
            published.add_members(category, Arc::clone(&rows));
        }
        if let Some(over) = self.cache.over_budget_by(bytes) {
            let kept = published.member_memory().bytes.saturating_sub(over);
            let dropped = published.shrink_members(kept);
            self.counters.members_dropped(dropped);
        }
        let memory = published.memory_bytes();
        let before = loaded.memory.swap(memory, Ordering::Relaxed);
        self.cache.grow(memory.cast_signed() - before.cast_signed());
    }
}
