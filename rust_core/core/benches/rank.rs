//! How long ranking takes, by shape, kernel and number of threads.
//!
//! `cargo bench -p ee-core --bench rank -- [regex of a line]`; times are per call, so a batch's
//! are for all of its queries.

use std::fmt;

use divan::Bencher;
use ee_core::arithmetic::fixed::WeightSum;
use ee_core::kernels::Kernel;
use ee_core::ranking::{Rows, Search, UnitRow};
use ee_core::scoring::{CentroidSum, Query, Scorer};
use ee_core::settings::CategorySettings;

fn main() {
    divan::main();
}

/// Number of rows and their dimension.
const SHAPES: [(usize, usize); 6] = [
    (10, 1024),
    (100, 1024),
    (1_000, 1024),
    (10_000, 1024),
    (100_000, 384),
    (100_000, 1024),
];

/// One line of the table.
#[derive(Clone, Copy)]
struct Case {
    count: usize,
    dimension: usize,
    kernel: Kernel,
    threads: usize,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            count,
            dimension,
            kernel,
            threads,
        } = self;
        write!(f, "{count}x{dimension} {} {threads}t", kernel.name())
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (count, dimension) in SHAPES {
        for kernel in Kernel::available() {
            for threads in [1, 2] {
                // Short scans never use a second thread.
                if threads == 1 || count >= 10_000 {
                    cases.push(Case {
                        count,
                        dimension,
                        kernel,
                        threads,
                    });
                }
            }
        }
    }
    cases
}

fn worst_cases() -> Vec<Case> {
    let worst = |case: &Case| (case.count, case.threads) == (10_000, 1);
    cases().into_iter().filter(worst).collect()
}

/// The ten best of independent random rows, one query after the other.
#[divan::bench(args = cases(), max_time = 1)]
fn one_query(bencher: Bencher<'_, '_>, case: &Case) {
    let (rows, queries) = world(case, 1.0);
    let search = Search {
        limit: 10,
        threads: case.threads,
        ..Search::default()
    };
    let mut queries = queries.iter().cycle();
    bencher.bench_local(|| {
        queries
            .next()
            .map(|query| rows.top_k_with(case.kernel, query, &search, &|a, b| a.cmp(&b)))
    });
}

/// The same for 64 queries at once.
#[divan::bench(args = cases(), max_time = 1)]
fn batch_of_64(bencher: Bencher<'_, '_>, case: &Case) {
    let (rows, queries) = world(case, 1.0);
    let search = Search {
        limit: 10,
        threads: case.threads,
        ..Search::default()
    };
    bencher
        .bench_local(|| rows.top_k_batch_with(case.kernel, &queries, &search, &|a, b| a.cmp(&b)));
}

/// Rows a thousandth apart, which no sketch can tell apart: the worst case. Compare `every_row`.
#[divan::bench(args = worst_cases(), max_time = 1)]
fn near_ties(bencher: Bencher<'_, '_>, case: &Case) {
    let (rows, queries) = world(case, 1e-3);
    let search = Search {
        limit: 10,
        ..Search::default()
    };
    bencher.bench_local(|| rows.top_k_with(case.kernel, &queries[0], &search, &|a, b| a.cmp(&b)));
}

/// No limit: every row is scored exactly and sorted.
#[divan::bench(args = worst_cases(), max_time = 1)]
fn every_row(bencher: Bencher<'_, '_>, case: &Case) {
    let (rows, queries) = world(case, 1.0);
    let search = Search::default();
    bencher.bench_local(|| rows.top_k_with(case.kernel, &queries[0], &search, &|a, b| a.cmp(&b)));
}

/// Preparing a query, sketch not included.
#[divan::bench(args = [384, 1024, 4096])]
fn new_query(bencher: Bencher<'_, '_>, dimension: usize) {
    let values: Vec<f32> = numerator(&mut 1, dimension)
        .iter()
        .map(|&v| v as f32)
        .collect();
    bencher.bench(|| Scorer::Cosine.query(&values));
}

/// Preparing a row, sketch included.
#[divan::bench(args = [384, 1024, 4096])]
fn new_row(bencher: Bencher<'_, '_>, dimension: usize) {
    let numerator = numerator(&mut 1, dimension);
    bencher.bench(|| row(&numerator));
}

/// The row of a category with this sum.
fn row(sum: &[i64]) -> Option<UnitRow> {
    Scorer::Cosine.row(&CentroidSum {
        settings: &CategorySettings::default(),
        base: None,
        sum,
        count: 1,
        weight: WeightSum::default(),
        actors: None,
    })
}

/// Rows and queries: one common vector, `spread` of whose place is taken by independent ones.
fn world(case: &Case, spread: f64) -> (Rows, Vec<Query>) {
    let mut seed = case.count as u64;
    let common = numerator(&mut seed, case.dimension);
    let mut numerator = || -> Vec<i64> {
        let own = numerator(&mut seed, case.dimension);
        let mix = |(&a, b): (&i64, i64)| ((1.0 - spread) * a as f64 + spread * b as f64) as i64;
        common.iter().zip(own).map(mix).collect()
    };
    let mut rows = Rows::new(case.dimension);
    for _ in 0..case.count {
        let slot = rows.push();
        rows.set(slot, row(&numerator()).as_ref());
    }
    let query = |_| {
        let values = numerator();
        let values: Vec<f32> = values.into_iter().map(|v| v as f32).collect();
        Scorer::Cosine.query(&values).expect("a direction")
    };
    (rows, (0..64).map(query).collect())
}

/// Roughly normal components in fixed point: sums of four uniform numbers.
fn numerator(seed: &mut u64, dimension: usize) -> Vec<i64> {
    let mut component = || {
        let roll = split_mix(seed);
        (0..4)
            .map(|quarter| ((roll >> (16 * quarter)) & 0xFFFF) as i64 - 0x8000)
            .sum::<i64>()
            << 24
    };
    (0..dimension).map(|_| component()).collect()
}

fn split_mix(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
