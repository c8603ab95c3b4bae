//! Exact scores, four rows at a time.

use super::{Handicap, Hit, Query, Rows, top_k::TopK};
use crate::kernels::Kernel;
use crate::kernels::lines::F32Line;

/// Lines of full rows that exceed the private cache of a core.
const LONG_LINES: usize = (1 << 20) / size_of::<F32Line>();

/// A row to be scored: slot, components, norm.
pub(super) type Waiting<'a> = (u32, &'a [F32Line], f64);

/// A handicap, and the rows whose growth it depends on.
pub(super) type Handicaps<'a> = Option<(Handicap, &'a Rows)>;

/// Scores candidates, a slot and an upper bound of its total each, into `best`. Skips absent rows,
/// and rows whose bound `best` no longer admits.
pub(super) fn score_candidates(
    kernel: Kernel,
    rows: &Rows,
    query: &Query,
    candidates: impl Iterator<Item = (u32, f64)>,
    handicap: Option<Handicap>,
    best: &mut TopK<'_>,
) {
    let mut four: [Waiting<'_>; 4] = [(0, &query.lines, 1.0); 4];
    let mut waiting = 0;
    let handicaps = handicap.map(|handicap| (handicap, rows));
    let long = rows.len() * query.lines.len() >= LONG_LINES;
    for (slot, upper) in candidates {
        if !best.admits(upper) {
            continue;
        }
        let Some((lines, norm)) = rows.row(slot) else {
            continue;
        };
        four[waiting] = (slot, lines, norm);
        waiting += 1;
        if waiting == four.len() {
            waiting = 0;
            let more = long && four[3].0 == four[0].0.wrapping_add(3);
            score(kernel, query, &four, 4, more, handicaps, &mut |hit| {
                best.push(hit)
            });
        }
    }
    score(
        kernel,
        query,
        &four,
        waiting,
        false,
        handicaps,
        &mut |hit| best.push(hit),
    );
}

/// Scores the first `count` of four rows for `take`; the others are ignored. `more`: the rows are adjacent, and
/// the adjacent rows behind them are probably next.
pub(super) fn score(
    kernel: Kernel,
    query: &Query,
    four: &[Waiting<'_>; 4],
    count: usize,
    more: bool,
    handicaps: Handicaps<'_>,
    take: &mut impl FnMut(Hit),
) {
    let [a, b, c, d] = four.map(|(_, lines, _)| lines);
    let dots = match count {
        0 => return,
        1 => [kernel.dot(&query.lines, a), 0.0, 0.0, 0.0],
        2 => {
            let [a, b] = kernel.dot2(&query.lines, [a, b]);
            [a, b, 0.0, 0.0]
        }
        _ => kernel.dot4(&query.lines, [a, b, c, d], more),
    };
    for (&(slot, _, norm), dot) in four[..count].iter().zip(dots) {
        let score = query.score(dot, norm);
        let total = handicaps.map_or(score, |(handicap, rows)| {
            score - handicap.of(rows.growth(slot))
        });
        take(Hit { slot, score, total });
    }
}
