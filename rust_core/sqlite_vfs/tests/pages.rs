//! Pages are what was written, where it was written, or they are not read.
// A helper may unwrap like the test that calls it.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use ee_sqlite_vfs::{VFS_NAME, install, reserve, take_damage, wal_frames};
use rusqlite::ffi::SQLITE_IOERR_DATA;
use rusqlite::{Connection, OpenFlags};
use tempfile::tempdir;

const PAGE_SIZE: usize = 16_384;

fn open(file: &Path) -> Connection {
    install().unwrap();
    let flags = OpenFlags::default();
    Connection::open_with_flags_and_vfs(file, flags, VFS_NAME).unwrap()
}

/// A database with rows that are shorter and longer than a page.
fn filled(directory: &Path) -> PathBuf {
    let file = directory.join("a.db");
    let connection = open(&file);
    reserve(&connection).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA page_size = {PAGE_SIZE}; PRAGMA journal_mode = WAL;
             CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT);
             CREATE INDEX by_text ON t (text);
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
             INSERT INTO t SELECT i, printf('%.*c', i * 997, 'x') FROM n;"
        ))
        .unwrap();
    file
}

fn read(file: &Path) -> rusqlite::Result<i64> {
    let connection = open(file);
    let sum = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    // The table, and the index by itself.
    sum("SELECT sum(length(text)) FROM t NOT INDEXED")?;
    sum("SELECT sum(length(text)) FROM t INDEXED BY by_text WHERE text > ''")
}

fn assert_damaged(file: &Path, said: &str) {
    let error = read(file).unwrap_err();
    let code = error.sqlite_error().map(|error| error.extended_code);
    assert_eq!(code, Some(SQLITE_IOERR_DATA), "{said}: {error}");
    let damage = take_damage().unwrap();
    assert!(damage.starts_with("page "), "{said}: {damage}");
    assert_eq!(take_damage(), None);
}

#[test]
fn rows_longer_than_a_page_are_read_back() {
    let directory = tempdir().unwrap();
    let file = filled(directory.path());
    assert_eq!(read(&file), Ok(997 * 60 * 61 / 2));
}

#[test]
fn a_partly_checkpointed_wal_is_read_by_other_connections() {
    let directory = tempdir().unwrap();
    let file = filled(directory.path());
    let (writer, held) = (open(&file), open(&file));
    let checkpoint = |mode: &str| {
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        let counts = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(1)?, row.get(2)?));
        writer.query_row(&sql, [], counts).unwrap()
    };
    checkpoint("RESTART");
    writer.execute_batch("UPDATE t SET text = 'new'").unwrap();
    let count = |connection: &Connection| {
        let sql = "SELECT count(*) FROM t NOT INDEXED WHERE text = 'new'";
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    // A reader holds this view, so that later frames are not checkpointed.
    held.execute_batch("BEGIN").unwrap();
    assert_eq!(count(&held), 60);
    writer
        .execute_batch("INSERT INTO t VALUES (61, 'new')")
        .unwrap();
    let (written, copied): (i64, i64) = checkpoint("PASSIVE");
    assert!(0 < copied && copied < written, "{copied} of {written}");
    assert_eq!(count(&open(&file)), 61);
    assert_eq!(count(&held), 60);
}

#[test]
fn a_flipped_bit_in_any_page_is_found_and_the_page_named() {
    let directory = tempdir().unwrap();
    let file = filled(directory.path());
    let intact = fs::read(&file).unwrap();
    let mut in_use = 0;
    for page in 0..intact.len() / PAGE_SIZE {
        let mut damaged = intact.clone();
        // In the first page past what SQLite reads of a header before it knows the page size.
        damaged[page * PAGE_SIZE + 700 + 13 * page] ^= 0x10;
        fs::write(&file, damaged).unwrap();
        // A page that is free is not read.
        if read(&file).is_err() {
            in_use += 1;
            assert_damaged(&file, &format!("page {page}"));
        }
    }
    assert!(in_use > 100);
}

#[test]
fn a_page_in_the_place_of_another_is_found() {
    let directory = tempdir().unwrap();
    let file = filled(directory.path());
    let mut swapped = fs::read(&file).unwrap();
    let (first, second) = swapped.split_at_mut(10 * PAGE_SIZE);
    first[9 * PAGE_SIZE..].swap_with_slice(&mut second[..PAGE_SIZE]);
    fs::write(&file, swapped).unwrap();
    assert_damaged(&file, "swapped");
}

#[test]
fn a_file_that_was_cut_off_is_found() {
    let directory = tempdir().unwrap();
    let file = filled(directory.path());
    let intact = fs::read(&file).unwrap();
    fs::write(&file, &intact[..intact.len() - PAGE_SIZE / 2]).unwrap();
    assert!(read(&file).is_err());
}

#[test]
fn a_flipped_bit_in_the_log_of_an_open_database_is_found() {
    let directory = tempdir().unwrap();
    let file = filled(directory.path());
    let writer = open(&file);
    writer
        .execute_batch("PRAGMA wal_autocheckpoint = 0; UPDATE t SET text = text || 'y'")
        .unwrap();
    let log = directory.path().join("a.db-wal");
    let length = fs::metadata(&log).unwrap().len();
    let log = fs::File::options()
        .read(true)
        .write(true)
        .open(log)
        .unwrap();
    let frame = (24 + PAGE_SIZE) as u64;
    let mut found = 0;
    for at in (32 + 24 + 900..length).step_by(frame as usize) {
        let flip = || {
            let mut byte = [0];
            log.read_exact_at(&mut byte, at).unwrap();
            log.write_all_at(&[byte[0] ^ 4], at).unwrap();
        };
        flip();
        // A later frame may have the page anew.
        if read(&file).is_err() {
            found += 1;
            assert!(take_damage().unwrap().contains("write-ahead log"));
        }
        flip();
    }
    assert!(found > 100, "{found}");
    assert_eq!(read(&file), Ok(997 * 60 * 61 / 2 + 60));
}

#[test]
fn a_transaction_longer_than_what_is_written_at_once_is_read_by_others_and_again_later() {
    for page_size in [512, 4096, 16_384, 65_536] {
        let directory = tempdir().unwrap();
        let file = directory.path().join("a.db");
        let (writer, sum) = (open(&file), "SELECT sum(length(text)) FROM t");
        reserve(&writer).unwrap();
        writer
            .execute_batch(&format!(
                "PRAGMA page_size = {page_size}; PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = FULL; PRAGMA cache_size = 4;
                 CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT);"
            ))
            .unwrap();
        // The cache is too small for the transaction: SQLite writes, and reads again, what is not
        // committed yet.
        for round in 1..=3 {
            let insert = "BEGIN;
                 WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
                 INSERT INTO t (text) SELECT printf('%.*c', i * 7, 'x') FROM n;
                 UPDATE t SET text = text || 'y' WHERE id % 3 = 0;
                 COMMIT;";
            writer.execute_batch(insert).unwrap();
            let length = |connection: &Connection| -> i64 {
                connection.query_row(sum, [], |row| row.get(0)).unwrap()
            };
            assert_eq!(
                length(&writer),
                length(&open(&file)),
                "{page_size}, {round}"
            );
            assert!(length(&writer) >= round * 7 * 400 * 401 / 2);
        }
        writer.execute_batch("PRAGMA integrity_check").unwrap();
    }
}

#[test]
fn a_log_that_is_longer_than_its_frames_ends_with_the_last_commit() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("a.db");
    let writer = open(&file);
    reserve(&writer).unwrap();
    writer
        .execute_batch(
            "PRAGMA page_size = 512; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE t (id INTEGER PRIMARY KEY);",
        )
        .unwrap();
    let log = directory.path().join("a.db-wal");
    let mut lengths = Vec::new();
    for commits in 1..=300 {
        writer
            .execute_batch("INSERT INTO t DEFAULT VALUES")
            .unwrap();
        let length = fs::metadata(&log).unwrap().len();
        if lengths.last() != Some(&length) {
            lengths.push(length);
        }
        if commits % 50 > 0 {
            continue;
        }
        // As a crash leaves the files, and with the next commit cut off.
        for cut in [0, 1] {
            let copied = tempdir().unwrap();
            let copy = copied.path().join("a.db");
            fs::copy(&file, &copy).unwrap();
            let mut frames = fs::read(&log).unwrap();
            let last = frames.iter().rposition(|byte| *byte != 0).unwrap();
            frames[last] ^= cut;
            fs::write(copied.path().join("a.db-wal"), frames).unwrap();
            let count: i64 = open(&copy)
                .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
                .unwrap();
            assert_eq!(count, commits - i64::from(cut));
        }
    }
    assert!(lengths.len() < 6, "{lengths:?}");
}

#[test]
fn a_look_at_the_log_while_another_connection_commits_is_no_error() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("a.db");
    let writer = open(&file);
    reserve(&writer).unwrap();
    writer
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE t (id INTEGER PRIMARY KEY);",
        )
        .unwrap();
    let (done, other) = (AtomicBool::new(false), open(&file));
    other.execute_batch("SELECT * FROM t").unwrap();
    std::thread::scope(|scope| {
        let done = &done;
        scope.spawn(move || {
            for _ in 0..1000 {
                let insert = "INSERT OR REPLACE INTO t VALUES (1)";
                writer.execute_batch(insert).unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
        let mut failed = None;
        while failed.is_none() && !done.load(Ordering::Relaxed) {
            failed = wal_frames(&other).err();
        }
        assert_eq!(failed, None);
    });
}
