//! Copying the write-ahead log back into the database file.

use std::time::Duration;

use rusqlite::Connection;

use super::StoreResult;

/// How far the write-ahead log has been copied back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogFrames {
    /// Somebody who reads was in the way.
    pub(crate) busy: bool,
    /// Pages in the write-ahead log.
    pub(crate) written: i64,
    /// Those of them that are in the database file.
    pub(crate) copied: i64,
}

impl LogFrames {
    /// Whether the database file has everything.
    pub(crate) fn complete(self) -> bool {
        !self.busy && self.written == self.copied
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

/// Empties the write-ahead log, which was copied back, if nobody reads from it.
pub(crate) fn empty_log(connection: &Connection) -> StoreResult<()> {
    connection.busy_timeout(Duration::ZERO)?;
    run(connection, "PRAGMA wal_checkpoint(TRUNCATE)").map(drop)
}

fn run(connection: &Connection, sql: &str) -> StoreResult<LogFrames> {
    Ok(connection.prepare_cached(sql)?.query_row([], |row| {
        Ok(LogFrames {
            busy: row.get::<_, i64>(0)? != 0,
            written: row.get(1)?,
            copied: row.get(2)?,
        })
    })?)
}
