//! Ranking: the rows with the largest cosines, exactly.
//!
//! The score of a query q and a row r is their cosine, computed in one way:
//!
//! ```text
//! score = clamp(dot(q, r) / (norm(q) · norm(r)), −1, 1)      norm(v) = sqrt(dot(v, v))
//! ```
//!
//! with `dot` the f64 inner product in 16 lanes and one fold that [`crate::kernels`] defines. So a
//! score is a function of the two vectors: the same bits on every CPU. Answers are ordered by
//! score descending, then by the caller's order of slots; with a total order of slots an answer is
//! a function of the rows and the query, whatever the number of threads, the order in which rows
//! were added, and the path of the scan (`sketch.rs` proves that its short cut loses no row).
//! An answer of limit k is a prefix of the answer of any larger limit.
//!
//! A search may take a handicap off each score, which depends on the row alone; hits are then
//! ordered by what is left, their total.
//!
//! Invariant: no row is left out before it is scored, unless a proven upper bound of its score
//! is below the answer's last score, or below the caller's `min_score`.

mod best_two;
mod exact;
mod lines;
mod nearest;
mod pages;
mod query;
mod rows;
mod scan;
mod search;
mod segment;
mod sketch;
mod tally;
mod top_k;
mod unit_row;

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "what scoring prepares is tested here"
)]
mod tests;

use std::cmp::Ordering;

pub(crate) use best_two::BestTwo;
pub(crate) use nearest::{Near, nearest};
pub use query::Query;
pub use rows::Rows;
pub use tally::Tally;
pub use unit_row::{RowRef, UnitRow};

use crate::kernels::Kernel;

/// The options of a search.
#[derive(Clone, Copy, Debug, Default)]
pub struct Search<'a> {
    /// Largest number of hits; 0 for all.
    pub limit: usize,
    /// Lowest total of a hit. No total reaches a NaN.
    pub min_score: Option<f64>,
    /// What is taken off the score of a row for what it has grown.
    pub handicap: Option<Handicap>,
    /// By slot, whether a row may be found; slots past the end may not. `None`: every row may.
    pub keep: Option<&'a [bool]>,
    /// Largest number of threads to use, this one included; 0 means 1. A search uses more than
    /// one only if it is long enough to pay for it.
    pub threads: usize,
    /// Counts the rows that were read.
    pub tally: Option<&'a Tally>,
}

impl Search<'_> {
    /// The limit as a number of hits: `usize::MAX` for all.
    fn limit_or_all(&self) -> usize {
        if self.limit == 0 {
            usize::MAX
        } else {
            self.limit
        }
    }

    fn keeps(&self, slot: u32) -> bool {
        self.keep
            .is_none_or(|keep| keep.get(slot as usize).is_some_and(|&kept| kept))
    }
}

/// What is taken off the score of each row: `weight·(first + rise·growth)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Handicap {
    /// How much it counts, 0 to 1.
    pub weight: f64,
    /// That of a row which has not grown, −1 to 1.
    pub first: f64,
    /// How much higher that of a row is which has grown to 1, −4 to 4.
    pub rise: f64,
}

impl Handicap {
    /// The handicap of a row that has grown so far, 0 to 1.
    #[inline]
    pub fn of(&self, growth: f64) -> f64 {
        self.weight * (self.first + self.rise * growth)
    }

    /// The largest handicap of any row.
    pub fn largest(&self) -> f64 {
        self.of(0.0).max(self.of(1.0))
    }
}

/// A row that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The slot of the row.
    pub slot: u32,
    /// The cosine of query and row, in [−1, 1].
    pub score: f64,
    /// The score less the handicap: what hits are ordered by.
    pub total: f64,
}

/// The order of slots whose scores are equal, such as the order of their keys. It must be total for
/// an answer that does not depend on the places of rows.
pub type Tie<'a> = &'a (dyn Fn(u32, u32) -> Ordering + Sync);

/// The score of one row.
///
/// # Panics
///
/// If query and row have different dimensions.
#[inline]
pub fn cosine(query: &Query, row: RowRef<'_>) -> f64 {
    cosine_with(Kernel::best(), query, row)
}

/// [`cosine`] with a chosen kernel. The answer is the same with each.
///
/// # Panics
///
/// If query and row have different dimensions.
#[inline]
pub fn cosine_with(kernel: Kernel, query: &Query, row: RowRef<'_>) -> f64 {
    assert_eq!(
        query.dimension(),
        row.dimension,
        "a query of another dimension"
    );
    query.score(kernel.dot(&query.lines, row.lines), row.norm)
}
