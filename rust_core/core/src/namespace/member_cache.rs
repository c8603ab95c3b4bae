//! Rows of members in memory, category by category, for LOCAL.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rustc_hash::FxHashMap;

use crate::scoring::{MemberChange, MemberRows};

/// The rows of the members of some categories, by identifier of the category.
///
/// Readers add what a query was the first to need; whoever publishes a write changes what is here.
/// An absent category costs time and nothing else.
#[derive(Debug, Default)]
pub(crate) struct MemberCache {
    inner: RwLock<Inner>,
    clock: AtomicU64,
}

#[derive(Debug, Default)]
struct Inner {
    categories: FxHashMap<i64, Cached>,
    bytes: usize,
    members: usize,
}

#[derive(Debug)]
struct Cached {
    rows: Arc<MemberRows>,
    last_used: AtomicU64,
}

/// What is in memory of the members of a namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberMemory {
    /// Categories whose members are.
    pub categories: usize,
    /// Members.
    pub members: usize,
    /// Bytes.
    pub bytes: usize,
}

impl Clone for MemberCache {
    /// The rows are shared. A write drops those of a category that it changes while a copy has them.
    fn clone(&self) -> Self {
        let copy = Self::default();
        for (&category, cached) in &self.read().categories {
            copy.insert(category, Arc::clone(&cached.rows));
        }
        copy
    }
}

impl MemberCache {
    /// The rows of a category, if they are here.
    pub(crate) fn get(&self, category: i64) -> Option<Arc<MemberRows>> {
        let inner = self.read();
        let cached = inner.categories.get(&category)?;
        cached.last_used.store(self.now(), Ordering::Relaxed);
        Some(Arc::clone(&cached.rows))
    }

    /// Whether the rows of a category are here.
    pub(crate) fn contains(&self, category: i64) -> bool {
        self.read().categories.contains_key(&category)
    }

    /// Adds the rows of a category.
    pub(crate) fn insert(&self, category: i64, rows: Arc<MemberRows>) {
        let mut inner = self.write();
        let last_used = AtomicU64::new(self.now());
        inner.remove(category);
        inner.count(&rows);
        inner
            .categories
            .insert(category, Cached { rows, last_used });
    }

    /// Follows the changes of a category's members, of which `counting` count now. `None`: they are
    /// not known.
    pub(crate) fn follow(
        &mut self,
        category: i64,
        counting: u64,
        changes: Option<&[MemberChange]>,
    ) {
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(mut cached) = inner.remove(category) else {
            return;
        };
        // Readers use rows only while the namespace is locked against changes.
        if let (Some(changes), Some(rows)) = (changes, Arc::get_mut(&mut cached.rows)) {
            changes.iter().for_each(|change| rows.apply(change));
            if rows.are_complete(counting) {
                inner.count(&cached.rows);
                inner.categories.insert(category, cached);
            }
        }
    }

    /// Drops the rows that were used longest ago until they take at most so many bytes.
    pub(crate) fn shrink(&self, bytes: usize) -> usize {
        let mut inner = self.write();
        let last_used = |cached: &Cached| cached.last_used.load(Ordering::Relaxed);
        let mut by_use: Vec<_> = inner
            .categories
            .iter()
            .map(|(&category, cached)| (last_used(cached), category))
            .collect();
        by_use.sort_unstable();
        let mut dropped = 0;
        for (_, category) in by_use {
            if inner.bytes <= bytes {
                break;
            }
            inner.remove(category);
            dropped += 1;
        }
        dropped
    }

    pub(crate) fn memory(&self) -> MemberMemory {
        let inner = self.read();
        MemberMemory {
            categories: inner.categories.len(),
            members: inner.members,
            bytes: inner.bytes,
        }
    }

    fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    // What a panic leaves behind is still a cache: at worst its counts are off.
    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn count(&mut self, rows: &MemberRows) {
        self.bytes += rows.memory_bytes();
        self.members += rows.len();
    }

    fn remove(&mut self, category: i64) -> Option<Cached> {
        let cached = self.categories.remove(&category)?;
        self.bytes -= cached.rows.memory_bytes();
        self.members -= cached.rows.len();
        Some(cached)
    }
}
