//! COSINE: `score(q) = cos(q, V)`, with V the numerator of the category's weighted mean.

use super::centroid::CentroidSum;
use super::scorer::{Score, Scored};
use crate::arithmetic::fixed::{self, Overflow};
use crate::kernels::Kernel;
use crate::ranking::{self, Hit, Query, RowRef, Rows, Search, Tie, UnitRow};

#[inline]
pub(super) fn query(vector: &[f32]) -> Option<Query> {
    Query::new(vector)
}

#[inline]
pub(super) fn row(sum: &CentroidSum<'_>) -> Option<UnitRow> {
    UnitRow::from_numerator(&sum.numerator()?.components)
}

#[inline]
pub(super) fn score(query: &Query, row: RowRef<'_>) -> Score {
    Score {
        cosine: ranking::cosine(query, row),
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
    let scored = |hit: Hit| Scored {
        slot: hit.slot,
        score: Score { cosine: hit.score },
    };
    found
        .into_iter()
        .map(|hits| hits.into_iter().map(scored).collect())
        .collect()
}

/// The weighted mean of the parts of a query, summed in the exact arithmetic of a category.
#[derive(Clone, Debug)]
pub struct MeanQuery {
    sum: Vec<i64>,
}

impl MeanQuery {
    /// A mean without parts, of vectors of `dimension` components.
    pub fn new(dimension: usize) -> Self {
        Self {
            sum: vec![0; dimension],
        }
    }

    /// Adds a part. On overflow the mean is as it was.
    pub fn add(&mut self, weight: f32, vector: &[f32]) -> Result<(), Overflow> {
        fixed::add(&mut self.sum, f64::from(weight), vector)
    }

    /// The direction of the mean is that of the sum.
    pub(super) fn query(&self) -> Option<Query> {
        let vector: Vec<f32> = self.sum.iter().map(|&component| component as f32).collect();
        query(&vector)
    }
}
