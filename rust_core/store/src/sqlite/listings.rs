//! Pages of items, and categories as a load needs them.

use ee_core::command::CategoryLoad;
use ee_core::namespace::Item;
use rusqlite::{Connection, Params};

use super::lookup::{FIRST, ITEM, RawItem, category_records};
use super::members::{in_both_parts, nth_newest_member};
use super::sums::load_sum;
use crate::StoreResult;
use crate::codec::StoredStats;

/// Categories read at a time: a load holds so many of them twice.
const SCAN: usize = 32;

/// Items of a namespace by key, after one.
pub(crate) fn items_page(
    connection: &Connection,
    namespace: i64,
    after: &str,
    limit: usize,
) -> StoreResult<Vec<Item>> {
    items(
        connection,
        &format!(
            "SELECT {ITEM} FROM items WHERE namespace = ?1 AND key > ?2 ORDER BY key LIMIT ?3"
        ),
        (namespace, after, limit as i64),
    )
}

/// Items in no category, by key, after one.
pub(crate) fn inbox_page(
    connection: &Connection,
    namespace: i64,
    after: &str,
    limit: usize,
) -> StoreResult<Vec<Item>> {
    let columns = ITEM.replace("id, namespace, key", "id, items.namespace, items.key");
    items(
        connection,
        &format!(
            "SELECT {columns} FROM inbox JOIN items ON items.id = inbox.item
             WHERE inbox.namespace = ?1 AND inbox.key > ?2 ORDER BY inbox.key LIMIT ?3"
        ),
        (namespace, after, limit as i64),
    )
}

/// Members of a category, the newest first, before a place in the order of assignment.
pub(crate) fn members_page(
    connection: &Connection,
    category: i64,
    before: Option<u64>,
    limit: usize,
) -> StoreResult<Vec<Item>> {
    let before = before.map_or(i64::MAX, u64::cast_signed);
    let places = in_both_parts(
        "SELECT sequence, item",
        "category = ?1 AND sequence < ?2",
        "ORDER BY sequence DESC LIMIT ?3",
    );
    items(
        connection,
        &format!(
            "SELECT {ITEM} FROM ({places}) JOIN items ON items.id = item ORDER BY sequence DESC"
        ),
        (category, before, limit as i64),
    )
}

fn items(connection: &Connection, sql: &str, parameters: impl Params) -> StoreResult<Vec<Item>> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(parameters, RawItem::read)?;
    rows.map(|row| row?.check()).collect()
}

/// Visits each category of a namespace with its last written sum.
pub(crate) fn stored_categories(
    connection: &Connection,
    namespace: i64,
    mut take: impl FnMut(CategoryLoad),
) -> StoreResult<()> {
    let mut after = FIRST.to_owned();
    loop {
        let page = category_records(connection, namespace, &after, SCAN)?;
        let full = page.len() == SCAN;
        for (id, record) in page {
            after = record.key.to_string();
            let (revision, stored, sum) = match load_sum(connection, id)? {
                Some((revision, stored, sum)) => (revision, stored, Some(sum)),
                None => (0, StoredStats::default(), None),
            };
            let window = u64::from(record.settings.window);
            let oldest = match window {
                0 => None,
                window => nth_newest_member(connection, id, record.anchor, u64::MAX, window - 1)?,
            };
            take(CategoryLoad {
                id,
                counting_from: oldest.map_or(record.anchor + 1, |(sequence, _)| sequence),
                record,
                sum: sum.map(|sum| (stored.stats, sum)),
                unit_correction: stored.unit_correction,
                actors: stored.actors,
                revision,
            });
        }
        if !full {
            return Ok(());
        }
    }
}
