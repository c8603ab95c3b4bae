//! Which way a search takes: sketches first or every row exactly, one thread or several. No way
//! changes an answer.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::top_k::TopK;
use super::{Hit, Query, Rows, Search, Tie, exact, scan, workers};
use crate::kernels::Kernel;

/// Fewer rows than this are scored exactly: the sketches would not save what they cost.
const SKETCH_MIN_ROWS: usize = 64;

/// How many sketches are read in the time of one full row.
const SKETCHES_PER_ROW: usize = 4;

/// Bytes of sketches, counted for each query, that keep a thread busy for several times as long as
/// it takes to start: the time of about 10,000 rows of 1024 components.
const BYTES_PER_THREAD: usize = 8 << 20;

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
        let job = Job {
            kernel,
            rows: self,
            search,
            tie,
            sketches: self.sketches_pay(search),
        };
        let bytes = (self.len() * self.dimension()).saturating_mul(queries.len());
        let threads = (bytes / BYTES_PER_THREAD).clamp(1, search.threads.max(1));
        if threads > 1 && queries.len() >= 4 * threads {
            job.share_queries(queries, threads)
        } else {
            job.share_rows(queries, threads)
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

/// One call, as every thread sees it.
pub(super) struct Job<'a> {
    pub(super) kernel: Kernel,
    pub(super) rows: &'a Rows,
    pub(super) search: &'a Search<'a>,
    pub(super) tie: Tie<'a>,
    /// Sketches first, or every row exactly.
    pub(super) sketches: bool,
}

impl Job<'_> {
    /// Each thread takes some of the queries to all rows.
    pub(super) fn share_queries(&self, queries: &[Query], threads: usize) -> Vec<Vec<Hit>> {
        // Whole fours, the kernels' width.
        let size = queries.len().div_ceil(threads).next_multiple_of(4);
        let next = AtomicUsize::new(0);
        let made = workers::run(threads, || {
            let claims = std::iter::from_fn(|| Some(next.fetch_add(1, Relaxed)));
            let claims = claims.map_while(|part| Some((part, queries.chunks(size).nth(part)?)));
            claims
                .map(|(part, queries)| (part, self.share_rows(queries, 1)))
                .collect::<Vec<_>>()
        });
        let mut parts: Vec<_> = made.into_iter().flatten().collect();
        parts.sort_unstable_by_key(|&(part, _)| part);
        parts.into_iter().flat_map(|(_, hits)| hits).collect()
    }

    /// Each thread takes all queries to some of the rows.
    pub(super) fn share_rows(&self, queries: &[Query], threads: usize) -> Vec<Vec<Hit>> {
        let next = AtomicUsize::new(0);
        let segments = || {
            let claims = std::iter::from_fn(|| Some(next.fetch_add(1, Relaxed)));
            claims.take_while(|&segment| segment < self.rows.segments.len())
        };
        let best = if self.sketches {
            self.sketched(
                queries,
                workers::run(threads, || {
                    scan::survivors(self.kernel, self.rows, segments(), queries, self.search)
                }),
            )
        } else {
            self.merged(workers::run(threads, || self.exact(segments(), queries)))
        };
        best.into_iter().map(TopK::into_sorted).collect()
    }

    /// The best of each query among what the threads' scans of sketches left.
    fn sketched(&self, queries: &[Query], made: Vec<Vec<scan::Survivors>>) -> Vec<TopK<'_>> {
        let merged = made.into_iter().reduce(|mut all, more| {
            for (all, more) in all.iter_mut().zip(more) {
                all.absorb(more);
            }
            all
        });
        let settle = |(survivors, query): (scan::Survivors, &Query)| {
            let mut best = TopK::new(self.search, self.tie);
            let left = survivors.settle(self.kernel, self.rows, query, &mut best);
            if let Some(tally) = self.search.tally {
                tally.add(self.rows.len(), left);
            }
            best
        };
        merged
            .into_iter()
            .flatten()
            .zip(queries)
            .map(settle)
            .collect()
    }

    /// The best of each query in some segments, all of whose rows are scored. A segment stays in
    /// the cache for all queries.
    fn exact(&self, segments: impl Iterator<Item = usize>, queries: &[Query]) -> Vec<TopK<'_>> {
        let mut best: Vec<_> = queries
            .iter()
            .map(|_| TopK::new(self.search, self.tie))
            .collect();
        for segment in segments {
            for (query, best) in queries.iter().zip(&mut best) {
                exact::scan_segment(self.kernel, self.rows, segment, query, self.search, best);
            }
        }
        best
    }

    /// The best of each query among the best that each thread found.
    fn merged<'a>(&self, made: Vec<Vec<TopK<'a>>>) -> Vec<TopK<'a>> {
        let merge = |mut all: Vec<TopK<'a>>, more: Vec<TopK<'a>>| {
            for (all, more) in all.iter_mut().zip(more) {
                more.into_hits().into_iter().for_each(|hit| all.push(hit));
            }
            all
        };
        made.into_iter().reduce(merge).unwrap_or_default()
    }
}
