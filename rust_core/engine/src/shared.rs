//! The state that the engine's threads share.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ee_store::Backend;
use parking_lot::Mutex;

use crate::catalog::namespace_cache::NamespaceCache;
use crate::clock::Clock;
use crate::copy_budget::{CONCURRENT_COPIED_BYTES, CopyBudget};
use crate::health::WriteHealth;
use crate::metrics::Counters;
use crate::waiting::WaitingReads;
use crate::{Error, Result};

/// The state that the engine's threads share.
pub(crate) struct Shared {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) cache: NamespaceCache,
    pub(crate) counters: Arc<Counters>,
    pub(crate) health: WriteHealth,
    pub(crate) waiting: WaitingReads,
    pub(crate) clock: Clock,
    /// Held while a copy of many categories is in use.
    pub(crate) large_copies: Mutex<()>,
    /// What copies that are read from a view may take together.
    pub(crate) copies: CopyBudget,
    /// Threads that large work may be split over.
    pub(crate) threads: usize,
}

impl Shared {
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        memory_budget: Option<usize>,
        threads: usize,
    ) -> Self {
        let cache = NamespaceCache::new(Arc::clone(&backend), memory_budget);
        let location = backend.describe().location;
        Self {
            counters: cache.counters(),
            health: WriteHealth::new(Arc::clone(backend.failure()), location),
            waiting: WaitingReads::default(),
            clock: Clock::new(),
            large_copies: Mutex::default(),
            copies: CopyBudget::new(CONCURRENT_COPIED_BYTES),
            cache,
            threads,
            backend,
        }
    }

    /// Reads; an error is reported as one of reading.
    pub(crate) fn reading<T>(&self, read: impl FnOnce() -> Result<T>) -> Result<T> {
        self.health.own_process()?;
        read().map_err(|error| self.read_error(error))
    }

    /// An error of reading, as the caller gets it. An error of the disk is one of this read alone,
    /// unless the writer has met one too: the next read may succeed, or another place may be read.
    pub(crate) fn read_error(&self, error: Error) -> Error {
        let error = match error {
            Error::StoreFailed { cause } if !self.health.failed() => Error::ReadFailed { cause },
            other => other,
        };
        if matches!(
            error,
            Error::ReadFailed { .. } | Error::Corrupted { .. } | Error::NewerData { .. }
        ) {
            self.counters.read_failures.fetch_add(1, Ordering::Relaxed);
        }
        error
    }
}
