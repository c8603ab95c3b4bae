//! The scan over the rows: which of them can be in the answer, by their sketches, or by their scores
//! where sketches do not separate the rows.
//!
//! Rows are visited in blocks. A query reads the sketches of a block and remembers the rows whose
//! upper bound reaches its floor; [`Survivors::finish`] scores those. Where most rows of a block
//! survive, reading sketches is time lost, unless the floor is on its way up: some rows are far
//! above these, and there may be enough like them. Otherwise the next blocks are scored exactly as
//! they come, which raises the floor as well, and then one block is tried again. The runs between
//! trials double, so the worst data costs what an exact scan costs, and a few sketches.

use std::ops::{Range, RangeInclusive};

use super::segment::SketchBlock;
use super::sketch::{QuerySketch, round_down};
use super::top_k::TopK;
use super::{Query, Rows, Search, Tie, exact};
use crate::kernels::Kernel;
use crate::kernels::lines::I8Line;

/// Bytes of sketches that all queries visit before the next block: they stay in the L1 cache.
const BLOCK_BYTES: usize = 32 << 10;

/// Rows of a block: a kernel's stride at least, and at most what the buffers hold.
const BLOCK_ROWS: RangeInclusive<usize> = 8..=256;

/// The most blocks that are scored exactly before one is tried again.
const LONGEST_RUN: usize = 64;

/// Covers every rounding of a handicap, below 5, to f32, and of a bound that it was taken off:
/// less than 17 units of 2⁻²⁴, of which this is 64.
const HANDICAP_SLOP: f32 = 1.0 / 262_144.0;

/// A row that can still be in the answer.
#[derive(Clone, Copy)]
struct Candidate {
    slot: u32,
    upper: f32,
}

/// The candidates of one query.
pub(super) struct Survivors<'a> {
    limit: usize,
    /// At least `limit` rows (or the caller) have shown that no row below this is in the answer.
    floor: f32,
    /// The best lower bounds so far: the `limit` best, and those since the last cut.
    lowers: Vec<f32>,
    cut_at: usize,
    found: Vec<Candidate>,
    prune_at: usize,
    /// The best of the rows that were scored.
    best: TopK<'a>,
    /// Rows whose sketches were read.
    seen: usize,
    /// Rows whose sketches were read or that were scored in passing.
    visited: usize,
    /// Number of rows.
    total: usize,
    /// Blocks to score exactly before sketches are tried again, and how many the next time.
    skip: usize,
    run: usize,
}

impl<'a> Survivors<'a> {
    fn new(search: &Search<'_>, tie: Tie<'a>, sketches: bool, total: usize) -> Self {
        // No score is below −1, and the upper bound of an absent row is −∞.
        // A handicap may leave less than that, but a number.
        let lowest = search.handicap.map_or(-1.0, |_| f32::MIN);
        let floor = round_down(search.min_score.unwrap_or(f64::from(lowest))).max(lowest);
        let limit = search.limit_or_all();
        Self {
            limit,
            floor,
            lowers: Vec::new(),
            cut_at: limit,
            found: Vec::with_capacity(limit.min(32) * 2),
            prune_at: 1024,
            best: TopK::new(search, tie),
            seen: 0,
            visited: 0,
            total,
            skip: if sketches { 0 } else { usize::MAX },
            run: 2,
        }
    }

    /// Keeps, of a block whose first row is slot `first`, the rows that can be in the answer.
    fn take(
        &mut self,
        query: &QuerySketch,
        first: u32,
        block: &SketchBlock<'_>,
        dots: &[i32],
        search: &Search<'_>,
    ) {
        let mut uppers = [0.0_f32; *BLOCK_ROWS.end()];
        let uppers = &mut uppers[..dots.len()];
        let rows = dots.iter().zip(block.scales).zip(block.errors);
        for (upper, ((&dot, &scale), &error)) in uppers.iter_mut().zip(rows) {
            *upper = query.middle(dot, scale) + query.slack(error);
        }
        if let Some(handicap) = search.handicap {
            let lessen = |upper: &mut f32, growth: f64| {
                *upper = *upper - handicap.of(growth) as f32 + HANDICAP_SLOP;
            };
            if block.growths.is_empty() {
                uppers.iter_mut().for_each(|upper| lessen(upper, 0.0));
            } else {
                let rows = uppers.iter_mut().zip(block.growths);
                rows.for_each(|(upper, &growth)| lessen(upper, growth));
            }
        }
        let lower = |at: usize| {
            let slack = query.slack(block.errors[at]);
            let lower = query.middle(dots[at], block.scales[at]) - slack;
            match search.handicap {
                Some(handicap) => {
                    let growth = block.growths.get(at).copied().unwrap_or(0.0);
                    lower - handicap.of(growth) as f32 - HANDICAP_SLOP
                }
                None => lower,
            }
        };
        let keeps = |at: usize| search.keeps(first + at as u32);
        let bounded = self.limit != usize::MAX;
        // A floor from a whole block first: most rows are then never kept.
        let begins = bounded && self.seen == 0;
        if begins {
            let floor = self.floor;
            let kept = (0..dots.len()).filter(|&at| uppers[at] >= floor && keeps(at));
            self.lowers.extend(kept.map(lower));
            self.cut();
        }
        let mut admitted = 0;
        for (at, &upper) in uppers.iter().enumerate() {
            if upper >= self.floor && keeps(at) {
                let slot = first + at as u32;
                self.found.push(Candidate { slot, upper });
                if bounded && !begins {
                    self.raise(lower(at));
                }
                admitted += 1;
            }
        }
        if self.found.len() >= self.prune_at {
            self.prune();
            self.prune_at = self.prune_at.max(self.found.len() * 2);
        }
        self.select_candidates(uppers, admitted);
    }

    /// Records a lower bound. A bound at the floor would not raise it.
    fn raise(&mut self, lower: f32) {
        if lower > self.floor {
            self.lowers.push(lower);
            if self.lowers.len() >= self.cut_at {
                self.cut();
            }
        }
    }

    /// Whether sketches are worth reading. Of rows in no order about `limit` in `seen` are among
    /// the best so far; a few times as many, and a quarter, may survive.
    fn select_candidates(&mut self, uppers: &mut [f32], admitted: usize) {
        let rows = uppers.len();
        self.seen += rows;
        self.visited += rows;
        let expected = (rows.saturating_mul(self.limit) / self.seen).saturating_mul(4);
        if admitted <= expected.saturating_add(rows / 4) {
            self.run = 2;
        } else if !self.floor_will_pass(uppers) {
            self.skip = self.run;
            self.run = (self.run * 2).min(LONGEST_RUN);
        }
    }

    /// Whether the floor is likely to end above three quarters of these upper bounds: whether there
    /// will be `limit` rows above them, if the rows to come are twice as good as those so far.
    fn floor_will_pass(&self, uppers: &mut [f32]) -> bool {
        let quarter = uppers.len() / 4;
        let (_, &mut upper, _) = uppers.select_nth_unstable_by(quarter, |a, b| b.total_cmp(a));
        let bounded = self.lowers.iter().filter(|&&lower| lower > upper).count();
        let above = bounded + self.best.above(f64::from(upper));
        let hoped = (2 * above).saturating_mul(self.total);
        hoped >= self.limit.saturating_mul(self.visited)
    }

    /// Scores all rows of a block.
    fn score(
        &mut self,
        kernel: Kernel,
        rows: &Rows,
        query: &Query,
        block: Range<usize>,
        search: &Search<'_>,
    ) {
        self.visited += block.len();
        let slots = block.map(|slot| slot as u32);
        let kept = slots.filter(|&slot| search.keeps(slot));
        let candidates = kept.map(|slot| (slot, f64::INFINITY));
        exact::score_candidates(
            kernel,
            rows,
            query,
            candidates,
            search.handicap,
            &mut self.best,
        );
        self.floor = self.floor.max(round_down(self.best.floor()));
        self.skip -= 1;
    }

    /// Raises the floor to the `limit`-th best lower bound: that many rows score at least this.
    fn cut(&mut self) {
        if self.lowers.len() >= self.limit {
            let last = self.limit - 1;
            let (_, &mut nth, _) = self
                .lowers
                .select_nth_unstable_by(last, |a, b| b.total_cmp(a));
            self.lowers.truncate(self.limit);
            self.floor = self.floor.max(nth);
            self.cut_at = self.limit + (self.limit / 2).max(8);
        }
    }

    fn prune(&mut self) {
        let floor = self.floor;
        self.found.retain(|candidate| candidate.upper >= floor);
    }

    /// Adds the candidates that another thread has found among other rows.
    pub(super) fn absorb(&mut self, other: Self) {
        self.seen += other.seen;
        self.floor = self.floor.max(other.floor);
        self.lowers.extend(other.lowers);
        self.found.extend(other.found);
        for hit in other.best.into_hits() {
            self.best.push(hit);
        }
    }

    /// Scores the candidates exactly: the best of all rows that were visited.
    pub(super) fn finish(
        mut self,
        kernel: Kernel,
        rows: &Rows,
        query: &Query,
        search: &Search<'_>,
    ) -> TopK<'a> {
        self.cut();
        self.prune();
        if let Some(tally) = search.tally {
            tally.add(self.seen, self.found.len());
        }
        if self.found.len() < rows.len() / 8 {
            // Best first: the answer's last score rises at once, and most bounds never reach it.
            self.found
                .sort_unstable_by(|a, b| b.upper.total_cmp(&a.upper));
        } else {
            // The sketches could not tell the rows apart: read them in the order of memory.
            self.found.sort_unstable_by_key(|candidate| candidate.slot);
        }
        let found = self.found.into_iter();
        let candidates = found.map(|candidate| (candidate.slot, f64::from(candidate.upper)));
        exact::score_candidates(
            kernel,
            rows,
            query,
            candidates,
            search.handicap,
            &mut self.best,
        );
        self.best
    }
}

/// What a walk needs to know.
pub(super) struct Walk<'a> {
    pub(super) kernel: Kernel,
    pub(super) rows: &'a Rows,
    pub(super) search: &'a Search<'a>,
    pub(super) tie: Tie<'a>,
    /// Sketches first, or every row exactly.
    pub(super) sketches: bool,
}

impl<'a> Walk<'a> {
    /// What each query finds in the pieces that `pieces` yields.
    pub(super) fn survivors(
        &self,
        pieces: impl Iterator<Item = usize>,
        queries: &[Query],
    ) -> Vec<Survivors<'a>> {
        let line_bytes = I8Line::count(self.rows.dimension()) * size_of::<I8Line>();
        // Whole strides of the kernels.
        let block_rows =
            (BLOCK_BYTES / line_bytes / 8 * 8).clamp(*BLOCK_ROWS.start(), *BLOCK_ROWS.end());
        let total = self.rows.len();
        let none = |_| Survivors::new(self.search, self.tie, self.sketches, total);
        let mut survivors: Vec<_> = queries.iter().map(none).collect();
        let mut dots = [[0; *BLOCK_ROWS.end()]; 4];
        for slots in pieces.map(|piece| self.rows.piece(piece)) {
            for first in slots.clone().step_by(block_rows) {
                let block = first..(first + block_rows).min(slots.end);
                self.visit(block, queries, &mut survivors, &mut dots);
            }
        }
        survivors
    }

    /// All queries with one block.
    fn visit(
        &self,
        slots: Range<usize>,
        queries: &[Query],
        survivors: &mut [Survivors<'a>],
        dots: &mut Dots,
    ) {
        let mut reading = queries.iter().zip(survivors).filter_map(|(query, found)| {
            if found.skip == 0 {
                return Some((query.sketch(), found));
            }
            found.score(self.kernel, self.rows, query, slots.clone(), self.search);
            None
        });
        loop {
            let mut four: [Option<(&QuerySketch, &mut Survivors<'a>)>; 4] = Default::default();
            let mut together = 0;
            for (place, next) in four.iter_mut().zip(&mut reading) {
                *place = Some(next);
                together += 1;
            }
            if together == 0 {
                return;
            }
            let block = self.rows.sketches(slots.clone());
            let mut dots = dots.each_mut().map(|dots| &mut dots[..slots.len()]);
            inner_products(self.kernel, &four, &block, &mut dots);
            for ((query, found), dots) in four.into_iter().flatten().zip(&dots) {
                found.take(query, slots.start as u32, &block, dots, self.search);
            }
        }
    }
}

/// The inner products of up to four queries with a block.
type Dots = [[i32; *BLOCK_ROWS.end()]; 4];

/// The integers I of up to four queries with the rows of a block.
fn inner_products(
    kernel: Kernel,
    queries: &[Option<(&QuerySketch, &mut Survivors<'_>)>; 4],
    block: &SketchBlock<'_>,
    dots: &mut [&mut [i32]; 4],
) {
    if let [Some((a, _)), Some((b, _)), Some((c, _)), Some((d, _))] = queries {
        let queries = [a, b, c, d].map(|query| &*query.lines);
        let dots = dots.each_mut().map(|dots| &mut **dots);
        kernel.sketch_dots4(queries, block.sketches, dots);
    } else {
        for ((query, _), dots) in queries.iter().flatten().zip(dots) {
            kernel.sketch_dots(&query.lines, block.sketches, dots);
        }
    }
}
