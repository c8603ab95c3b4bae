//! What LOCAL and fairness add to a Match in process.
//!
//! ```text
//! cargo bench -p ee-engine --bench ranking
//! ```
#![allow(clippy::unwrap_used, missing_docs)]

use divan::Bencher;
use ee_core::command::{Assignment, CategoryPut, Command, ItemPut};
use ee_core::namespace::MatchOptions;
use ee_core::settings::{MembershipMode, NamespaceSettings, Normalization, RankingMode};
use ee_engine::{Engine, NewNamespace, Options, QuerySpec, ReadContext, WriteContext};
use tempfile::TempDir;

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

fn world(dimension: usize) -> (TempDir, Engine) {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(directory.path(), Options::default()).unwrap();
    let new = NewNamespace {
        name: "bench".into(),
        settings: NamespaceSettings {
            dimension: dimension as u32,
            embedding_model: String::new(),
            normalization: Normalization::Raw,
            membership: MembershipMode::Single,
        },
        description: String::new(),
        labels: Default::default(),
        ranking: Default::default(),
        history_keep: Default::default(),
    };
    engine
        .create_namespace(new, WriteContext::default())
        .unwrap();
    let namespace = engine.handle("bench").unwrap();
    let put = |c| CategoryPut {
        key: format!("c{c}"),
        base: Some(Some(vector(dimension, c, usize::MAX / 1_000_000))),
        ..CategoryPut::default()
    };
    let puts = Command::PutCategories((0..CATEGORIES).map(put).collect());
    engine
        .write(&namespace, puts, WriteContext::default())
        .unwrap();
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
        engine
            .write(
                &namespace,
                Command::Assign(entries),
                WriteContext::default(),
            )
            .unwrap();
    }
    (directory, engine)
}

fn rank(bencher: Bencher<'_, '_>, dimension: usize, mode: RankingMode, fairness: f64) {
    let (_directory, engine) = world(dimension);
    let namespace = engine.handle("bench").unwrap();
    let options = MatchOptions {
        limit: 10,
        ranking: Some(mode),
        fairness: Some(fairness),
        threads: 1,
        ..MatchOptions::default()
    };
    let rank = |queries| {
        let context = ReadContext::default();
        engine
            .rank(&namespace, queries, options.clone(), context)
            .unwrap()
    };
    // Between two categories, so that the gate is open.
    let mut query = vector(dimension, 3, 1);
    for (x, y) in query.iter_mut().zip(vector(dimension, 4, 2)) {
        *x += y;
    }
    rank(vec![QuerySpec::Vector(query.clone())]);
    bencher
        .with_inputs(|| vec![QuerySpec::Vector(query.clone())])
        .bench_values(rank);
}

#[divan::bench(args = DIMENSIONS)]
fn cosine(bencher: Bencher<'_, '_>, dimension: usize) {
    rank(bencher, dimension, RankingMode::Cosine, 0.0);
}

#[divan::bench(args = DIMENSIONS)]
fn cosine_with_fairness(bencher: Bencher<'_, '_>, dimension: usize) {
    rank(bencher, dimension, RankingMode::Cosine, 0.5);
}

#[divan::bench(args = DIMENSIONS)]
fn local(bencher: Bencher<'_, '_>, dimension: usize) {
    rank(bencher, dimension, RankingMode::Local, 0.5);
}
