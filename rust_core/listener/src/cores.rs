//! How many cores the threads of a listener occupy.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Counts the threads that need a core now, so that polling, and work that can be shared, take only cores
/// that no other thread needs.
#[derive(Debug)]
pub(crate) struct Cores {
    all: usize,
    occupied: AtomicUsize,
}

impl Cores {
    /// Of a machine, or of the part of it that the process may use.
    pub(crate) fn new(all: usize) -> Arc<Self> {
        let occupied = AtomicUsize::new(0);
        Arc::new(Self { all, occupied })
    }

    /// How many are left beside those that are occupied.
    pub(crate) fn spare(&self) -> usize {
        self.all.saturating_sub(self.occupied.load(Relaxed))
    }

    /// Occupies a core, whether or not one is spare.
    pub(crate) fn occupy(self: &Arc<Self>) -> Occupied {
        self.occupied.fetch_add(1, Relaxed);
        Occupied(Arc::clone(self))
    }
}

/// A core that a thread occupies until this is dropped.
#[derive(Debug)]
pub(crate) struct Occupied(Arc<Cores>);

impl Drop for Occupied {
    fn drop(&mut self) {
        self.0.occupied.fetch_sub(1, Relaxed);
    }
}
