//! Figures say what happened, once.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use ee_core::command::{Assignment, CategoryPut, Command, ItemPut};
use ee_core::namespace::MatchOptions;
use ee_core::settings::MembershipMode;
use ee_engine::{Engine, QuerySpec, ReadContext, WriteContext};

fn axis(at: usize) -> Vec<f32> {
    (0..DIMENSION)
        .map(|n| if n == at { 1.0 } else { 0.0 })
        .collect()
}

/// A namespace with a category along each of two axes.
fn two_axes(engine: &Engine, membership: MembershipMode) {
    let new = new_namespace("n", membership);
    engine
        .create_namespace(new, WriteContext::default())
        .unwrap();
    let put = |at: usize| CategoryPut {
        key: format!("c{at}"),
        base: Some(Some(axis(at))),
        ..CategoryPut::default()
    };
    write(engine, "n", Command::PutCategories(vec![put(0), put(1)])).unwrap();
}

fn entry(item: &str, at: Option<usize>, category: usize) -> Assignment {
    Assignment {
        item: ItemPut {
            key: item.into(),
            embedding: at.map(axis),
            ..ItemPut::default()
        },
        category: format!("c{category}"),
    }
}

fn predictions(engine: &Engine) -> (u64, u64) {
    let stats = engine.stats();
    (stats.predictions_accepted, stats.predictions_corrected)
}

#[test]
fn a_prediction_is_what_match_ranks_first_before_the_write() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    two_axes(&engine, MembershipMode::Single);
    let assign = |entries| write(&engine, "n", Command::Assign(entries)).unwrap();

    assign(vec![entry("a", Some(0), 0), entry("b", Some(1), 0)]);
    assert_eq!(predictions(&engine), (1, 1));
    // It is in a category: the prediction for it was counted.
    assign(vec![entry("b", None, 1)]);
    assign(vec![entry("b", Some(1), 1)]);
    assert_eq!(predictions(&engine), (1, 1));
    assert_eq!(engine.stats().moves, 1);
    // From the inbox, by its key alone.
    let item = ItemPut {
        key: "c".into(),
        embedding: Some(axis(1)),
        ..ItemPut::default()
    };
    write(&engine, "n", Command::PutItems(vec![item])).unwrap();
    assign(vec![entry("c", None, 1)]);
    assert_eq!(predictions(&engine), (2, 1));
    // A rehearsal, and a request that is refused.
    let command = Command::Assign(vec![entry("d", Some(0), 0)]);
    let context = WriteContext {
        validate_only: true,
        ..WriteContext::default()
    };
    let namespace = engine.handle("n").unwrap();
    engine.write(&namespace, command, context).unwrap();
    let refused = Command::Assign(vec![entry("d", Some(0), 0), entry("e", None, 1)]);
    write(&engine, "n", refused).unwrap_err();
    assert_eq!(predictions(&engine), (2, 1));
}

#[test]
fn assignments_without_a_prediction_are_not_counted() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    let bare = CategoryPut {
        key: "c0".into(),
        ..CategoryPut::default()
    };
    write(&engine, "n", Command::PutCategories(vec![bare])).unwrap();
    write(&engine, "n", Command::Assign(vec![entry("a", Some(0), 0)])).unwrap();
    assert_eq!(predictions(&engine), (0, 0));
}

#[test]
fn where_items_are_in_several_categories_the_first_one_of_a_new_item_counts() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    two_axes(&engine, MembershipMode::Multiple);
    for category in [0, 1] {
        write(
            &engine,
            "n",
            Command::Assign(vec![entry("a", Some(0), category)]),
        )
        .unwrap();
    }
    assert_eq!(predictions(&engine), (1, 0));
    assert_eq!(engine.stats().assignments, 2);
}

#[test]
fn a_retried_request_is_counted_once() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    two_axes(&engine, MembershipMode::Single);
    for _ in 0..3 {
        let command = Command::Assign(vec![entry("a", Some(0), 0)]);
        write_as(&engine, "n", command, "once").unwrap();
    }
    let stats = engine.stats();
    assert_eq!((stats.assignments, stats.moves), (1, 0));
    assert_eq!(predictions(&engine), (1, 0));
    assert_eq!(stats.drift.buckets.iter().map(|&(_, n)| n).sum::<u64>(), 1);
}

#[test]
fn the_drift_metric_equals_the_drift_in_the_reply() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    two_axes(&engine, MembershipMode::Single);
    write(&engine, "n", Command::Assign(vec![entry("a", Some(0), 0)])).unwrap();
    // The base along one axis and a member along the other: 1 − cos 45°.
    write(&engine, "n", Command::Assign(vec![entry("b", Some(0), 1)])).unwrap();
    let drift = engine.stats().drift;
    let found: Vec<_> = drift.buckets.iter().filter(|(_, n)| *n > 0).collect();
    assert_eq!(found, [&(0.01, 1), &(0.3, 1)]);
    assert!(
        (drift.sum - (1.0 - 0.5_f64.sqrt())).abs() < 1e-5,
        "{drift:?}"
    );
}

#[test]
fn sketches_tell_how_many_rows_they_could_not_rule_out() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 300);
    let namespace = engine.handle("n").unwrap();
    let rank = |limit| {
        let options = MatchOptions {
            limit,
            threads: 1,
            ..MatchOptions::default()
        };
        let queries = vec![QuerySpec::Vector(vector(1)), QuerySpec::Vector(vector(2))];
        engine
            .rank(&namespace, queries, options, ReadContext::default())
            .unwrap();
        engine.stats()
    };
    let stats = rank(3);
    assert_eq!((stats.rows, stats.sketch_rows), (600, 600));
    assert!((6..200).contains(&stats.sketch_survivors), "{stats:?}");
    // Who asks for all of them has them scored without.
    let after = rank(0);
    assert_eq!((after.rows, after.sketch_rows), (1200, 600));
    assert_eq!(after.sketch_survivors, stats.sketch_survivors);
}

#[test]
fn entries_of_the_log_are_those_that_were_acknowledged() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 2);
    let before = engine.stats().log_entries;
    assign(&engine, "n", 1, 1);
    assert_eq!(engine.stats().log_entries, before + 1);
    engine.close();
    drop(engine);
    assert_eq!(open(directory.path()).stats().log_entries, before + 1);
}

#[test]
fn a_large_namespace_is_looked_at_now_and_then() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    let mut new = new_namespace("n", MembershipMode::Single);
    new.settings.dimension = 1024;
    engine
        .create_namespace(new, WriteContext::default())
        .unwrap();
    let long = |seed: u64| -> Vec<f32> {
        let part = vector(seed);
        (0..1024)
            .map(|n| part[n % DIMENSION] + (n as f32).sin())
            .collect()
    };
    // Eight times the share of an entry: one in eight is looked at.
    let put = |c| CategoryPut {
        key: format!("c{c}"),
        base: Some(Some(long(c))),
        ..CategoryPut::default()
    };
    let puts = (0..32).map(put).collect();
    write(&engine, "n", Command::PutCategories(puts)).unwrap();
    let entries = (0..40_u64).map(|n| Assignment {
        item: ItemPut {
            key: format!("i{n}"),
            embedding: Some(long(n % 32)),
            ..ItemPut::default()
        },
        category: format!("c{}", n % 32),
    });
    write(&engine, "n", Command::Assign(entries.collect())).unwrap();
    assert_eq!(predictions(&engine), (5, 0));
}
