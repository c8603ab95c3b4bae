//! The choice of a ranking.

use super::centroid::CentroidSum;
use super::cosine;
use super::mean_query::MeanQuery;
use super::score::{Score, Scored};
use crate::kernels::Kernel;
use crate::ranking::{Handicap, Query, RowRef, Rows, Search, Tie, UnitRow};
use crate::settings::NamespaceSettings;

/// How the categories of a namespace are scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scorer {
    /// By the cosine of the query with the effective embedding.
    #[default]
    Cosine,
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
            Self::Cosine => cosine::query(&mean.vector()),
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

    /// The best two rows for each query, best first: those of a search with limit 2, at a fraction of its
    /// cost where queries are many and rows are few.
    ///
    /// # Panics
    ///
    /// If a query has another dimension than the rows.
    pub(crate) fn best_two(
        self,
        kernel: Kernel,
        rows: &Rows,
        queries: &[&Query],
        handicap: Option<Handicap>,
        threads: usize,
        tie: Tie<'_>,
    ) -> Vec<[Option<Scored>; 2]> {
        match self {
            Self::Cosine => cosine::best_two(kernel, rows, queries, handicap, threads, tie),
        }
    }
}
