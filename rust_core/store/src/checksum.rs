//! A checksum for each row, over all of its columns and the table's name, which neither a damaged row
//! nor one that was swapped for another passes.

use xxhash_rust::xxh3::Xxh3;

use crate::{StoreError, StoreResult};

/// The checksum of a row, column by column. XXH3, 64 bits.
pub(crate) struct Checksum(Xxh3);

impl Checksum {
    pub(crate) fn new(table: &str) -> Self {
        let mut checksum = Self(Xxh3::new());
        checksum.bytes(table.as_bytes());
        checksum
    }

    pub(crate) fn int(&mut self, column: i64) -> &mut Self {
        self.0.update(&column.to_le_bytes());
        self
    }

    pub(crate) fn bytes(&mut self, column: &[u8]) -> &mut Self {
        self.0.update(&(column.len() as u64).to_le_bytes());
        self.0.update(column);
        self
    }

    /// A nullable column; NULL adds nothing, so that rows without it keep their checksum.
    pub(crate) fn nullable(&mut self, column: Option<&[u8]>) -> &mut Self {
        if let Some(column) = column {
            self.bytes(column);
        }
        self
    }

    pub(crate) fn finish(&self) -> i64 {
        self.0.digest().cast_signed()
    }

    /// Refuses a row whose stored checksum differs.
    pub(crate) fn check(&self, stored: i64, place: impl FnOnce() -> String) -> StoreResult<()> {
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
