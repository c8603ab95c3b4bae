//! Trimming: the oldest entries of a namespace's log are deleted.

use rusqlite::{Connection, OptionalExtension};

use crate::checksum::Checksum;
use crate::{HistoryStart, StoreResult, TrimStep, Trimmed};

/// Where the history of a namespace begins.
pub(crate) fn history_start(connection: &Connection, namespace: i64) -> StoreResult<HistoryStart> {
    let mut statement = connection
        .prepare_cached("SELECT first_revision, bytes, checksum FROM trims WHERE namespace = ?1")?;
    let row = statement.query_row([namespace], |row| {
        let start = HistoryStart {
            first_revision: row.get::<_, i64>(0)?.cast_unsigned(),
            trimmed_bytes: row.get::<_, i64>(1)?.cast_unsigned(),
        };
        Ok((start, row.get::<_, i64>(2)?))
    });
    let Some((start, stored)) = row.optional()? else {
        return Ok(HistoryStart::WHOLE);
    };
    checksum(namespace, start).check(stored, || format!("trims, namespace {namespace}"))?;
    Ok(start)
}

/// Deletes the oldest entries of a namespace, as the step allows.
pub(super) fn trim(
    connection: &Connection,
    namespace: i64,
    step: TrimStep,
) -> StoreResult<Trimmed> {
    let start = history_start(connection, namespace)?;
    let trimmed = step.count(start, |first, last, each| {
        entry_sizes(connection, namespace, first, last, each)
    })?;
    if trimmed.entries == 0 {
        return Ok(trimmed);
    }
    connection
        .prepare_cached("DELETE FROM log WHERE namespace = ?1 AND revision < ?2")?
        .execute((namespace, trimmed.start.first_revision.cast_signed()))?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO trims VALUES (?1, ?2, ?3, ?4)")?
        .execute((
            namespace,
            trimmed.start.first_revision.cast_signed(),
            trimmed.start.trimmed_bytes.cast_signed(),
            checksum(namespace, trimmed.start).finish(),
        ))?;
    Ok(trimmed)
}

/// Calls `each` with the bytes of each entry of a range, the oldest first, until it returns false. Long
/// entries are not read: SQLite has their lengths.
pub(crate) fn entry_sizes(
    connection: &Connection,
    namespace: i64,
    first: u64,
    last: u64,
    each: &mut dyn FnMut(u64) -> bool,
) -> StoreResult<()> {
    let mut statement = connection.prepare_cached(
        "SELECT length(entry) FROM log WHERE namespace = ?1 AND revision BETWEEN ?2 AND ?3
         ORDER BY revision",
    )?;
    let bound = |revision| i64::try_from(revision).unwrap_or(i64::MAX);
    let mut rows = statement.query((namespace, bound(first), bound(last)))?;
    while let Some(row) = rows.next()? {
        if !each(row.get::<_, i64>(0)?.cast_unsigned()) {
            break;
        }
    }
    Ok(())
}

/// Forgets what was trimmed from the log of a namespace that is purged.
pub(super) fn forget(connection: &Connection, namespace: i64) -> StoreResult<()> {
    connection
        .prepare_cached("DELETE FROM trims WHERE namespace = ?1")?
        .execute([namespace])?;
    Ok(())
}

fn checksum(namespace: i64, start: HistoryStart) -> Checksum {
    let mut checksum = Checksum::new("trims");
    checksum
        .int(namespace)
        .int(start.first_revision.cast_signed())
        .int(start.trimmed_bytes.cast_signed());
    checksum
}
