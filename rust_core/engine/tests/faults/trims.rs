//! Trimmed histories: what is deleted, what stays, and what a crash leaves; the file shrinks.

use std::fs;
use std::time::{Duration, Instant};

use ee_core::command::{Command, ItemPut, ProfileUpdate};
use ee_core::settings::{HistoryKeep, MembershipMode};
use ee_engine::{
    At, Engine, Error, HistoryFilter, HistoryOrder, HistoryPage, ReadContext, TrimBound,
    TrimReport, WriteContext,
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
    engine
        .trim_history(&namespace, bound, validate_only, None)
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
    let update = ProfileUpdate {
        history_keep: Some(HistoryKeep {
            revisions: Some(7),
            seconds: None,
        }),
        ..ProfileUpdate::default()
    };
    let digest = view(&engine, "n").digest;
    write(&engine, "n", Command::UpdateProfile(update)).unwrap();
    assert_eq!(
        view(&engine, "n").digest,
        digest,
        "the digest does not cover it"
    );
    let begun = Instant::now();
    while size(&engine).revisions > 7 {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{:?}",
            size(&engine)
        );
        std::thread::sleep(Duration::from_millis(5));
    }
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
    let put = |round: usize| {
        let metadata = ("text".to_owned(), format!("{round} {}", "x".repeat(4000)));
        let items = (0..10).map(|item| ItemPut {
            key: format!("i{item}"),
            embedding: Some(vec![1.0; DIMENSION]),
            metadata: Some([metadata.clone()].into()),
            ..ItemPut::default()
        });
        write(&engine, "n", Command::PutItems(items.collect())).unwrap();
    };
    (0..400).for_each(put);
    let grown = size(&engine).bytes;
    assert!(grown > 10 << 20, "{grown}");
    trim(&engine, TrimBound::Newest(3), false);
    let (begun, mut round) = (Instant::now(), 400);
    let file = || {
        fs::metadata(directory.path().join("effemb.db"))
            .unwrap()
            .len()
    };
    // Meanwhile writes go on; the file is as long as the last checkpoint has made it.
    while begun.elapsed() < Duration::from_secs(30) {
        put(round);
        round += 1;
        let stats = engine.stats();
        if stats.database_free_bytes > 0 && stats.database_free_bytes < 2 << 20 {
            break;
        }
        std::thread::sleep(Duration::from_millis(6));
    }
    assert_eq!(engine.check_files().unwrap().findings, [""; 0]);
    assert_verified(&engine, "n");
    engine.close();
    drop(engine);
    assert!(file() < 6 << 20, "{} bytes are left", file());
    let engine = open(directory.path());
    assert_verified(&engine, "n");
}
