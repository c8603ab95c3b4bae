//! The start of a history, and the steps in which it moves on.

use crate::StoreResult;

/// Where the history of a namespace begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryStart {
    /// The first revision whose entry is kept.
    pub first_revision: u64,
    /// Bytes of the entries before it, which were trimmed.
    pub trimmed_bytes: u64,
}

impl HistoryStart {
    /// Of a history from which nothing was trimmed.
    pub const WHOLE: Self = Self {
        first_revision: 1,
        trimmed_bytes: 0,
    };
}

/// A step of trimming: it ends at the first of its bounds.
#[derive(Clone, Copy, Debug)]
pub struct TrimStep {
    /// The first revision to keep.
    pub first_revision: u64,
    /// Largest number of entries.
    pub entries: u64,
    /// Bytes of entries after which the step ends.
    pub bytes: u64,
}

/// What a step has trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trimmed {
    /// Entries that were deleted.
    pub entries: u64,
    /// Bytes of these entries.
    pub bytes: u64,
    /// Where the history begins now.
    pub start: HistoryStart,
}

impl Trimmed {
    /// Nothing, from a history that begins at `start`.
    pub fn nothing(start: HistoryStart) -> Self {
        Self {
            entries: 0,
            bytes: 0,
            start,
        }
    }
}

impl TrimStep {
    /// What the step trims from a history that begins at `start`. `sizes` calls its third argument with
    /// the bytes of each entry from its first argument to its second one, in order, as long as that
    /// returns true.
    pub fn count(
        &self,
        start: HistoryStart,
        sizes: impl FnOnce(u64, u64, &mut dyn FnMut(u64) -> bool) -> StoreResult<()>,
    ) -> StoreResult<Trimmed> {
        let mut trimmed = Trimmed::nothing(start);
        if self.first_revision > start.first_revision && self.entries > 0 {
            let last = self.first_revision - 1;
            sizes(start.first_revision, last, &mut |bytes| {
                trimmed.entries += 1;
                trimmed.bytes += bytes;
                trimmed.entries < self.entries && trimmed.bytes < self.bytes
            })?;
        }
        trimmed.start.first_revision += trimmed.entries;
        trimmed.start.trimmed_bytes += trimmed.bytes;
        Ok(trimmed)
    }
}
