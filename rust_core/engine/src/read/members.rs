//! What rankings need of the members of categories, read when a query is the first to need it: their
//! rows for LOCAL and for confidence, kept under the memory budget, and the sums of their unit copies
//! for fairness.

use std::sync::Arc;

use ee_core::arithmetic::limits::MAX_NEIGHBOURS;
use ee_core::namespace::{MissingMembers, MoreMembers, Namespace, UnitCorrections};
use ee_core::scoring::{MemberRow, MemberRows};
use ee_store::ItemReads;

use crate::Result;
use crate::catalog::cached_namespace::CachedNamespace;
use crate::shared::Shared;

/// Members read at a time where all of them are needed.
const SCAN: usize = 512;

/// Members that are read for fairness or confidence before writes to the namespace have their turn: some
/// hundredths of a second.
const READ_AT_ONCE: usize = 1 << 14;

/// Bytes of rows that one answer keeps of the categories whose confidence it asks for. It needs the
/// rows of one at a time.
const KEPT_BYTES: usize = 64 << 20;

/// Members that a ranking needs, from a view at the published revision.
pub(crate) struct ReadMembers<'a> {
    reads: &'a dyn ItemReads,
    namespace: i64,
    published: &'a Namespace,
    more: MoreMembers,
    bytes: usize,
    count: usize,
}

impl<'a> ReadMembers<'a> {
    /// None so far.
    pub(crate) fn new(reads: &'a dyn ItemReads, namespace: i64, published: &'a Namespace) -> Self {
        Self {
            reads,
            namespace,
            published,
            more: MoreMembers::default(),
            bytes: 0,
            count: 0,
        }
    }

    /// What `rank` returns once it has what it needs. `None`: so many members were read that other
    /// work comes first; the next call goes on from there.
    pub(crate) fn until_ranked<T>(
        &mut self,
        mut rank: impl FnMut(&MoreMembers) -> std::result::Result<T, MissingMembers>,
    ) -> Result<Option<T>> {
        loop {
            let missing = match rank(&self.more) {
                Ok(ranked) => return Ok(Some(ranked)),
                Err(missing) => missing,
            };
            for category in missing.unit_corrections {
                if self.count >= READ_AT_ONCE {
                    return Ok(None);
                }
                let corrections = self.unit_corrections(category)?;
                self.published.add_unit_corrections(category, &corrections);
            }
            for category in missing.rows {
                let rows = self.rows(category)?;
                self.keep(category, rows);
            }
            for category in missing.uncalibrated {
                if self.count >= READ_AT_ONCE {
                    return Ok(None);
                }
                self.calibrate(category)?;
            }
        }
    }

    /// Calibrates a category.
    pub(crate) fn calibrate(&mut self, category: i64) -> Result<()> {
        if let Some(rows) = self.published.kept_members(category) {
            self.count += rows.len();
            self.published.calibrate(category, &rows);
            return Ok(());
        }
        let rows = self.rows(category)?;
        self.published.calibrate(category, &rows);
        if self.bytes < KEPT_BYTES {
            self.keep(category, rows);
        }
        Ok(())
    }

    /// Bytes of the rows that were read.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The rows that were read, and the number of members.
    pub(crate) fn finish(self) -> (MoreMembers, usize) {
        (self.more, self.count)
    }

    fn keep(&mut self, category: i64, rows: MemberRows) {
        self.bytes += rows.memory_bytes();
        self.more.insert(category, Arc::new(rows));
    }

    /// The rows of a category's newest counting members.
    fn rows(&mut self, category: i64) -> Result<MemberRows> {
        let (reads, namespace) = (self.reads, self.namespace);
        let dimension = self.published.settings().dimension as usize;
        let Some(first) = self.published.counting_from(category) else {
            return Ok(MemberRows::new(dimension));
        };
        let nth = MAX_NEIGHBOURS as u64 - 1;
        let oldest = reads.nth_newest_member(namespace, category, first - 1, u64::MAX, nth)?;
        let from = oldest.map_or(first, |(sequence, _)| sequence);
        let members = reads.members(namespace, category, from, MAX_NEIGHBOURS)?;
        self.count += members.len();
        let by_actor = self.published.caps_actors(category);
        let mut rows = MemberRows::with_room(dimension, members.len());
        for member in members {
            let item = reads.item_by_id(namespace, member.item)?;
            let (weight, embedding) = (item.weight, &item.embedding);
            let row = MemberRow::new(member.sequence, &item.key, weight, embedding);
            rows.join(&match by_actor {
                true => row.of_actor(&member.origin.actor),
                false => row,
            });
        }
        Ok(rows)
    }

    /// The corrections of a category, from its counting members.
    fn unit_corrections(&mut self, category: i64) -> Result<UnitCorrections> {
        let mut corrections = UnitCorrections::default();
        let by_actor = self.published.caps_actors(category);
        let Some(mut from) = self.published.counting_from(category) else {
            return Ok(corrections);
        };
        loop {
            let members = self.reads.members(self.namespace, category, from, SCAN)?;
            for member in &members {
                let item = self.reads.item_by_id(self.namespace, member.item)?;
                let actor = by_actor.then_some(member.origin.actor.as_str());
                corrections.add(item.weight, &item.embedding, actor);
            }
            self.count += members.len();
            match members.last() {
                Some(last) if members.len() == SCAN => from = last.sequence + 1,
                _ => return Ok(corrections),
            }
        }
    }
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
        self.cache.grow(loaded.account(published.memory_bytes()));
    }
}
