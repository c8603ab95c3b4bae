//! COSINE: `score(q) = cos(q, V)`, with V the numerator of the category's weighted mean.

use super::centroid::CentroidSum;
use super::score::{Score, Scored};
use crate::kernels::Kernel;
use crate::ranking::{self, BestTwo, Handicap, Hit, Query, RowRef, Rows, Search, Tie, UnitRow};

#[inline]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that prepares queries"
)]
pub(super) fn query(vector: &[f32]) -> Option<Query> {
    Query::new(vector)
}

#[inline]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that prepares rows"
)]
pub(super) fn row(sum: &CentroidSum<'_>) -> Option<UnitRow> {
    UnitRow::from_numerator(&sum.numerator()?.components)
}

#[inline]
pub(super) fn score(query: &Query, row: RowRef<'_>) -> Score {
    Score {
        cosine: ranking::cosine(query, row),
        fairness: 0.0,
    }
}

pub(super) fn search(
    kernel: Kernel,
    rows: &Rows,
    queries: &[Query],
    search: &Search<'_>,
    tie: Tie<'_>,
) -> Vec<Vec<Scored>> {
    let found = rows.top_k_batch_with(kernel, queries, search, tie);
    let scored = |hit| scored(rows, search.handicap, hit);
    found
        .into_iter()
        .map(|hits| hits.into_iter().map(scored).collect())
        .collect()
}

pub(super) fn best_two(
    kernel: Kernel,
    rows: &Rows,
    queries: &[&Query],
    handicap: Option<Handicap>,
    threads: usize,
    tie: Tie<'_>,
) -> Vec<[Option<Scored>; 2]> {
    let found = rows.best_two(kernel, queries, handicap, threads, tie);
    let scored = |best: BestTwo| best.map(|hit| Some(scored(rows, handicap, hit?)));
    found.into_iter().map(scored).collect()
}

fn scored(rows: &Rows, handicap: Option<Handicap>, hit: Hit) -> Scored {
    Scored {
        slot: hit.slot,
        score: Score {
            cosine: hit.score,
            fairness: handicap.map_or(0.0, |handicap| -handicap.of(rows.growth(hit.slot))),
        },
    }
}
