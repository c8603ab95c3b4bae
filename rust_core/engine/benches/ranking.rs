//! What LOCAL and fairness add to a Match and to a durable Assign in process.
//!
//! ```text
//! cargo bench -p ee-engine --bench ranking
//! ```
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::atomic::{AtomicUsize, Ordering};

use divan::Bencher;
use ee_core::command::{Assignment, CategoryPut, Command, ItemPut};
use ee_core::namespace::{Match, MatchOptions};
use ee_core::settings::{RankingMode, RankingSettings};
use ee_engine::{Engine, Options, QuerySpec, ReadContext, WriteContext};
use tempfile::TempDir;

mod support;

use support::{create, write};

const DIMENSIONS: [usize; 2] = [384, 1024];
const CATEGORIES: usize = 77;
const MEMBERS: usize = 130;

fn main() {
    divan::main();
}

/// A number from −1 to 1.
fn noise(seed: usize) -> f32 {
    let mixed = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 40) as f32 / 8_388_608.0 - 1.0
}

/// A vector around the centre of a category; all centres have something in common.
fn vector(dimension: usize, category: usize, own: usize) -> Vec<f32> {
    let component = |i| {
        let common = 1.2 * noise(i);
        let centre = 0.8 * noise(category * 70_001 + i + 1_000_000);
        common + centre + 0.7 * noise(own * 90_001 + i + 9_000_000)
    };
    let vector: Vec<f32> = (0..dimension).map(component).collect();
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter().map(|x| x / norm).collect()
}

fn world(dimension: usize, mode: RankingMode) -> (TempDir, Engine) {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(directory.path(), Options::default()).unwrap();
    let ranking = RankingSettings {
        mode,
        fairness: None,
    };
    create(&engine, "bench", dimension, ranking);
    let put = |c| CategoryPut {
        key: format!("c{c}"),
        base: Some(Some(vector(dimension, c, usize::MAX / 1_000_000))),
        ..CategoryPut::default()
    };
    let puts = Command::PutCategories((0..CATEGORIES).map(put).collect());
    write(&engine, "bench", puts);
    for category in 0..CATEGORIES {
        let entry = |member| Assignment {
            item: ItemPut {
                key: format!("{category} {member}"),
                embedding: Some(vector(dimension, category, category * 1000 + member)),
                ..ItemPut::default()
            },
            category: format!("c{category}"),
        };
        let entries = (0..MEMBERS).map(entry).collect();
        write(&engine, "bench", Command::Assign(entries));
    }
    (directory, engine)
}

/// Between two categories, so that the neighbours are asked.
fn between(dimension: usize) -> Vec<f32> {
    let mut query = vector(dimension, 3, 1);
    for (x, y) in query.iter_mut().zip(vector(dimension, 4, 2)) {
        *x += y;
    }
    query
}

/// Beside one category, whose lead is so large that the neighbours are not asked.
fn beside(dimension: usize) -> Vec<f32> {
    let centre = |category: usize, i| noise(category * 70_001 + i + 1_000_000);
    (0..dimension).map(|i| centre(3, i)).collect()
}

fn rank(
    bencher: Bencher<'_, '_>,
    query: Vec<f32>,
    mode: RankingMode,
    fairness: f64,
    asks_neighbours: bool,
) {
    let (_directory, engine) = world(query.len(), RankingMode::Cosine);
    let namespace = engine.handle("bench").unwrap();
    let options = MatchOptions {
        limit: 10,
        ranking: Some(mode),
        fairness: Some(fairness),
        threads: 1,
        ..MatchOptions::default()
    };
    let rank = |queries, options: MatchOptions| {
        let context = ReadContext::default();
        engine.rank(&namespace, queries, options, context).unwrap()
    };
    let explained = MatchOptions {
        explain: true,
        ..options.clone()
    };
    let ranked = rank(vec![QuerySpec::Vector(query.clone())], explained);
    let parts = |found: &Match| !found.parts.as_ref().unwrap().neighbours.is_empty();
    assert_eq!(ranked.value[0].matches.iter().any(parts), asks_neighbours);
    bencher
        .with_inputs(|| vec![QuerySpec::Vector(query.clone())])
        .bench_values(|queries| rank(queries, options.clone()));
}

#[divan::bench(args = DIMENSIONS)]
fn cosine(bencher: Bencher<'_, '_>, dimension: usize) {
    rank(bencher, between(dimension), RankingMode::Cosine, 0.0, false);
}

#[divan::bench(args = DIMENSIONS)]
fn cosine_with_fairness(bencher: Bencher<'_, '_>, dimension: usize) {
    rank(bencher, between(dimension), RankingMode::Cosine, 0.5, false);
}

#[divan::bench(args = DIMENSIONS)]
fn local(bencher: Bencher<'_, '_>, dimension: usize) {
    rank(bencher, between(dimension), RankingMode::Local, 0.5, true);
}

#[divan::bench(args = DIMENSIONS)]
fn local_with_a_clear_lead(bencher: Bencher<'_, '_>, dimension: usize) {
    rank(bencher, beside(dimension), RankingMode::Local, 0.5, false);
}

#[divan::bench(args = DIMENSIONS)]
fn assign_cosine(bencher: Bencher<'_, '_>, dimension: usize) {
    assign(bencher, dimension, RankingMode::Cosine);
}

#[divan::bench(args = DIMENSIONS)]
fn assign_local(bencher: Bencher<'_, '_>, dimension: usize) {
    assign(bencher, dimension, RankingMode::Local);
}

/// A new item, assigned while the rows of the members are in memory.
fn assign(bencher: Bencher<'_, '_>, dimension: usize, mode: RankingMode) {
    let (_directory, engine) = world(dimension, mode);
    let namespace = engine.handle("bench").unwrap();
    let queries = (0..CATEGORIES).map(|c| QuerySpec::Vector(vector(dimension, c, 1)));
    engine
        .rank(
            &namespace,
            queries.collect(),
            MatchOptions::default(),
            ReadContext::default(),
        )
        .unwrap();
    let next = AtomicUsize::new(0);
    bencher
        .with_inputs(|| {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let category = number % CATEGORIES;
            Command::Assign(vec![Assignment {
                item: ItemPut {
                    key: format!("new {number}"),
                    embedding: Some(vector(dimension, category, 7_000_000 + number)),
                    ..ItemPut::default()
                },
                category: format!("c{category}"),
            }])
        })
        .bench_values(|command| {
            engine
                .write(&namespace, command, WriteContext::default())
                .unwrap()
        });
}
