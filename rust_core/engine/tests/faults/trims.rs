//! Trimmed histories: what is deleted, what stays, and what a crash leaves; the file shrinks.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ee_core::command::{Command, ItemPut, ProfileUpdate};
use ee_core::settings::{HistoryKeep, MembershipMode};
use ee_engine::failpoints::set_wal_pages;
use ee_engine::{
    At, Engine, Error, HistoryFilter, HistoryOrder, HistoryPage, ReadContext, TrimBound,
    TrimReport, WriteContext, backup,
};

use crate::common::*;

fn prepare(engine: &Engine) {
    create(engine, "n");
    categories(engine, "n", 3);
}

fn extend(engine: &Engine, writes: std::ops::Range<u64>) {
    for number in writes {
        assign(engine, "n", number % 11, number % 3);
    }
}

fn trim(engine: &Engine, bound: TrimBound, validate_only: bool) -> TrimReport {
    let namespace = engine.handle("n").unwrap();
    let context = WriteContext {
        validate_only,
        ..WriteContext::default()
    };
    engine
        .trim_history(&namespace, bound, context)
        .unwrap()
        .value
}

fn history(engine: &Engine, filter: &HistoryFilter) -> Result<At<HistoryPage>, Error> {
    let namespace = engine.handle("n").unwrap();
    let order = HistoryOrder {
        newest_first: false,
        after: None,
        limit: 10_000,
        bytes: usize::MAX,
    };
    engine.history(&namespace, filter, order, ReadContext::default())
}

fn first_listed(engine: &Engine) -> u64 {
    history(engine, &HistoryFilter::default())
        .unwrap()
        .value
        .changes[0]
        .at
        .revision
}

fn size(engine: &Engine) -> ee_engine::HistorySize {
    let namespace = engine.handle("n").unwrap();
    let size = engine.history_size(&namespace, ReadContext::default());
    size.unwrap().value
}

#[test]
fn a_trimmed_history_loses_its_oldest_revisions_and_nothing_else() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    prepare(&engine);
    extend(&engine, 0..60);
    let before = view(&engine, "n");
    let whole = size(&engine);
    assert_eq!(
        (whole.first_revision, whole.revisions),
        (1, before.revision)
    );
    let would = trim(&engine, TrimBound::Newest(10), true);
    assert_eq!(size(&engine), whole, "nothing was trimmed");
    let done = trim(&engine, TrimBound::Newest(10), false);
    assert_eq!(done, would);
    assert_eq!(done.first_revision, before.revision - 9);
    let kept = size(&engine);
    assert_eq!((kept.revisions, kept.bytes), (10, whole.bytes - done.bytes));
    assert_eq!(first_listed(&engine), done.first_revision);
    let named = HistoryFilter {
        first_revision: Some(done.first_revision - 1),
        ..HistoryFilter::default()
    };
    let refused = Error::HistoryTrimmed {
        revision: done.first_revision - 1,
        first_revision: done.first_revision,
    };
    assert_eq!(history(&engine, &named), Err(refused));
    assert_eq!(trim(&engine, TrimBound::Newest(10), false).revisions, 0);
    // The newest stays, whatever is asked for.
    let all = trim(&engine, TrimBound::From(u64::MAX), false);
    assert_eq!(all.first_revision, before.revision);
    assert_eq!(view(&engine, "n"), before);
    assert_verified(&engine, "n");
    assert_eq!(engine.stats().history_entries, 1);
    drop(engine);
    let engine = open(directory.path());
    assert_eq!(view(&engine, "n"), before);
    extend(&engine, 60..65);
    assert_eq!(first_listed(&engine), before.revision);
    assert_verified(&engine, "n");
}

#[test]
fn a_namespace_keeps_what_its_retention_says() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    prepare(&engine);
    extend(&engine, 0..40);
    let digest = view(&engine, "n").digest;
    keep(
        &engine,
        HistoryKeep {
            revisions: Some(7),
            seconds: None,
        },
    );
    assert_eq!(
        view(&engine, "n").digest,
        digest,
        "the digest does not cover it"
    );
    until("the history is bounded", || size(&engine).revisions <= 7);
    assert_eq!(size(&engine).revisions, 7);
    assert!(engine.stats().history_trimmed_entries > 30);
    assert_verified(&engine, "n");
}

#[test]
fn what_a_load_needs_is_kept_through_a_loss_of_memory() {
    let directory = tempdir().unwrap();
    let copy = tempdir().unwrap();
    let engine = open(directory.path());
    prepare(&engine);
    for round in 0..5 {
        extend(&engine, round * 20..round * 20 + 20);
        trim(&engine, TrimBound::Newest(1), false);
        let expected = view(&engine, "n");
        // As a kill would leave it: the sums in memory are lost.
        let _ = fs::remove_dir_all(copy.path());
        crash_copy(directory.path(), copy.path());
        let recovered = open(copy.path());
        assert_eq!(view(&recovered, "n"), expected);
        assert_verified(&recovered, "n");
    }
}

#[test]
fn the_file_shrinks_while_writes_go_on() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    engine
        .create_namespace(
            new_namespace("n", MembershipMode::Single),
            WriteContext::default(),
        )
        .unwrap();
    categories(&engine, "n", 1);
    let put = |engine: &Engine, round: usize| {
        let metadata = ("text".to_owned(), format!("{round} {}", "x".repeat(4000)));
        let items = (0..10).map(|item| ItemPut {
            key: format!("i{item}"),
            embedding: Some(vec![1.0; DIMENSION]),
            metadata: Some([metadata.clone()].into()),
            ..ItemPut::default()
        });
        write(engine, "n", Command::PutItems(items.collect())).unwrap();
    };
    (0..400).for_each(|round| put(&engine, round));
    let grown = size(&engine).bytes;
    assert!(grown > 10 << 20, "{grown}");
    // A checkpoint writes all of it into the file.
    engine.close();
    drop(engine);
    let engine = open(directory.path());
    let whole = disk_bytes(directory.path());
    assert!(whole > 10 << 20, "{whole}");
    trim(&engine, TrimBound::Newest(3), false);
    // Meanwhile writes go on.
    let (begun, mut round) = (Instant::now(), 0);
    while disk_bytes(directory.path()) > 4 << 20 {
        let stats = engine.stats();
        assert!(begun.elapsed() < Duration::from_secs(60), "{stats:?}");
        // Without a pause: the WAL is never wholly in the file for long.
        assign(&engine, "n", round % 50, 0);
        round += 1;
    }
    let stats = engine.stats();
    assert!(stats.database_bytes < 5 << 20, "{stats:?}");
    assert_eq!(engine.check_files().unwrap().findings, [""; 0]);
    assert_verified(&engine, "n");
    let expected = view(&engine, "n");
    drop(engine);
    let engine = open(directory.path());
    assert_eq!(view(&engine, "n"), expected);
    assert_eq!(engine.check_files().unwrap().findings, [""; 0]);
    // The room is used again.
    (400..800).for_each(|round| put(&engine, round));
    assert_eq!(engine.check_files().unwrap().findings, [""; 0]);
    assert_verified(&engine, "n");
}

/// Bytes that the database file takes on the disk.
fn disk_bytes(directory: &Path) -> u64 {
    let file = fs::metadata(directory.join("effemb.db")).unwrap();
    file.blocks() * 512
}

fn keep(engine: &Engine, history_keep: HistoryKeep) {
    let update = ProfileUpdate {
        history_keep: Some(history_keep),
        ..ProfileUpdate::default()
    };
    write(engine, "n", Command::UpdateProfile(update)).unwrap();
}

#[test]
fn revisions_of_a_great_age_are_trimmed() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    prepare(&engine);
    extend(&engine, 0..20);
    let old = view(&engine, "n").revision;
    std::thread::sleep(Duration::from_millis(1100));
    extend(&engine, 20..25);
    keep(
        &engine,
        HistoryKeep {
            revisions: None,
            seconds: Some(1),
        },
    );
    until("the old ones are trimmed", || {
        size(&engine).first_revision > old
    });
    assert_verified(&engine, "n");
}

#[test]
fn a_trim_with_a_request_id_is_answered_once() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    prepare(&engine);
    extend(&engine, 0..30);
    let namespace = engine.handle("n").unwrap();
    let trim = |id: &str, fingerprint, if_revision| {
        let context = WriteContext {
            request_id: id.into(),
            fingerprint,
            if_revision,
            ..WriteContext::default()
        };
        engine.trim_history(&namespace, TrimBound::Newest(5), context)
    };
    let first = trim("a", 1, None).unwrap();
    extend(&engine, 30..40);
    assert_eq!(trim("a", 1, None).unwrap(), first);
    assert_eq!(size(&engine).revisions, 15, "nothing was trimmed again");
    let reused = Error::RequestIdReused {
        request_id: "a".into(),
    };
    assert_eq!(trim("a", 2, None), Err(reused));
    let actual = view(&engine, "n").revision;
    let refused = Error::RevisionMismatch {
        expected: actual - 1,
        actual,
    };
    assert_eq!(trim("b", 3, Some(actual - 1)), Err(refused));
    assert_eq!(size(&engine).revisions, 15);
    let second = trim("b", 3, Some(actual)).unwrap().value;
    assert_eq!((second.revisions, size(&engine).revisions), (10, 5));
    // Over a restart.
    drop(engine);
    let engine = open(directory.path());
    let context = WriteContext {
        request_id: "a".into(),
        fingerprint: 1,
        ..WriteContext::default()
    };
    let namespace = engine.handle("n").unwrap();
    let again = engine.trim_history(&namespace, TrimBound::Newest(5), context);
    assert_eq!(again.unwrap(), first);
}

#[test]
fn a_backup_during_trims_and_shrinking_is_whole() {
    let directory = tempdir().unwrap();
    let to = tempdir().unwrap();
    let engine = open(directory.path());
    prepare(&engine);
    set_wal_pages(50);
    for round in 0..4 {
        extend(&engine, round * 300..round * 300 + 300);
        let saved = to.path().join(format!("{round}"));
        let (stop, revision) = (AtomicBool::new(false), view(&engine, "n").revision);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut number = 0;
                while !stop.load(Ordering::Relaxed) {
                    trim(&engine, TrimBound::Newest(300 - number.min(290)), false);
                    assign(&engine, "n", 900 + number % 20, 0);
                    number += 10;
                }
            });
            let saved = backup(directory.path(), &saved).unwrap();
            stop.store(true, Ordering::Relaxed);
            assert_eq!(saved[0].findings, [""; 0]);
        });
        let copy = open(&saved);
        assert!(view(&copy, "n").revision >= revision);
        assert_verified(&copy, "n");
        let pages = fs::metadata(saved.join("effemb.db")).unwrap().len() / 4096;
        assert!(pages < 600, "the copy has no free pages: {pages}");
        assert_eq!(engine.check_files().unwrap().findings, [""; 0]);
    }
    set_wal_pages(0);
    assert_verified(&engine, "n");
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}: never");
        std::thread::sleep(Duration::from_millis(5));
    }
}
