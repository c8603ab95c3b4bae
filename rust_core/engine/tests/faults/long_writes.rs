//! Writes that need many members do not hold up other namespaces.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use ee_core::command::{CategoryPut, Command, MAX_MEMBERSHIPS, MAX_REBUILD, Outcome, Rejection};
use ee_engine::{Engine, Error, UndoScope, UndoSelection, WriteContext};

use crate::common::*;

fn fill(engine: &Engine, name: &str, members: u64) {
    create(engine, name);
    categories(engine, name, 2);
    let all: Vec<u64> = (0..members).collect();
    for batch in all.chunks(2_000) {
        let entries = batch.iter().map(|&item| assignment(item, 0));
        write(engine, name, Command::Assign(entries.collect())).unwrap();
    }
}

fn put(window: Option<u32>, frozen: Option<bool>) -> Command {
    Command::PutCategories(vec![CategoryPut {
        key: "c0".into(),
        window,
        frozen,
        ..CategoryPut::default()
    }])
}

fn changes() -> [Command; 6] {
    let reanchor = |keep_last| Command::Reanchor {
        key: "c0".into(),
        keep_last,
    };
    [
        put(Some(5_000), None),
        put(Some(0), Some(true)),
        put(None, Some(false)),
        reanchor(7_000),
        put(Some(9_000), None),
        reanchor(u32::MAX),
    ]
}

fn counting(engine: &Engine, name: &str) -> u64 {
    let handle = engine.handle(name).unwrap();
    let view = engine.category(&handle, "c0", false, Default::default());
    view.unwrap().value.counting_count
}

#[test]
fn a_change_of_many_members_is_prepared_beside_the_writes_of_other_namespaces() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    fill(&engine, "large", MAX_REBUILD + 1);
    create(&engine, "other");
    categories(&engine, "other", 1);
    let (over, written) = (AtomicBool::new(false), AtomicU64::new(0));
    let counts = thread::scope(|scope| {
        scope.spawn(|| {
            for item in 0.. {
                assign(&engine, "other", item % 50, 0);
                written.fetch_add(1, Ordering::Relaxed);
                if over.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let mut most = 0;
        let counts = changes().map(|change| {
            let before = written.load(Ordering::Relaxed);
            write(&engine, "large", change).unwrap();
            most = most.max(written.load(Ordering::Relaxed) - before);
            assert_verified(&engine, "large");
            counting(&engine, "large")
        });
        over.store(true, Ordering::Relaxed);
        // If the writer built the sum, two or three would share the commits around it.
        assert!(most > 5, "{most} writes beside a change");
        counts
    });
    assert_eq!(counts, [5_000, 0, MAX_REBUILD + 1, 7_000, 7_000, 9_000]);
}

#[test]
fn writes_of_the_same_namespace_come_before_or_after_a_long_one() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    fill(&engine, "n", MAX_REBUILD + 100);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for worker in 0..2u64 {
            let (engine, over) = (&engine, &over);
            scope.spawn(move || {
                for number in 0.. {
                    let item = worker * 40 + number % 40;
                    unassign(engine, "n", item, false);
                    assign(engine, "n", item, number % 2);
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        for change in changes() {
            write(&engine, "n", change).unwrap();
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_verified(&engine, "n");
    drop(engine);
    assert_verified(&open(directory.path()), "n");
}

#[test]
fn a_dry_run_of_a_long_write_answers_the_same_and_changes_nothing() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    fill(&engine, "n", MAX_REBUILD + 1);
    let handle = engine.handle("n").unwrap();
    for change in changes() {
        let before = view(&engine, "n");
        let context = WriteContext {
            validate_only: true,
            ..WriteContext::default()
        };
        let tried = engine.write(&handle, change.clone(), context).unwrap();
        assert_eq!(view(&engine, "n"), before);
        let done = write(&engine, "n", change).unwrap();
        assert_eq!(done.outcome, tried.outcome);
    }
}

#[test]
fn the_deletion_of_a_category_of_too_many_members_is_refused_until_some_have_left() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    let members = MAX_MEMBERSHIPS + 1;
    fill(&engine, "n", members);
    let delete = |keys: &[&str]| {
        let command = Command::DeleteCategories {
            keys: keys.iter().map(|&key| key.into()).collect(),
            allow_missing: false,
        };
        write(&engine, "n", command)
    };
    let before = view(&engine, "n");
    for keys in [&["c0"][..], &["c1", "c0"]] {
        let refusal = Rejection::TooManyMemberships {
            category: Some("c0".into()),
            members,
        };
        assert_eq!(delete(keys).err(), Some(Error::Rejected(refusal)));
        assert_eq!(view(&engine, "n"), before);
    }
    unassign(&engine, "n", 7, false);
    let outcome = Outcome::DeleteCategories {
        deleted: 2,
        unassigned: MAX_MEMBERSHIPS,
    };
    assert_eq!(delete(&["c0", "c1"]).unwrap().outcome, outcome);
    let after = view(&engine, "n");
    assert_eq!((after.items, after.memberships), (members, 0));
}

/// A rename reads the members beside other writes, its undo while they wait.
#[test]
fn the_undo_of_a_rename_of_too_many_members_is_refused_until_some_have_left() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    let members = MAX_MEMBERSHIPS + 1;
    fill(&engine, "n", members);
    let rename = |key: &str, new_key: &str| {
        let (key, new_key) = (key.to_owned(), new_key.to_owned());
        write(&engine, "n", Command::RenameCategory { key, new_key }).unwrap()
    };
    let original = view(&engine, "n");
    let revision = rename("c0", "renamed").revision;
    let handle = engine.handle("n").unwrap();
    let undo = |revision: u64| {
        let selection = UndoSelection::Revisions {
            first: revision,
            last: revision,
        };
        let scope = UndoScope {
            skip_conflicts: false,
            settings: true,
        };
        engine.undo(&handle, &selection, scope, &WriteContext::default())
    };
    let before = view(&engine, "n");
    let refusal = Rejection::TooManyMemberships {
        category: Some("renamed".into()),
        members,
    };
    assert_eq!(undo(revision).err(), Some(Error::Rejected(refusal)));
    assert_eq!(view(&engine, "n"), before);
    // A rename back has no such bound.
    rename("renamed", "c0");
    assert_eq!(view(&engine, "n").digest, original.digest);
    unassign(&engine, "n", 7, false);
    let later = rename("c0", "again").revision;
    let undone = undo(later).unwrap();
    assert!(matches!(undone.outcome, Outcome::Undo(_)));
    let category = engine.category(&handle, "c0", false, Default::default());
    assert_eq!(category.unwrap().value.member_count, MAX_MEMBERSHIPS);
    assert_verified(&engine, "n");
}
