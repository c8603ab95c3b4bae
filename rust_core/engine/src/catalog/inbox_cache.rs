//! The inbox of a namespace in memory: from one page of suggestions to the next only a few items enter
//! or leave, and reading all of them from the store takes longer than ranking them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ee_core::namespace::Item;
use ee_core::settings::Metadata;
use parking_lot::Mutex;

/// An item of the inbox.
#[derive(Debug, PartialEq)]
pub(crate) struct InboxItem {
    pub(crate) key: Box<str>,
    pub(crate) metadata: Metadata,
    pub(crate) embedding: Vec<f32>,
}

impl From<Item> for InboxItem {
    fn from(item: Item) -> Self {
        Self {
            key: item.key.into(),
            metadata: item.metadata,
            embedding: item.embedding,
        }
    }
}

impl InboxItem {
    /// Bytes held, nearly.
    pub(crate) fn memory_bytes(&self) -> usize {
        // What is allocated around an entry of metadata.
        const ENTRY: usize = 2 * size_of::<String>() + 16;
        let metadata = self.metadata.iter();
        size_of::<Self>()
            + 4 * size_of::<usize>()
            + self.key.len()
            + self.embedding.capacity() * size_of::<f32>()
            + metadata
                .map(|(k, v)| k.len() + v.len() + ENTRY)
                .sum::<usize>()
    }
}

/// All items of the inbox at a revision, by key.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    pub(crate) revision: u64,
    pub(crate) items: Vec<Arc<InboxItem>>,
}

/// The inbox as the latest suggestions have read it.
#[derive(Debug, Default)]
pub(crate) struct InboxCache {
    latest: Mutex<Option<Arc<Inbox>>>,
    bytes: AtomicUsize,
}

impl InboxCache {
    /// The inbox, of any revision.
    pub(crate) fn latest(&self) -> Option<Arc<Inbox>> {
        self.latest.lock().clone()
    }

    /// Keeps an inbox unless a later one is here. The caller accounts for the memory.
    pub(crate) fn keep(&self, inbox: Arc<Inbox>, bytes: usize) {
        let mut latest = self.latest.lock();
        if latest
            .as_ref()
            .is_none_or(|own| own.revision < inbox.revision)
        {
            self.bytes.store(bytes, Ordering::Relaxed);
            *latest = Some(inbox);
        }
    }

    /// Drops the inbox.
    pub(crate) fn clear(&self) {
        let mut latest = self.latest.lock();
        self.bytes.store(0, Ordering::Relaxed);
        *latest = None;
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}
