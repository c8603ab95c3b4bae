//! The best two rows for each of many queries.
//!
//! Many queries against some hundred rows is a matrix product, and the sketches of a few rows do not
//! pay: preparing a query for them takes as long as a fifth of its products. So the products are
//! computed in f32, tile by tile, and the few rows that can be among the best two are scored exactly.
//!
//! # The bound
//!
//! In units of u = 2⁻²⁴, with r a row, whose norm is 1 ± u, and q a query: the product of
//! [`Kernel::f32_dots`] is off by m/(1 − m·u)·‖q‖·‖r‖ with m as stated there. It is multiplied by
//! fl(1/‖q‖), a unit, in f32, another one; the norm of r is taken for 1, a third one. The exact score is
//! off from the cosine by less than 1e-12, and its clamp moves it towards the cosine. Below m + 4 units in
//! all, where m·u < 3·10⁻⁴. With the handicap, and rounding it and what it leaves (below 6) to f32, less
//! than 17 more. So each total is within s = 1.001·(m + 16)·u, or 1.001·(m + 80)·u with a handicap, of
//! what is computed here, of which 10 units and more are left for rounding s and what s is taken off.
//!
//! Two rows have a total of at least t − s, where t is the second largest total that is computed here.
//! So a row of the best two has one of at least t − s as well, and t − 2s was computed for it, or more.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::exact::{self, Waiting};
use super::top_k::order;
use super::{Handicap, Hit, Query, Rows, Tie};
use crate::kernels::lines::F32Line;
use crate::kernels::{F32_ROUNDINGS, F32_ROUNDINGS_PER_LINE, Kernel, Work};
use crate::parallel;

/// Queries and rows of a tile of products.
const TILE: (usize, usize) = (3, 8);

/// Rows whose products are kept at a time, for each query of a block.
const ROWS: usize = 256;

/// Totals that are compared at a time.
const LANES: usize = 16;

/// Bytes of the queries of a block: they stay in the private cache of a core, while the rows of one tile
/// after another meet them in its first-level cache.
const BLOCK_BYTES: usize = 128 << 10;

/// Queries of a block.
const BLOCK: RangeInclusive<usize> = 12..=96;

/// Norms of queries whose products stay in the range of f32.
const NORMS: RangeInclusive<f64> = 1e-30..=1e30;

/// The best two rows for a query, best first.
pub(crate) type BestTwo = [Option<Hit>; 2];

impl Rows {
    /// The best two rows for each query: what a [`Search`](super::Search) with limit 2 finds.
    ///
    /// # Panics
    ///
    /// If a query has another dimension.
    pub(crate) fn best_two(
        &self,
        kernel: Kernel,
        queries: &[&Query],
        handicap: Option<Handicap>,
        threads: usize,
        tie: Tie<'_>,
    ) -> Vec<BestTwo> {
        for query in queries {
            assert_eq!(
                query.dimension(),
                self.dimension(),
                "a query of another dimension"
            );
        }
        let sweep = Sweep::new(kernel, self, handicap, tie);
        let bytes = F32Line::count(self.dimension()) * size_of::<F32Line>();
        let size = (BLOCK_BYTES / bytes).clamp(*BLOCK.start(), *BLOCK.end()) / TILE.0 * TILE.0;
        let next = AtomicUsize::new(0);
        let threads = threads.min(queries.len().div_ceil(size));
        let made = parallel::run(threads, || {
            let mut room = Room::default();
            let taken = std::iter::from_fn(|| Some(next.fetch_add(1, Relaxed)));
            let taken = taken.map_while(|block| Some((block, queries.chunks(size).nth(block)?)));
            taken
                .map(|(block, queries)| (block, sweep.block(queries, &mut room)))
                .collect::<Vec<_>>()
        });
        let mut blocks: Vec<_> = made.into_iter().flatten().collect();
        blocks.sort_unstable_by_key(|&(block, _)| block);
        blocks.into_iter().flat_map(|(_, found)| found).collect()
    }
}

/// What every block of queries meets.
struct Sweep<'a> {
    kernel: Kernel,
    rows: &'a Rows,
    handicap: Option<Handicap>,
    tie: Tie<'a>,
    /// The rows that are present, and what is taken off their scores; infinity behind the last.
    present: Vec<Waiting<'a>>,
    handicaps: Vec<[f32; LANES]>,
    /// s.
    slack: f32,
}

/// Room to work in, for one block after another.
#[derive(Default)]
struct Room {
    products: Vec<[f32; LANES]>,
    leaders: Vec<Leaders>,
}

/// The rows that can be among the best two for a query.
#[derive(Default)]
struct Leaders {
    /// The two largest totals so far, in f32.
    largest: [f32; 2],
    /// Places in [`Sweep::present`], and totals.
    found: Vec<(u32, f32)>,
}

impl<'a> Sweep<'a> {
    fn new(kernel: Kernel, rows: &'a Rows, handicap: Option<Handicap>, tie: Tie<'a>) -> Self {
        let present = (0..rows.len() as u32).filter_map(|slot| {
            let (lines, norm) = rows.row(slot)?;
            Some((slot, lines, norm))
        });
        let present: Vec<Waiting<'_>> = present.collect();
        let taken_off = |&(slot, ..): &Waiting<'_>| {
            handicap.map_or(0.0, |handicap| handicap.of(rows.growth(slot)) as f32)
        };
        let mut handicaps = vec![[f32::INFINITY; LANES]; present.len().div_ceil(LANES)];
        let places = handicaps.as_flattened_mut().iter_mut();
        places
            .zip(&present)
            .for_each(|(place, row)| *place = taken_off(row));
        let lines = F32Line::count(rows.dimension());
        let roundings = F32_ROUNDINGS_PER_LINE * lines + F32_ROUNDINGS;
        let more = if handicap.is_some() { 80 } else { 16 };
        Self {
            kernel,
            rows,
            handicap,
            tie,
            handicaps,
            present,
            slack: 1.001 * (roundings + more) as f32 / 16_777_216.0,
        }
    }

    /// The best two rows for each query of a block.
    fn block(&self, queries: &[&Query], room: &mut Room) -> Vec<BestTwo> {
        let Room { products, leaders } = room;
        let chunks = queries.len().next_multiple_of(TILE.0) * ROWS / LANES;
        products.resize(chunks, [0.0; LANES]);
        leaders.resize_with(queries.len(), Leaders::default);
        for leaders in leaders.iter_mut() {
            leaders.largest = [f32::NEG_INFINITY; 2];
            leaders.found.clear();
        }
        for first in (0..self.present.len()).step_by(ROWS) {
            let rows = first..(first + ROWS).min(self.present.len());
            self.multiply(queries, &self.present[rows.clone()], products);
            let chunks = rows.start / LANES..rows.end.div_ceil(LANES);
            let handicaps = &self.handicaps[chunks];
            let products = products.chunks_exact(ROWS / LANES);
            let each = queries.iter().zip(products).zip(&mut *leaders);
            for ((query, products), leaders) in each {
                self.kernel.work(Lead {
                    first: first as u32,
                    products: &products[..handicaps.len()],
                    handicaps,
                    inverse: (1.0 / query.norm) as f32,
                    slack: self.slack,
                    leaders,
                });
            }
        }
        if queries.iter().any(|query| !NORMS.contains(&query.norm)) {
            // What is behind the last row stays for the next block, and must be a number.
            products.fill([0.0; LANES]);
        }
        let found = queries.iter().zip(leaders);
        found
            .map(|(query, leaders)| self.best_of(query, leaders))
            .collect()
    }

    /// The products of all queries with some rows, at most [`ROWS`]: those of a query side by side.
    fn multiply(&self, queries: &[&Query], rows: &[Waiting<'_>], products: &mut [[f32; LANES]]) {
        let products = products.as_flattened_mut();
        for (tile, rows) in rows.chunks(TILE.1).enumerate() {
            let at = tile * TILE.1;
            // What is beyond the last row, or the last query, repeats it and is never read.
            let lines = std::array::from_fn(|row| rows[row.min(rows.len() - 1)].1);
            for (group, queries) in queries.chunks(TILE.0).enumerate() {
                let queries = [0, 1, 2].map(|query| &*queries[query.min(queries.len() - 1)].lines);
                let dots = self.kernel.f32_dots(queries, lines);
                for (query, dots) in dots.iter().enumerate() {
                    let start = (group * TILE.0 + query) * ROWS + at;
                    products[start..start + TILE.1].copy_from_slice(dots);
                }
            }
        }
    }

    /// The best two of the rows that can be.
    fn best_of(&self, query: &Query, leaders: &Leaders) -> BestTwo {
        let mut best = [None; 2];
        let mut take = |hit: Hit| {
            let is_before = |other: &Option<Hit>| {
                other.is_none_or(|other| order(&hit, &other, self.tie).is_lt())
            };
            if is_before(&best[0]) {
                best = [Some(hit), best[0]];
            } else if is_before(&best[1]) {
                best[1] = Some(hit);
            }
        };
        let handicaps = self.handicap.map(|handicap| (handicap, self.rows));
        let mut score = |rows: &[Waiting<'_>]| {
            let four = std::array::from_fn(|at| rows[at.min(rows.len() - 1)]);
            exact::score(
                self.kernel,
                query,
                &four,
                rows.len(),
                false,
                handicaps,
                &mut take,
            );
        };
        if !NORMS.contains(&query.norm) {
            self.present.chunks(4).for_each(score);
            return best;
        }
        let floor = leaders.largest[1] - 2.0 * self.slack;
        let found = leaders.found.iter().filter(|&&(_, total)| total >= floor);
        let mut found = found.map(|&(at, _)| self.present[at as usize]);
        let mut four = [(0, &*query.lines, 1.0); 4];
        loop {
            let mut count = 0;
            for (place, next) in four.iter_mut().zip(&mut found) {
                *place = next;
                count += 1;
            }
            if count == 0 {
                return best;
            }
            score(&four[..count]);
        }
    }
}

/// Makes totals of products, and finds those that can be among the best two.
struct Lead<'a> {
    /// The place of the first row in [`Sweep::present`].
    first: u32,
    /// The products, and what is taken off them; infinity where there is no row.
    products: &'a [[f32; LANES]],
    handicaps: &'a [[f32; LANES]],
    inverse: f32,
    slack: f32,
    leaders: &'a mut Leaders,
}

impl Work for Lead<'_> {
    type Output = ();

    #[inline(always)]
    #[allow(clippy::needless_range_loop)]
    fn run(self) {
        let inverse = self.inverse;
        let mut largest = [f32::NEG_INFINITY; LANES];
        let mut second = [f32::NEG_INFINITY; LANES];
        for (products, handicaps) in self.products.iter().zip(self.handicaps) {
            for lane in 0..LANES {
                let total = products[lane] * inverse - handicaps[lane];
                second[lane] = larger(second[lane], smaller(largest[lane], total));
                largest[lane] = larger(largest[lane], total);
            }
        }
        let lanes = largest;
        for half in [8, 4, 2, 1] {
            for lane in 0..half {
                let (a, b) = (largest[lane], largest[lane + half]);
                let less = larger(second[lane], second[lane + half]);
                second[lane] = larger(less, smaller(a, b));
                largest[lane] = larger(a, b);
            }
        }
        let own = &mut self.leaders.largest;
        own[1] = larger(larger(own[1], second[0]), smaller(own[0], largest[0]));
        own[0] = larger(own[0], largest[0]);
        let floor = own[1] - 2.0 * self.slack;
        // Where the largest of a lane does not reach the floor, none of the lane does.
        for lane in 0..LANES {
            if lanes[lane] >= floor {
                let both = self.products.iter().zip(self.handicaps);
                for (chunk, (products, handicaps)) in both.enumerate() {
                    let total = products[lane] * inverse - handicaps[lane];
                    if total >= floor && handicaps[lane] < f32::INFINITY {
                        let place = self.first + (chunk * LANES + lane) as u32;
                        self.leaders.found.push((place, total));
                    }
                }
            }
        }
    }
}

/// One instruction each, where those of the standard library look for NaNs.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline(always)]
fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}
