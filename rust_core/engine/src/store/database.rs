//! Opening the database file.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::schema::{APPLICATION_ID, FORMAT, PAGE_SIZE, SCHEMA};
use super::{Head, StoreError, StoreResult};

/// First SQLite without the fault that could corrupt a WAL used by several connections.
const MIN_SQLITE: i32 = 3_051_003;

/// Pages of the log file after which SQLite copies it back: 64 MiB.
const WAL_PAGES: i32 = 4096;

/// Statements kept ready on a connection: more than there are.
const STATEMENTS: usize = 64;

/// Version of the bundled SQLite.
pub(crate) fn sqlite_version() -> &'static str {
    rusqlite::version()
}

/// Opens the connection that writes; creates the file and its tables where there are none.
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
    let mut connection = Connection::open(file)?;
    connection.pragma_update(None, "page_size", PAGE_SIZE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES)?;
    configure(&connection)?;

    let application: i32 = connection.pragma_query_value(None, "application_id", |r| r.get(0))?;
    let format: i32 = connection.pragma_query_value(None, "user_version", |r| r.get(0))?;
    match (application, format) {
        (APPLICATION_ID, FORMAT) => {}
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

/// Opens a connection that only reads.
pub(super) fn open_reader(file: &Path) -> StoreResult<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.pragma_update(None, "query_only", true)?;
    configure(&connection)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> StoreResult<()> {
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

fn create(connection: &mut Connection) -> StoreResult<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(SCHEMA)?;
    Head::first().save(&transaction)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    Ok(transaction.commit()?)
}
