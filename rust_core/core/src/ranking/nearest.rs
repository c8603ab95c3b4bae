//! The rows nearest to a query among several small matrices, so many of each and so many in all.
//!
//! The sketches of all of them are read first. The i-th best score of a matrix is at least the i-th
//! best of its lower bounds; so the best `each` lower bounds of every matrix, put together, bound
//! the scores of the answer from below as well, rank by rank. Rows whose upper bound is below the
//! last of their matrix, or below the last of all, are left out; the others are scored exactly.

use std::cmp::Ordering;

use super::{Query, Rows};
use crate::kernels::Kernel;
use crate::kernels::lines::F32Line;

/// Rows whose sketches are read at a time.
const BLOCK: usize = 256;

/// A row that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Near {
    /// The matrix that it is in.
    pub(crate) matrix: usize,
    /// Where it is there.
    pub(crate) slot: u32,
    /// The cosine of query and row, in [−1, 1].
    pub(crate) score: f64,
}

/// The order of rows whose scores are equal. Total, for an answer that does not depend on slots.
pub(crate) type NearTie<'a> = &'a dyn Fn(&Near, &Near) -> Ordering;

/// Of each matrix the `each` rows that score highest, and of those the best `all`, best first.
pub(crate) fn nearest(
    kernel: Kernel,
    query: &Query,
    matrices: &[&Rows],
    each: usize,
    all: usize,
    tie: NearTie<'_>,
) -> Vec<Near> {
    let mut candidates = Vec::new();
    let mut lowers = Vec::new();
    for (matrix, rows) in matrices.iter().enumerate() {
        bound(
            kernel,
            query,
            matrix,
            rows,
            each,
            &mut candidates,
            &mut lowers,
        );
    }
    let floor = nth_best(&mut lowers, all);
    candidates.retain(|candidate: &Candidate| candidate.upper >= floor);
    let mut near = score(kernel, query, matrices, &candidates);
    let order = |a: &Near, b: &Near| b.score.total_cmp(&a.score).then_with(|| tie(a, b));
    near.sort_unstable_by(order);
    let mut taken = vec![0; matrices.len()];
    near.retain(|near| {
        taken[near.matrix] += 1;
        taken[near.matrix] <= each
    });
    near.truncate(all);
    near
}

/// A row that can still be in the answer.
struct Candidate {
    matrix: usize,
    slot: u32,
    upper: f32,
}

/// Takes from a matrix the rows that can be among its best `each`, and as many lower bounds.
fn bound(
    kernel: Kernel,
    query: &Query,
    matrix: usize,
    rows: &Rows,
    each: usize,
    candidates: &mut Vec<Candidate>,
    lowers: &mut Vec<f32>,
) {
    let sketch = query.sketch();
    let (from, own) = (candidates.len(), lowers.len());
    let mut dots = [0; BLOCK];
    for piece in (0..rows.pieces()).map(|piece| rows.piece(piece)) {
        for first in piece.clone().step_by(BLOCK) {
            let slots = first..(first + BLOCK).min(piece.end);
            let block = rows.sketches(slots.clone());
            let dots = &mut dots[..slots.len()];
            kernel.sketch_dots(&sketch.lines, block.sketches, dots);
            let bounds = dots.iter().zip(block.scales).zip(block.errors);
            for (slot, ((&dot, &scale), &error)) in slots.zip(bounds) {
                let (middle, slack) = (sketch.middle(dot, scale), sketch.slack(error));
                if slack < 0.0 {
                    continue; // Absent.
                }
                lowers.push(middle - slack);
                candidates.push(Candidate {
                    matrix,
                    slot: slot as u32,
                    upper: middle + slack,
                });
            }
        }
    }
    let mut best = lowers.split_off(own);
    let floor = nth_best(&mut best, each);
    best.truncate(each);
    lowers.append(&mut best);
    let mut kept = from;
    for at in from..candidates.len() {
        if candidates[at].upper >= floor {
            candidates.swap(kept, at);
            kept += 1;
        }
    }
    candidates.truncate(kept);
}

/// The `nth` best of some bounds (from 1), with the better ones before it; −∞ if there are fewer.
fn nth_best(bounds: &mut [f32], nth: usize) -> f32 {
    if nth == 0 || bounds.len() < nth {
        return f32::NEG_INFINITY;
    }
    let (_, &mut floor, _) = bounds.select_nth_unstable_by(nth - 1, |a, b| b.total_cmp(a));
    floor
}

/// The scores of the candidates that are present.
fn score(kernel: Kernel, query: &Query, matrices: &[&Rows], candidates: &[Candidate]) -> Vec<Near> {
    let present = candidates.iter().filter_map(|candidate| {
        let (lines, norm) = matrices[candidate.matrix].row(candidate.slot)?;
        Some((candidate, lines, norm))
    });
    let present: Vec<(&Candidate, &[F32Line], f64)> = present.collect();
    let mut near = Vec::with_capacity(present.len());
    for four in present.chunks(4) {
        let lines = [0, 1, 2, 3].map(|at| four[at.min(four.len() - 1)].1);
        let dots = kernel.dot4(&query.lines, lines, false);
        near.extend(
            four.iter()
                .zip(dots)
                .map(|(&(candidate, _, norm), dot)| Near {
                    matrix: candidate.matrix,
                    slot: candidate.slot,
                    score: query.score(dot, norm),
                }),
        );
    }
    near
}
