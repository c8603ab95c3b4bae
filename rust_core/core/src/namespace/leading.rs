//! The first two categories of each of many stored vectors: what a Match with limit 2 lists, for the
//! inbox as a whole.
//!
//! Most vectors need no more than the best two rows, which one pass finds for all of them. The others
//! are ranked like any query: those about which LOCAL asks the neighbours, those of which one of the two
//! categories does not score as much as its own least score, and those with a filter.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::{Filter, Match, MatchOptions, MissingMembers, MoreMembers, Namespace, Ranking};
use crate::kernels::Kernel;
use crate::parallel;
use crate::ranking::{Query, Tally};
use crate::scoring::{GATE, Scored};
use crate::settings::RankingMode;

/// Queries that a thread ranks at a time.
const BATCH: usize = 64;

/// A category in a ranking, by its slot: of use as long as the namespace is not changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lead {
    /// The slot of the category.
    pub slot: u32,
    /// cos(query, effective embedding).
    pub score: f64,
    /// What the order follows.
    pub rank_score: f64,
}

/// What a Match with limit 2 finds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Leads {
    /// The category that it lists first, if any.
    pub first: Option<Lead>,
    /// The category that it lists second.
    pub second: Option<Lead>,
    /// [`Ranking::margin`].
    pub margin: Option<f64>,
}

impl Namespace {
    /// What [`Namespace::rank_with`] finds with limit 2 for each query. Of the options only the ranking,
    /// the fairness, the filter and the number of threads count.
    ///
    /// # Panics
    ///
    /// If a query has another dimension than the namespace.
    pub fn leads(
        &self,
        kernel: Kernel,
        queries: &[&Query],
        options: &MatchOptions,
        more: &MoreMembers,
        tally: Option<&Tally>,
    ) -> Result<Vec<Leads>, MissingMembers> {
        let options = MatchOptions {
            limit: 2,
            filter: options.filter.clone(),
            ranking: options.ranking,
            fairness: options.fairness,
            threads: options.threads,
            ..MatchOptions::default()
        };
        if options.filter != Filter::default() {
            let queries: Vec<Query> = queries.iter().copied().cloned().collect();
            let rankings = self.rank_in_batches(kernel, &queries, &options, more, tally)?;
            return Ok(rankings.iter().map(|own| self.leads_of(own)).collect());
        }
        let settings = self.ranking_of(&options);
        let handicap = self.handicap(settings.fairness())?;
        let by_key = |a: u32, b: u32| self.key(a).cmp(self.key(b));
        let found = self.scorer().best_two(
            kernel,
            &self.rows,
            queries,
            handicap,
            options.threads,
            &by_key,
        );
        let mut leads = Vec::with_capacity(queries.len());
        let mut others = Vec::new();
        for (place, best) in found.into_iter().enumerate() {
            let best = best.map(|scored| Some(self.lead(scored?, handicap.is_some())));
            let [first, second] = best;
            let margin = first
                .zip(second)
                .map(|(first, second)| first.rank_score - second.rank_score);
            let asks = settings.mode == RankingMode::Local && margin.is_some_and(|m| m <= GATE);
            if asks || best.iter().flatten().any(|lead| self.rejects(lead)) {
                others.push(place);
            }
            leads.push(Leads {
                first,
                second,
                margin,
            });
        }
        if !others.is_empty() {
            let queries: Vec<Query> = others.iter().map(|&place| queries[place].clone()).collect();
            let rankings = self.rank_in_batches(kernel, &queries, &options, more, tally)?;
            for (place, ranking) in others.into_iter().zip(rankings) {
                leads[place] = self.leads_of(&ranking);
            }
        }
        Ok(leads)
    }

    /// The category of a lead, as a Match lists it.
    pub fn matched(&self, lead: Lead) -> Match {
        let category = &self.categories[lead.slot as usize];
        Match {
            category: Arc::clone(&category.key),
            score: lead.score,
            rank_score: lead.rank_score,
            count: category.stats.counting,
            confidence: None,
            parts: None,
        }
    }

    /// The slot of the category with a key.
    pub fn slot_of(&self, key: &str) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    fn lead(&self, scored: Scored, fair: bool) -> Lead {
        let score = scored.score;
        Lead {
            slot: scored.slot,
            score: score.cosine,
            rank_score: if fair { score.total() } else { score.cosine },
        }
    }

    /// Whether a category does not list what scores so little.
    fn rejects(&self, lead: &Lead) -> bool {
        let least = self.categories[lead.slot as usize].settings.min_score;
        least.is_some_and(|least| lead.score < least)
    }

    fn leads_of(&self, ranking: &Ranking) -> Leads {
        let mut leads = ranking.matches.iter().filter_map(|found| {
            Some(Lead {
                slot: self.slot_of(&found.category)?,
                score: found.score,
                rank_score: found.rank_score,
            })
        });
        Leads {
            first: leads.next(),
            second: leads.next(),
            margin: ranking.margin,
        }
    }

    /// [`Namespace::rank_with`], of which each thread ranks some queries at a time.
    fn rank_in_batches(
        &self,
        kernel: Kernel,
        queries: &[Query],
        options: &MatchOptions,
        more: &MoreMembers,
        tally: Option<&Tally>,
    ) -> Result<Vec<Ranking>, MissingMembers> {
        let own = MatchOptions {
            threads: 1,
            ..options.clone()
        };
        let next = AtomicUsize::new(0);
        let threads = options.threads.min(queries.len().div_ceil(BATCH));
        let ranked = parallel::run(threads, || {
            let taken = std::iter::from_fn(|| Some(next.fetch_add(1, Relaxed)));
            let taken = taken.map_while(|batch| Some((batch, queries.chunks(BATCH).nth(batch)?)));
            taken
                .map(|(batch, queries)| (batch, self.rank_with(kernel, queries, &own, more, tally)))
                .collect::<Vec<_>>()
        });
        let mut ranked: Vec<_> = ranked.into_iter().flatten().collect();
        ranked.sort_unstable_by_key(|&(batch, _)| batch);
        let mut rankings = Vec::with_capacity(queries.len());
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
}
