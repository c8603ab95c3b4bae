//! One test for each fault that was found, named for it.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ee_core::command::{Command, ItemPut};
use ee_core::settings::MembershipMode;
use ee_engine::failpoints::set_wal_pages;
use ee_engine::{Engine, Error, Frame, ItemFilter, Options, SnapshotView, WriteContext, backup};
use rusqlite::{Connection, OpenFlags};

use crate::common::*;
use crate::model::copy;

/// Closes and opens with an older database, but the current watermarks.
fn with_old_database(directory: &Path, old: &Path) -> Result<Engine, Error> {
    let watermark = fs::read(directory.join("watermark")).unwrap();
    for file in ["effemb.db", "effemb.db-wal"] {
        fs::copy(old.join(file), directory.join(file)).unwrap();
    }
    fs::write(directory.join("watermark"), watermark).unwrap();
    Engine::open(directory, Options::default())
}

#[test]
fn the_loss_of_a_created_namespace_is_seen() {
    let (directory, old) = (tempdir().unwrap(), tempdir().unwrap());
    let engine = open(directory.path());
    create(&engine, "a");
    crash_copy(directory.path(), old.path());
    create(&engine, "b");
    drop(engine);
    let opened = with_old_database(directory.path(), old.path());
    assert!(matches!(opened.err(), Some(Error::Corrupted { .. })));
}

#[test]
fn the_loss_of_a_deletion_is_seen() {
    let (directory, old) = (tempdir().unwrap(), tempdir().unwrap());
    let engine = open(directory.path());
    create(&engine, "a");
    crash_copy(directory.path(), old.path());
    engine
        .delete_namespace("a", false, WriteContext::default())
        .unwrap();
    drop(engine);
    let opened = with_old_database(directory.path(), old.path());
    assert!(matches!(opened.err(), Some(Error::Corrupted { .. })));
}

#[test]
fn a_lost_database_file_is_not_replaced_by_an_empty_one() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "a");
    let crashed = tempdir().unwrap();
    crash_copy(directory.path(), crashed.path());
    let database = crashed.path().join("effemb.db");
    let log = fs::read(crashed.path().join("effemb.db-wal")).unwrap();
    for lost in ["missing", "empty"] {
        match lost {
            "missing" => fs::remove_file(&database).unwrap(),
            _ => fs::write(&database, b"").unwrap(),
        }
        let opened = Engine::open(crashed.path(), Options::default());
        assert!(
            matches!(opened.err(), Some(Error::Corrupted { .. })),
            "{lost}"
        );
        let kept = fs::read(crashed.path().join("effemb.db-wal")).unwrap();
        assert_eq!(kept, log, "{lost}");
    }
}

#[test]
fn members_that_come_after_a_restore_stand_behind_the_anchor() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 1);
    for item in 0..4 {
        assign(&engine, "n", item, 0);
    }
    let (key, keep_last) = ("c0".into(), 0);
    write(&engine, "n", Command::Reanchor { key, keep_last }).unwrap();
    // The member that the anchor stands on leaves.
    unassign(&engine, "n", 3, true);
    copy(&engine, "n", "copy").unwrap();
    assert_eq!(view(&engine, "copy").digest, view(&engine, "n").digest);
    for name in ["n", "copy"] {
        assign(&engine, name, 9, 0);
    }
    let counting = |name: &str| {
        let read = engine.category(
            &engine.handle(name).unwrap(),
            "c0",
            false,
            Default::default(),
        );
        read.unwrap().value.counting_count
    };
    assert_eq!((counting("n"), counting("copy")), (1, 1));
    assert_eq!(view(&engine, "copy").digest, view(&engine, "n").digest);
    assert_verified(&engine, "copy");
}

#[test]
fn a_snapshot_with_an_anchor_out_of_range_is_refused() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 1);
    let snapshot = engine.snapshot(
        &engine.handle("n").unwrap(),
        SnapshotView::Full,
        Default::default(),
    );
    let frames: Vec<Frame> = snapshot.unwrap().map(Result::unwrap).collect();
    let new = new_namespace("copy", MembershipMode::Single);
    let mut restore = engine.restore(new, WriteContext::default()).unwrap();
    let Frame::Records(mut records) = frames[1].clone() else {
        panic!("categories come first");
    };
    records[0].anchor = u64::MAX;
    assert!(matches!(
        restore.push(Frame::Records(records)),
        Err(Error::InvalidSnapshot { .. })
    ));
}

#[test]
fn a_snapshot_whose_sequences_leave_no_room_is_refused() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 1);
    assign(&engine, "n", 1, 0);
    let namespace = engine.handle("n").unwrap();
    let snapshot = engine.snapshot(&namespace, SnapshotView::Full, Default::default());
    let frames: Vec<Frame> = snapshot.unwrap().map(Result::unwrap).collect();
    let restore = |name: &str, sequence: u64| {
        let new = new_namespace(name, MembershipMode::Single);
        let mut restore = engine.restore(new, WriteContext::default())?;
        let (last, rest) = frames.split_last().unwrap();
        for frame in &rest[1..] {
            let mut frame = frame.clone();
            if let Frame::Items(items) = &mut frame {
                items[0].memberships[0].sequence = sequence;
            }
            restore.push(frame)?;
        }
        restore.finish(last.clone())
    };
    for sequence in [
        0,
        (1 << 62) + 1,
        (1 << 63) - 2,
        (1 << 63) - 1,
        1 << 63,
        u64::MAX,
    ] {
        assert!(matches!(
            restore("refused", sequence),
            Err(Error::InvalidSnapshot { .. })
        ));
    }
    // The largest one leaves room: members that join are counted and listed.
    restore("copy", 1 << 62).unwrap();
    for item in 2..6 {
        assign(&engine, "copy", item, 0);
    }
    assert_verified(&engine, "copy");
    assert_eq!(view(&engine, "copy").items, 5);
}

#[test]
fn the_log_begins_anew_although_somebody_always_reads() {
    set_wal_pages(12);
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 1);
    for item in 0..100 {
        assign(&engine, "n", item, 0);
    }
    let over = AtomicBool::new(false);
    let log = directory.path().join("effemb.db-wal");
    let largest = std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let all = ItemFilter::All { after: None };
                    let namespace = engine.handle("n").unwrap();
                    engine
                        .items(&namespace, all, 300, true, Default::default())
                        .unwrap();
                }
            });
        }
        let sizes = (0..150).map(|number| {
            assign(&engine, "n", 1_000 + number, 0);
            fs::metadata(&log).unwrap().len()
        });
        let largest = sizes.max();
        over.store(true, Ordering::Relaxed);
        largest.unwrap()
    });
    // It is tried again every few pages, and succeeds before long.
    assert!(largest < 2_000_000, "{largest} bytes");
}

/// Runs SQL behind the engine's back, with valid checksums of pages.
fn meddle(directory: &Path, sql: &str) {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let database = directory.join("effemb.db");
    let connection =
        Connection::open_with_flags_and_vfs(database, flags, ee_sqlite_vfs::VFS_NAME).unwrap();
    assert!(connection.execute(sql, []).unwrap() > 0);
}

#[test]
fn a_snapshot_of_a_store_that_lacks_an_item_does_not_end_well() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 1);
    for item in 0..3 {
        assign(&engine, "n", item, 0);
    }
    drop(engine);
    meddle(directory.path(), "DELETE FROM items WHERE key = 'i1'");
    let engine = open(directory.path());
    let snapshot = engine.snapshot(
        &engine.handle("n").unwrap(),
        SnapshotView::Full,
        Default::default(),
    );
    let last = snapshot.unwrap().last().unwrap();
    assert!(matches!(last, Err(Error::Corrupted { .. })));
    assert_ne!(
        engine
            .verify(&engine.handle("n").unwrap())
            .unwrap()
            .value
            .findings,
        [""; 0]
    );
}

/// Damage that the checksums of pages do not show, to one of three namespaces.
#[test]
fn a_damaged_namespace_does_not_stop_the_backup_of_the_others() {
    for (damage, loads) in [
        (
            "UPDATE items SET weight = 7 WHERE key = 'i1' AND namespace = 2",
            true,
        ),
        ("DELETE FROM items WHERE key = 'i1' AND namespace = 2", true),
        ("DELETE FROM log WHERE namespace = 2", true),
        (
            "UPDATE categories SET checksum = 1 WHERE namespace = 2",
            false,
        ),
        ("UPDATE namespaces SET checksum = 1 WHERE id = 2", false),
        ("UPDATE namespaces SET header = x'ff' WHERE id = 2", false),
    ] {
        let directory = tempdir().unwrap();
        let engine = open(directory.path());
        // Identifiers are given in order: the one to damage is found by its name.
        for name in ["a", "b", "c"] {
            create(&engine, name);
            categories(&engine, name, 1);
            for item in 0..3 {
                assign(&engine, name, item, 0);
            }
        }
        let digests = ["a", "c"].map(|name| view(&engine, name).digest);
        drop(engine);
        let second = "(SELECT id FROM namespaces WHERE name = 'b')";
        let damage = damage
            .replace("namespace = 2", &format!("namespace = {second}"))
            .replace("id = 2", "name = 'b'");
        meddle(directory.path(), &damage);

        let to = tempdir().unwrap();
        let to = to.path().join("backup");
        let saved = backup(directory.path(), &to).unwrap();
        let findings: Vec<_> = saved.iter().map(|each| each.findings.len()).collect();
        assert_eq!(findings, [0, findings[1].max(1), 0], "{damage}: {saved:?}");
        assert_eq!(saved[1].name, "b");
        assert_eq!(saved[1].view.is_some(), loads, "{damage}");
        let copy = open(&to);
        for (name, digest) in ["a", "c"].into_iter().zip(digests) {
            assert_eq!(view(&copy, name).digest, digest, "{damage}");
            assert_verified(&copy, name);
        }
    }
}

#[test]
fn verify_looks_at_the_inbox() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 1);
    assign(&engine, "n", 0, 0);
    unassign(&engine, "n", 0, false);
    drop(engine);
    meddle(directory.path(), "DELETE FROM inbox");
    let engine = open(directory.path());
    let inbox = ItemFilter::Inbox { after: None };
    let listed = engine.items(
        &engine.handle("n").unwrap(),
        inbox,
        9,
        false,
        Default::default(),
    );
    assert_eq!(listed.unwrap().value, []);
    let findings = engine
        .verify(&engine.handle("n").unwrap())
        .unwrap()
        .value
        .findings;
    assert_eq!(findings.len(), 2, "{findings:?}");
}

#[test]
fn verify_looks_at_both_parts_of_the_members_in_order() {
    for table in ["members", "new_members"] {
        let directory = tempdir().unwrap();
        let engine = open(directory.path());
        create(&engine, "n");
        categories(&engine, "n", 2);
        for item in 0..NEW_MEMBERS.cast_unsigned() + 1 {
            assign(&engine, "n", item, item % 2);
        }
        assert_verified(&engine, "n");
        drop(engine);
        let first = format!("(SELECT min(sequence) FROM {table})");
        let sql = format!("DELETE FROM {table} WHERE sequence = {first}");
        meddle(directory.path(), &sql);
        let engine = open(directory.path());
        let findings = engine
            .verify(&engine.handle("n").unwrap())
            .unwrap()
            .value
            .findings;
        assert!(findings.len() >= 2, "{table}: {findings:?}");
    }
}

#[test]
fn an_old_copy_of_the_database_beside_a_newer_log_is_seen() {
    let (directory, old) = (tempdir().unwrap(), tempdir().unwrap());
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 1);
    drop(engine);
    crash_copy(directory.path(), old.path());
    let engine = open(directory.path());
    for item in 0..5 {
        assign(&engine, "n", item, 0);
    }
    drop(engine);
    // The log has one more write, and pages of it for whoever looks for the head.
    let engine = open(directory.path());
    assign(&engine, "n", 5, 0);
    let crashed = tempdir().unwrap();
    crash_copy(directory.path(), crashed.path());
    let database = "effemb.db";
    fs::copy(old.path().join(database), crashed.path().join(database)).unwrap();
    let opened = Engine::open(crashed.path(), Options::default());
    assert!(matches!(opened.err(), Some(Error::Corrupted { place, .. })
        if place == "the database file by itself"));
}

/// Rows of deleted namespaces, as SQLite counts them.
fn rows_left(directory: &Path) -> i64 {
    let database = directory.join("effemb.db");
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let connection =
        Connection::open_with_flags_and_vfs(database, flags, ee_sqlite_vfs::VFS_NAME).unwrap();
    let sql = "SELECT count(*) FROM items JOIN namespaces ON namespaces.id = items.namespace
               WHERE state = 2";
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn deleted_rows_are_purged_although_the_writer_is_never_idle() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "gone");
    create(&engine, "busy");
    let item = |n: u64| ItemPut {
        key: format!("i{n}"),
        embedding: Some(vector(n)),
        ..ItemPut::default()
    };
    let put = Command::PutItems((0..1200).map(item).collect());
    write(&engine, "gone", put).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for worker in 0..4u64 {
            let (engine, done) = (&engine, &done);
            scope.spawn(move || {
                for n in 0.. {
                    let put = Command::PutItems(vec![item(worker * 100 + n % 100)]);
                    write(engine, "busy", put).unwrap();
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        engine
            .delete_namespace("gone", true, WriteContext::default())
            .unwrap();
        let begun = Instant::now();
        while rows_left(directory.path()) > 0 && begun.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_millis(20));
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(rows_left(directory.path()), 0);
    assert_verified(&engine, "busy");
}
