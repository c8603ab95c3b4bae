//! Pages of suggestions in process: of an inbox that is in memory, after a write, and of the same
//! revision.
//!
//! ```text
//! cargo bench -p ee-engine --bench suggest
//! ```
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::atomic::{AtomicUsize, Ordering};

use divan::Bencher;
use ee_core::command::{Assignment, Command, ItemPut};
use ee_core::settings::{RankingMode, RankingSettings};
use ee_engine::{
    At, Engine, Options, ReadContext, SuggestOrder, SuggestSpec, Suggested, WriteContext,
};
use tempfile::TempDir;

mod support;

use support::{create, put_categories, vector, write};

const DIMENSION: usize = 384;
const CATEGORIES: u64 = 100;
const ITEMS: usize = 100_000;
const THREADS: [usize; 2] = [1, 2];

fn main() {
    divan::main();
}

fn world(threads: usize) -> (TempDir, Engine) {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        threads,
        ..Options::default()
    };
    let engine = Engine::open(directory.path(), options).unwrap();
    create(&engine, "bench", DIMENSION, RankingSettings::default());
    put_categories(&engine, "bench", CATEGORIES, DIMENSION);
    let put = |item: usize| ItemPut {
        key: format!("item {item:06}"),
        embedding: Some(vector(DIMENSION, item as u64)),
        ..ItemPut::default()
    };
    for first in (0..ITEMS).step_by(10_000) {
        let puts = (first..first + 10_000).map(put).collect();
        write(&engine, "bench", Command::PutItems(puts));
    }
    suggest(&engine, None);
    (directory, engine)
}

fn suggest(engine: &Engine, fairness: Option<f64>) -> At<Suggested> {
    let spec = SuggestSpec {
        order: SuggestOrder::MostDoubtful(None),
        limit: 101,
        categories: Vec::new(),
        min_score: None,
        max_score: None,
        min_margin: None,
        max_margin: None,
        key_prefix: String::new(),
        metadata: Default::default(),
        ranking: Some(RankingMode::Cosine),
        fairness,
        confidence: false,
        min_confidence: None,
        below_confidence: None,
    };
    let namespace = engine.handle("bench").unwrap();
    engine
        .suggest(&namespace, &spec, ReadContext::default())
        .unwrap()
}

/// The whole inbox is ranked: a ranking with another fairness is kept for none of its items.
#[divan::bench(args = THREADS, sample_count = 20)]
fn another_ranking(bencher: Bencher<'_, '_>, threads: usize) {
    let (_directory, engine) = world(threads);
    let turn = AtomicUsize::new(0);
    bencher.bench(|| {
        let turn = turn.fetch_add(1, Ordering::Relaxed);
        suggest(&engine, Some(f64::from(turn as u32 % 2) / 1e9))
    });
}

/// One item is assigned, which changes one category and the inbox.
#[divan::bench(args = THREADS, sample_count = 20)]
fn after_an_assign(bencher: Bencher<'_, '_>, threads: usize) {
    let (_directory, engine) = world(threads);
    let namespace = engine.handle("bench").unwrap();
    let next = AtomicUsize::new(0);
    bencher
        .with_inputs(|| {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let assign = Command::Assign(vec![Assignment {
                item: ItemPut {
                    key: format!("item {:06}", 37 * number),
                    ..ItemPut::default()
                },
                category: "c7".into(),
            }]);
            engine
                .write(&namespace, assign, WriteContext::default())
                .unwrap()
        })
        .bench_values(|_| suggest(&engine, None));
}

/// The next page of the same revision.
#[divan::bench(args = THREADS, sample_count = 20)]
fn same_revision(bencher: Bencher<'_, '_>, threads: usize) {
    let (_directory, engine) = world(threads);
    bencher.bench(|| suggest(&engine, None));
}
