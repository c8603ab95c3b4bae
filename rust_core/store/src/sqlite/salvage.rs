//! Reading the readable part of a damaged data directory: row by row, and keys from both ends.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ee_core::namespace::{CategoryRecord, Dismissal, Item, Membership, Part};
use rusqlite::{Connection, OptionalExtension};

use super::database::open_writer;
use super::directory::Directory;
use super::head::Head;
use super::integrity::check_integrity;
use super::lock::Lock;
use super::lookup::{self, ITEM, RawCategory, RawItem};
use super::schema::PAGE_SIZE;
use super::{dismissals, namespaces, parts};
use crate::{NamespaceRow, StoreError, StoreResult};

/// A damaged data directory, locked so that no process opens it meanwhile. It is only read.
pub struct Damaged {
    directory: PathBuf,
    _locks: Vec<Lock>,
}

impl Damaged {
    /// Locks a directory.
    pub fn lock(directory: &Path) -> StoreResult<Self> {
        Ok(Self {
            _locks: Directory::lock_for_reading(directory)?,
            directory: directory.to_owned(),
        })
    }

    /// Copies the files into `copies`, a directory to create, and opens the copy.
    pub fn salvage(&self, copies: &Path) -> StoreResult<Salvage> {
        let opened = copy_files(&self.directory, copies).and_then(|()| {
            match self.checkpointed_by_others(copies) {
                Some(connection) => Ok(connection),
                None => fresh_copy(&self.directory, copies)
                    .and_then(|()| open_writer(&copies.join("effemb.db"))),
            }
        });
        let acknowledged = Directory::peek(&self.directory).unwrap_or_default();
        Ok(Salvage {
            connection: opened.inspect_err(|_| remove(copies))?,
            copies: copies.to_owned(),
            acknowledged: acknowledged.acknowledged,
        })
    }
}

impl Damaged {
    /// Opens the copy of a database that another SQLite has checkpointed, as the `sqlite3` tool does
    /// after a crash: it knows no checksums of pages, and leaves no WAL. They are made anew in the
    /// copy, if SQLite itself finds the tables and indexes whole; rows are verified one by one by
    /// checksums of their own. `None`: the checksums hold, or something is damaged indeed.
    fn checkpointed_by_others(&self, copies: &Path) -> Option<Connection> {
        let wal = fs::metadata(self.directory.join("effemb.db-wal"));
        if wal.is_ok_and(|wal| wal.len() > 0) {
            return None;
        }
        let copy = copies.join("effemb.db");
        let renewed = ee_sqlite_vfs::renew_checksums(&copy, PAGE_SIZE as usize).ok()?;
        if renewed == 0 {
            return None;
        }
        let connection = open_writer(&copy).ok()?;
        check_integrity(&connection)
            .ok()?
            .is_empty()
            .then_some(connection)
    }
}

/// A copy of a damaged database, whose rows are read one by one. Dropping it deletes the copy.
pub struct Salvage {
    connection: Connection,
    copies: PathBuf,
    acknowledged: u64,
}

impl Salvage {
    /// Entries that were acknowledged, as far as the watermark file can be read.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Entries that the database has.
    pub fn sequence(&self) -> StoreResult<u64> {
        Ok(Head::load(&self.connection)?.sequence)
    }

    /// One more than the largest identifier that was given out, as far as that can be told.
    pub fn end_of_ids(&self) -> i64 {
        let head = Head::load(&self.connection).map_or(1, |head| head.next_id);
        let newest = ["namespaces", "categories", "items"].map(|table| {
            let sql = format!("SELECT max(id) + 1 FROM {table}");
            let newest = self
                .connection
                .query_row(&sql, [], |row| row.get::<_, Option<i64>>(0));
            newest.ok().flatten().unwrap_or(1)
        });
        newest.into_iter().fold(head, i64::max)
    }

    /// The namespace with an identifier, in any state.
    pub fn namespace(&self, id: i64) -> StoreResult<Option<NamespaceRow>> {
        namespaces::namespace_by_id(&self.connection, id)
    }

    /// The category with an identifier, and the identifier of its namespace.
    pub fn category(&self, id: i64) -> StoreResult<Option<(i64, CategoryRecord)>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, namespace, key, record, checksum FROM categories WHERE id = ?1",
        )?;
        let raw = statement.query_row([id], RawCategory::read).optional()?;
        raw.map(|raw| Ok((raw.namespace, raw.check()?))).transpose()
    }

    /// The item with an identifier, and the identifier of its namespace.
    pub fn item(&self, id: i64) -> StoreResult<Option<(i64, Item)>> {
        let sql = format!("SELECT {ITEM} FROM items WHERE id = ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let raw = statement.query_row([id], RawItem::read).optional()?;
        raw.map(|raw| Ok((raw.namespace, raw.check()?))).transpose()
    }

    /// The memberships of an item.
    pub fn memberships(&self, item: i64) -> StoreResult<Vec<Membership>> {
        lookup::memberships_of(&self.connection, item)
    }

    /// The dismissals of an item.
    pub fn dismissals(&self, item: i64) -> StoreResult<Vec<Dismissal>> {
        if dismissals::has_table(&self.connection)? {
            dismissals::of_item(&self.connection, item)
        } else {
            Ok(Vec::new())
        }
    }

    /// The parts of an item.
    pub fn parts(&self, composite: i64) -> StoreResult<Vec<Part>> {
        if parts::has_table(&self.connection)? {
            parts::of_composite(&self.connection, composite)
        } else {
            Ok(Vec::new())
        }
    }

    /// Identifiers and names of the active namespaces, as far as their index can be read.
    pub fn namespace_names(&self) -> BTreeMap<i64, String> {
        from_both_ends(
            &self.connection,
            "SELECT id, name FROM namespaces WHERE state = 0 ORDER BY name",
        )
    }

    /// Identifiers and keys of a namespace's categories, as far as their index can be read.
    pub fn category_keys(&self, namespace: i64) -> BTreeMap<i64, String> {
        let from = "categories INDEXED BY categories_by_key";
        keys(&self.connection, from, namespace)
    }

    /// Identifiers and keys of a namespace's items, as far as their index can be read.
    pub fn item_keys(&self, namespace: i64) -> BTreeMap<i64, String> {
        keys(&self.connection, "items INDEXED BY items_by_key", namespace)
    }
}

impl Drop for Salvage {
    fn drop(&mut self) {
        remove(&self.copies);
    }
}

fn remove(copies: &Path) {
    let _ = fs::remove_dir_all(copies);
}

fn fresh_copy(from: &Path, to: &Path) -> StoreResult<()> {
    remove(to);
    copy_files(from, to)
}

fn copy_files(from: &Path, to: &Path) -> StoreResult<()> {
    let failed = |error: std::io::Error| {
        StoreError::failed(format!("cannot copy {}: {error}", from.display()))
    };
    fs::create_dir_all(to).map_err(failed)?;
    for file in ["effemb.db", "effemb.db-wal"] {
        if from.join(file).exists() {
            fs::copy(from.join(file), to.join(file)).map_err(failed)?;
        }
    }
    if fs::metadata(to.join("effemb.db")).map_or(0, |metadata| metadata.len()) == 0 {
        return Err(StoreError::corrupted(
            "the database file",
            "is missing or empty: nothing can be recovered",
        ));
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::Sqlite;

    #[test]
    fn pages_that_another_sqlite_has_checkpointed_are_salvaged() {
        let temporary = tempfile::tempdir().unwrap();
        let data = temporary.path().join("data");
        drop(Sqlite::open(&data).unwrap());
        assert!(fs::metadata(data.join("effemb.db-wal")).unwrap().len() > 0);
        let other = Connection::open(data.join("effemb.db")).unwrap();
        let tables: i64 = other
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .unwrap();
        drop(other);
        assert!(tables > 0 && !data.join("effemb.db-wal").exists());
        let before = fs::read(data.join("effemb.db")).unwrap();
        assert!(Sqlite::open(&data).is_err());

        let damaged = Damaged::lock(&data).unwrap();
        let salvage = damaged.salvage(&temporary.path().join("copies")).unwrap();
        assert_eq!(salvage.sequence().unwrap(), 0);
        assert_eq!(fs::read(data.join("effemb.db")).unwrap(), before);
    }
}
