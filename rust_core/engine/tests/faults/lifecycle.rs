//! Namespaces and engines that begin and end while others use them.

use ee_core::command::Command;
use ee_core::settings::MembershipMode;
use ee_engine::{Engine, Error, Frame, Options, SnapshotView, WriteContext};

use crate::common::*;
use crate::model::copy;

#[test]
fn of_two_restores_of_one_name_one_wins_and_the_other_leaves_nothing() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 2);
    assign(&engine, "n", 1, 0);
    let snapshot = engine.snapshot(
        &engine.handle("n").unwrap(),
        SnapshotView::Full,
        Default::default(),
    );
    let frames: Vec<Frame> = snapshot.unwrap().map(Result::unwrap).collect();
    let (trailer, rest) = frames.split_last().unwrap();
    let begin = || {
        let new = new_namespace("copy", MembershipMode::Single);
        let mut restore = engine.restore(new, WriteContext::default()).unwrap();
        for frame in &rest[1..] {
            restore.push(frame.clone()).unwrap();
        }
        restore
    };
    let (first, second) = (begin(), begin());
    let restored = second.finish(trailer.clone()).unwrap();
    assert_eq!(restored.digest, view(&engine, "n").digest);
    assert!(matches!(
        first.finish(trailer.clone()),
        Err(Error::NamespaceExists { .. })
    ));
    assert_verified(&engine, "copy");
    assert_eq!(engine.info().unwrap().namespaces, 2);
    assert_eq!(engine.check_files().unwrap().findings, [""; 0]);
}

#[test]
fn a_snapshot_that_was_begun_ends_well_after_the_engine_is_closed() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 2);
    for item in 0..20 {
        assign(&engine, "n", item, item % 2);
    }
    let namespace = engine.handle("n").unwrap();
    let mut snapshot = engine
        .snapshot(&namespace, SnapshotView::Full, Default::default())
        .unwrap();
    assert!(matches!(snapshot.next(), Some(Ok(Frame::Header { .. }))));
    engine.close();
    let refused = engine.item(
        &engine.handle("n").unwrap(),
        "i1",
        false,
        Default::default(),
    );
    assert_eq!(refused.err(), Some(Error::ShuttingDown));
    let before = view(&engine, "n");
    drop(engine);
    // Another engine has the directory while the old snapshot is still being read.
    let engine = open(directory.path());
    assign(&engine, "n", 30, 0);
    let last = snapshot.last().unwrap().unwrap();
    assert!(matches!(last, Frame::Trailer { items: 20, digest, .. } if digest == before.digest));
    drop(engine);
    assert_verified(&open(directory.path()), "n");
}

#[test]
fn memory_is_given_back_when_all_is_deleted() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    for name in ["a", "b"] {
        create(&engine, name);
        categories(&engine, name, 20);
        assign(&engine, name, 1, 1);
    }
    copy(&engine, "a", "c").unwrap();
    view(&engine, "c");
    assert!(engine.info().unwrap().memory_bytes > 0);
    for name in ["a", "b", "c"] {
        engine
            .delete_namespace(name, true, WriteContext::default())
            .unwrap();
    }
    assert_eq!(engine.info().unwrap().memory_bytes, 0);
}

#[test]
fn after_a_lost_tail_a_copy_without_its_watermark_opens_as_it_was_before() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 2);
    assign(&engine, "n", 1, 0);
    let before = view(&engine, "n");
    let log = |directory: &std::path::Path| directory.join("effemb.db-wal");
    // The file is longer than its frames, each of a header of 24 bytes and a page.
    let written = std::fs::read(log(directory.path())).unwrap();
    let last = written.iter().rposition(|byte| *byte != 0).unwrap();
    let kept = (last as u64 - 32).next_multiple_of(24 + 4096) + 32;
    assign(&engine, "n", 2, 0);
    let crashed = tempdir().unwrap();
    crash_copy(directory.path(), crashed.path());
    let cut = std::fs::File::options()
        .write(true)
        .open(log(crashed.path()));
    cut.unwrap().set_len(kept + 100).unwrap();
    let opened = Engine::open(crashed.path(), Options::default());
    assert!(matches!(opened.err(), Some(Error::Corrupted { .. })));
    std::fs::remove_file(crashed.path().join("watermark")).unwrap();
    let engine = open(crashed.path());
    assert_eq!(view(&engine, "n"), before);
    assert_verified(&engine, "n");
}

#[test]
fn a_request_that_changed_nothing_gets_its_first_answer_again_too() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 2);
    assign(&engine, "n", 1, 0);
    let same = Command::Assign(vec![assignment(1, 0)]);
    let first = write_as(&engine, "n", same.clone(), "r").unwrap();
    assign(&engine, "n", 1, 1);
    let before = view(&engine, "n");
    drop(engine);
    let engine = open(directory.path());
    assert_eq!(write_as(&engine, "n", same, "r"), Ok(replayed(first)));
    assert_eq!(view(&engine, "n"), before);
}
