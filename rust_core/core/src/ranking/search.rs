//! The plan of a search: sketches first or every row exactly, one thread or several. The answer does
//! not depend on it.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::scan::Walk;
use super::{Hit, Query, Rows, Search, Tie};
use crate::kernels::Kernel;
use crate::parallel;

/// Fewer rows than this are scored exactly: the sketches would not save what they cost.
const SKETCH_MIN_ROWS: usize = 64;

/// How many sketches are read in the time of one full row.
const SKETCHES_PER_ROW: usize = 4;

/// Bytes of sketches, counted for each query, that are worth another thread: about as long as it
/// takes to wake a parked thread.
const BYTES_PER_THREAD: usize = 4 << 20;

impl Rows {
    /// The best rows for a query, best first.
    ///
    /// # Panics
    ///
    /// If the query has another dimension.
    pub fn top_k(&self, query: &Query, search: &Search<'_>, tie: Tie<'_>) -> Vec<Hit> {
        self.top_k_with(Kernel::best(), query, search, tie)
    }

    /// [`Rows::top_k`] with a chosen kernel. The answer is the same with each.
    ///
    /// # Panics
    ///
    /// If the query has another dimension.
    pub fn top_k_with(
        &self,
        kernel: Kernel,
        query: &Query,
        search: &Search<'_>,
        tie: Tie<'_>,
    ) -> Vec<Hit> {
        let queries = std::slice::from_ref(query);
        self.top_k_batch_with(kernel, queries, search, tie)
            .swap_remove(0)
    }

    /// [`Rows::top_k`] of each query, in one pass over the rows.
    ///
    /// # Panics
    ///
    /// If a query has another dimension.
    pub fn top_k_batch(
        &self,
        queries: &[Query],
        search: &Search<'_>,
        tie: Tie<'_>,
    ) -> Vec<Vec<Hit>> {
        self.top_k_batch_with(Kernel::best(), queries, search, tie)
    }

    /// [`Rows::top_k_batch`] with a chosen kernel. The answer is the same with each.
    ///
    /// # Panics
    ///
    /// If a query has another dimension.
    pub fn top_k_batch_with(
        &self,
        kernel: Kernel,
        queries: &[Query],
        search: &Search<'_>,
        tie: Tie<'_>,
    ) -> Vec<Vec<Hit>> {
        for query in queries {
            assert_eq!(
                query.dimension(),
                self.dimension(),
                "a query of another dimension"
            );
        }
        let walk = Walk {
            kernel,
            rows: self,
            search,
            tie,
            sketches: self.sketches_pay(search),
        };
        let bytes = (self.len() * self.dimension()).saturating_mul(queries.len());
        let threads = (bytes / BYTES_PER_THREAD).clamp(1, search.threads.max(1));
        if threads > 1 && queries.len() >= 4 * threads {
            walk.share_queries(queries, threads)
        } else {
            walk.share_rows(queries, threads)
        }
    }

    /// Whether reading sketches first is likely to save time.
    fn sketches_pay(&self, search: &Search<'_>) -> bool {
        let kept = search
            .keep
            .map_or(self.len(), |keep| keep.iter().filter(|&&kept| kept).count());
        let few = kept.min(self.len()) * SKETCHES_PER_ROW <= self.len();
        let selective = search.min_score.is_some() || search.limit_or_all() <= self.len() / 8;
        self.len() >= SKETCH_MIN_ROWS && selective && !few
    }
}

impl Walk<'_> {
    /// Each thread ranks some of the queries over all rows.
    pub(super) fn share_queries(&self, queries: &[Query], threads: usize) -> Vec<Vec<Hit>> {
        // A multiple of four, the width of the kernels.
        let size = queries.len().div_ceil(threads).next_multiple_of(4);
        let next = AtomicUsize::new(0);
        let made = parallel::run(threads, || {
            let taken = std::iter::from_fn(|| Some(next.fetch_add(1, Relaxed)));
            let taken = taken.map_while(|part| Some((part, queries.chunks(size).nth(part)?)));
            taken
                .map(|(part, queries)| (part, self.share_rows(queries, 1)))
                .collect::<Vec<_>>()
        });
        let mut parts: Vec<_> = made.into_iter().flatten().collect();
        parts.sort_unstable_by_key(|&(part, _)| part);
        parts.into_iter().flat_map(|(_, hits)| hits).collect()
    }

    /// Each thread ranks all queries over some of the rows.
    pub(super) fn share_rows(&self, queries: &[Query], threads: usize) -> Vec<Vec<Hit>> {
        let pieces = self.rows.pieces();
        let found = if threads > 1 {
            let next = AtomicUsize::new(0);
            let made = parallel::run(threads, || {
                let taken = std::iter::from_fn(|| Some(next.fetch_add(1, Relaxed)));
                self.survivors(taken.take_while(|&piece| piece < pieces), queries)
            });
            let merged = made.into_iter().reduce(|mut all, more| {
                for (all, more) in all.iter_mut().zip(more) {
                    all.absorb(more);
                }
                all
            });
            merged.unwrap_or_default()
        } else {
            self.survivors(0..pieces, queries)
        };
        let found = found.into_iter().zip(queries);
        found
            .map(|(found, query)| {
                let best = found.finish(self.kernel, self.rows, query, self.search);
                best.into_sorted()
            })
            .collect()
    }
}
