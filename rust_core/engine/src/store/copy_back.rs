//! Copying the write-ahead log back into the database file.

use std::time::Duration;

use rusqlite::Connection;

use super::StoreResult;

/// Longer than any read but those of whole namespaces, which nobody waits for.
const READERS_PATIENCE: Duration = Duration::from_millis(20);

/// How far the write-ahead log has been copied back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogFrames {
    /// Pages in the write-ahead log; below 0: not known.
    pub(crate) written: i64,
    /// Those of them that are in the database file.
    pub(crate) copied: i64,
}

impl LogFrames {
    /// Whether the database file has everything.
    pub(crate) fn complete(self) -> bool {
        self.written >= 0 && self.written == self.copied
    }
}

/// How much there is to copy.
pub(crate) fn log_frames(connection: &Connection) -> StoreResult<LogFrames> {
    run(connection, "PRAGMA wal_checkpoint(NOOP)")
}

/// Copies what can be copied without waiting for anybody.
pub(crate) fn copy_back(connection: &Connection) -> StoreResult<LogFrames> {
    run(connection, "PRAGMA wal_checkpoint(PASSIVE)")
}

/// Copies the rest, and waits a moment for those who still read from the write-ahead log: then the
/// next write begins it anew. Who begins to read after the copying does not need the log, and is
/// not waited for.
///
/// Without waiting, the log of a store that somebody always reads from would grow for ever.
pub(crate) fn leave_log(connection: &Connection) -> StoreResult<LogFrames> {
    connection.busy_timeout(READERS_PATIENCE)?;
    run(connection, "PRAGMA wal_checkpoint(RESTART)")
}

/// Empties the write-ahead log, which was copied back, if nobody reads from it.
pub(crate) fn empty_log(connection: &Connection) -> StoreResult<()> {
    connection.busy_timeout(Duration::ZERO)?;
    run(connection, "PRAGMA wal_checkpoint(TRUNCATE)").map(drop)
}

fn run(connection: &Connection, sql: &str) -> StoreResult<LogFrames> {
    Ok(connection.prepare_cached(sql)?.query_row([], |row| {
        Ok(LogFrames {
            written: row.get(1)?,
            copied: row.get(2)?,
        })
    })?)
}
