//! Matching: queries against all categories of a published namespace.

use std::sync::Arc;

use super::Namespace;
use crate::kernels::Kernel;
use crate::ranking::{Search, Tally};
use crate::scoring::{Query, Scored};

/// The categories that are ranked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Only these; empty: all. Unknown keys are ignored.
    pub include: Vec<String>,
    /// Not these. Unknown keys are ignored.
    pub exclude: Vec<String>,
}

/// The options of a ranking.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchOptions {
    /// Largest number of categories; 0: all.
    pub limit: usize,
    /// Minimum score.
    pub min_score: Option<f64>,
    /// The categories that are ranked.
    pub filter: Filter,
    /// Number of threads that a large scan may be divided among.
    pub threads: usize,
}

/// The ranking for one query.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// Best first, ties by key.
    pub matches: Vec<Match>,
    /// Score of the first category minus that of the second, regardless of limit and minimum score;
    /// `None` if fewer than two categories are ranked.
    pub margin: Option<f64>,
}

/// One category in a ranking.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// Its key.
    pub category: Arc<str>,
    /// cos(query, effective embedding).
    pub score: f64,
    /// Number of its counting members.
    pub count: u64,
}

impl Namespace {
    /// Ranks all categories for each query, in one pass.
    pub fn rank(&self, queries: &[Query], options: &MatchOptions) -> Vec<Ranking> {
        self.rank_with(Kernel::best(), queries, options, None)
    }

    /// [`Namespace::rank`] with a chosen kernel. The answer is the same with each. `tally` counts the
    /// rows that were read.
    pub fn rank_with(
        &self,
        kernel: Kernel,
        queries: &[Query],
        options: &MatchOptions,
        tally: Option<&Tally>,
    ) -> Vec<Ranking> {
        let keep = self.keep(&options.filter);
        // The margin needs the second category even if the limit is 1. The minimum score is applied
        // afterwards, so that it does not hide the second.
        let wanted = if options.limit == 0 {
            0
        } else {
            options.limit.max(2)
        };
        let search = Search {
            limit: wanted,
            min_score: None,
            keep: keep.as_deref(),
            threads: options.threads,
            tally,
        };
        let by_key = |a: u32, b: u32| self.key(a).cmp(self.key(b));
        let scorer = self.scorer();
        let found = scorer.search(kernel, &self.rows, queries, &search, &by_key);
        found
            .into_iter()
            .map(|found| self.ranking(found, options))
            .collect()
    }

    fn ranking(&self, found: Vec<Scored>, options: &MatchOptions) -> Ranking {
        let margin = match found.as_slice() {
            [first, second, ..] => Some(first.score.total() - second.score.total()),
            _ => None,
        };
        let limit = if options.limit == 0 {
            found.len()
        } else {
            options.limit
        };
        let reaches = |found: &Scored| {
            options
                .min_score
                .is_none_or(|least| found.score.cosine >= least)
        };
        let category = |found: Scored| {
            let category = &self.categories[found.slot as usize];
            Match {
                category: Arc::clone(&category.key),
                score: found.score.cosine,
                count: category.stats.counting,
            }
        };
        let matches = found.into_iter().take(limit).take_while(reaches);
        Ranking {
            matches: matches.map(category).collect(),
            margin,
        }
    }

    fn key(&self, slot: u32) -> &str {
        &self.categories[slot as usize].key
    }

    fn keep(&self, filter: &Filter) -> Option<Vec<bool>> {
        if filter.include.is_empty() && filter.exclude.is_empty() {
            return None;
        }
        let mut keep = vec![filter.include.is_empty(); self.categories.len()];
        let slot = |key: &String| self.by_key.get(key.as_str()).map(|&slot| slot as usize);
        for slot in filter.include.iter().filter_map(slot) {
            keep[slot] = true;
        }
        for slot in filter.exclude.iter().filter_map(slot) {
            keep[slot] = false;
        }
        Some(keep)
    }
}
