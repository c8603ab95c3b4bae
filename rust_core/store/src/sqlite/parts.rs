//! Parts of composite items.

use ee_core::namespace::Part;
use rusqlite::{Connection, Params, Row};

use crate::StoreResult;
use crate::checksum::Checksum;
use crate::codec::check_extensions;

const COLUMNS: &str = "composite, item, weight, checksum, extensions";

/// The parts of an item, by the item that is the part.
pub(crate) fn of_composite(connection: &Connection, composite: i64) -> StoreResult<Vec<Part>> {
    read(connection, "composite = ?1 ORDER BY item", [composite])
}

/// What an item is a part of, by composite.
pub(crate) fn with_item(connection: &Connection, item: i64) -> StoreResult<Vec<Part>> {
    read(connection, "item = ?1 ORDER BY composite", [item])
}

/// How many parts an item has.
pub(super) fn part_count(connection: &Connection, composite: i64) -> StoreResult<usize> {
    count(connection, "composite = ?1", composite)
}

/// How many composites an item is a part of.
pub(super) fn composite_count(connection: &Connection, item: i64) -> StoreResult<usize> {
    count(connection, "item = ?1", item)
}

fn count(connection: &Connection, condition: &str, of: i64) -> StoreResult<usize> {
    let sql = format!("SELECT count(*) FROM parts WHERE {condition}");
    let mut statement = connection.prepare_cached(&sql)?;
    let count: i64 = statement.query_row([of], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Whether the index of what an item is a part of has a part.
pub(crate) fn is_indexed(connection: &Connection, part: &Part) -> StoreResult<bool> {
    let sql = "SELECT 1 FROM parts INDEXED BY parts_by_item WHERE item = ?1 AND composite = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.exists((part.item, part.composite))?)
}

/// Whether a directory has the table: an older one has not.
pub(super) fn has_table(connection: &Connection) -> StoreResult<bool> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE name = 'parts'";
    Ok(connection.prepare_cached(sql)?.exists([])?)
}

/// Stores a part.
pub(super) fn insert(connection: &Connection, part: &Part) -> StoreResult<()> {
    connection
        .prepare_cached("INSERT INTO parts VALUES (?1, ?2, ?3, ?4, NULL)")?
        .execute((
            part.composite,
            part.item,
            f64::from(part.weight),
            checksum(part).finish(),
        ))?;
    Ok(())
}

/// Deletes a part.
pub(super) fn delete(connection: &Connection, part: &Part) -> StoreResult<()> {
    connection
        .prepare_cached("DELETE FROM parts WHERE composite = ?1 AND item = ?2")?
        .execute((part.composite, part.item))?;
    Ok(())
}

fn read(
    connection: &Connection,
    condition: &str,
    parameters: impl Params,
) -> StoreResult<Vec<Part>> {
    let sql = format!("SELECT {COLUMNS} FROM parts WHERE {condition}");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(parameters, raw)?;
    rows.map(|row| {
        let (part, stored, extensions) = row?;
        let place = || format!("parts, composite {}, item {}", part.composite, part.item);
        let extensions = extensions.as_deref();
        checksum(&part).nullable(extensions).check(stored, place)?;
        if extensions.is_some() {
            check_extensions(extensions, "part", &place())?;
        }
        Ok(part)
    })
    .collect()
}

/// A row, not yet checked: the part, its checksum, and fields of newer versions.
fn raw(row: &Row<'_>) -> rusqlite::Result<(Part, i64, Option<Vec<u8>>)> {
    let weight: f64 = row.get(2)?;
    let part = Part {
        composite: row.get(0)?,
        item: row.get(1)?,
        weight: weight as f32,
    };
    Ok((part, row.get(3)?, row.get(4)?))
}

fn checksum(part: &Part) -> Checksum {
    let mut checksum = Checksum::new("parts");
    checksum
        .int(part.composite)
        .int(part.item)
        .bytes(&part.weight.to_le_bytes());
    checksum
}
