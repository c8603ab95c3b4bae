//! A checksum for each row, over all of its columns and the table's name: a row that was damaged,
//! or swapped for another one, does not pass.

use xxhash_rust::xxh3::Xxh3;

use super::{StoreError, StoreResult};

/// A checksum in the making. XXH3, 64 bits.
pub(super) struct Checksum(Xxh3);

impl Checksum {
    pub(super) fn new(table: &str) -> Self {
        let mut checksum = Self(Xxh3::new());
        checksum.bytes(table.as_bytes());
        checksum
    }

    pub(super) fn int(&mut self, column: i64) -> &mut Self {
        self.0.update(&column.to_le_bytes());
        self
    }

    pub(super) fn bytes(&mut self, column: &[u8]) -> &mut Self {
        self.0.update(&(column.len() as u64).to_le_bytes());
        self.0.update(column);
        self
    }

    pub(super) fn finish(&self) -> i64 {
        self.0.digest().cast_signed()
    }

    /// Refuses a row whose stored checksum is another one.
    pub(super) fn check(&self, stored: i64, place: impl FnOnce() -> String) -> StoreResult<()> {
        if self.finish() == stored {
            Ok(())
        } else {
            Err(StoreError::corrupted(
                place(),
                "the row's checksum does not match",
            ))
        }
    }
}
