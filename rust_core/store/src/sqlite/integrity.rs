//! SQLite's own integrity check.

use rusqlite::Connection;

use crate::StoreResult;

/// Bytes of a page: a directory keeps the size that it was made with.
pub(crate) fn page_size(connection: &Connection) -> StoreResult<usize> {
    let size: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    Ok(size as usize)
}

/// Reads all pages, and compares indexes with tables; returns the damage found.
pub(crate) fn check_integrity(connection: &Connection) -> StoreResult<Vec<String>> {
    let mut statement = connection.prepare("PRAGMA integrity_check")?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut findings = lines.collect::<rusqlite::Result<Vec<_>>>()?;
    findings.retain(|line| line != "ok");
    if let Some(damage) = ee_sqlite_vfs::take_damage() {
        findings.insert(0, damage);
    }
    Ok(findings)
}

/// Items in a namespace's inbox.
pub(crate) fn inbox_count(connection: &Connection, namespace: i64) -> StoreResult<u64> {
    let mut statement =
        connection.prepare_cached("SELECT count(*) FROM inbox WHERE namespace = ?1")?;
    let count: i64 = statement.query_row([namespace], |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

/// Whether an item is in the inbox under its key.
pub(crate) fn in_inbox(
    connection: &Connection,
    namespace: i64,
    key: &str,
    item: i64,
) -> StoreResult<bool> {
    let mut statement = connection
        .prepare_cached("SELECT 1 FROM inbox WHERE namespace = ?1 AND key = ?2 AND item = ?3")?;
    Ok(statement.exists((namespace, key, item))?)
}
