//! The table of sums: the sum and statistics of each category at a revision.

use ee_core::namespace::CategoryDraft;
use rusqlite::{Connection, OptionalExtension};

use crate::StoreResult;
use crate::checksum::Checksum;
use crate::codec::{StoredStats, decode, encode, sum_from_bytes, sum_to_bytes};

/// Writes the sum and statistics of a category at a revision.
pub(crate) fn save_sum(
    connection: &Connection,
    namespace: i64,
    revision: u64,
    draft: &CategoryDraft,
) -> StoreResult<()> {
    let category = draft.category.id;
    let stats = encode(&StoredStats::of(draft));
    let sum = sum_to_bytes(&draft.sum);
    let revision = revision.cast_signed();
    let checksum = checksum(category, namespace, revision, &stats, &sum);
    connection
        .prepare_cached("INSERT OR REPLACE INTO sums VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute((category, namespace, revision, stats, sum, checksum.finish()))?;
    Ok(())
}

/// A written sum: its revision, the sum and its statistics.
pub(crate) type StoredSum = (u64, StoredStats, Vec<i64>);

/// The last written sum of a category.
pub(crate) fn load_sum(connection: &Connection, category: i64) -> StoreResult<Option<StoredSum>> {
    let mut statement = connection.prepare_cached(
        "SELECT namespace, revision, stats, sum, checksum FROM sums WHERE category = ?1",
    )?;
    let row = statement
        .query_row([category], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, Vec<u8>>(2)?,
                row.get::<_, Vec<u8>>(3)?,
                row.get::<_, i64>(4)?,
            ))
        })
        .optional()?;
    let Some((namespace, revision, stats, sum, stored)) = row else {
        return Ok(None);
    };
    let place = || format!("sums, row {category}");
    checksum(category, namespace, revision, &stats, &sum).check(stored, place)?;
    Ok(Some((
        revision.cast_unsigned(),
        decode(&stats, &place())?,
        sum_from_bytes(&sum),
    )))
}

fn checksum(category: i64, namespace: i64, revision: i64, stats: &[u8], sum: &[u8]) -> Checksum {
    let mut checksum = Checksum::new("sums");
    checksum
        .int(category)
        .int(namespace)
        .int(revision)
        .bytes(stats)
        .bytes(sum);
    checksum
}
