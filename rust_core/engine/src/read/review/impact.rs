//! What the assignments of an actor change in the answers for other items.
//!
//! The members that the actor has assigned are taken out of a second copy of the categories, as an
//! Unassign would take them out. A sample of the other items is then ranked by both copies.

use std::sync::Arc;

use ee_core::namespace::{Category, Item, MatchOptions, MoreMembers, Namespace};
use ee_core::scoring::Query;
use ee_core::settings::RankingMode;
use rustc_hash::{FxHashMap, FxHashSet};

use super::members::overflow;
use super::{MemberFilter, Reviewed, part};
use crate::Result;
use crate::api::{At, ReadContext};
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::read::copy::copy;
use crate::read::ranking::Ranker;

/// The most items that are compared.
pub const IMPACT_ITEMS: u32 = 100_000;

/// The most pairs of answers, and the most categories, that are listed.
pub const IMPACT_LISTED: usize = 100;

/// What to measure.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewImpactSpec {
    /// The members that are taken out: by default those of one actor since a time.
    pub filter: MemberFilter,
    /// About how many items are compared, at most [`IMPACT_ITEMS`].
    pub item_limit: u32,
    /// The most changed answers that are listed.
    pub change_limit: usize,
}

/// The category that a Match lists first, and its score.
pub type Answer = Option<(Arc<str>, f64)>;

/// An item whose answer the members have changed.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangedAnswer {
    /// The item's key.
    pub item: String,
    /// The answer with the members.
    pub with: Answer,
    /// The answer without them.
    pub without: Answer,
}

/// A number of items whose answer has changed alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerFlow {
    /// The category without the members.
    pub without: Option<Arc<str>>,
    /// The category with them.
    pub with: Option<Arc<str>>,
    /// The number of items.
    pub count: u64,
}

/// The categories without the members and with them.
type Flow = (Option<Arc<str>>, Option<Arc<str>>);

/// What some members change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImpactReview {
    /// Members that were taken out.
    pub members: u64,
    /// Items that were compared.
    pub items: u64,
    /// Those of them whose answer has changed.
    pub changed: u64,
    /// The first of these by key.
    pub changes: Vec<ChangedAnswer>,
    /// From which category to which, the most items first.
    pub flows: Vec<AnswerFlow>,
    /// How far each category was moved, the farthest first.
    pub categories: Vec<(Arc<str>, f64)>,
}

impl Ranker<'_> {
    /// Measures what some members change in the answers for other items.
    pub(crate) fn review_impact(
        &self,
        namespace: &NamespaceHandle,
        spec: &ReviewImpactSpec,
        context: ReadContext,
    ) -> Result<At<ImpactReview>> {
        self.shared.reading(|| {
            let reviewed = self.shared.to_review(namespace, context)?;
            let row = reviewed.row()?;
            let (mut without, _copied) = copy(reviewed.reads(), &row, &self.shared.copies)?;
            let mut review = ImpactReview::default();
            let mut left = FxHashSet::default();
            for category in reviewed.categories(&spec.filter)? {
                let movement = take_out(&reviewed, &mut without, category, spec, &mut left)?;
                if movement > 0.0 {
                    review
                        .categories
                        .push((Arc::clone(&category.key), movement));
                }
            }
            review
                .categories
                .sort_unstable_by(|(a, more), (b, less)| less.total_cmp(more).then(a.cmp(b)));
            review.categories.truncate(IMPACT_LISTED);
            review.members = left.len() as u64;
            let comparison = Comparison {
                ranker: self,
                reviewed: &reviewed,
                without: &without,
                left: left.into_iter().map(|(item, _)| item).collect(),
                spec,
            };
            comparison.run(row.header.items, &mut review)?;
            Ok(reviewed.at(review))
        })
    }
}

/// Takes the members that the filter accepts out of a category. Returns how far it moves.
fn take_out(
    reviewed: &Reviewed,
    without: &mut Namespace,
    category: &Category,
    spec: &ReviewImpactSpec,
    left: &mut FxHashSet<(i64, i64)>,
) -> Result<f64> {
    let mut leaving = reviewed.member_sum(category);
    reviewed.each_member(category, &spec.filter, |membership, item| {
        left.insert((item.id, category.id));
        if category.counts(membership.sequence) {
            leaving.add(part(&item, &membership.origin.actor));
        }
        Ok(())
    })?;
    if leaving.count() == 0 {
        return Ok(0.0);
    }
    let refill = reviewed.refills(category, &spec.filter, leaving.count())?;
    let taken = without.take_out(category.id, leaving, refill);
    Ok(taken.map_err(overflow)?.movement)
}

/// A comparison of two states by the answers for a sample of items.
struct Comparison<'a> {
    ranker: &'a Ranker<'a>,
    reviewed: &'a Reviewed,
    without: &'a Namespace,
    /// Items that were taken out, which are not compared.
    left: FxHashSet<i64>,
    spec: &'a ReviewImpactSpec,
}

impl Comparison<'_> {
    fn run(&self, all: u64, review: &mut ImpactReview) -> Result<()> {
        let sample = Sample::new(self.spec.item_limit, all);
        let size = self.reviewed.chunk_members();
        let mut flows: FxHashMap<Flow, u64> = FxHashMap::default();
        let mut after = String::new();
        loop {
            self.reviewed.check_deadline()?;
            let page = self.reviewed.items_page(&after, size)?;
            let is_last = page.len() < size;
            if let Some(last) = page.last() {
                after.clone_from(&last.key);
            }
            let is_wanted = |item: &Item| sample.takes(&item.key) && !self.left.contains(&item.id);
            let page: Vec<Item> = page.into_iter().filter(is_wanted).collect();
            review.items += page.len() as u64;
            let [with, without] = self.answers(&page);
            for ((item, with), without) in page.into_iter().zip(with).zip(without) {
                let key = |answer: &Answer| answer.as_ref().map(|(key, _)| Arc::clone(key));
                let flow = (key(&without), key(&with));
                if flow.0 == flow.1 {
                    continue;
                }
                review.changed += 1;
                *flows.entry(flow).or_default() += 1;
                if review.changes.len() < self.spec.change_limit {
                    review.changes.push(ChangedAnswer {
                        item: item.key,
                        with,
                        without,
                    });
                }
            }
            if is_last {
                break;
            }
        }
        let flow = |((without, with), count)| AnswerFlow {
            without,
            with,
            count,
        };
        review.flows = flows.into_iter().map(flow).collect();
        review.flows.sort_unstable_by(|a, b| {
            let keys = |flow: &AnswerFlow| (flow.without.clone(), flow.with.clone());
            b.count.cmp(&a.count).then_with(|| keys(a).cmp(&keys(b)))
        });
        review.flows.truncate(IMPACT_LISTED);
        Ok(())
    }

    /// The answer for each item, with and without the members.
    fn answers(&self, items: &[Item]) -> [Vec<Answer>; 2] {
        let states = [&self.reviewed.namespace, self.without];
        let scorer = states[0].scorer();
        let queries: Vec<Query> = items
            .iter()
            .map(|item| scorer.query(&item.embedding))
            .map(|query| query.expect("a stored item has a direction"))
            .collect();
        let shared = self.ranker.shared;
        let options = MatchOptions {
            limit: 1,
            ranking: Some(RankingMode::Cosine),
            fairness: Some(0.0),
            threads: shared.threads,
            ..MatchOptions::default()
        };
        let (kernel, tally) = (self.ranker.kernel, Some(&shared.counters.tally));
        states.map(|state| {
            let more = MoreMembers::default();
            let ranked = state.rank_with(kernel, &queries, &options, &more, tally);
            let ranked = ranked.expect("the cosine alone needs no members");
            let first = ranked.into_iter().map(|ranking| {
                let first = ranking.matches.into_iter().next()?;
                Some((first.category, first.score))
            });
            first.collect()
        })
    }
}

/// Takes about so many items of all, by a hash of their keys: always the same ones.
struct Sample {
    below: u64,
}

impl Sample {
    fn new(limit: u32, all: u64) -> Self {
        let below = if u64::from(limit) >= all {
            u64::MAX
        } else {
            // The share of the limit in all, of the range of a hash.
            ((u128::from(limit) << 64) / u128::from(all)) as u64
        };
        Self { below }
    }

    fn takes(&self, key: &str) -> bool {
        self.below == u64::MAX || hash(key) < self.below
    }
}

/// FNV-1a, its bits mixed as by MurmurHash3.
fn hash(key: &str) -> u64 {
    let fnv = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (fnv ^ (fnv >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_about_as_many_items_as_were_asked_for() {
        let keys: Vec<String> = (0..20_000).map(|number| format!("item {number}")).collect();
        for limit in [100, 2_000, 19_000] {
            let sample = Sample::new(limit, 20_000);
            let taken = keys.iter().filter(|key| sample.takes(key)).count() as f64;
            let limit = f64::from(limit);
            assert!(
                (taken - limit).abs() < 5.0 * limit.sqrt(),
                "{taken} of {limit}"
            );
        }
        assert!(
            keys.iter()
                .all(|key| Sample::new(20_000, 20_000).takes(key))
        );
    }
}
