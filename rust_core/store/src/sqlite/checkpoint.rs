//! Checkpoints: the WAL is copied into the database file.

use std::time::Duration;

use rusqlite::Connection;

use super::database::failed;
use crate::StoreResult;

/// Longest wait for readers of the WAL: longer than any read but those of whole namespaces, which
/// a checkpoint does not wait for.
const READER_WAIT: Duration = Duration::from_millis(20);

/// How far the WAL has been checkpointed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WalFrames {
    /// Pages in the WAL; below 0: not known.
    pub(crate) written: i64,
    /// Pages of the WAL that are in the database file.
    pub(crate) checkpointed: i64,
}

impl WalFrames {
    /// Whether the database file has every page.
    pub(crate) fn complete(self) -> bool {
        self.written >= 0 && self.written == self.checkpointed
    }
}

/// How much there is to checkpoint.
pub(crate) fn wal_frames(connection: &Connection) -> StoreResult<WalFrames> {
    let (written, checkpointed) = ee_sqlite_vfs::wal_frames(connection).map_err(failed)?;
    Ok(WalFrames {
        written: written.into(),
        checkpointed: checkpointed.into(),
    })
}

/// Checkpoints the frames that can be copied without a wait.
pub(crate) fn checkpoint_passive(connection: &Connection) -> StoreResult<WalFrames> {
    run(connection, "PRAGMA wal_checkpoint(PASSIVE)")
}

/// Checkpoints the rest, and waits a moment for readers of the WAL: the next write then restarts the
/// WAL. A read that begins after the checkpoint does not need the WAL, and is not waited for.
///
/// Without the wait, the WAL of a store under constant reads would grow without bound.
pub(crate) fn checkpoint_restart(connection: &Connection) -> StoreResult<WalFrames> {
    connection.busy_timeout(READER_WAIT)?;
    run(connection, "PRAGMA wal_checkpoint(RESTART)")
}

/// Empties the WAL, which was checkpointed, unless a reader uses it.
pub(crate) fn checkpoint_truncate(connection: &Connection) -> StoreResult<()> {
    connection.busy_timeout(Duration::ZERO)?;
    run(connection, "PRAGMA wal_checkpoint(TRUNCATE)").map(drop)
}

fn run(connection: &Connection, sql: &str) -> StoreResult<WalFrames> {
    Ok(connection.prepare_cached(sql)?.query_row([], |row| {
        Ok(WalFrames {
            written: row.get(1)?,
            checkpointed: row.get(2)?,
        })
    })?)
}
