//! The best hits so far.

use std::cmp::Ordering;

use super::{Hit, Search, Tie};

/// Collects hits and keeps the best `limit` of them.
///
/// Hits go into a buffer that is cut back to the best `limit` whenever it is half as long again;
/// each cut raises the floor below which nothing is taken. A hit *at* the floor is taken only if
/// its key precedes that of the last one: rows with equal scores are compared once each.
pub(super) struct TopK<'a> {
    limit: usize,
    /// No hit with a lower total can be in the answer.
    floor: f64,
    /// The last of `limit` hits, whose score is the floor; `None` before `limit` hits were found.
    last: Option<Hit>,
    hits: Vec<Hit>,
    cut_at: usize,
    tie: Tie<'a>,
}

impl<'a> TopK<'a> {
    pub(super) fn new(search: &Search<'_>, tie: Tie<'a>) -> Self {
        let limit = search.limit_or_all();
        let floor = search.min_score.unwrap_or(f64::NEG_INFINITY);
        Self {
            limit,
            floor,
            last: None,
            hits: Vec::with_capacity(next_cut(limit).min(64)),
            cut_at: limit,
            tie,
        }
    }

    /// Whether a row whose total is at most `upper` could still be in the answer.
    #[inline]
    pub(super) fn admits(&self, upper: f64) -> bool {
        upper >= self.floor
    }

    /// No hit with a lower total can be in the answer.
    pub(super) fn floor(&self) -> f64 {
        self.floor
    }

    /// Number of the hits so far with a higher total.
    pub(super) fn above(&self, total: f64) -> usize {
        self.hits.iter().filter(|hit| hit.total > total).count()
    }

    #[inline]
    pub(super) fn push(&mut self, hit: Hit) {
        if self.admits(hit.total) && self.comes_before_last(&hit) {
            self.hits.push(hit);
            if self.hits.len() >= self.cut_at {
                self.cut();
            }
        }
    }

    fn comes_before_last(&self, hit: &Hit) -> bool {
        let at_floor = hit.total <= self.floor;
        !at_floor
            || self
                .last
                .is_none_or(|last| order(hit, &last, self.tie).is_lt())
    }

    fn cut(&mut self) {
        let tie = self.tie;
        if self.hits.len() > self.limit {
            self.hits
                .select_nth_unstable_by(self.limit - 1, |a, b| order(a, b, tie));
            self.hits.truncate(self.limit);
        }
        self.last = self.hits.iter().copied().max_by(|a, b| order(a, b, tie));
        self.floor = self
            .last
            .map_or(self.floor, |last| self.floor.max(last.total));
        self.cut_at = next_cut(self.limit);
    }

    /// The best hits, best first.
    pub(super) fn into_sorted(self) -> Vec<Hit> {
        let Self {
            limit,
            mut hits,
            tie,
            ..
        } = self;
        hits.sort_unstable_by(|a, b| order(a, b, tie));
        hits.truncate(limit);
        hits
    }

    /// The best hits in no order.
    pub(super) fn into_hits(self) -> Vec<Hit> {
        self.hits
    }
}

/// Number of hits at which the buffer is cut.
fn next_cut(limit: usize) -> usize {
    limit.saturating_add((limit / 2).max(8))
}

/// Total descending, then the caller's order, then the slot: a caller whose order is total never
/// sees the last.
pub(super) fn order(a: &Hit, b: &Hit, tie: Tie<'_>) -> Ordering {
    b.total
        .total_cmp(&a.total)
        .then_with(|| tie(a.slot, b.slot))
        .then_with(|| a.slot.cmp(&b.slot))
}
