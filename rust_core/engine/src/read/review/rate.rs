//! How many matches a person would have to look at, and how many of the others would be wrong: an
//! estimate from the members.
//!
//! Each member of a sample leaves its categories and is matched against what remains. A review works on a
//! copy of the namespace, so it leaves for the length of one Match: the answer is the one that a Match
//! gives after an Unassign, in every ranking, with windows, fairness and confidence. Then it comes back.

use std::sync::Arc;

use ee_core::arithmetic::limits::MAX_NEIGHBOURS;
use ee_core::namespace::{Item, Match, MatchOptions, Membership};
use ee_core::scoring::{MemberRow, MemberRows, Query};
use ee_core::settings::RankingMode;

use super::leave::{Left, come_back, leave, leaving};
use super::{MemberFilter, Reviewed};
use crate::api::{At, ReadContext};
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::read::copy::COPIED_BYTES;
use crate::read::members::ReadMembers;
use crate::read::ranking::Ranker;
use crate::{Error, Result};

/// What to estimate.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewRateSpec {
    /// Levels of confidence, each between 0 and 1.
    pub levels: Vec<f64>,
    /// The most members that are matched.
    pub sample: usize,
    /// The order of matches; `None`: that of the namespace.
    pub ranking: Option<RankingMode>,
    /// How much fairness counts; `None`: as in a Match.
    pub fairness: Option<f64>,
}

/// The estimates for some levels.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewRates {
    /// In the order of the levels.
    pub rates: Vec<ReviewRate>,
    /// Share of the sample whose first match is wrong or missing; `None`: there is no member.
    pub wrong: Option<f64>,
    /// Members that were matched.
    pub sampled: u64,
    /// Members that count.
    pub members: u64,
}

/// The estimate for a level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReviewRate {
    /// The level.
    pub level: f64,
    /// Share of the sample whose first match does not reach it; `None`: there is no member.
    pub review: Option<f64>,
    /// Share of the others whose first match is wrong; `None`: there are no others.
    pub wrong: Option<f64>,
}

/// The first match of a member without itself.
struct Outcome {
    right: bool,
    confidence: Option<f64>,
}

impl Ranker<'_> {
    /// Estimates how many matches a person would have to look at.
    pub(crate) fn review_rates(
        &self,
        namespace: &NamespaceHandle,
        spec: &ReviewRateSpec,
        context: ReadContext,
    ) -> Result<At<ReviewRates>> {
        self.shared.reading(|| {
            let mut reviewed = self.shared.to_review(namespace, context)?;
            let (members, sample) = sample(&reviewed, spec.sample)?;
            let mut estimate = Estimate {
                ranker: self,
                options: MatchOptions {
                    limit: 1,
                    ranking: spec.ranking,
                    fairness: spec.fairness,
                    confidence: true,
                    threads: self.shared.threads,
                    ..MatchOptions::default()
                },
                newest: None,
            };
            if let Some(first) = sample.first() {
                // What fairness needs of unit copies is read while all members are there.
                let item = reviewed.reads().item_by_id(reviewed.id, first.item)?;
                estimate.first_match(&reviewed, &query(&reviewed, &item)?)?;
            }
            let mut outcomes = Vec::with_capacity(sample.len());
            for membership in sample {
                outcomes.push(estimate.outcome(&mut reviewed, &membership)?);
            }
            Ok(reviewed.at(rates(&spec.levels, members, &outcomes)))
        })
    }
}

/// The number of members that count, and at most so many of them, evenly spaced in the order of the keys
/// of categories and of assignment.
fn sample(reviewed: &Reviewed, most: usize) -> Result<(u64, Vec<Membership>)> {
    let categories = reviewed.categories(&MemberFilter::default())?;
    let members: u64 = categories.iter().map(|own| own.stats.counting).sum();
    let count = members.min(most as u64);
    let number = |place: usize| {
        let twice = u128::from(members) * (2 * place as u128 + 1);
        twice / (2 * u128::from(count))
    };
    let mut sample = Vec::new();
    let mut first = 0;
    for category in categories {
        let last = first + u128::from(category.stats.counting);
        if (sample.len() as u64) < count && number(sample.len()) < last {
            let mut at = first;
            reviewed.each_membership(category, category.counting_from, |membership| {
                if (sample.len() as u64) < count && number(sample.len()) == at {
                    sample.push(membership);
                }
                at += 1;
                Ok(())
            })?;
        }
        first = last;
    }
    Ok((members, sample))
}

fn rates(levels: &[f64], members: u64, outcomes: &[Outcome]) -> ReviewRates {
    let share = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
    let wrong = outcomes.iter().filter(|outcome| !outcome.right).count();
    let rate = |&level: &f64| {
        let reaches = |outcome: &&Outcome| outcome.confidence.is_some_and(|own| own >= level);
        let taken = outcomes.iter().filter(reaches);
        let (count, right) = taken.fold((0, 0), |(count, right), outcome| {
            (count + 1, right + usize::from(outcome.right))
        });
        ReviewRate {
            level,
            review: share(outcomes.len() - count, outcomes.len()),
            wrong: share(count - right, count),
        }
    };
    ReviewRates {
        rates: levels.iter().map(rate).collect(),
        wrong: share(wrong, outcomes.len()),
        sampled: outcomes.len() as u64,
        members,
    }
}

struct Estimate<'a> {
    ranker: &'a Ranker<'a>,
    options: MatchOptions,
    /// The newest counting members of the category that was asked for last.
    newest: Option<(i64, Vec<MemberRow>)>,
}

impl Estimate<'_> {
    /// The first match of a member without itself.
    fn outcome(&mut self, reviewed: &mut Reviewed, membership: &Membership) -> Result<Outcome> {
        reviewed.check_deadline()?;
        let item = reviewed.reads().item_by_id(reviewed.id, membership.item)?;
        let query = query(reviewed, &item)?;
        let all = reviewed.reads().memberships_of(reviewed.id, item.id)?;
        let keys: Vec<_> = all
            .iter()
            .filter_map(|own| reviewed.namespace.key_of(own.category))
            .collect();
        let mut left = Vec::with_capacity(all.len());
        for own in &all {
            left.extend(leaving(reviewed, own)?);
        }
        if reviewed.namespace.member_memory().bytes as u64 > COPIED_BYTES {
            reviewed.namespace.shrink_members(COPIED_BYTES as usize / 2);
        }
        leave(&mut reviewed.namespace, &left, &item)?;
        for own in &left {
            if reviewed.namespace.kept_members(own.id).is_none() {
                let rows = self.rows_without(reviewed, own)?;
                reviewed.namespace.add_members(own.id, Arc::new(rows));
            }
        }
        let found = self.first_match(reviewed, &query)?;
        come_back(&mut reviewed.namespace, &left, &item)?;
        Ok(Outcome {
            right: found
                .as_ref()
                .is_some_and(|found| keys.contains(&found.category)),
            confidence: found.and_then(|found| found.confidence),
        })
    }

    fn first_match(&self, reviewed: &Reviewed, query: &Query) -> Result<Option<Match>> {
        let (kernel, namespace) = (self.ranker.kernel, &reviewed.namespace);
        let queries = std::slice::from_ref(query);
        loop {
            let mut members = ReadMembers::new(reviewed.reads(), reviewed.id, namespace);
            let ranked = members.until_ranked(|more| {
                namespace.rank_with(kernel, queries, &self.options, more, None)
            })?;
            let (more, _) = members.finish();
            for (category, rows) in more {
                namespace.add_members(category, rows);
            }
            if let Some(mut rankings) = ranked {
                return Ok(rankings.swap_remove(0).matches.into_iter().next());
            }
            reviewed.check_deadline()?;
        }
    }

    /// The rows of a category that a member has left.
    fn rows_without(&mut self, reviewed: &Reviewed, left: &Left) -> Result<MemberRows> {
        if self
            .newest
            .as_ref()
            .is_none_or(|(category, _)| *category != left.id)
        {
            self.newest = Some((left.id, newest(reviewed, left)?));
        }
        let (_, newest) = self.newest.as_ref().expect("it was just made");
        let dimension = reviewed.namespace.settings().dimension as usize;
        let mut rows = MemberRows::with_room(dimension, newest.len().min(MAX_NEIGHBOURS));
        if let Some((sequence, item, actor)) = &left.refill {
            rows.join(&row(*sequence, item, actor));
        }
        for member in newest
            .iter()
            .filter(|member| member.sequence != left.sequence)
        {
            rows.join(member);
        }
        Ok(rows)
    }
}

fn query(reviewed: &Reviewed, item: &Item) -> Result<Query> {
    let query = reviewed.namespace.scorer().query(&item.embedding);
    query.ok_or(Error::DegenerateQuery { query: 0 })
}

/// The newest counting members of a category, as many as can be neighbours and one more, the oldest first.
fn newest(reviewed: &Reviewed, left: &Left) -> Result<Vec<MemberRow>> {
    let (reads, id, first) = (reviewed.reads(), reviewed.id, left.counting_from);
    let nth = MAX_NEIGHBOURS as u64;
    let oldest = reads.nth_newest_member(id, left.id, first - 1, u64::MAX, nth)?;
    let from = oldest.map_or(first, |(sequence, _)| sequence);
    let members = reads.members(id, left.id, from, MAX_NEIGHBOURS + 1)?;
    members
        .into_iter()
        .map(|member| {
            let item = reads.item_by_id(id, member.item)?;
            Ok(row(member.sequence, &item, &member.origin.actor))
        })
        .collect()
}

fn row(sequence: u64, item: &Item, actor: &str) -> MemberRow {
    MemberRow::new(sequence, &item.key, item.weight, &item.embedding).of_actor(actor)
}
