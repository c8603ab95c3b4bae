//! Purge: the rows of deleted namespaces are deleted step by step, between writes.

use rusqlite::{Connection, OptionalExtension};

use super::head::Head;
use super::namespaces::{namespace_by_id, save_namespace};
use super::trims;
use crate::{NamespaceRow, NamespaceState, StoreResult};

/// Rows deleted from a table in one step: a few milliseconds.
const STEP: i64 = 500;

/// Gives up restores that an earlier process has not finished.
pub(crate) fn abandon_restores(connection: &Connection) -> StoreResult<()> {
    let mut statement = connection.prepare_cached("SELECT id FROM namespaces WHERE state = 1")?;
    let ids = statement.query_map([], |row| row.get(0))?;
    for id in ids.collect::<rusqlite::Result<Vec<i64>>>()? {
        if let Some(row) = namespace_by_id(connection, id)? {
            let row = NamespaceRow {
                state: NamespaceState::Deleted,
                ..row
            };
            save_namespace(connection, &row)?;
        }
    }
    Ok(())
}

/// Deletes some rows of a deleted namespace. Returns false if there is nothing left to delete.
pub(crate) fn purge_step(connection: &Connection, head: &mut Head) -> StoreResult<bool> {
    let id: Option<i64> = connection
        .prepare_cached("SELECT id FROM namespaces WHERE state = 2 LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let Some(id) = id else {
        return Ok(false);
    };
    // Children before parents, through which they are found. True: what goes along with the next
    // step, by the same page of parents.
    let steps = [
        (
            "DELETE FROM members WHERE (category, sequence) IN
               (SELECT m.category, m.sequence FROM categories c JOIN members m
                ON m.category = c.id WHERE c.namespace = ?1 LIMIT ?2)",
            false,
        ),
        (
            "DELETE FROM new_members WHERE (category, sequence) IN
               (SELECT m.category, m.sequence FROM categories c JOIN new_members m
                ON m.category = c.id WHERE c.namespace = ?1 LIMIT ?2)",
            false,
        ),
        (
            "DELETE FROM inbox WHERE (namespace, key) IN
               (SELECT namespace, key FROM inbox WHERE namespace = ?1 LIMIT ?2)",
            false,
        ),
        (
            "DELETE FROM memberships WHERE item IN
               (SELECT id FROM items WHERE namespace = ?1 LIMIT ?2)",
            true,
        ),
        (
            "DELETE FROM dismissals WHERE item IN
               (SELECT id FROM items WHERE namespace = ?1 LIMIT ?2)",
            true,
        ),
        (
            "DELETE FROM parts WHERE composite IN
               (SELECT id FROM items WHERE namespace = ?1 LIMIT ?2)",
            true,
        ),
        (
            "DELETE FROM items WHERE id IN (SELECT id FROM items WHERE namespace = ?1 LIMIT ?2)",
            false,
        ),
        (
            "DELETE FROM sums WHERE category IN
               (SELECT id FROM categories WHERE namespace = ?1 LIMIT ?2)",
            true,
        ),
        (
            "DELETE FROM categories WHERE id IN
               (SELECT id FROM categories WHERE namespace = ?1 LIMIT ?2)",
            false,
        ),
        (
            "DELETE FROM idempotency_keys WHERE (namespace, request_id) IN
               (SELECT namespace, request_id FROM idempotency_keys WHERE namespace = ?1 LIMIT ?2)",
            false,
        ),
    ];
    for (step, along) in steps {
        let deleted = connection.prepare_cached(step)?.execute((id, STEP))?;
        if deleted > 0 && !along {
            return Ok(true);
        }
    }
    if purge_log(connection, head, id)? {
        return Ok(true);
    }
    trims::forget(connection, id)?;
    connection
        .prepare_cached("DELETE FROM namespaces WHERE id = ?1")?
        .execute([id])?;
    Ok(true)
}

/// Deletes some entries of a namespace's log. Returns false if there are none.
fn purge_log(connection: &Connection, head: &mut Head, namespace: i64) -> StoreResult<bool> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM log WHERE (namespace, revision) IN
           (SELECT namespace, revision FROM log WHERE namespace = ?1 LIMIT ?2)
         RETURNING length(entry)",
    )?;
    let sizes = statement.query_map((namespace, STEP), |row| row.get::<_, i64>(0))?;
    let (mut entries, mut bytes) = (0, 0);
    for size in sizes {
        entries += 1;
        bytes += size?.cast_unsigned();
    }
    head.entries_deleted(entries, bytes);
    Ok(entries > 0)
}
