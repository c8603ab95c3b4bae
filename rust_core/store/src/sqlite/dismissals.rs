//! Dismissals: the items that, as somebody has said, do not belong to a category.

use ee_core::namespace::{Dismissal, Origin};
use rusqlite::{Connection, Params, Row};

use crate::StoreResult;
use crate::checksum::Checksum;
use crate::codec::check_extensions;

const COLUMNS: &str = "item, category, time, actor, reason, checksum, extensions";

/// The dismissals of an item, by category.
pub(crate) fn of_item(connection: &Connection, item: i64) -> StoreResult<Vec<Dismissal>> {
    read(connection, "item = ?1 ORDER BY category", [item])
}

/// Up to `limit` dismissals of a category with items after one, by item.
pub(crate) fn of_category(
    connection: &Connection,
    category: i64,
    after: i64,
    limit: usize,
) -> StoreResult<Vec<Dismissal>> {
    read(
        connection,
        "category = ?1 AND item > ?2 ORDER BY item LIMIT ?3",
        (category, after, limit as i64),
    )
}

/// Whether a directory has the table: an older one has not.
pub(super) fn has_table(connection: &Connection) -> StoreResult<bool> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE name = 'dismissals'";
    Ok(connection.prepare_cached(sql)?.exists([])?)
}

/// Stores a dismissal.
pub(super) fn insert(connection: &Connection, dismissal: &Dismissal) -> StoreResult<()> {
    let Dismissal {
        item,
        category,
        origin,
    } = dismissal;
    connection
        .prepare_cached("INSERT INTO dismissals VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL)")?
        .execute((
            item,
            category,
            origin.time_ms,
            &origin.actor,
            &origin.reason,
            checksum(dismissal).finish(),
        ))?;
    Ok(())
}

/// Deletes a dismissal.
pub(super) fn delete(connection: &Connection, dismissal: &Dismissal) -> StoreResult<()> {
    connection
        .prepare_cached("DELETE FROM dismissals WHERE item = ?1 AND category = ?2")?
        .execute((dismissal.item, dismissal.category))?;
    Ok(())
}

fn read(
    connection: &Connection,
    condition: &str,
    parameters: impl Params,
) -> StoreResult<Vec<Dismissal>> {
    let sql = format!("SELECT {COLUMNS} FROM dismissals WHERE {condition}");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(parameters, raw)?;
    rows.map(|row| {
        let (dismissal, stored, extensions) = row?;
        let place = || {
            format!(
                "dismissals, item {}, category {}",
                dismissal.item, dismissal.category
            )
        };
        let extensions = extensions.as_deref();
        checksum(&dismissal)
            .nullable(extensions)
            .check(stored, place)?;
        if extensions.is_some() {
            check_extensions(extensions, "dismissal", &place())?;
        }
        Ok(dismissal)
    })
    .collect()
}

/// A row, not yet checked: the dismissal, its checksum, and fields of newer versions.
fn raw(row: &Row<'_>) -> rusqlite::Result<(Dismissal, i64, Option<Vec<u8>>)> {
    let dismissal = Dismissal {
        item: row.get(0)?,
        category: row.get(1)?,
        origin: Origin {
            time_ms: row.get(2)?,
            actor: row.get(3)?,
            reason: row.get(4)?,
        },
    };
    Ok((dismissal, row.get(5)?, row.get(6)?))
}

fn checksum(dismissal: &Dismissal) -> Checksum {
    let mut checksum = Checksum::new("dismissals");
    checksum
        .int(dismissal.item)
        .int(dismissal.category)
        .int(dismissal.origin.time_ms)
        .bytes(dismissal.origin.actor.as_bytes())
        .bytes(dismissal.origin.reason.as_bytes());
    checksum
}
