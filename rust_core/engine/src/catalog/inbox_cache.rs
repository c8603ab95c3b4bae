//! The inbox of a namespace in memory: from one page of suggestions to the next only a few items enter
//! or leave, and reading all of them from the store takes longer than ranking them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ee_core::namespace::{Item, Leads};
use ee_core::scoring::{Query, Scorer};
use ee_core::settings::{Metadata, RankingMode};
use parking_lot::Mutex;

/// Bytes of the vectors of a block: those that change are copied.
const BLOCK_BYTES: usize = 128 << 10;

/// Items of a block, at least and at most.
const BLOCK_ITEMS: (usize, usize) = (8, 96);

/// Items of a block of vectors with so many components.
pub(crate) fn block_items(dimension: usize) -> usize {
    (BLOCK_BYTES / size_of::<f32>() / dimension).clamp(BLOCK_ITEMS.0, BLOCK_ITEMS.1)
}

/// An item of the inbox.
#[derive(Clone, Debug)]
pub(crate) struct InboxItem {
    pub(crate) key: Box<str>,
    pub(crate) metadata: Metadata,
    /// Identifiers of the categories that it was dismissed from.
    pub(crate) dismissed: Box<[i64]>,
    /// Its embedding; `None` if that has no direction.
    pub(crate) query: Option<Query>,
}

impl InboxItem {
    pub(crate) fn new(scorer: Scorer, item: Item, dismissed: Box<[i64]>) -> Self {
        Self {
            query: scorer.query(&item.embedding),
            key: item.key.into(),
            metadata: item.metadata,
            dismissed,
        }
    }

    /// Bytes held, nearly.
    fn memory_bytes(&self) -> usize {
        // What is allocated around an entry of metadata.
        const ENTRY: usize = 2 * size_of::<String>() + 16;
        let metadata = self.metadata.iter();
        size_of::<Self>()
            + 2 * size_of::<usize>()
            + self.key.len()
            + size_of_val(&*self.dismissed)
            + self.query.as_ref().map_or(0, Query::memory_bytes)
            + metadata
                .map(|(key, value)| key.len() + value.len() + ENTRY)
                .sum::<usize>()
    }
}

/// Neighbouring items of the inbox, by key.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) items: Vec<InboxItem>,
    bytes: usize,
}

impl Block {
    /// A block of items in order of key.
    pub(crate) fn new(items: Vec<InboxItem>) -> Self {
        // Those of the rankings that are kept for it are counted from the beginning.
        let ranked = items.len() * size_of::<Leads>();
        let bytes = ranked + items.iter().map(InboxItem::memory_bytes).sum::<usize>();
        Self { items, bytes }
    }

    /// Bytes held, nearly.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes
    }
}

/// What rankings of the inbox depend on, apart from its revision.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RankedBy {
    pub(crate) mode: RankingMode,
    pub(crate) fairness: f64,
    /// The identifiers of the categories by slot.
    pub(crate) categories: Vec<i64>,
}

/// The leads of each item of a block, where all of them were ranked.
pub(crate) type BlockLeads = Option<Arc<[Leads]>>;

/// All items of the inbox at a revision, by key.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    pub(crate) revision: u64,
    pub(crate) blocks: Vec<Arc<Block>>,
    /// The latest ranking of its blocks.
    ranked: Mutex<Option<(RankedBy, Vec<BlockLeads>)>>,
}

impl Inbox {
    pub(crate) fn new(revision: u64, blocks: Vec<Arc<Block>>) -> Self {
        Self {
            revision,
            blocks,
            ranked: Mutex::default(),
        }
    }

    /// Bytes held, nearly.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.blocks.iter().map(|block| block.memory_bytes()).sum()
    }

    /// What is known of the leads of each block.
    pub(crate) fn ranked(&self, by: &RankedBy) -> Vec<BlockLeads> {
        match &*self.ranked.lock() {
            Some((own, leads)) if own == by => leads.clone(),
            _ => vec![None; self.blocks.len()],
        }
    }

    /// Keeps the leads of its blocks for the next page.
    pub(crate) fn keep_ranked(&self, by: RankedBy, leads: Vec<BlockLeads>) {
        *self.ranked.lock() = Some((by, leads));
    }
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
    pub(crate) fn keep(&self, inbox: Arc<Inbox>) {
        let mut latest = self.latest.lock();
        if latest
            .as_ref()
            .is_none_or(|own| own.revision < inbox.revision)
        {
            self.bytes.store(inbox.memory_bytes(), Ordering::Relaxed);
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
