//! One hot path, a given number of times: to be counted, not timed (`python -m bench.instructions`).
//!
//! ```text
//! hot PATH CALLS
//! ```

mod ranked;

use ee_core::arithmetic::fixed::{self, WeightSum};
use ee_core::ranking::{Rows, Search, UnitRow};
use ee_core::scoring::{CentroidSum, Scorer};
use ee_core::settings::CategorySettings;
use std::hint::black_box;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (Some(path), Some(calls)) = (
        arguments.first(),
        arguments.get(1).and_then(|calls| calls.parse().ok()),
    ) else {
        // What `cargo bench` and `cargo test` run it with: nothing to count.
        return;
    };
    match path.as_str() {
        "query" => repeat(calls, |values| {
            drop(black_box(Scorer::Cosine.query(values)));
        }),
        "row" => {
            let numerator: Vec<i64> = values(1).iter().map(|&v| (v * 1e9) as i64).collect();
            repeat(calls, |_| {
                drop(black_box(row(&numerator)));
            });
        }
        "add" => {
            let mut sum = vec![0; DIMENSION];
            repeat(calls, |values| {
                fixed::add(&mut sum, 1.0, values).expect("it fits");
                fixed::subtract(&mut sum, 1.0, values).expect("it fits");
            });
        }
        path => match path.split_once('-') {
            Some((way, dimension)) => {
                let dimension = dimension.parse().expect("WAY-DIMENSION");
                match way.starts_with("assign") {
                    true => ranked::assign(way, dimension, calls),
                    false => ranked::rank(way, dimension, calls),
                }
            }
            None => {
                let count = path.split('x').next().and_then(|count| count.parse().ok());
                rank(count.expect("COUNTx1024"), calls);
            }
        },
    }
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

const DIMENSION: usize = 1024;

fn repeat(calls: usize, mut call: impl FnMut(&[f32])) {
    let values = values(7);
    for _ in 0..calls {
        call(black_box(&values));
    }
}

fn rank(count: usize, calls: usize) {
    let mut rows = Rows::new(DIMENSION);
    for seed in 0..count as u64 {
        let numerator: Vec<i64> = values(seed + 100)
            .iter()
            .map(|&v| (v * 1e9) as i64)
            .collect();
        let slot = rows.push();
        rows.set(slot, row(&numerator).as_ref());
    }
    let search = Search {
        limit: 10,
        ..Search::default()
    };
    repeat(calls, |values| {
        let query = Scorer::Cosine.query(values).expect("a direction");
        drop(black_box(rows.top_k(&query, &search, &|a, b| a.cmp(&b))));
    });
}

fn values(seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    (0..DIMENSION).map(|_| next() + next() + next()).collect()
}
