//! The items of the inbox at a revision: from memory, followed along the log, or from the store.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use ee_core::command::record::Change;
use ee_store::Reads;

use crate::Result;
use crate::catalog::cached_namespace::CachedNamespace;
use crate::catalog::inbox_cache::{Inbox, InboxItem};
use crate::clock::check_deadline;
use crate::shared::Shared;

/// The most bytes of an inbox that are kept in memory for the next suggestions. A larger inbox is read
/// from the store by each call.
pub const INBOX_BYTES: usize = 1 << 30;

/// Bytes of vectors that are read at a time.
const CHUNK_BYTES: usize = 4 << 20;

/// Items that are read at a time.
const CHUNK_ITEMS: usize = 4096;

/// The most revisions that an inbox in memory is followed over. Reading it anew is faster at some
/// point.
const FOLLOWED: u64 = 10_000;

/// Where a pass over the inbox gets its items.
pub(super) enum Source {
    /// All of them are in memory.
    Memory(Arc<Inbox>),
    /// There is no room for all of them: they are read as they are needed.
    Store,
}

/// Reads the inbox of a namespace from a view.
pub(super) struct InboxReader<'a> {
    pub(super) shared: &'a Shared,
    pub(super) loaded: &'a CachedNamespace,
    pub(super) reads: &'a dyn Reads,
    /// The revision of the view.
    pub(super) revision: u64,
    pub(super) deadline: Option<Instant>,
}

impl InboxReader<'_> {
    /// Where the items come from, once as many as there is room for are in memory.
    pub(super) fn source(&self) -> Result<Source> {
        let inbox = match self.loaded.inbox.latest() {
            Some(kept) if kept.revision == self.revision => return Ok(Source::Memory(kept)),
            Some(kept) if self.follows(kept.revision) => Some(self.followed(&kept)?),
            _ => self.read()?,
        };
        let Some(inbox) = inbox else {
            self.loaded.inbox.clear();
            return Ok(Source::Store);
        };
        let bytes = inbox.items.iter().map(|item| item.memory_bytes()).sum();
        if !self.has_room(bytes) {
            // The caller has it for this once.
            self.loaded.inbox.clear();
            return Ok(Source::Memory(Arc::new(inbox)));
        }
        let inbox = Arc::new(inbox);
        self.loaded.inbox.keep(Arc::clone(&inbox), bytes);
        Ok(Source::Memory(inbox))
    }

    fn follows(&self, from: u64) -> bool {
        let behind = self.revision.checked_sub(from);
        behind.is_some_and(|behind| behind <= FOLLOWED)
    }

    /// Whether so many bytes may be held, in place of those that are.
    fn has_room(&self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.loaded.inbox.memory_bytes());
        bytes <= INBOX_BYTES && self.shared.cache.over_budget_by(more).is_none()
    }

    /// The inbox at the view's revision, from that of an earlier one.
    fn followed(&self, kept: &Inbox) -> Result<Inbox> {
        let mut touched = BTreeSet::new();
        let namespace = self.loaded.id;
        self.reads
            .entries_after(namespace, kept.revision, &mut |entry| {
                touched.extend(entry.changes.into_iter().filter_map(item_of));
                Ok(())
            })?;
        let stays = |item: &&Arc<InboxItem>| !touched.contains(&*item.key);
        let mut items: Vec<_> = kept.items.iter().filter(stays).cloned().collect();
        for (number, key) in touched.iter().enumerate() {
            if number % CHUNK_ITEMS == 0 {
                check_deadline(self.deadline)?;
            }
            let Some(item) = self.reads.item_by_key(namespace, key)? else {
                continue;
            };
            if self.reads.in_inbox(namespace, key, item.id)? {
                items.push(Arc::new(item.into()));
            }
        }
        // They are nearly in order, which this sort makes use of.
        items.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Inbox {
            revision: self.revision,
            items,
        })
    }

    /// The whole inbox, from the store; `None`: there is no room for it.
    fn read(&self) -> Result<Option<Inbox>> {
        let (mut items, mut bytes) = (Vec::new(), 0);
        let read = self.chunks(|chunk| {
            bytes += chunk.iter().map(|item| item.memory_bytes()).sum::<usize>();
            items.extend(chunk);
            Ok(match self.has_room(bytes) {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            })
        })?;
        let revision = self.revision;
        Ok(read.is_continue().then_some(Inbox { revision, items }))
    }

    /// Hands over the inbox by key, some items at a time, until `each` breaks.
    pub(super) fn chunks(
        &self,
        mut each: impl FnMut(Vec<Arc<InboxItem>>) -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        let size = chunk_items(self.loaded.settings.dimension as usize);
        let mut after = String::new();
        loop {
            check_deadline(self.deadline)?;
            let page = self.reads.inbox_page(self.loaded.id, &after, size)?;
            let full = page.len() == size;
            if let Some(last) = page.last() {
                after.clone_from(&last.key);
                let chunk = page.into_iter().map(|item| Arc::new(item.into()));
                if each(chunk.collect())?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            if !full {
                return Ok(ControlFlow::Continue(()));
            }
        }
    }
}

/// Number of items with vectors of so many components that are read or ranked at a time.
pub(super) fn chunk_items(dimension: usize) -> usize {
    (CHUNK_BYTES / size_of::<f32>() / dimension).clamp(64, CHUNK_ITEMS)
}

/// The key of the item that a change concerns.
fn item_of(change: Change) -> Option<String> {
    match change {
        Change::ItemCreated { key }
        | Change::ItemUpdated { key, .. }
        | Change::ItemDeleted { key, .. } => Some(key),
        Change::Joined { item, .. } | Change::Left { item, .. } => Some(item),
        _ => None,
    }
}
