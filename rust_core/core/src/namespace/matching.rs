//! Matching: queries against all categories of a published namespace.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use thiserror::Error;

use super::Namespace;
use crate::kernels::Kernel;
use crate::ranking::{Handicap, Query, Search, Tally};
use crate::scoring::{Contender, GATE, Local, MemberRows, Neighbour, Reranked, Scored, TOP};
use crate::settings::{RankingMode, RankingSettings};

/// Components of members from which a ranking makes calibrations by itself, so that it stays short: some
/// hundredths of a millisecond. The caller makes the others.
const CALIBRATED_AT_ONCE: usize = 1 << 18;

/// The categories that are ranked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Only these; empty: all. Unknown keys are ignored.
    pub include: Vec<String>,
    /// Not these. Unknown keys are ignored.
    pub exclude: Vec<String>,
}

/// The options of a ranking.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatchOptions {
    /// Largest number of categories; 0: all.
    pub limit: usize,
    /// Minimum score.
    pub min_score: Option<f64>,
    /// Least rank score.
    pub min_rank_score: Option<f64>,
    /// The categories that are ranked.
    pub filter: Filter,
    /// The order; `None`: that of the namespace.
    pub ranking: Option<RankingMode>,
    /// How much fairness counts, 0 to 1; `None`: as much as in the namespace, or the default of the
    /// ranking where that is another one.
    pub fairness: Option<f64>,
    /// Whether to report the parts of each rank score.
    pub explain: bool,
    /// Whether to report the confidence of each match.
    pub confidence: bool,
    /// Number of threads that a large scan may be divided among.
    pub threads: usize,
}

/// The ranking for one query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranking {
    /// Best first, ties by key.
    pub matches: Vec<Match>,
    /// Rank score of the first category minus that of the second, regardless of limit and minimum
    /// scores; `None` if fewer than two categories are ranked.
    pub margin: Option<f64>,
}

impl Ranking {
    /// Whether the confidence of none of the matches reaches a level.
    pub fn none_reaches(&self, level: f64) -> bool {
        let reaches = |found: &Match| found.confidence.is_some_and(|own| own >= level);
        !self.matches.iter().any(reaches)
    }
}

/// One category in a ranking.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// Its key.
    pub category: Arc<str>,
    /// cos(query, effective embedding).
    pub score: f64,
    /// What the order follows; it never rises down a ranking.
    pub rank_score: f64,
    /// Number of its counting members.
    pub count: u64,
    /// The share of its members that fit it no better than the query, where that was asked for and it
    /// has counting members.
    pub confidence: Option<f64>,
    /// What the rank score is made of, where that was asked for.
    pub parts: Option<Parts>,
}

/// What a rank score is made of: it is the sum of the score and of these.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts {
    /// What fairness adds: at most 0 as a rule.
    pub fairness: f64,
    /// What each neighbour adds, in order of key, the category's name last.
    pub neighbours: Vec<Neighbour>,
    /// What a category that was not ranked again is held back by, so as not to pass one that was.
    pub held_back: f64,
}

/// A ranking needs what is known of members by reading them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Error)]
#[error(
    "the members of {} categories are not in memory",
    rows.len() + uncalibrated.len() + unit_corrections.len()
)]
pub struct MissingMembers {
    /// Identifiers of categories whose rows of members LOCAL needs.
    pub rows: Vec<i64>,
    /// Identifiers of categories that are to be calibrated for confidence, from the rows of their
    /// members.
    pub uncalibrated: Vec<i64>,
    /// Identifiers of categories whose [`UnitCorrection`](super::UnitCorrection) fairness needs.
    pub unit_corrections: Vec<i64>,
}

/// Rows of members that are in memory for one answer, by identifier of their category.
pub type MoreMembers = FxHashMap<i64, Arc<MemberRows>>;

/// A category in a ranking, on its way.
struct Placed {
    slot: u32,
    cosine: f64,
    rank_score: f64,
    parts: Parts,
}

/// How some queries are ranked.
struct Plan<'a> {
    namespace: &'a Namespace,
    kernel: Kernel,
    options: &'a MatchOptions,
    keep: Option<Vec<bool>>,
    handicap: Option<Handicap>,
    local: Option<Local>,
    more: &'a MoreMembers,
    missing: Vec<i64>,
    uncalibrated: Vec<i64>,
    /// Components of members from which calibrations may still be made.
    components: usize,
    tally: Option<&'a Tally>,
}

impl Namespace {
    /// Ranks all categories for each query, in one pass, with the fastest kernel.
    pub fn rank(
        &self,
        queries: &[Query],
        options: &MatchOptions,
    ) -> Result<Vec<Ranking>, MissingMembers> {
        let more = MoreMembers::default();
        self.rank_with(Kernel::best(), queries, options, &more, None)
    }

    /// [`Namespace::rank`] with a chosen kernel. The answer is the same with each. `more` are rows of
    /// members that are not kept in memory. `tally` counts the rows that were read.
    ///
    /// Fails if LOCAL or confidence needs rows that are neither kept nor given, or fairness needs
    /// corrections that are not known.
    pub fn rank_with(
        &self,
        kernel: Kernel,
        queries: &[Query],
        options: &MatchOptions,
        more: &MoreMembers,
        tally: Option<&Tally>,
    ) -> Result<Vec<Ranking>, MissingMembers> {
        let settings = self.ranking_of(options);
        let fairness = settings.fairness();
        let local = match settings.mode {
            RankingMode::Cosine => None,
            RankingMode::Local => Some(Local::new(kernel, fairness)),
        };
        let mut plan = Plan {
            namespace: self,
            kernel,
            options,
            keep: self.keep(&options.filter),
            handicap: self.handicap(fairness)?,
            local,
            more,
            missing: Vec::new(),
            uncalibrated: Vec::new(),
            components: CALIBRATED_AT_ONCE,
            tally,
        };
        let rankings = plan.rank(queries);
        if plan.missing.is_empty() && plan.uncalibrated.is_empty() {
            return Ok(rankings);
        }
        Err(MissingMembers {
            rows: distinct(plan.missing),
            uncalibrated: distinct(plan.uncalibrated),
            ..MissingMembers::default()
        })
    }

    /// How a query with these options is ranked.
    pub fn ranking_of(&self, options: &MatchOptions) -> RankingSettings {
        let own = self.profile().ranking;
        let mode = options.ranking.unwrap_or(own.mode);
        // Another ranking has its own default.
        let fairness = own.fairness.filter(|_| mode == own.mode);
        RankingSettings {
            mode,
            fairness: options.fairness.or(fairness),
        }
    }

    /// The key of the category in a slot.
    pub fn key(&self, slot: u32) -> &str {
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

impl Plan<'_> {
    fn rank(&mut self, queries: &[Query]) -> Vec<Ranking> {
        // The margin needs the second even where one is asked for, and LOCAL those that it ranks
        // again.
        let least = if self.local.is_some() { TOP } else { 2 };
        let wanted = match self.options.limit {
            0 => 0,
            limit => limit.max(least),
        };
        let found = self.search(queries, wanted);
        let rankings = queries.iter().zip(found);
        rankings
            .map(|(query, found)| self.ranking(query, found, wanted))
            .collect()
    }

    /// The best categories by their cosines less their handicaps.
    fn search(&self, queries: &[Query], wanted: usize) -> Vec<Vec<Scored>> {
        let namespace = self.namespace;
        let search = Search {
            limit: wanted,
            min_score: None,
            handicap: self.handicap,
            keep: self.keep.as_deref(),
            threads: self.options.threads,
            tally: self.tally,
        };
        let by_key = |a: u32, b: u32| namespace.key(a).cmp(namespace.key(b));
        let scorer = namespace.scorer();
        scorer.search(self.kernel, &namespace.rows, queries, &search, &by_key)
    }

    /// The ranking of a query for which the best `wanted` categories were found, or all.
    fn ranking(&mut self, query: &Query, found: Vec<Scored>, wanted: usize) -> Ranking {
        let last = found.last().map(|found| found.score.total());
        let all = wanted == 0 || found.len() < wanted;
        let placed = self.place(query, found);
        let margin = match placed.as_slice() {
            [first, second, ..] => Some(first.rank_score - second.rank_score),
            _ => None,
        };
        let (namespace, options) = (self.namespace, self.options);
        let rejected = |placed: &Placed| {
            let own = namespace.categories[placed.slot as usize]
                .settings
                .min_score;
            own.is_some_and(|least| placed.cosine < least)
        };
        let reaches = |placed: &&Placed| {
            !rejected(placed)
                && options.min_score.is_none_or(|least| placed.cosine >= least)
                && options
                    .min_rank_score
                    .is_none_or(|least| placed.rank_score >= least)
        };
        let limit = match options.limit {
            0 => usize::MAX,
            limit => limit,
        };
        let reaching = placed.iter().filter(reaches).count();
        let may_reach = match options.min_score {
            Some(least) => self.may_reach(last, least),
            None => placed.iter().any(rejected),
        };
        if !all && reaching < limit && may_reach {
            // Categories that score enough may stand behind some that do not. Where those are left
            // out by their own least scores, no score bounds the search: all are ranked at once.
            let wanted = match options.min_score {
                Some(_) => wanted.saturating_mul(4),
                None => 0,
            };
            let found = self.search(std::slice::from_ref(query), wanted);
            let found = found.into_iter().next().unwrap_or_default();
            return self.ranking(query, found, wanted);
        }
        let reaching: Vec<_> = placed.iter().filter(reaches).take(limit).collect();
        let matches = reaching.into_iter().map(|placed| self.matched(placed));
        Ranking {
            matches: matches.collect(),
            margin,
        }
    }

    /// Whether a category behind one with this total may have the least score.
    fn may_reach(&self, last: Option<f64>, least: f64) -> bool {
        let Some(last) = last else {
            return false;
        };
        let largest = self.handicap.map_or(0.0, |handicap| handicap.largest());
        last + largest + f64::EPSILON * 8.0 >= least
    }

    fn matched(&mut self, placed: &Placed) -> Match {
        let confidence = self.confidence(placed);
        let category = &self.namespace.categories[placed.slot as usize];
        Match {
            category: Arc::clone(&category.key),
            score: placed.cosine,
            rank_score: placed.rank_score,
            count: category.stats.counting,
            confidence,
            parts: self.options.explain.then(|| placed.parts.clone()),
        }
    }

    /// The confidence of a match, if it was asked for.
    fn confidence(&mut self, placed: &Placed) -> Option<f64> {
        let namespace = self.namespace;
        let category = &namespace.categories[placed.slot as usize];
        if !self.options.confidence || category.stats.counting == 0 || !self.missing.is_empty() {
            return None;
        }
        let components = &mut self.components;
        let Some(calibration) = namespace.calibration(self.kernel, placed.slot, components) else {
            self.uncalibrated.push(category.id);
            return None;
        };
        calibration.confidence(placed.cosine)
    }

    /// Categories in their final order.
    fn place(&mut self, query: &Query, found: Vec<Scored>) -> Vec<Placed> {
        let mut placed: Vec<_> = found
            .into_iter()
            .map(|Scored { slot, score }| Placed {
                slot,
                cosine: score.cosine,
                rank_score: if self.handicap.is_some() {
                    score.total()
                } else {
                    score.cosine
                },
                parts: Parts {
                    fairness: score.fairness,
                    ..Parts::default()
                },
            })
            .collect();
        if let [first, second, ..] = placed.as_slice()
            && first.rank_score - second.rank_score <= GATE
        {
            self.rank_again(query, &mut placed);
        }
        placed
    }

    /// Orders the best few categories by their nearest members.
    fn rank_again(&mut self, query: &Query, placed: &mut [Placed]) {
        let Some(local) = &mut self.local else {
            return;
        };
        let namespace = self.namespace;
        let (best, rest) = placed.split_at_mut(placed.len().min(TOP));
        best.sort_unstable_by(|a, b| namespace.key(a.slot).cmp(namespace.key(b.slot)));
        let members: Vec<_> = best
            .iter()
            .map(|placed| {
                let category = &namespace.categories[placed.slot as usize];
                if category.stats.counting == 0 {
                    return None;
                }
                let given = || self.more.get(&category.id).map(Arc::clone);
                let rows = namespace.members.get(category.id).or_else(given);
                if rows.is_none() {
                    self.missing.push(category.id);
                }
                rows
            })
            .collect();
        if !self.missing.is_empty() {
            return;
        }
        let contenders: Vec<_> = best
            .iter()
            .zip(&members)
            .map(|(placed, members)| {
                let centroid = namespace.centroid(placed.slot);
                Contender {
                    cosine: placed.cosine,
                    handicap: -placed.parts.fairness,
                    counting: centroid.count,
                    base: centroid.base,
                    base_weight: centroid.base_weight(),
                    members: members.as_deref(),
                    cap: centroid.actor_cap(),
                }
            })
            .collect();
        if let Some(again) = local.rank(query, &contenders) {
            for (placed, again) in best.iter_mut().zip(again) {
                let Reranked {
                    rank_score,
                    fairness,
                    neighbours,
                } = again;
                placed.rank_score = rank_score;
                placed.parts.fairness = fairness;
                placed.parts.neighbours = neighbours;
            }
        }
        // The sort is stable, and they stand in order of key.
        best.sort_by(|a, b| b.rank_score.total_cmp(&a.rank_score));
        let least = best.last().map_or(f64::INFINITY, |last| last.rank_score);
        for placed in rest {
            let held_back = (least - placed.rank_score).min(0.0);
            if held_back < 0.0 {
                placed.parts.held_back = held_back;
                placed.rank_score = least;
            }
        }
    }
}

/// Each once, in order.
pub(super) fn distinct(mut categories: Vec<i64>) -> Vec<i64> {
    categories.sort_unstable();
    categories.dedup();
    categories
}
