//! Opening the database file.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use ee_sqlite_vfs::VFS_NAME;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::head::Head;
use super::schema::{APPLICATION_ID, FORMAT, LATER_TABLES, PAGE_SIZE, SCHEMA};
use crate::{StoreError, StoreResult};

/// First SQLite without the defect that could corrupt a WAL used by several connections.
const MIN_SQLITE: i32 = 3_051_003;

/// Prepared statements kept on a connection: more than the store has.
const STATEMENTS: usize = 64;

/// Page cache of the writer. Writes to items of any age in a large namespace need it.
const WRITER_CACHE_KIB: i64 = 16 * 1024;

/// The part of it that an idle writer keeps, the pages used last: the next write needs most of these.
const IDLE_CACHE_KIB: i64 = 1024;

/// Page cache of each reader. There are as many readers as calls that read at the same time (see
/// `views`), and the operating system caches the file once for all of them.
const READER_CACHE_KIB: i64 = 1024;

/// Opens the connection that writes; creates the file and its tables if the file is new.
pub(crate) fn open_writer(file: &Path) -> StoreResult<Connection> {
    if rusqlite::version_number() < MIN_SQLITE {
        return Err(StoreError::corrupted(
            "SQLite library",
            format!(
                "version {} can corrupt a write-ahead log, at least 3.51.3 is needed",
                rusqlite::version()
            ),
        ));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = open(file, flags)?;
    reserve_checksums(&connection)?;
    connection.pragma_update(None, "page_size", PAGE_SIZE)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::corrupted(
            "database file",
            format!("has journal mode {mode}, this file system may not do WAL"),
        ));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    // SQLite swallows the errors of its automatic checkpoints, and then syncs again: the writer
    // checkpoints instead, and stops at the first error.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    configure(&connection, WRITER_CACHE_KIB)?;

    let application: i32 = connection.pragma_query_value(None, "application_id", |r| r.get(0))?;
    let format: i32 = connection.pragma_query_value(None, "user_version", |r| r.get(0))?;
    match (application, format) {
        (APPLICATION_ID, FORMAT) => connection.execute_batch(LATER_TABLES)?,
        (0, 0) => create(&mut connection)?,
        (APPLICATION_ID, other) => {
            return Err(StoreError::corrupted(
                "database file",
                format!("has format {other}, this version reads format {FORMAT}"),
            ));
        }
        _ => {
            return Err(StoreError::corrupted(
                "database file",
                "is not a database of this service",
            ));
        }
    }
    Ok(connection)
}

/// Frees all pages of the writer's cache but those used last. Called outside of a transaction.
pub(super) fn release_cache(connection: &Connection) -> StoreResult<()> {
    // A smaller size drops pages at once, those used longest ago first.
    connection.pragma_update(None, "cache_size", -IDLE_CACHE_KIB)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    Ok(())
}

/// Bytes of a page of the database.
pub(crate) fn page_size(connection: &Connection) -> StoreResult<i64> {
    Ok(connection.pragma_query_value(None, "page_size", |row| row.get(0))?)
}

/// Opens a connection that only reads.
pub(super) fn open_reader(file: &Path) -> StoreResult<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(file, flags)?;
    connection.pragma_update(None, "query_only", true)?;
    configure(&connection, READER_CACHE_KIB)?;
    Ok(connection)
}

/// Opens a connection that checkpoints, and does nothing else.
pub(crate) fn open_checkpointer(file: &Path) -> StoreResult<Connection> {
    let connection = open_reader(file)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// The sequence of the database file by itself, without its WAL: the one of the last complete
/// checkpoint. `None` if it cannot be read, as after a checkpoint that was cut off.
pub(crate) fn checkpointed_sequence(file: &Path) -> Option<u64> {
    let mut uri = String::from("file:");
    for byte in file.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte));
            }
            other => uri.push_str(&format!("%{other:02x}")),
        }
    }
    // Immutable: SQLite does not look at the WAL.
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(Path::new(&uri), flags).ok()?;
    Some(Head::load(&connection).ok()?.sequence)
}

fn open(file: &Path, flags: OpenFlags) -> StoreResult<Connection> {
    ee_sqlite_vfs::install().map_err(failed)?;
    let connection = Connection::open_with_flags_and_vfs(file, flags, VFS_NAME)?;
    // SQLite's checkpoint at the close of the last connection would sync once more, also after a
    // failed sync; the writer checkpoints instead, where errors are seen.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // Without this SQLite compiles a statement with a bound LIMIT or range anew each time it is used, in
    // case that the values suggest another plan. Every statement here has one good plan.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

fn reserve_checksums(connection: &Connection) -> StoreResult<()> {
    Ok(ee_sqlite_vfs::reserve(connection).map_err(failed)?)
}

/// The error of a code.
pub(super) fn failed(code: ee_sqlite_vfs::Code) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None)
}

fn configure(connection: &Connection, cache_kib: i64) -> StoreResult<()> {
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

fn create(connection: &mut Connection) -> StoreResult<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(SCHEMA)?;
    transaction.execute_batch(LATER_TABLES)?;
    Head::first().save(&transaction)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use ee_sqlite_vfs::cached_bytes;

    use super::*;

    #[test]
    fn an_idle_writer_kept_all_pages_of_a_bulk_load_in_memory() {
        let directory = tempfile::tempdir().unwrap();
        let writer = open_writer(&directory.path().join("effemb.db")).unwrap();
        let fill = "CREATE TABLE filler (bytes BLOB);
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
            INSERT INTO filler SELECT zeroblob(2500) FROM n";
        writer.execute_batch(fill).unwrap();
        let kept = IDLE_CACHE_KIB as usize * 1024 * 5 / 4;
        assert!(cached_bytes(&writer).unwrap() > 4 * kept);
        release_cache(&writer).unwrap();
        let idle = cached_bytes(&writer).unwrap();
        assert!((kept / 2..=kept).contains(&idle), "{idle} bytes");
        // The next writes have the whole cache again.
        let sum = "SELECT sum(length(bytes)) FROM filler";
        let _: i64 = writer.query_row(sum, [], |row| row.get(0)).unwrap();
        assert!(cached_bytes(&writer).unwrap() > 4 * kept);
    }
}
