//! Reading what can be read where some pages cannot: row by row, and keys from both ends.

use std::collections::BTreeMap;

use ee_core::namespace::{CategoryRecord, Item};
use rusqlite::{Connection, OptionalExtension};

use super::lookup::{ITEM, RawCategory, RawItem};
use super::{Head, StoreResult};

/// The category with an identifier, and its namespace's.
pub(crate) fn category_row(
    connection: &Connection,
    id: i64,
) -> StoreResult<Option<(i64, CategoryRecord)>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, namespace, key, record, checksum FROM categories WHERE id = ?1",
    )?;
    let raw = statement.query_row([id], RawCategory::read).optional()?;
    raw.map(|raw| Ok((raw.namespace, raw.check()?))).transpose()
}

/// The item with an identifier, and its namespace's.
pub(crate) fn item_row(connection: &Connection, id: i64) -> StoreResult<Option<(i64, Item)>> {
    let sql = format!("SELECT {ITEM} FROM items WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let raw = statement.query_row([id], RawItem::read).optional()?;
    raw.map(|raw| Ok((raw.namespace, raw.check()?))).transpose()
}

/// Identifiers and names of the active namespaces, as far as their index can be read.
pub(crate) fn namespace_names(connection: &Connection) -> BTreeMap<i64, String> {
    from_both_ends(
        connection,
        "SELECT id, name FROM namespaces WHERE state = 0 ORDER BY name",
    )
}

/// Identifiers and keys of a namespace's categories, as far as their index can be read.
pub(crate) fn category_keys(connection: &Connection, namespace: i64) -> BTreeMap<i64, String> {
    let from = "categories INDEXED BY categories_by_key";
    keys(connection, from, namespace)
}

/// Identifiers and keys of a namespace's items, as far as their index can be read.
pub(crate) fn item_keys(connection: &Connection, namespace: i64) -> BTreeMap<i64, String> {
    keys(connection, "items INDEXED BY items_by_key", namespace)
}

fn keys(connection: &Connection, from: &str, namespace: i64) -> BTreeMap<i64, String> {
    let sql = format!("SELECT id, key FROM {from} WHERE namespace = {namespace} ORDER BY key");
    from_both_ends(connection, &sql)
}

/// The rows of a listing up to the first place that cannot be read, and back from its end.
fn from_both_ends(connection: &Connection, ascending: &str) -> BTreeMap<i64, String> {
    let mut found = BTreeMap::new();
    for end in ["", " DESC"] {
        if until_the_end(connection, &format!("{ascending}{end}"), &mut found).is_ok() {
            break;
        }
    }
    found
}

fn until_the_end(
    connection: &Connection,
    sql: &str,
    found: &mut BTreeMap<i64, String>,
) -> StoreResult<()> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        found.insert(row.get(0)?, row.get(1)?);
    }
    Ok(())
}

/// One more than the largest identifier that was given out, as far as that can be told.
pub(crate) fn end_of_ids(connection: &Connection) -> i64 {
    let head = Head::load(connection).map_or(1, |head| head.next_id);
    let newest = ["namespaces", "categories", "items"].map(|table| {
        let sql = format!("SELECT max(id) + 1 FROM {table}");
        let newest = connection.query_row(&sql, [], |row| row.get::<_, Option<i64>>(0));
        newest.ok().flatten().unwrap_or(1)
    });
    newest.into_iter().fold(head, i64::max)
}
