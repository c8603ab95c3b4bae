//! The ids of calls.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Makes ids that do not reveal the number of calls.
#[derive(Debug)]
pub(crate) struct Ids {
    key: [u8; 32],
    count: AtomicU64,
}

impl Ids {
    /// Ids that a random seed determines.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            key: *blake3::hash(&seed.to_le_bytes()).as_bytes(),
            count: AtomicU64::new(0),
        }
    }

    /// The next id: 16 hexadecimal digits.
    pub(crate) fn next(&self) -> String {
        format!("{:016x}", self.random())
    }

    /// The next number of the same sequence.
    pub(crate) fn random(&self) -> u64 {
        let count = self.count.fetch_add(1, Relaxed).to_le_bytes();
        let hash = blake3::keyed_hash(&self.key, &count);
        hash.as_bytes()
            .first_chunk()
            .map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}
