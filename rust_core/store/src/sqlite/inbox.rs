//! The table of items in no category.

use rusqlite::Connection;

use crate::StoreResult;

/// Puts an item into the inbox.
pub(super) fn enter_inbox(
    connection: &Connection,
    namespace: i64,
    key: &str,
    item: i64,
) -> StoreResult<()> {
    connection
        .prepare_cached("INSERT INTO inbox VALUES (?1, ?2, ?3)")?
        .execute((namespace, key, item))?;
    Ok(())
}

/// Takes an item out of the inbox.
pub(super) fn leave_inbox(connection: &Connection, namespace: i64, key: &str) -> StoreResult<()> {
    connection
        .prepare_cached("DELETE FROM inbox WHERE namespace = ?1 AND key = ?2")?
        .execute((namespace, key))?;
    Ok(())
}
