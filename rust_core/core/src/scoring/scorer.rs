//! The choice of a ranking, and the scores that it gives.

use super::centroid::CentroidSum;
use super::cosine::{self, MeanQuery};
use crate::kernels::Kernel;
use crate::ranking::{Query, RowRef, Rows, Search, Tie, UnitRow};
use crate::settings::NamespaceSettings;

/// How the categories of a namespace are scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scorer {
    /// By the cosine of the query with the effective embedding.
    #[default]
    Cosine,
}

/// The score of a category for a query, by its parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// cos(query, effective embedding), −1 to 1.
    pub cosine: f64,
}

impl Score {
    /// The sum of the parts: categories are ordered by it.
    #[inline]
    pub fn total(self) -> f64 {
        self.cosine
    }
}

/// A row that a search has found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The slot of the row.
    pub slot: u32,
    /// Its score.
    pub score: Score,
}

impl Scorer {
    /// The scorer of a namespace with these settings.
    pub fn of(_settings: &NamespaceSettings) -> Self {
        Self::Cosine
    }

    /// Prepares a vector to score rows against. `None` if it has no direction: its norm is 0 or
    /// not finite.
    #[inline]
    pub fn query(self, vector: &[f32]) -> Option<Query> {
        match self {
            Self::Cosine => cosine::query(vector),
        }
    }

    /// Prepares the weighted mean of several vectors. `None` if it has no direction.
    pub fn mean_query(self, mean: &MeanQuery) -> Option<Query> {
        match self {
            Self::Cosine => mean.query(),
        }
    }

    /// Prepares a category: the row that queries are scored against. `None` if the category has no
    /// embedding.
    #[inline]
    pub fn row(self, sum: &CentroidSum<'_>) -> Option<UnitRow> {
        match self {
            Self::Cosine => cosine::row(sum),
        }
    }

    /// The score of one row.
    ///
    /// # Panics
    ///
    /// If query and row have different dimensions.
    #[inline]
    pub fn score(self, query: &Query, row: RowRef<'_>) -> Score {
        match self {
            Self::Cosine => cosine::score(query, row),
        }
    }

    /// 1 − cos(base, effective embedding), 0 to 2: how far a category has moved from its base.
    /// `None` without a base or a row.
    pub fn drift(self, base: Option<&[f32]>, row: Option<RowRef<'_>>) -> Option<f64> {
        let query = self.query(base?)?;
        Some(1.0 - self.score(&query, row?).cosine)
    }

    /// The best rows for each query, best first, in one pass over the rows. The kernel changes the
    /// time that this takes and nothing else.
    ///
    /// # Panics
    ///
    /// If a query has another dimension than the rows.
    pub fn search(
        self,
        kernel: Kernel,
        rows: &Rows,
        queries: &[Query],
        search: &Search<'_>,
        tie: Tie<'_>,
    ) -> Vec<Vec<Scored>> {
        match self {
            Self::Cosine => cosine::search(kernel, rows, queries, search, tie),
        }
    }
}
