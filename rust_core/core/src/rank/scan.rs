//! The first pass of a search: which rows can be in the answer, judged by their sketches.

use super::exact;
use super::segment::SketchBlock;
use super::sketch::{QuerySketch, round_down};
use super::top_k::TopK;
use super::{Query, Rows, Search};
use crate::kernels::Kernel;
use crate::kernels::lines::I8Line;

/// Bytes of sketches that all queries visit before the next block: they stay in the L1 cache.
const BLOCK_BYTES: usize = 32 << 10;

/// Rows of a block: at least a kernel's stride, at most what the buffers hold.
const BLOCK_ROWS: std::ops::RangeInclusive<usize> = 8..=256;

/// A row that can still be in the answer.
#[derive(Clone, Copy)]
struct Candidate {
    slot: u32,
    upper: f32,
}

/// The candidates of one query.
pub(super) struct Survivors {
    limit: usize,
    /// At least `limit` rows (or the caller) have shown that no row below this is in the answer.
    floor: f32,
    /// The best lower bounds so far: the `limit` best, and those that came since the last cut.
    lowers: Vec<f32>,
    cut_at: usize,
    found: Vec<Candidate>,
    prune_at: usize,
}

impl Survivors {
    fn new(search: &Search<'_>) -> Self {
        // No score is below −1, and the upper bound of an absent row is −∞.
        let floor = round_down(search.min_score.unwrap_or(-1.0)).max(-1.0);
        let limit = search.limit_or_all();
        Self {
            limit,
            floor,
            lowers: Vec::new(),
            cut_at: limit,
            found: Vec::new(),
            prune_at: 1024,
        }
    }

    /// Takes from a block, whose first row is slot `first`, the rows that can be in the answer.
    fn take(
        &mut self,
        query: &QuerySketch,
        first: u32,
        block: &SketchBlock<'_>,
        dots: &[i32],
        search: &Search<'_>,
    ) {
        let mut uppers = [0.0_f32; *BLOCK_ROWS.end()];
        let rows = dots.iter().zip(block.scales).zip(block.errors);
        for (upper, ((&dot, &scale), &error)) in uppers.iter_mut().zip(rows) {
            *upper = query.middle(dot, scale) + query.slack(error);
        }
        for (at, &upper) in uppers[..dots.len()].iter().enumerate() {
            let slot = first + at as u32;
            if upper >= self.floor && search.keeps(slot) {
                let slack = query.slack(block.errors[at]);
                self.admit(
                    slot,
                    query.middle(dots[at], block.scales[at]) - slack,
                    upper,
                );
            }
        }
    }

    fn admit(&mut self, slot: u32, lower: f32, upper: f32) {
        self.found.push(Candidate { slot, upper });
        // One at the floor would not raise it.
        if self.limit != usize::MAX && lower > self.floor {
            self.lowers.push(lower);
            if self.lowers.len() >= self.cut_at {
                self.cut();
            }
        }
        if self.found.len() >= self.prune_at {
            self.prune();
            self.prune_at = self.prune_at.max(self.found.len() * 2);
        }
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

    /// Adds what another thread found among other rows.
    pub(super) fn absorb(&mut self, other: Self) {
        self.floor = self.floor.max(other.floor);
        self.lowers.extend(other.lowers);
        self.found.extend(other.found);
    }

    /// Scores the candidates exactly; returns how many there are.
    pub(super) fn settle(
        mut self,
        kernel: Kernel,
        rows: &Rows,
        query: &Query,
        best: &mut TopK<'_>,
    ) -> usize {
        self.cut();
        self.prune();
        let left = self.found.len();
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
        exact::settle(kernel, rows, query, candidates, best);
        left
    }
}

/// The candidates of each query in the segments that `segments` yields.
pub(super) fn survivors(
    kernel: Kernel,
    rows: &Rows,
    segments: impl Iterator<Item = usize>,
    queries: &[Query],
    search: &Search<'_>,
) -> Vec<Survivors> {
    let line_bytes = I8Line::count(rows.dimension()) * size_of::<I8Line>();
    let block_rows = (BLOCK_BYTES / line_bytes).clamp(*BLOCK_ROWS.start(), *BLOCK_ROWS.end());
    let sketches: Vec<&QuerySketch> = queries.iter().map(Query::sketch).collect();
    let mut survivors: Vec<_> = queries.iter().map(|_| Survivors::new(search)).collect();
    let mut dots = [[0_i32; *BLOCK_ROWS.end()]; 4];
    for segment in segments {
        let mut first = rows.slots(segment).start;
        for block in rows.segments[segment].sketch_blocks(block_rows, rows.dimension()) {
            let size = block.scales.len();
            for (queries, survivors) in sketches.chunks(4).zip(survivors.chunks_mut(4)) {
                let mut dots = dots.each_mut().map(|dots| &mut dots[..size]);
                inner_products(kernel, queries, &block, &mut dots);
                for ((survivors, query), dots) in survivors.iter_mut().zip(queries).zip(&dots) {
                    survivors.take(query, first, &block, dots, search);
                }
            }
            first += size as u32;
        }
    }
    survivors
}

/// The integers I of up to four queries with the rows of a block.
fn inner_products(
    kernel: Kernel,
    queries: &[&QuerySketch],
    block: &SketchBlock<'_>,
    dots: &mut [&mut [i32]; 4],
) {
    if let &[a, b, c, d] = queries {
        let queries = [a, b, c, d].map(|query| &*query.lines);
        kernel.sketch_dots4(
            queries,
            block.sketches,
            dots.each_mut().map(|dots| &mut **dots),
        );
    } else {
        for (query, dots) in queries.iter().zip(dots) {
            kernel.sketch_dots(&query.lines, block.sketches, dots);
        }
    }
}
