//! Free pages become holes in the file, and the database stays what it was.
// A helper may unwrap like the test that calls it.
#![allow(clippy::unwrap_used)]

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use ee_sqlite_vfs::{
    VFS_NAME, check_pages, disk_bytes, empty_pages, install, punch, renew_checksums, reserve,
};
use rusqlite::{Connection, OpenFlags};
use tempfile::tempdir;

const PAGE: usize = 4096;

fn open(file: &Path) -> Connection {
    install().unwrap();
    let flags = OpenFlags::default();
    let connection = Connection::open_with_flags_and_vfs(file, flags, VFS_NAME).unwrap();
    reserve(&connection).unwrap();
    connection
}

fn count(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// A database of which most rows were deleted, and its file.
fn mostly_free(directory: &Path) -> (Connection, File) {
    let file = directory.join("a.db");
    let connection = open(&file);
    connection
        .execute_batch(
            "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL;
             CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT);
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
             INSERT INTO t SELECT i, printf('%.*c', 3000, 'x') FROM n;
             DELETE FROM t WHERE id % 50 > 0;
             PRAGMA wal_checkpoint(TRUNCATE);",
        )
        .unwrap();
    let opened = OpenOptions::new().read(true).write(true).open(&file);
    (connection, opened.unwrap())
}

#[test]
fn free_pages_become_holes_and_are_used_again() {
    let directory = tempdir().unwrap();
    let (connection, file) = mostly_free(directory.path());
    let free = count(&connection, "PRAGMA freelist_count");
    let mut pages = empty_pages(&file, PAGE).unwrap();
    // All but the few that hold the list itself.
    assert!((1..=8).contains(&(free - pages.len() as i64)), "{free}");
    pages.sort_unstable();
    pages.dedup();
    assert!(pages.len() > 2000, "{}", pages.len());
    let before = disk_bytes(&file).unwrap();
    for page in pages {
        punch(&file, PAGE, page..page + 1).unwrap();
    }
    let length = file.metadata().unwrap().len();
    let after = disk_bytes(&file).unwrap();
    assert!(after * 10 < before, "{before} bytes before, {after} after");
    check_pages(&file, PAGE, |damage| panic!("{damage}")).unwrap();
    // The same for a connection that has read nothing yet.
    let other = open(&directory.path().join("a.db"));
    for (connection, rows) in [(connection, 60), (other, 960)] {
        assert_eq!(count(&connection, "SELECT count(*) FROM t"), rows);
        let check = "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'";
        assert_eq!(count(&connection, check), 0);
        connection
            .execute_batch(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
                 INSERT INTO t (text) SELECT printf('%.*c', 3000, 'y') FROM n;
                 PRAGMA wal_checkpoint(TRUNCATE)",
            )
            .unwrap();
        assert_eq!(count(&connection, check), 0);
        assert_eq!(file.metadata().unwrap().len(), length);
        check_pages(&file, PAGE, |damage| panic!("{damage}")).unwrap();
    }
}

#[test]
fn a_list_of_free_pages_that_cannot_be_one_is_damage() {
    let directory = tempdir().unwrap();
    let (connection, file) = mostly_free(directory.path());
    drop(connection);
    let path = directory.path().join("a.db");
    let mut first = [0; 4];
    file.read_exact_at(&mut first, 32).unwrap();
    let list = (u64::from(u32::from_be_bytes(first)) - 1) * PAGE as u64;
    for (offset, number, said) in [
        // The next page of the list is the first one.
        (list, u32::from_be_bytes(first), "is not one of free pages"),
        (list + 4, 5000, "is not one of free pages"),
        (list + 8, 0, "has page 0 as free"),
        (list + 8, 1_000_000, "has page 1000000 as free"),
    ] {
        let mut before = [0; 4];
        file.read_exact_at(&mut before, offset).unwrap();
        file.write_all_at(&number.to_be_bytes(), offset).unwrap();
        let error = empty_pages(&file, PAGE).unwrap_err().to_string();
        assert!(error.contains("checksum"), "{error}");
        renew_checksums(&path, PAGE).unwrap();
        let error = empty_pages(&file, PAGE).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        file.write_all_at(&before, offset).unwrap();
        renew_checksums(&path, PAGE).unwrap();
    }
    empty_pages(&file, PAGE).unwrap();
}
