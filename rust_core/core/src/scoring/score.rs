//! Scores, by their parts.

/// The score of a category for a query, by its parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// cos(query, effective embedding), −1 to 1.
    pub cosine: f64,
    /// What fairness adds to it: at most 0 as a rule.
    pub fairness: f64,
}

impl Score {
    /// The sum of the parts: categories are ordered by it.
    #[inline]
    pub fn total(self) -> f64 {
        self.cosine + self.fairness
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
