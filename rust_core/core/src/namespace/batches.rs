//! Rankings of many stored vectors: the preparation of queries is shared among threads too.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::{MatchOptions, MissingMembers, MoreMembers, Namespace, Ranking};
use crate::kernels::Kernel;
use crate::parallel;
use crate::ranking::Tally;

/// Vectors that a thread ranks at a time: their queries and the rows of some hundred categories stay
/// in a core's cache.
const BATCH: usize = 64;

impl Namespace {
    /// [`Namespace::rank_with`] of stored vectors, of which each thread prepares and ranks some at a
    /// time. A vector without a direction has an empty ranking.
    ///
    /// # Panics
    ///
    /// If a vector has another dimension than the namespace.
    pub fn rank_vectors(
        &self,
        kernel: Kernel,
        vectors: &[&[f32]],
        options: &MatchOptions,
        more: &MoreMembers,
        tally: Option<&Tally>,
    ) -> Result<Vec<Ranking>, MissingMembers> {
        let own = MatchOptions {
            threads: 1,
            ..options.clone()
        };
        let next = AtomicUsize::new(0);
        let threads = options.threads.min(vectors.len().div_ceil(BATCH));
        let ranked = parallel::run(threads, || {
            let taken = std::iter::from_fn(|| Some(next.fetch_add(1, Relaxed)));
            let taken =
                taken.map_while(|number| Some((number, vectors.chunks(BATCH).nth(number)?)));
            taken
                .map(|(number, batch)| (number, self.rank_batch(kernel, batch, &own, more, tally)))
                .collect::<Vec<_>>()
        });
        let mut ranked: Vec<_> = ranked.into_iter().flatten().collect();
        ranked.sort_unstable_by_key(|&(number, _)| number);
        let mut rankings = Vec::with_capacity(vectors.len());
        let mut missing = MissingMembers::default();
        for (_, batch) in ranked {
            match batch {
                Ok(batch) => rankings.extend(batch),
                Err(more) => {
                    missing.rows.extend(more.rows);
                    missing.unit_corrections.extend(more.unit_corrections);
                }
            }
        }
        if missing == MissingMembers::default() {
            return Ok(rankings);
        }
        for categories in [&mut missing.rows, &mut missing.unit_corrections] {
            categories.sort_unstable();
            categories.dedup();
        }
        Err(missing)
    }

    fn rank_batch(
        &self,
        kernel: Kernel,
        vectors: &[&[f32]],
        options: &MatchOptions,
        more: &MoreMembers,
        tally: Option<&Tally>,
    ) -> Result<Vec<Ranking>, MissingMembers> {
        let scorer = self.scorer();
        let queries = vectors.iter().map(|vector| scorer.query(vector));
        let queries = queries
            .enumerate()
            .filter_map(|(place, query)| Some((place, query?)));
        let (places, queries): (Vec<_>, Vec<_>) = queries.unzip();
        let found = self.rank_with(kernel, &queries, options, more, tally)?;
        if places.len() == vectors.len() {
            return Ok(found);
        }
        let mut rankings = vec![Ranking::default(); vectors.len()];
        for (place, ranking) in places.into_iter().zip(found) {
            rankings[place] = ranking;
        }
        Ok(rankings)
    }
}
