//! Counters of the rows that searches have read.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts rows of searches that read sketches first; a row counts once for each query.
#[derive(Debug, Default)]
pub struct Tally {
    sketched: AtomicU64,
    survivors: AtomicU64,
}

impl Tally {
    /// Rows whose sketches were scored.
    pub fn sketched(&self) -> u64 {
        self.sketched.load(Relaxed)
    }

    /// Rows that the sketches could not rule out.
    pub fn survivors(&self) -> u64 {
        self.survivors.load(Relaxed)
    }

    pub(super) fn add(&self, sketched: usize, survivors: usize) {
        self.sketched.fetch_add(sketched as u64, Relaxed);
        self.survivors.fetch_add(survivors as u64, Relaxed);
    }
}
