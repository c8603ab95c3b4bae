//! Members against all categories: how well each fits its own without itself, which other one fits it
//! best, and how far its leaving would move its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::{Leads, Match, MatchOptions, MoreMembers, Namespace, SumOverflow};
use crate::kernels::Kernel;
use crate::parallel;
use crate::ranking::{Query, Tally};
use crate::scoring::{AssignedVector, CentroidSum, SumsRoom, movement};
use crate::settings::RankingMode;

/// Members that a thread reviews at a time: their queries and the rows of some hundred categories stay
/// in a core's cache.
const BATCH: usize = 64;

/// A member to review.
#[derive(Clone, Copy, Debug)]
pub struct ReviewMember<'a> {
    /// Identifier of its category.
    pub category: i64,
    /// Whether it counts there.
    pub counts: bool,
    /// Its weight, its embedding and its actor.
    pub member: AssignedVector<'a>,
    /// The member outside the category's window that counts again if this one leaves.
    pub refill: Option<AssignedVector<'a>>,
    /// Identifiers of all categories that the item is in.
    pub memberships: &'a [i64],
}

/// How well a member fits.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberFit {
    /// Its cosine with its own category without itself; `None`: the category has no embedding then.
    pub own: Option<f64>,
    /// The category with the highest score of those that it is not in, and the score.
    pub other: Option<(Arc<str>, f64)>,
}

impl Namespace {
    /// How well each member fits its own category without itself, and the others. The kernel and the
    /// number of threads change the time that this takes and nothing else.
    ///
    /// Fails if a sum would leave its range without the member.
    ///
    /// # Panics
    ///
    /// If a category is unknown, or a vector is of another dimension.
    pub fn fits(
        &self,
        kernel: Kernel,
        members: &[ReviewMember<'_>],
        threads: usize,
        tally: Option<&Tally>,
    ) -> Result<Vec<MemberFit>, SumOverflow> {
        shared(members, threads, |batch| self.fits_of(kernel, batch, tally))
    }

    /// How far the leaving of each member would move its category: 1 − cos of the effective embedding
    /// with and without it; 0 for a member that does not count, 2 if no embedding would be left.
    ///
    /// Fails and panics as [`Namespace::fits`].
    pub fn movements(
        &self,
        members: &[ReviewMember<'_>],
        threads: usize,
    ) -> Result<Vec<f64>, SumOverflow> {
        shared(members, threads, |batch| {
            let mut room = SumsRoom::default();
            let movement = |member: &ReviewMember<'_>| self.movement(member, &mut room);
            batch.iter().map(movement).collect()
        })
    }

    fn fits_of(
        &self,
        kernel: Kernel,
        members: &[ReviewMember<'_>],
        tally: Option<&Tally>,
    ) -> Result<Vec<MemberFit>, SumOverflow> {
        let scorer = self.scorer();
        let queries = members
            .iter()
            .map(|member| scorer.query(member.member.item.1));
        let queries: Vec<Query> = queries
            .map(|query| query.expect("a stored item has a direction"))
            .collect();
        let others = self.best_others(kernel, members, &queries, tally);
        let mut room = SumsRoom::default();
        let fits = members.iter().zip(&queries).zip(others);
        fits.map(|((member, query), other)| {
            Ok(MemberFit {
                own: self.own_score(member, query, &mut room)?,
                other,
            })
        })
        .collect()
    }

    /// The category with the highest score of those that each member is not in, and the score.
    fn best_others(
        &self,
        kernel: Kernel,
        members: &[ReviewMember<'_>],
        queries: &[Query],
        tally: Option<&Tally>,
    ) -> Vec<Option<(Arc<str>, f64)>> {
        let most = members.iter().map(|member| member.memberships.len()).max();
        let options = MatchOptions {
            // One more than those that a member is in.
            limit: most.unwrap_or(0) + 1,
            ranking: Some(RankingMode::Cosine),
            fairness: Some(0.0),
            threads: 1,
            ..MatchOptions::default()
        };
        let more = MoreMembers::default();
        const NEEDS_NONE: &str = "the cosine alone needs no members";
        if options.limit <= 2 {
            let queries: Vec<&Query> = queries.iter().collect();
            let leads = self.leads(kernel, &queries, &options, &more, tally);
            let leads = leads.expect(NEEDS_NONE);
            let other = |(member, leads): (&ReviewMember<'_>, Leads)| {
                let both = [leads.first, leads.second].into_iter().flatten();
                let mut both = both.map(|lead| (&self.categories[lead.slot as usize], lead.score));
                let (other, score) = both.find(|(own, _)| !member.memberships.contains(&own.id))?;
                Some((Arc::clone(&other.key), score))
            };
            return members.iter().zip(leads).map(other).collect();
        }
        let ranked = self.rank_with(kernel, queries, &options, &more, tally);
        let ranked = ranked.expect(NEEDS_NONE).into_iter();
        let found = members.iter().zip(ranked);
        found
            .map(|(member, ranking)| self.best_other(member, ranking.matches))
            .collect()
    }

    /// The score of a member in its category without itself.
    fn own_score(
        &self,
        member: &ReviewMember<'_>,
        query: &Query,
        room: &mut SumsRoom,
    ) -> Result<Option<f64>, SumOverflow> {
        let slot = self.by_id[&member.category];
        let scorer = self.scorer();
        if !member.counts {
            let row = self.rows.get(slot);
            return Ok(row.map(|row| scorer.score(query, row).cosine));
        }
        let whole = self.centroid(slot);
        let without = self.without(slot, &whole, member, room)?;
        let row = scorer.row(&without);
        Ok(row.map(|row| scorer.score(query, row.as_ref()).cosine))
    }

    fn best_other(&self, member: &ReviewMember<'_>, found: Vec<Match>) -> Option<(Arc<str>, f64)> {
        let is_own = |key: &str| {
            let id = self.id_of(key);
            id.is_some_and(|id| member.memberships.contains(&id))
        };
        let other = found.into_iter().find(|found| !is_own(&found.category))?;
        Some((other.category, other.score))
    }

    fn movement(&self, member: &ReviewMember<'_>, room: &mut SumsRoom) -> Result<f64, SumOverflow> {
        if !member.counts {
            return Ok(0.0);
        }
        let slot = self.by_id[&member.category];
        let whole = self.centroid(slot);
        let without = self.without(slot, &whole, member, room)?;
        Ok(match (whole.numerator(), without.numerator()) {
            (Some(before), Some(after)) => movement(&before, &after),
            (None, None) => 0.0,
            _ => 2.0,
        })
    }

    fn without<'a>(
        &self,
        slot: u32,
        whole: &'a CentroidSum<'_>,
        member: &ReviewMember<'_>,
        room: &'a mut SumsRoom,
    ) -> Result<CentroidSum<'a>, SumOverflow> {
        let without = whole.without(member.member, member.refill, room);
        without.map_err(|overflow| SumOverflow {
            category: self.categories[slot as usize].key.to_string(),
            component: overflow.component,
        })
    }
}

/// What `each` makes of all members, in their order: each thread takes some at a time.
fn shared<T: Send, E: Send>(
    members: &[ReviewMember<'_>],
    threads: usize,
    each: impl Fn(&[ReviewMember<'_>]) -> Result<Vec<T>, E> + Sync,
) -> Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let threads = threads.clamp(1, members.len().div_ceil(BATCH).max(1));
    let made = parallel::run(threads, || {
        let taken = std::iter::from_fn(|| Some(next.fetch_add(1, Relaxed)));
        let taken = taken.map_while(|number| Some((number, members.chunks(BATCH).nth(number)?)));
        taken
            .map(|(number, batch)| (number, each(batch)))
            .collect::<Vec<_>>()
    });
    let mut made: Vec<_> = made.into_iter().flatten().collect();
    made.sort_unstable_by_key(|&(number, _)| number);
    let mut all = Vec::with_capacity(members.len());
    for (_, batch) in made {
        all.extend(batch?);
    }
    Ok(all)
}
