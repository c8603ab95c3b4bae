//! What is written is there again: after a close, after a crash, after a restore.

mod common;

use common::*;
use ee_core::command::{CategoryPut, Command, ItemCategory, ItemPut, Outcome};
use ee_core::settings::MembershipMode;
use ee_engine::{Engine, Error, Frame, Options, SnapshotView, WriteContext};
use tempfile::tempdir;

#[test]
fn a_closed_directory_opens_to_the_same_state() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 5);
    for i in 0..40 {
        assign(&engine, "n", i, i % 5);
    }
    unassign(&engine, "n", 7, false);
    unassign(&engine, "n", 8, true);
    assert_verified(&engine, "n");
    let before = view(&engine, "n");
    engine.close();
    drop(engine);
    let engine = open(directory.path());
    assert_eq!(view(&engine, "n"), before);
    assert_verified(&engine, "n");
}

#[test]
fn a_crash_loses_nothing_that_was_acknowledged() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 3);
    let has = |item: u64| {
        let key = format!("i{item}");
        engine
            .item(
                &engine.handle("n").unwrap(),
                &key,
                false,
                Default::default(),
            )
            .is_ok()
    };
    for i in 0..200 {
        let item = i % 60;
        match i % 7 {
            3 if i > 60 && has(item) => drop(unassign(&engine, "n", item, i % 2 == 0)),
            5 => {
                let put = ItemPut {
                    key: format!("i{item}"),
                    embedding: Some(vector(i)),
                    weight: Some(1.0 + (i % 3) as f32),
                    ..ItemPut::default()
                };
                write(&engine, "n", Command::PutItems(vec![put])).unwrap();
                let pairs = vec![ItemCategory {
                    item: format!("i{item}"),
                    category: format!("c{}", i % 3),
                }];
                let withdraw = i % 4 == 0;
                // Refused if the item is in the category.
                let _ = write(&engine, "n", Command::Dismiss { pairs, withdraw });
            }
            6 => {
                let window = if i % 2 == 0 { 5 } else { 0 };
                let put = CategoryPut {
                    key: format!("c{}", i % 3),
                    window: Some(window),
                    ..CategoryPut::default()
                };
                write(&engine, "n", Command::PutCategories(vec![put])).unwrap();
            }
            4 if i % 3 == 0 => {
                // Two categories swap their keys.
                for (key, new_key) in [("c0", "spare"), ("c1", "c0"), ("spare", "c1")] {
                    let (key, new_key) = (key.into(), new_key.into());
                    write(&engine, "n", Command::RenameCategory { key, new_key }).unwrap();
                }
            }
            4 => {
                let key = format!("c{}", i % 3);
                let keep_last = 4;
                write(&engine, "n", Command::Reanchor { key, keep_last }).unwrap();
            }
            _ => drop(assign(&engine, "n", item, (i * 7) % 3)),
        }
        if i % 20 == 19 {
            let crashed = tempdir().unwrap();
            crash_copy(directory.path(), crashed.path());
            let again = open(crashed.path());
            assert_eq!(view(&again, "n"), view(&engine, "n"), "after write {i}");
            assert_verified(&again, "n");
        }
    }
}

#[test]
fn a_retry_gets_the_first_answer_also_after_a_restart() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 2);
    let command = Command::Assign(vec![assignment(1, 0)]);
    let first = write_as(&engine, "n", command.clone(), "r1").unwrap();
    let again = replayed(first.clone());
    assert!(matches!(&first.outcome, Outcome::Assign(a) if a[0].changed));
    assign(&engine, "n", 1, 1);
    assert_eq!(
        write_as(&engine, "n", command.clone(), "r1").unwrap(),
        again
    );
    drop(engine);
    let engine = open(directory.path());
    let before = view(&engine, "n");
    assert_eq!(write_as(&engine, "n", command, "r1").unwrap(), again);
    assert_eq!(view(&engine, "n"), before);
    let other = Command::Assign(vec![assignment(2, 0)]);
    assert!(matches!(
        write_as(&engine, "n", other, "r1"),
        Err(Error::RequestIdReused { .. })
    ));
    assert_eq!(view(&engine, "n"), before);
}

#[test]
fn a_snapshot_restores_to_the_same_digest_and_a_damaged_one_to_nothing() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    let new = new_namespace("n", MembershipMode::Multiple);
    engine
        .create_namespace(new, WriteContext::default())
        .unwrap();
    categories(&engine, "n", 4);
    let window = CategoryPut {
        key: "c1".into(),
        window: Some(3),
        ..CategoryPut::default()
    };
    write(&engine, "n", Command::PutCategories(vec![window])).unwrap();
    for i in 0..30 {
        assign(&engine, "n", i, i % 4);
        assign(&engine, "n", i, (i + 1) % 4);
    }
    unassign(&engine, "n", 3, false);
    let snapshot = engine.snapshot(
        &engine.handle("n").unwrap(),
        SnapshotView::Full,
        Default::default(),
    );
    let frames: Vec<Frame> = snapshot.unwrap().map(Result::unwrap).collect();
    let restore = |name: &str, frames: &[Frame]| {
        let new = new_namespace(name, MembershipMode::Multiple);
        let mut restore = engine.restore(new, WriteContext::default())?;
        let (last, rest) = frames.split_last().unwrap();
        for frame in &rest[1..] {
            restore.push(frame.clone())?;
        }
        restore.finish(last.clone())
    };
    let restored = restore("copy", &frames).unwrap();
    assert_eq!(restored.digest, view(&engine, "n").digest);
    assert_verified(&engine, "copy");

    let mut damaged = frames.clone();
    for frame in &mut damaged {
        if let Frame::Items(items) = frame {
            items[2].embedding.as_mut().unwrap()[5] += 1.0;
        }
    }
    assert!(matches!(
        restore("bad", &damaged),
        Err(Error::InvalidSnapshot { .. })
    ));
    assert!(matches!(
        engine.handle("bad"),
        Err(Error::NamespaceNotFound { .. })
    ));
    drop(engine);
    let engine = open(directory.path());
    assert_verified(&engine, "copy");
}

#[test]
fn namespaces_leave_memory_and_come_back() {
    let directory = tempdir().unwrap();
    let options = Options {
        memory_budget: Some(40_000),
        ..Options::default()
    };
    let engine = Engine::open(directory.path(), options).unwrap();
    let names: Vec<String> = (0..20).map(|n| format!("n{n}")).collect();
    for name in &names {
        create(&engine, name);
        categories(&engine, name, 10);
    }
    for i in 0..200 {
        let name = &names[(i * 7 % 20) as usize];
        assign(&engine, name, i, i % 10);
    }
    for name in &names {
        assert_verified(&engine, name);
        assert_eq!(view(&engine, name).items, 10);
    }
    // Leaving does not block who reads; it follows at once.
    let within = || engine.info().unwrap().memory_bytes <= 40_000;
    assert!((0..500).any(|_| within() || {
        std::thread::sleep(std::time::Duration::from_millis(2));
        false
    }));
}

#[test]
fn a_deleted_name_can_be_given_again_to_another_namespace() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 2);
    let stale = engine.handle("n").unwrap();
    assert!(matches!(
        engine.delete_namespace("n", false, WriteContext::default()),
        Err(Error::NamespaceNotEmpty { categories: 2, .. })
    ));
    engine
        .delete_namespace("n", true, WriteContext::default())
        .unwrap();
    assert!(matches!(
        engine.handle("n"),
        Err(Error::NamespaceNotFound { .. })
    ));
    create(&engine, "n");
    assert_eq!(view(&engine, "n").categories, 0);
    let command = Command::Assign(vec![assignment(1, 0)]);
    assert!(matches!(
        engine.write(&stale, command, WriteContext::default()),
        Err(Error::NamespaceNotFound { .. })
    ));
}
