//! Undo through the engine: planned from the log, durable, and beside other writes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use ee_core::command::undo::MAX_UNDO_CHANGES;
use ee_core::command::{CategoryPut, Command, ItemPut, Outcome, Undone};
use ee_core::settings::Metadata;
use ee_engine::{
    Engine, Error, HistoryOrder, Result, UndoScope, UndoSelection, WriteContext, Written,
};

use crate::common::*;

fn revisions(first: u64, last: u64) -> UndoSelection {
    UndoSelection::Revisions { first, last }
}

fn undo_as(
    engine: &Engine,
    selection: &UndoSelection,
    skip_conflicts: bool,
    context: &WriteContext,
) -> Result<Written> {
    let namespace = engine.handle("n").unwrap();
    let scope = UndoScope {
        skip_conflicts,
        settings: true,
    };
    engine.undo(&namespace, selection, scope, context)
}

fn undo(engine: &Engine, first: u64, last: u64) -> Undone {
    let written = undo_as(
        engine,
        &revisions(first, last),
        false,
        &WriteContext::default(),
    );
    let Outcome::Undo(undone) = written.unwrap().outcome else {
        panic!("another outcome");
    };
    undone
}

fn windows(engine: &Engine) {
    create(engine, "n");
    let put = |c: u32| CategoryPut {
        key: format!("c{c}"),
        base: Some(Some(vector(1000 + u64::from(c)))),
        window: Some(c * 3),
        ..CategoryPut::default()
    };
    write(
        engine,
        "n",
        Command::PutCategories((0..3).map(put).collect()),
    )
    .unwrap();
}

/// Members that come back lie between rows of the large table, or are new ones of the small one.
#[test]
fn what_is_brought_back_is_found_at_its_old_place_after_a_restart() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    windows(&engine);
    for item in 0..40 {
        assign(&engine, "n", item, item % 3);
    }
    let before = view(&engine, "n");
    for item in 0..40 {
        match item % 4 {
            0 => unassign(&engine, "n", item, true),
            1 => unassign(&engine, "n", item, false),
            _ => assign(&engine, "n", item, (item + 1) % 3),
        };
    }
    let taught = view(&engine, "n");
    let undone = undo(&engine, before.revision + 1, taught.revision);
    assert_eq!(undone.change_count, undone.changes.len() as u64);
    assert_eq!(view(&engine, "n").digest, before.digest);
    assert_verified(&engine, "n");
    drop(engine);

    let engine = open(directory.path());
    assert_verified(&engine, "n");
    assert_eq!(view(&engine, "n").digest, before.digest);
    let newest = taught.revision + 1;
    undo(&engine, newest, newest);
    assert_eq!(view(&engine, "n").digest, taught.digest);
    assert_verified(&engine, "n");
}

#[test]
fn a_log_of_many_pages_is_read_to_the_first_selected_entry() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    windows(&engine);
    assign(&engine, "n", 1, 0);
    // More entries than a page reads.
    for number in 0..5_000 {
        let command = Command::PutItems(vec![ItemPut {
            key: "other".into(),
            embedding: Some(vector(number)),
            ..ItemPut::default()
        }]);
        write(&engine, "n", command).unwrap();
    }
    let undone = undo(&engine, 3, 3);
    assert_eq!(undone.change_count, 2, "a creation and a membership");
    assert_eq!(view(&engine, "n").memberships, 0);
    let passed = WriteContext {
        deadline: Some(Instant::now()),
        ..WriteContext::default()
    };
    let late = undo_as(&engine, &revisions(4, 4), true, &passed);
    assert_eq!(late, Err(Error::DeadlineExceeded));
}

#[test]
fn writes_of_the_same_namespace_come_before_or_after_an_undo() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    windows(&engine);
    for item in 100..120 {
        assign(&engine, "n", item, 1);
    }
    let last = view(&engine, "n").revision;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for item in 0.. {
                assign(&engine, "n", item % 20, item % 3);
                if over.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        // Taken back, and brought back, and so on.
        undo(&engine, 3, last);
        for _ in 0..20 {
            let newest = newest_undo(&engine);
            undo(&engine, newest, newest);
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_verified(&engine, "n");
    let item = engine.item(
        &engine.handle("n").unwrap(),
        "i100",
        false,
        Default::default(),
    );
    assert!(item.is_err(), "undone an odd number of times");
}

fn newest_undo(engine: &Engine) -> u64 {
    let order = HistoryOrder {
        newest_first: true,
        after: None,
        limit: 1_000_000,
        bytes: usize::MAX,
    };
    let handle = engine.handle("n").unwrap();
    let page = engine.history(&handle, &Default::default(), order, Default::default());
    let mut changes = page.unwrap().value.changes.into_iter();
    changes.find(|each| each.undoes > 0).unwrap().at.revision
}

#[test]
fn more_changes_than_one_undo_may_select_are_refused() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    let batch = |value: &str| {
        let put = |item: u64| ItemPut {
            key: format!("i{item}"),
            embedding: Some(vector(1)),
            metadata: Some(Metadata::from([("k".to_owned(), value.to_owned())])),
            ..ItemPut::default()
        };
        write(
            &engine,
            "n",
            Command::PutItems((0..10_000).map(put).collect()),
        )
        .unwrap();
    };
    for number in 0..MAX_UNDO_CHANGES / 10_000 {
        batch(&number.to_string());
    }
    let last = view(&engine, "n").revision;
    let preview = WriteContext {
        validate_only: true,
        ..WriteContext::default()
    };
    undo_as(&engine, &revisions(2, last), false, &preview).unwrap();
    batch("more");
    let refused = undo_as(&engine, &revisions(2, last + 1), false, &preview).unwrap_err();
    let Error::UndoTooLarge { limit, .. } = refused else {
        panic!("{refused}");
    };
    assert_eq!(limit, MAX_UNDO_CHANGES as u64);
}
