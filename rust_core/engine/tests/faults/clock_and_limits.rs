//! A clock that goes back, long keys, sums at the edge of their range.

use std::path::Path;

use ee_core::command::{Assignment, Command, ItemPut, Rejection};
use ee_engine::failpoints::set_clock_offset_ms;
use ee_engine::{Engine, Error, ItemFilter, backup, repair};

use rusqlite::{Connection, OpenFlags};

use crate::common::*;
use crate::model;

const HOUR: i64 = 60 * 60 * 1000;

fn times(engine: &Engine) -> Vec<i64> {
    let filter = ItemFilter::All { after: None };
    let items = engine.items(
        &engine.handle("n").unwrap(),
        filter,
        100,
        false,
        Default::default(),
    );
    let items = items.unwrap().value.into_iter();
    items
        .map(|item| item.memberships[0].origin.time_ms)
        .collect()
}

#[test]
fn time_in_the_log_never_goes_back() {
    let directory = tempdir().unwrap();
    let mut engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 1);
    for (item, offset) in [0, HOUR, -HOUR, 0, 2 * HOUR, -5 * HOUR]
        .into_iter()
        .enumerate()
    {
        set_clock_offset_ms(offset);
        assign(&engine, "n", item as u64, 0);
        drop(engine);
        engine = open(directory.path());
    }
    set_clock_offset_ms(0);
    let times = times(&engine);
    assert!(times.is_sorted(), "{times:?}");
    assert_verified(&engine, "n");
}

/// Answers to requests whose time is still to come.
fn answers_ahead(directory: &Path, now_ms: i64) -> i64 {
    let database = directory.join("effemb.db");
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let connection =
        Connection::open_with_flags_and_vfs(database, flags, ee_sqlite_vfs::VFS_NAME).unwrap();
    let sql = "SELECT count(*) FROM idempotency_keys WHERE time > ?1";
    connection
        .query_row(sql, [now_ms], |row| row.get(0))
        .unwrap()
}

#[test]
fn a_clock_that_was_years_ahead_is_followed_back() {
    let directory = tempdir().unwrap();
    let mut engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 1);
    let put = |item: u64, id: &'static str| {
        let command = Command::Assign(vec![assignment(item, 0)]);
        move |engine: &Engine| write_as(engine, "n", command.clone(), id).unwrap()
    };
    put(0, "before")(&engine);
    let years = 20 * 365 * 24 * HOUR;
    set_clock_offset_ms(years);
    // A clock that jumps is not followed: neither the write is dated then, nor are answers expired.
    put(3, "held")(&engine);
    assert!(engine.stats().clock_ahead_seconds >= years as u64 / 1000 - 60);
    assert!(put(0, "before")(&engine).replayed);
    let held = times(&engine);
    assert!((0..HOUR).contains(&(held[1] - held[0])), "{held:?}");
    // Opened again, the engine trusts the clock as it is.
    drop(engine);
    engine = open(directory.path());
    assert_eq!(engine.stats().clock_ahead_seconds, 0);
    let ahead = put(1, "ahead");
    let first = ahead(&engine);
    assert_eq!(ahead(&engine), replayed(first.clone()));
    // A restart meanwhile makes no difference.
    drop(engine);
    engine = open(directory.path());
    assert_eq!(ahead(&engine), replayed(first));
    set_clock_offset_ms(0);
    let after = put(2, "after");
    let second = after(&engine);
    assert_eq!(after(&engine), replayed(second));
    let times = times(&engine);
    let [before, ahead, after, _] = times[..] else {
        panic!("{times:?}");
    };
    assert!(ahead - before > 10 * 365 * 24 * HOUR, "{times:?}");
    assert!((0..HOUR).contains(&(after - before)), "{times:?}");
    assert_verified(&engine, "n");
    drop(engine);
    assert_eq!(answers_ahead(directory.path(), after + HOUR), 0);
}

#[test]
fn keys_of_any_length_are_found_again() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 1);
    // Keys that share all but their end, shorter and longer than fits in a node of an index.
    let keys: Vec<String> = (0..60)
        .map(|n| format!("{}{n:02}", "k".repeat(n * n * 3)))
        .collect();
    for (n, key) in keys.iter().enumerate() {
        let item = ItemPut {
            key: key.clone(),
            embedding: Some(vector(n as u64)),
            ..ItemPut::default()
        };
        let category = "c0".into();
        let command = Command::Assign(vec![Assignment { item, category }]);
        write(&engine, "n", command).unwrap();
    }
    drop(engine);
    let engine = open(directory.path());
    for (n, key) in keys.iter().enumerate() {
        let item = engine
            .item(&engine.handle("n").unwrap(), key, true, Default::default())
            .unwrap();
        assert_eq!(item.value.embedding, Some(vector(n as u64)));
    }
    assert_verified(&engine, "n");
    assert_eq!(engine.check_files().unwrap().findings, [""; 0]);
}

#[test]
fn a_sum_at_the_edge_of_its_range_is_refused_whole_and_recovered_exactly() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 1);
    let heavy = |item: u64, weight: f32| {
        let mut assignment = assignment(item, 0);
        assignment.item.embedding = Some(vec![-32_768.0; DIMENSION]);
        assignment.item.weight = Some(weight);
        assignment
    };
    let write = |engine: &Engine, assignments| write(engine, "n", Command::Assign(assignments));
    // 255 times 32768 is one step below 2²³.
    write(&engine, vec![heavy(0, 255.0)]).unwrap();
    let before = view(&engine, "n");
    let over = vec![assignment(1, 0), heavy(2, 2.0)];
    assert!(matches!(
        write(&engine, over),
        Err(Error::Rejected(Rejection::SumOverflow(_)))
    ));
    assert_eq!(view(&engine, "n"), before);
    drop(engine);
    let engine = open(directory.path());
    assert_eq!(view(&engine, "n"), before);
    assert_verified(&engine, "n");
    unassign(&engine, "n", 0, true);
    write(&engine, vec![heavy(2, 2.0)]).unwrap();
    assert_verified(&engine, "n");
}

/// A rebuild adds members in the order of their assignment, which the writes need not have had.
#[test]
fn a_legal_sum_is_never_called_damaged_though_its_partial_sums_leave_the_range() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 1);
    let put = |item: u64, component: f32| ItemPut {
        key: format!("i{item}"),
        embedding: Some(vec![component; DIMENSION]),
        weight: Some(300.0),
        ..ItemPut::default()
    };
    let members = (0..3).map(|item| Assignment {
        item: put(item, 1.0),
        category: "c0".into(),
    });
    write(&engine, "n", Command::Assign(members.collect())).unwrap();
    for (item, component) in [(0, 20_000.0), (2, -20_000.0), (1, 20_000.0)] {
        write(&engine, "n", Command::PutItems(vec![put(item, component)])).unwrap();
    }
    assert_verified(&engine, "n");
    model::copy(&engine, "n", "m").unwrap();
    assert_eq!(view(&engine, "m").digest, view(&engine, "n").digest);
    let live = view(&engine, "n").digest;
    drop(engine);
    let engine = open(directory.path());
    assert_verified(&engine, "n");
    drop(engine);

    let to = tempdir().unwrap();
    let saved = backup(directory.path(), &to.path().join("backup")).unwrap();
    assert_eq!(saved.len(), 2);
    for namespace in saved {
        assert_eq!(namespace.view.map(|view| view.digest), Some(live));
        assert_eq!(namespace.findings, [""; 0]);
    }
    let report = repair(directory.path(), &to.path().join("repaired")).unwrap();
    assert!(report.whole(), "{report:?}");
}
