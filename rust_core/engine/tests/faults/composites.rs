//! Composite items on disk: through a crash, a restore, damage and its repair.

use std::path::Path;

use ee_core::command::{Assignment, Command, ItemPut, PartPut};
use ee_core::settings::MembershipMode;
use ee_engine::{
    Engine, Error, Frame, ItemFilter, ItemView, PartView, SnapshotView, WriteContext, repair,
};
use ee_sqlite_vfs::VFS_NAME;
use rusqlite::{Connection, OpenFlags};

use crate::common::*;

fn put(key: &str, parts: &[(u64, f32)]) -> ItemPut {
    let part = |(item, weight): &(u64, f32)| PartPut {
        item: format!("i{item}"),
        weight: *weight,
    };
    ItemPut {
        key: key.into(),
        parts: Some(parts.iter().map(part).collect()),
        ..ItemPut::default()
    }
}

/// Items 0 to 9 in the categories 0 and 1, and "p" in category 0, made of 1, 2 and 3.
fn taught(directory: &Path) -> Engine {
    let engine = open(directory);
    create(&engine, "n");
    categories(&engine, "n", 2);
    for item in 0..10 {
        assign(&engine, "n", item, item % 2);
    }
    let assignment = Assignment {
        item: put("p", &[(1, 1.0), (2, 0.5), (3, 7.0)]),
        category: "c0".into(),
    };
    write(&engine, "n", Command::Assign(vec![assignment])).unwrap();
    engine
}

/// Gives an item another vector.
fn turn(engine: &Engine, item: u64, seed: u64) {
    let item = ItemPut {
        key: format!("i{item}"),
        embedding: Some(vector(seed)),
        ..ItemPut::default()
    };
    write(engine, "n", Command::PutItems(vec![item])).unwrap();
}

fn item(engine: &Engine, name: &str, key: &str) -> ItemView {
    let namespace = engine.handle(name).unwrap();
    engine
        .item(&namespace, key, true, Default::default())
        .unwrap()
        .value
}

fn findings(engine: &Engine) -> Vec<String> {
    let namespace = engine.handle("n").unwrap();
    engine.verify(&namespace).unwrap().value.findings
}

fn meddle(directory: &Path, sql: &str) {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let database = directory.join("effemb.db");
    let connection = Connection::open_with_flags_and_vfs(database, flags, VFS_NAME).unwrap();
    assert!(connection.execute(sql, []).unwrap() > 0);
}

#[test]
fn a_crash_keeps_composites_and_what_their_categories_have_learned() {
    let (directory, crashed) = (tempdir().unwrap(), tempdir().unwrap());
    let engine = taught(directory.path());
    for round in 0..50 {
        turn(&engine, 1 + round % 3, 500 + round);
    }
    unassign(&engine, "n", 2, true);
    let (before, composite) = (view(&engine, "n"), item(&engine, "n", "p"));
    assert_verified(&engine, "n");
    crash_copy(directory.path(), crashed.path());
    // The sums on disk are older: the log is replayed, with the composite's own images.
    let again = open(crashed.path());
    assert_eq!(view(&again, "n"), before);
    assert_eq!(item(&again, "n", "p"), composite);
    assert_verified(&again, "n");
    for engine in [&engine, &again] {
        turn(engine, 3, 1);
        assert_verified(engine, "n");
    }
    assert_eq!(view(&again, "n"), view(&engine, "n"));
}

#[test]
fn verify_looks_at_parts() {
    let directory = tempdir().unwrap();
    drop(taught(directory.path()));
    meddle(directory.path(), "DELETE FROM parts WHERE weight = 7.0");
    let found = findings(&open(directory.path()));
    let said = |text: &str| found.iter().any(|finding| finding.contains(text));
    assert!(said("their mean is not its embedding"), "{found:?}");
    assert!(said("parts: 3 were counted, 2 are stored"), "{found:?}");
    assert!(said("digest"), "{found:?}");

    let directory = tempdir().unwrap();
    drop(taught(directory.path()));
    meddle(
        directory.path(),
        "UPDATE parts SET weight = 6.0 WHERE weight = 7.0",
    );
    let found = findings(&open(directory.path()));
    assert!(
        found.iter().any(|finding| finding.contains("checksum")),
        "{found:?}"
    );
}

#[test]
fn a_composite_that_has_lost_a_part_is_repaired_as_a_plain_item() {
    let (directory, to) = (tempdir().unwrap(), tempdir().unwrap());
    let engine = taught(directory.path());
    write(
        &engine,
        "n",
        Command::PutItems(vec![put("q", &[(4, 1.0), (5, 1.0)])]),
    )
    .unwrap();
    let (composite, whole) = (item(&engine, "n", "p"), item(&engine, "n", "q"));
    drop(engine);
    meddle(directory.path(), "DELETE FROM items WHERE key = 'i3'");
    let to = to.path().join("new");
    let report = repair(directory.path(), &to).unwrap();
    assert_eq!(report.namespaces[0].lost.parts, ["p"]);
    let engine = open(&to);
    assert_verified(&engine, "n");
    let found = item(&engine, "n", "p");
    assert_eq!(found.embedding, composite.embedding);
    assert_eq!(found.parts, []);
    assert_eq!(item(&engine, "n", "q").parts, whole.parts);
}

/// The frames of the namespace, with the parts of "p" changed.
fn restored(engine: &Engine, change: impl Fn(&mut Vec<PartView>)) -> Result<(), Error> {
    let namespace = engine.handle("n").unwrap();
    let snapshot = engine.snapshot(&namespace, SnapshotView::Full, Default::default());
    let mut frames: Vec<Frame> = snapshot.unwrap().collect::<Result<_, _>>().unwrap();
    let new = new_namespace("again", MembershipMode::Single);
    let mut restore = engine.restore(new, WriteContext::default())?;
    let trailer = frames.pop().unwrap();
    for mut frame in frames.drain(1..) {
        if let Frame::Items(items) = &mut frame {
            let composites = items.iter_mut().filter(|item| item.key == "p");
            composites.for_each(|item| change(&mut item.parts));
        }
        restore.push(frame)?;
    }
    restore.finish(trailer).map(drop)
}

#[test]
fn a_restore_refuses_parts_that_do_not_fit() {
    let directory = tempdir().unwrap();
    let engine = taught(directory.path());
    let part = |key: &str| PartView {
        item: key.into(),
        weight: 1.0,
    };
    let refused = |change: &dyn Fn(&mut Vec<PartView>)| match restored(&engine, change) {
        Err(Error::InvalidSnapshot { reason }) => reason,
        other => panic!("{other:?}"),
    };
    let swap = |parts: &mut Vec<PartView>| parts.swap(0, 1);
    assert!(refused(&swap).contains("not ordered by key"));
    let unknown = |parts: &mut Vec<PartView>| parts.push(part("nobody"));
    assert!(refused(&unknown).contains("\"nobody\", a part of it, did not come"));
    let itself = |parts: &mut Vec<PartView>| parts.push(part("p"));
    assert!(refused(&itself).contains("has parts itself"));
    let other = |parts: &mut Vec<PartView>| parts[0].weight = 2.0;
    assert!(refused(&other).contains("not the mean of its parts"));
    let none = |parts: &mut Vec<PartView>| parts.clear();
    assert!(refused(&none).contains("digest"));

    restored(&engine, |_| {}).unwrap();
    assert_verified(&engine, "again");
    assert_eq!(view(&engine, "again").digest, view(&engine, "n").digest);
    assert_eq!(item(&engine, "again", "p").parts.len(), 3);
}

#[test]
fn a_page_of_composites_with_long_keys_ends_early_and_loses_none() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    let key = |number: u64| format!("{number:0500}");
    let plain = (0..1000).map(|number| ItemPut {
        key: key(number),
        embedding: Some(vector(number)),
        ..ItemPut::default()
    });
    write(&engine, "n", Command::PutItems(plain.collect())).unwrap();
    let parts: Vec<PartPut> = (0..1000)
        .map(|number| PartPut {
            item: key(number),
            weight: 1.0,
        })
        .collect();
    let composite = |number: u64| ItemPut {
        key: format!("p{number}"),
        parts: Some(parts.clone()),
        ..ItemPut::default()
    };
    write(
        &engine,
        "n",
        Command::PutItems((0..20).map(composite).collect()),
    )
    .unwrap();
    let namespace = engine.handle("n").unwrap();
    let (mut after, mut listed) = ("a".to_owned(), Vec::new());
    loop {
        let filter = ItemFilter::All { after: Some(after) };
        let page = engine
            .items(&namespace, filter, 100, false, Default::default())
            .unwrap();
        let Some(last) = page.value.last() else {
            break;
        };
        assert!(page.value.len() <= 7, "3 MiB of keys");
        after = last.key.clone();
        listed.extend(page.value.into_iter().map(|item| item.key));
    }
    let mut all: Vec<String> = (0..20).map(|number| format!("p{number}")).collect();
    all.sort();
    assert_eq!(listed, all);
    assert_verified(&engine, "n");
}
