//! A copy of the whole database as of one moment.

use std::path::Path;

use rusqlite::Connection;

use super::database::open_reader;
use crate::{StoreError, StoreResult};

/// Writes a copy of the database, WAL included, into a new file: the committed state when the copy
/// began. This and other processes may write meanwhile; the WAL cannot restart until the copy ends.
/// The pages of the copy get checksums of their own. The copy is not synced.
pub(crate) fn copy_database(file: &Path, to: &Path) -> StoreResult<()> {
    let connection: Connection = open_reader(file)?;
    // Only the copy is written to.
    connection.pragma_update(None, "query_only", false)?;
    let to = to.to_str().ok_or_else(|| {
        StoreError::corrupted(
            "the backup's name",
            format!("{} is not UTF-8", to.display()),
        )
    })?;
    connection.execute("VACUUM INTO ?1", [to])?;
    Ok(())
}
