//! Exact scores, four rows at a time.

use super::{Hit, Query, Rows, top_k::TopK};
use crate::kernels::Kernel;
use crate::kernels::lines::F32Line;

/// Scores candidates — a slot and an upper bound of its score each — into `best`, leaving out
/// absent rows and those that `best` has no use for any more when their turn comes.
pub(super) fn settle(
    kernel: Kernel,
    rows: &Rows,
    query: &Query,
    candidates: impl Iterator<Item = (u32, f64)>,
    best: &mut TopK<'_>,
) {
    let mut group: [(u32, &[F32Line], f64); 4] = [(0, &[], 0.0); 4];
    let mut waiting = 0;
    for (slot, upper) in candidates {
        if !best.admits(upper) {
            continue;
        }
        let Some((lines, norm)) = rows.row(slot) else {
            continue;
        };
        group[waiting] = (slot, lines, norm);
        waiting += 1;
        if waiting == group.len() {
            waiting = 0;
            let dots = kernel.dot4(&query.lines, group.map(|(_, lines, _)| lines));
            for ((slot, _, norm), dot) in group.into_iter().zip(dots) {
                best.push(Hit {
                    slot,
                    score: query.score(dot, norm),
                });
            }
        }
    }
    for &(slot, lines, norm) in &group[..waiting] {
        let dot = kernel.dot(&query.lines, lines);
        best.push(Hit {
            slot,
            score: query.score(dot, norm),
        });
    }
}
