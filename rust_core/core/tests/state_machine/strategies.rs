//! Commands as callers send them: mostly valid, sometimes in conflict or with missing keys. Few keys
//! and few values, so that entries meet.

use ee_core::command::{
    Assignment, CategoryPut, Command, ItemCategory, ItemPut, PartPut, ProfileUpdate, Unassignment,
};
use ee_core::settings::{HistoryKeep, MembershipMode, Metadata, RankingMode};
use proptest::prelude::*;
use proptest::sample::select;

use crate::machine::DIMENSION;

/// Number of cases: that of `PROPTEST_CASES`, or `default`.
pub(crate) fn cases(default: u32) -> ProptestConfig {
    let mut config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = default;
    }
    config
}

pub(crate) fn membership() -> impl Strategy<Value = MembershipMode> {
    select(vec![MembershipMode::Single, MembershipMode::Multiple])
}

/// Vectors: mostly from a small grid, so that they are equal, tie and cancel out.
pub(crate) fn vector() -> impl Strategy<Value = Vec<f32>> {
    // No negative zero: `vector::normalize` keeps no sign of a zero.
    let grid = select(vec![-1.0f32, -0.5, 0.0, 0.0, 0.0, 0.25, 1.0, 2.0]);
    let coarse = prop::collection::vec(grid, DIMENSION);
    let fine = prop::collection::vec(-3.0f32..3.0, DIMENSION);
    let any = prop_oneof![2 => coarse, 1 => fine];
    any.prop_filter("a direction", |v| {
        v.iter().map(|x| x * x).sum::<f32>() > 1e-4
    })
}

fn weight() -> impl Strategy<Value = f32> {
    select(vec![0.5f32, 1.0, 2.0, 3.3])
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let entry = select(vec!["", "a", "b"]);
    entry.prop_map(|value| match value {
        "" => Metadata::new(),
        value => Metadata::from([("note".to_owned(), value.to_owned())]),
    })
}

/// Keys of 8 items, and sometimes of an item that is never stored.
pub(crate) fn item_key() -> impl Strategy<Value = String> {
    prop_oneof![
        60 => (0..8u8).prop_map(|i| format!("item {i}")),
        1 => Just("nobody".to_owned()),
    ]
}

/// Keys of 4 categories, and sometimes of a category that is never put.
pub(crate) fn category_key() -> impl Strategy<Value = String> {
    prop_oneof![
        80 => (0..4u8).prop_map(|i| format!("category {i}")),
        1 => Just("nowhere".to_owned()),
    ]
}

/// Parts of distinct items, by key.
fn parts() -> impl Strategy<Value = Vec<PartPut>> {
    prop::collection::btree_map(item_key(), weight(), 1..4).prop_map(|parts| {
        let part = |(item, weight)| PartPut { item, weight };
        parts.into_iter().map(part).collect()
    })
}

pub(crate) fn item_put() -> impl Strategy<Value = ItemPut> {
    let embedding = prop::option::weighted(0.5, vector());
    let parts = prop::option::weighted(0.2, parts());
    let weight = prop::option::weighted(0.3, weight());
    let metadata = prop::option::weighted(0.15, metadata());
    (item_key(), embedding, parts, weight, metadata).prop_map(
        |(key, embedding, parts, weight, metadata)| ItemPut {
            key,
            embedding: embedding.filter(|_| parts.is_none()),
            parts,
            weight,
            metadata,
            expected_category: None,
        },
    )
}

/// A put of a category; `window`, `frozen`: whether it may have these.
pub(crate) fn category_put(
    key: impl Strategy<Value = String>,
    window: bool,
    frozen: bool,
) -> impl Strategy<Value = CategoryPut> {
    let base = prop::option::weighted(0.5, prop::option::weighted(0.8, vector()));
    let base_weight = prop::option::weighted(0.4, select(vec![0.0f32, 0.5, 1.0, 2.0, 3.3]));
    let windows = if window { vec![0, 1, 2, 3, 4] } else { vec![0] };
    let share = select(vec![0.0, 0.0, 0.25, 0.5, 0.9]);
    let least = select(vec![None, Some(-0.4), Some(0.3), Some(0.8)]);
    let most = select(vec![None, Some(0.01), Some(0.25), Some(0.4), Some(0.8)]);
    let settings = (
        prop::option::weighted(0.4, select(windows)),
        prop::option::weighted(0.4, share),
        prop::option::weighted(0.3, prop::bool::weighted(if frozen { 0.4 } else { 0.0 })),
        prop::option::weighted(0.2, metadata()),
        prop::option::weighted(0.2, least),
        prop::option::weighted(0.4, most),
    );
    (key, base, base_weight, settings).prop_map(|(key, base, base_weight, settings)| CategoryPut {
        key,
        base,
        base_weight,
        window: settings.0,
        min_base_share: settings.1,
        frozen: settings.2,
        metadata: settings.3,
        min_score: settings.4,
        max_actor_share: settings.5,
    })
}

/// Four categories with settings of all kinds.
pub(crate) fn four_categories(window: bool, frozen: bool) -> impl Strategy<Value = Command> {
    let puts = (0..4u8).map(move |i| category_put(Just(format!("category {i}")), window, frozen));
    puts.collect::<Vec<_>>().prop_map(Command::PutCategories)
}

fn assignment() -> impl Strategy<Value = Assignment> {
    (item_put(), category_key()).prop_map(|(item, category)| Assignment { item, category })
}

/// One item in several categories, one field per entry: without conflict, unless an item can only be
/// in one category.
fn one_item_at_length() -> impl Strategy<Value = Command> {
    let entry = (any::<[bool; 3]>(), category_key());
    let said = (vector(), weight(), metadata());
    let entries = prop::collection::vec(entry, 2..6);
    (item_key(), said, entries).prop_map(|(key, (embedding, weight, metadata), entries)| {
        let entry = |(says, category): ([bool; 3], String)| Assignment {
            item: ItemPut {
                key: key.clone(),
                embedding: says[0].then(|| embedding.clone()),
                parts: None,
                weight: says[1].then_some(weight),
                metadata: says[2].then(|| metadata.clone()),
                expected_category: None,
            },
            category,
        };
        Command::Assign(entries.into_iter().map(entry).collect())
    })
}

fn unassignment() -> impl Strategy<Value = Unassignment> {
    let category = prop::option::weighted(0.6, category_key());
    (item_key(), category, prop::bool::weighted(0.2)).prop_map(|(item, category, delete_item)| {
        Unassignment {
            item,
            category,
            delete_item,
            expected_category: None,
        }
    })
}

/// A rename among more keys than other commands use, so that some are free.
fn rename() -> impl Strategy<Value = Command> {
    let key = || (0..6u8).prop_map(|i| format!("category {i}"));
    (key(), key()).prop_map(|(key, new_key)| Command::RenameCategory { key, new_key })
}

/// Mostly of one category, and sometimes of one into itself.
fn merge() -> impl Strategy<Value = Command> {
    let sources = prop::collection::vec(category_key(), 1..3);
    (sources, category_key())
        .prop_map(|(sources, target)| Command::MergeCategories { sources, target })
}

fn dismiss() -> impl Strategy<Value = Command> {
    let pair = (item_key(), category_key());
    let pair = pair.prop_map(|(item, category)| ItemCategory { item, category });
    (
        prop::collection::vec(pair, 1..3),
        prop::bool::weighted(0.25),
    )
        .prop_map(|(pairs, withdraw)| Command::Dismiss { pairs, withdraw })
}

fn profile_update() -> impl Strategy<Value = ProfileUpdate> {
    let description = prop::option::of(select(vec!["a", "b"]));
    let mode = select(vec![RankingMode::Cosine, RankingMode::Local]);
    let fairness = select(vec![0.0, 0.5, 1.0]);
    let ranking = (prop::option::of(mode), prop::option::of(fairness));
    let keep = (prop::option::of(1..9u64), prop::option::of(1..9u64));
    let keep = keep.prop_map(|(revisions, seconds)| HistoryKeep { revisions, seconds });
    let labels = prop::option::of(metadata());
    (description, labels, ranking, prop::option::of(keep)).prop_map(
        |(description, labels, (ranking, fairness), history_keep)| ProfileUpdate {
            description: description.map(str::to_owned),
            labels,
            ranking,
            fairness,
            history_keep,
        },
    )
}

/// Any command.
pub(crate) fn command() -> impl Strategy<Value = Command> {
    let batch = 1..5usize;
    prop_oneof![
        10 => prop::collection::vec(assignment(), batch.clone()).prop_map(Command::Assign),
        3 => one_item_at_length(),
        4 => prop::collection::vec(unassignment(), 1..4).prop_map(Command::Unassign),
        4 => prop::collection::vec(item_put(), batch).prop_map(Command::PutItems),
        1 => (prop::collection::vec(item_key(), 1..4), prop::bool::weighted(0.8)).prop_map(
            |(keys, allow_missing)| Command::DeleteItems { keys, allow_missing }),
        4 => prop::collection::vec(category_put(category_key(), true, true), 1..3)
            .prop_map(Command::PutCategories),
        1 => (prop::collection::vec(category_key(), 1..3), prop::bool::weighted(0.8)).prop_map(
            |(keys, allow_missing)| Command::DeleteCategories { keys, allow_missing }),
        3 => (category_key(), 0..4u32).prop_map(|(key, keep_last)| Command::Reanchor {
            key,
            keep_last
        }),
        2 => rename(),
        2 => merge(),
        4 => dismiss(),
        1 => profile_update().prop_map(Command::UpdateProfile),
    ]
}

/// Four categories, then any commands.
pub(crate) fn commands(size: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Command>> {
    (
        four_categories(true, true),
        prop::collection::vec(command(), size),
    )
        .prop_map(|(first, rest)| {
            let mut all = vec![first];
            all.extend(rest);
            all
        })
}

/// The same without least scores of categories, so that every category is in a ranking.
pub(crate) fn unlimited_commands(
    size: std::ops::Range<usize>,
) -> impl Strategy<Value = Vec<Command>> {
    commands(size).prop_map(|mut all| {
        for command in &mut all {
            if let Command::PutCategories(puts) = command {
                puts.iter_mut().for_each(|put| put.min_score = None);
            }
        }
        all
    })
}
