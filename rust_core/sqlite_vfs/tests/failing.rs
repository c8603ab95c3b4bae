//! After a write or a sync has failed.
// A helper may unwrap like the test that calls it.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ee_sqlite_vfs::{
    Below, Code, File, Kind, Layer, OK, VFS_NAME, install, register_as_default, reserve,
};
use rusqlite::ffi::{SQLITE_FULL, SQLITE_IOERR_FSYNC};
use rusqlite::{Connection, OpenFlags};
use tempfile::tempdir;

/// Writes to a database, but not to its log, fail.
static FULL: AtomicBool = AtomicBool::new(false);
/// The next sync fails.
static NO_SYNC: AtomicBool = AtomicBool::new(false);
/// Writes and syncs that arrive.
static CALLS: AtomicU64 = AtomicU64::new(0);

struct Disk;

struct OnDisk(Kind);

impl Layer for Disk {
    fn open(&self, _path: &Path, kind: Kind) -> Result<Box<dyn File>, Code> {
        Ok(Box::new(OnDisk(kind)))
    }
}

impl File for OnDisk {
    fn write(&mut self, below: &mut Below<'_>, offset: u64, bytes: &[u8]) -> Code {
        CALLS.fetch_add(1, Ordering::Relaxed);
        if self.0 == Kind::Database && FULL.load(Ordering::Relaxed) {
            return SQLITE_FULL;
        }
        below.write(offset, bytes)
    }

    fn sync(&mut self, below: &mut Below<'_>, flags: i32) -> Code {
        CALLS.fetch_add(1, Ordering::Relaxed);
        if NO_SYNC.swap(false, Ordering::Relaxed) {
            return SQLITE_IOERR_FSYNC;
        }
        below.sync(flags)
    }
}

fn open(file: &Path) -> Connection {
    let flags = OpenFlags::default();
    let connection = Connection::open_with_flags_and_vfs(file, flags, VFS_NAME).unwrap();
    connection
        .execute_batch("PRAGMA synchronous = FULL")
        .unwrap();
    connection
}

fn made(file: &Path) -> Connection {
    let connection = open(file);
    reserve(&connection).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT);
             INSERT INTO t VALUES (1, 'old');
             CREATE TABLE other (id INTEGER PRIMARY KEY)",
        )
        .unwrap();
    connection
}

fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<(i64, i64)> {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    connection.query_row(&sql, [], |row| Ok((row.get(1)?, row.get(2)?)))
}

fn text(connection: &Connection) -> String {
    let first = connection.query_row("SELECT text FROM t WHERE id = 1", [], |row| row.get(0));
    first.unwrap()
}

fn code(error: &rusqlite::Error) -> Code {
    error.sqlite_error().unwrap().extended_code
}

/// One test, since the disk is that of the process.
#[test]
fn after_a_failed_write_nothing_is_written_and_all_data_is_read_back() {
    assert_eq!(register_as_default(c"disk", Box::new(Disk)), OK);
    install().unwrap();
    let directory = tempdir().unwrap();

    // A part of the WAL is checkpointed: SQLite takes its pages for written, but they are not.
    let file = directory.path().join("full.db");
    let (writer, held) = (made(&file), open(&file));
    checkpoint(&writer, "RESTART").unwrap();
    writer.execute_batch("UPDATE t SET text = 'new'").unwrap();
    held.execute_batch("BEGIN").unwrap();
    assert_eq!(text(&held), "new");
    writer
        .execute_batch("INSERT INTO other VALUES (2)")
        .unwrap();
    FULL.store(true, Ordering::Relaxed);
    let (written, copied) = checkpoint(&writer, "PASSIVE").unwrap();
    assert!(0 < copied && copied < written);
    assert_eq!(text(&open(&file)), "new");
    // Neither is anything else written, by anybody, and the cause is told.
    FULL.store(false, Ordering::Relaxed);
    let calls = CALLS.load(Ordering::Relaxed);
    for connection in [&writer, &open(&file)] {
        let error = connection
            .execute_batch("UPDATE t SET text = 'newest'")
            .unwrap_err();
        assert_eq!(code(&error), SQLITE_FULL);
    }
    drop(held);
    assert!(checkpoint(&writer, "RESTART").is_err());
    assert_eq!(CALLS.load(Ordering::Relaxed), calls);
    assert_eq!(text(&open(&file)), "new");

    // A sync by one connection, and another one that goes on.
    let file = directory.path().join("sync.db");
    let (writer, other) = (made(&file), open(&file));
    NO_SYNC.store(true, Ordering::Relaxed);
    let error = checkpoint(&other, "PASSIVE").unwrap_err();
    assert_eq!(code(&error), SQLITE_IOERR_FSYNC);
    let calls = CALLS.load(Ordering::Relaxed);
    let error = writer
        .execute_batch("UPDATE t SET text = 'new'")
        .unwrap_err();
    assert_eq!(code(&error), SQLITE_IOERR_FSYNC);
    assert_eq!(CALLS.load(Ordering::Relaxed), calls);
    assert_eq!(text(&other), "old");

    // Once nobody has it open, it is as the disk is.
    drop((writer, other));
    let again = open(&file);
    again.execute_batch("UPDATE t SET text = 'new'").unwrap();
    assert_eq!(text(&again), "new");
}
