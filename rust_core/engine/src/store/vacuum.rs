//! A copy of the whole database as of one moment.

use std::path::Path;

use rusqlite::Connection;

use super::database::open_reader;
use super::{StoreError, StoreResult};

/// Writes a copy of the database, log included, into a new file: what has been committed when it
/// begins. Others may write meanwhile, also other processes; their log cannot begin anew until it
/// is done. The pages of the copy have checksums of their own. It is not synced.
pub(crate) fn copy_database(file: &Path, to: &Path) -> StoreResult<()> {
    let connection: Connection = open_reader(file)?;
    // It writes to the copy alone.
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
