//! The items of the inbox at a revision: from memory, followed along the log, or from the store.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use ee_core::command::record::Change;
use ee_core::namespace::Item;
use ee_core::scoring::Scorer;
use ee_store::Reads;

use crate::Result;
use crate::catalog::cached_namespace::CachedNamespace;
use crate::catalog::inbox_cache::{Block, Inbox, InboxItem, block_items};
use crate::clock::check_deadline;
use crate::shared::Shared;

/// The most bytes of an inbox that are kept in memory for the next suggestions. A larger inbox is read
/// from the store by each call.
pub const INBOX_BYTES: usize = 1 << 30;

/// Bytes of vectors that are read at a time.
const READ_BYTES: usize = 4 << 20;

/// Items that are read at a time, at least and at most.
const READ_ITEMS: (usize, usize) = (64, 4096);

/// The most revisions, and the most changed items, that an inbox in memory is followed over. Reading it
/// anew is faster at some point.
const FOLLOWED: usize = 10_000;

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
    /// Whether the namespace has dismissals.
    pub(super) has_dismissals: bool,
    pub(super) deadline: Option<Instant>,
}

impl InboxReader<'_> {
    /// Where the items come from, once as many as there is room for are in memory.
    pub(super) fn source(&self) -> Result<Source> {
        let cache = &self.loaded.inbox;
        let kept = cache.latest();
        if let Some(kept) = &kept
            && kept.revision == self.revision
        {
            return Ok(Source::Memory(Arc::clone(kept)));
        }
        let followed = kept.map(|kept| self.followed(&kept)).transpose()?.flatten();
        let Some(inbox) = followed.map_or_else(|| self.read(), |inbox| Ok(Some(inbox)))? else {
            cache.clear();
            return Ok(Source::Store);
        };
        let inbox = Arc::new(inbox);
        if self.has_room(inbox.memory_bytes()) {
            cache.keep(Arc::clone(&inbox));
        } else {
            // The caller has it for this once.
            cache.clear();
        }
        Ok(Source::Memory(inbox))
    }

    /// Whether so many bytes may be held, in place of those that are.
    fn has_room(&self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.loaded.inbox.memory_bytes());
        bytes <= INBOX_BYTES && self.shared.cache.over_budget_by(more).is_none()
    }

    /// The inbox at the view's revision, from that of an earlier one; `None`: reading it anew is faster,
    /// or the log in between was trimmed.
    fn followed(&self, kept: &Inbox) -> Result<Option<Inbox>> {
        let namespace = self.loaded.id;
        let first = self.reads.history_start(namespace)?.first_revision;
        let near = self.revision.checked_sub(kept.revision);
        if near.is_none_or(|near| near > FOLLOWED as u64) || first > kept.revision + 1 {
            return Ok(None);
        }
        let mut touched = BTreeSet::new();
        self.reads
            .entries_after(namespace, kept.revision, &mut |entry| {
                let items = entry.changes.iter().filter_map(Change::item);
                touched.extend(items.map(str::to_owned));
                Ok(())
            })?;
        if touched.len() > FOLLOWED {
            return Ok(None);
        }
        let mut blocks = Vec::with_capacity(kept.blocks.len() + 1);
        let mut touched = touched.into_iter().peekable();
        let mut rest = kept.blocks.iter().peekable();
        let none = Arc::new(Block::new(Vec::new()));
        while let Some(block) = rest.next().or((blocks.is_empty()).then_some(&none)) {
            // The items up to the first one of the next block are this block's.
            let end = rest.peek().map(|next| &*next.items[0].key);
            let mut own = Vec::new();
            while let Some(key) = touched.next_if(|key| end.is_none_or(|end| key.as_str() < end)) {
                own.push(key);
            }
            if own.is_empty() {
                blocks.push(Arc::clone(block));
            } else {
                self.follow(block, &own, &mut blocks)?;
            }
        }
        blocks.retain(|block| !block.items.is_empty());
        Ok(Some(Inbox::new(self.revision, blocks)))
    }

    /// A block as it is after changes of some items, which may make it two.
    fn follow(&self, block: &Block, touched: &[String], into: &mut Vec<Arc<Block>>) -> Result<()> {
        check_deadline(self.deadline)?;
        let namespace = self.loaded.id;
        let is_touched = |item: &&InboxItem| {
            let found = touched.binary_search_by(|key| key.as_str().cmp(&item.key));
            found.is_err()
        };
        let mut items: Vec<_> = block.items.iter().filter(is_touched).cloned().collect();
        for key in touched {
            let Some(item) = self.reads.item_by_key(namespace, key)? else {
                continue;
            };
            if self.reads.in_inbox(namespace, key, item.id)? {
                items.push(self.inbox_item(item)?);
            }
        }
        items.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        self.cut(items, into);
        Ok(())
    }

    /// Makes blocks of items in order of key.
    fn cut(&self, mut items: Vec<InboxItem>, into: &mut Vec<Arc<Block>>) {
        let most = block_items(self.loaded.settings.dimension as usize);
        let size = items.len().div_ceil(items.len().div_ceil(most).max(1));
        while items.len() > size {
            let rest = items.split_off(size);
            into.push(Arc::new(Block::new(std::mem::replace(&mut items, rest))));
        }
        into.push(Arc::new(Block::new(items)));
    }

    fn inbox_item(&self, item: Item) -> Result<InboxItem> {
        let mut dismissed = Vec::new();
        if self.has_dismissals {
            let own = self.reads.dismissals_of(self.loaded.id, item.id)?;
            dismissed.extend(own.iter().map(|own| own.category));
        }
        Ok(InboxItem::new(self.scorer(), item, dismissed.into()))
    }

    fn scorer(&self) -> Scorer {
        Scorer::of(&self.loaded.settings)
    }

    /// The whole inbox, from the store; `None`: there is no room for it.
    fn read(&self) -> Result<Option<Inbox>> {
        let (mut all, mut bytes) = (Vec::new(), 0);
        let mut fits = true;
        self.chunks(|chunk| {
            bytes += chunk
                .iter()
                .map(|block| block.memory_bytes())
                .sum::<usize>();
            all.extend(chunk);
            fits = self.has_room(bytes);
            Ok(fits)
        })?;
        Ok(fits.then(|| Inbox::new(self.revision, all)))
    }

    /// Hands over the inbox by key, some blocks at a time, as long as `each` returns true.
    pub(super) fn chunks(
        &self,
        mut each: impl FnMut(Vec<Arc<Block>>) -> Result<bool>,
    ) -> Result<()> {
        let dimension = self.loaded.settings.dimension as usize;
        let size = (READ_BYTES / size_of::<f32>() / dimension).clamp(READ_ITEMS.0, READ_ITEMS.1);
        let mut after = String::new();
        loop {
            check_deadline(self.deadline)?;
            let page = self.reads.inbox_page(self.loaded.id, &after, size)?;
            let full = page.len() == size;
            if let Some(last) = page.last() {
                after.clone_from(&last.key);
                let items = page.into_iter().map(|item| self.inbox_item(item));
                let mut blocks = Vec::new();
                self.cut(items.collect::<Result<_>>()?, &mut blocks);
                if !each(blocks)? {
                    return Ok(());
                }
            }
            if !full {
                return Ok(());
            }
        }
    }
}
