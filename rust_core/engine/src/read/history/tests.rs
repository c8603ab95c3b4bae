//! Pages of the history.

use std::sync::Arc;

use ee_core::command::record::{Change, Entry, ItemImage};
use ee_core::command::{Assignment, CategoryPut, Command, ItemPut, Unassignment};
use ee_core::namespace::{CategoryRecord, Origin};
use proptest::prelude::*;

use super::*;
use crate::{Engine, NamespaceHandle, NewNamespace, Options, WriteContext};

fn write(engine: &Engine, namespace: &NamespaceHandle, actor: &str, command: Command) {
    let context = WriteContext {
        actor: actor.into(),
        reason: "a test".into(),
        ..WriteContext::default()
    };
    engine.write(namespace, command, context).unwrap();
}

fn assign(item: &str, category: &str, weight: f32) -> Assignment {
    Assignment {
        item: ItemPut {
            key: item.into(),
            embedding: Some(vec![1.0, 2.0]),
            weight: Some(weight),
            ..ItemPut::default()
        },
        category: category.into(),
    }
}

/// An engine with a namespace of some writes: batches, moves, updates and deletions.
fn world(directory: &std::path::Path) -> (Engine, NamespaceHandle) {
    let engine = Engine::open(directory, Options::default()).unwrap();
    engine
        .create_namespace(NewNamespace::plain(2), WriteContext::default())
        .unwrap();
    let namespace = engine.handle("n").unwrap();
    let put = |key: &str| CategoryPut {
        key: key.into(),
        ..CategoryPut::default()
    };
    write(
        &engine,
        &namespace,
        "ann",
        Command::PutCategories(["a", "b"].map(put).into()),
    );
    for round in 0..4 {
        let to = ["a", "b"][round % 2];
        let weight = 1.0 + round as f32;
        let batch = ["x", "xy", "y"].map(|item| assign(item, to, weight));
        write(
            &engine,
            &namespace,
            ["ann", "bob"][round % 2],
            Command::Assign(batch.into()),
        );
    }
    let leave = |item: &str, delete_item| Unassignment {
        item: item.into(),
        category: None,
        delete_item,
        expected_category: None,
    };
    write(
        &engine,
        &namespace,
        "bob",
        Command::Unassign(vec![leave("x", false), leave("y", true)]),
    );
    (engine, namespace)
}

fn read(
    engine: &Engine,
    filter: &HistoryFilter,
    newest_first: bool,
    limit: usize,
    bound: Bound,
) -> Vec<HistoryChange> {
    let view = engine.shared.backend.view().unwrap();
    let row = view.namespace_by_name("n").unwrap().unwrap();
    let mut order = HistoryOrder {
        newest_first,
        after: None,
        limit,
        bytes: bound.bytes,
    };
    let mut all = Vec::new();
    loop {
        let page = page_within(view.reads(), &row, filter, order, bound).unwrap();
        assert!(page.changes.len() <= limit);
        all.extend(page.changes);
        match page.next {
            Some(next) => order.after = Some(next),
            None => return all,
        }
    }
}

const ALL: Bound = Bound {
    entries: u64::MAX,
    bytes: usize::MAX,
};

#[test]
fn a_move_is_one_change_with_both_categories() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, _) = world(directory.path());
    let filter = HistoryFilter {
        item: Some("x".into()),
        ..HistoryFilter::default()
    };
    let found = read(&engine, &filter, false, 100, ALL);
    let kinds: Vec<String> = found
        .iter()
        .map(|change| {
            let left = change
                .left
                .as_ref()
                .and_then(|left| left.category())
                .map(|key| &**key)
                .unwrap_or("-");
            let joined = change.change.category().map(|key| &**key).unwrap_or("-");
            let name = format!("{:?}", change.change);
            let name = name.split([' ', '{']).next().unwrap();
            format!("{} {name} {left} {joined}", change.at.revision)
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "3 ItemCreated - -",
            "3 Joined - a",
            "4 ItemUpdated - -",
            "4 Joined a b",
            "5 ItemUpdated - -",
            "5 Joined b a",
            "6 ItemUpdated - -",
            "6 Joined a b",
            "7 Left - b",
        ]
    );
    assert_eq!(found[2].weight_before, Some(1.0));
    assert_eq!(found[1].origin.actor, "ann");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn pages_are_the_whole_filtered(
        item in prop::option::of(prop::sample::select(vec!["x", "xy", "z"])),
        category in prop::option::of(prop::sample::select(vec!["a", "b", "c"])),
        actor in prop::option::of(prop::sample::select(vec!["ann", "bob", "an"])),
        first in prop::option::of(0u64..9),
        last in prop::option::of(0u64..9),
        limit in 1usize..8,
        entries in 1u64..5,
        newest_first in any::<bool>(),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let (engine, _) = world(directory.path());
        let filter = HistoryFilter {
            item: item.map(String::from),
            category: category.map(String::from),
            actor: actor.map(String::from),
            first_revision: first,
            last_revision: last,
            ..HistoryFilter::default()
        };
        let all = read(&engine, &HistoryFilter::default(), false, 1000, ALL);
        prop_assert_eq!(all.len(), 30);
        let mut expected: Vec<_> = all
            .into_iter()
            .filter(|change| filter.accepts(change))
            .filter(|change| actor.is_none_or(|actor| change.origin.actor == actor))
            .filter(|change| first.is_none_or(|first| change.at.revision >= first))
            .filter(|change| last.is_none_or(|last| change.at.revision <= last))
            .collect();
        if newest_first {
            expected.reverse();
        }
        let bound = Bound { entries, bytes: usize::MAX };
        prop_assert_eq!(&read(&engine, &filter, newest_first, limit, bound), &expected);
        let bytes = Bound { entries: 9, bytes: entries as usize * 100 };
        prop_assert_eq!(read(&engine, &filter, newest_first, limit, bytes), expected);
    }
}

#[test]
fn a_period_is_found_by_its_ends() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, _) = world(directory.path());
    let all = read(&engine, &HistoryFilter::default(), false, 1000, ALL);
    let times: Vec<i64> = all.iter().map(|change| change.origin.time_ms).collect();
    for &start in &times {
        for end in [start, start + 1, times[times.len() - 1]] {
            let filter = HistoryFilter {
                start_ms: Some(start),
                end_ms: Some(end),
                ..HistoryFilter::default()
            };
            let within = |change: &&HistoryChange| (start..end).contains(&change.origin.time_ms);
            let expected: Vec<_> = all.iter().filter(within).cloned().collect();
            assert_eq!(read(&engine, &filter, false, 3, ALL), expected);
        }
    }
}

#[test]
fn the_weight_before_is_that_of_the_image() {
    let entry = Entry {
        revision: 9,
        origin: Origin::default(),
        request_id: "r".into(),
        changes: vec![
            Change::ItemUpdated {
                key: "x".into(),
                id: 4,
                metadata: Default::default(),
            },
            Change::CategoryDeleted {
                before: CategoryRecord {
                    key: Arc::from("a"),
                    settings: Default::default(),
                    base: None,
                    metadata: Default::default(),
                    anchor: 0,
                    created_ms: 0,
                },
            },
        ],
        effects: Vec::new(),
        undone: Vec::new(),
        images: vec![ItemImage {
            item: 4,
            weight: 2.5,
            embedding: vec![1.0],
        }],
    };
    let listed = changes(entry);
    assert_eq!(listed[0].weight_before, Some(2.5));
    assert_eq!(listed[1].weight_before, None);
    assert_eq!(listed[1].change.category().map(|key| &**key), Some("a"));
}
