//! The memory of copies: of reviews, reads of the past, and changes that are not made, together.
//!
//! Each copies a namespace's categories and may take long, so a few of them could take all memory. One that
//! has no room is refused at once, since waiting would hold a worker.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::{Error, Result};

/// The most bytes that all copies in use take together.
pub const CONCURRENT_COPIED_BYTES: u64 = 512 << 20;

/// The bytes that copies may take, and those that they take.
#[derive(Clone, Debug)]
pub(crate) struct CopyBudget {
    limit: u64,
    taken: Arc<Mutex<u64>>,
}

/// The bytes of one copy, until it is dropped.
#[derive(Debug)]
pub(crate) struct CopiedBytes {
    budget: CopyBudget,
    bytes: u64,
}

impl CopyBudget {
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            limit,
            taken: Arc::default(),
        }
    }

    /// Takes the bytes of a copy that is about to be made.
    pub(crate) fn take(&self, bytes: u64) -> Result<CopiedBytes> {
        let mut copied = CopiedBytes {
            budget: self.clone(),
            bytes: 0,
        };
        copied.grow_to(bytes)?;
        Ok(copied)
    }

    /// The bytes that copies take now.
    pub(crate) fn taken(&self) -> u64 {
        *self.taken.lock()
    }
}

impl CopiedBytes {
    /// The bytes of the copy.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The copy has so many bytes now, if those are more.
    pub(crate) fn grow_to(&mut self, bytes: u64) -> Result<()> {
        let limit = self.budget.limit;
        if bytes > limit {
            return Err(Error::PastTooFar {
                limit,
                what: "bytes of items have changed",
            });
        }
        let more = bytes.saturating_sub(self.bytes);
        let mut taken = self.budget.taken.lock();
        if *taken + more > limit {
            return Err(Error::TooManyCopies { limit });
        }
        *taken += more;
        self.bytes += more;
        Ok(())
    }
}

impl Drop for CopiedBytes {
    fn drop(&mut self) {
        *self.budget.taken.lock() -= self.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_share_the_bytes_and_give_them_back() {
        let budget = CopyBudget::new(100);
        let mut first = budget.take(60).unwrap();
        let full = Error::TooManyCopies { limit: 100 };
        assert_eq!(budget.take(41).unwrap_err().to_string(), full.to_string());
        let second = budget.take(40).unwrap();
        assert!(first.grow_to(61).is_err());
        drop(second);
        first.grow_to(100).unwrap();
        first.grow_to(50).unwrap();
        assert_eq!(budget.taken(), 100);
        assert!(matches!(first.grow_to(101), Err(Error::PastTooFar { .. })));
        drop(first);
        assert_eq!(budget.taken(), 0);
    }
}
