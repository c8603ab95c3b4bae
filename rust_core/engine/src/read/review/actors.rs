//! The influence of each actor on each category.

use std::collections::BTreeMap;
use std::sync::Arc;

use ee_core::namespace::{Category, MemberSum, Origin};

use super::first::{First, ReviewPlace};
use super::members::overflow;
use super::{MemberFilter, Reviewed, part};
use crate::Result;
use crate::api::{At, ReadContext};
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::read::ranking::Ranker;

/// Bytes of the sums of the actors of a category that are built in one pass over its members.
const ACTOR_BYTES: usize = 64 << 20;

/// Which influences to list.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewActorsSpec {
    /// The members whose influence is measured.
    pub filter: MemberFilter,
    /// The movement, actor and category of the last influence before the page.
    pub after: Option<ReviewPlace>,
    /// The most influences that are listed.
    pub limit: usize,
}

/// The influence of an actor on a category.
#[derive(Clone, Debug, PartialEq)]
pub struct ActorInfluence {
    /// The actor.
    pub actor: String,
    /// The category's key.
    pub category: Arc<str>,
    /// Members that the actor has assigned.
    pub members: u64,
    /// Those of them that count.
    pub counting: u64,
    /// Σ of the weights of those.
    pub weight: f64,
    /// Their share of the weight of the whole, the base included, under the category's cap.
    pub share: f64,
    /// What their weights are scaled by there, at most 1.
    pub scale: f64,
    /// How far the category would move if all of them left.
    pub movement: f64,
    /// Times of the first and of the last assignment, in milliseconds since the Unix epoch.
    pub times_ms: (i64, i64),
    /// Its place in the order.
    pub place: ReviewPlace,
}

/// A page of influences.
#[derive(Clone, Debug, PartialEq)]
pub struct ActorsReview {
    /// The influences, the largest movement first.
    pub influences: Vec<ActorInfluence>,
    /// The influences on all pages.
    pub influence_count: u64,
}

/// The members of an actor in a category.
struct ActorMembers {
    sum: MemberSum,
    members: u64,
    times_ms: (i64, i64),
}

impl Ranker<'_> {
    /// Lists the influence of each actor on each category.
    pub(crate) fn review_actors(
        &self,
        namespace: &NamespaceHandle,
        spec: &ReviewActorsSpec,
        context: ReadContext,
    ) -> Result<At<ActorsReview>> {
        self.shared.reading(|| {
            let reviewed = self.shared.to_review(namespace, context)?;
            let review = review(&reviewed, spec)?;
            Ok(reviewed.at(review))
        })
    }
}

fn review(reviewed: &Reviewed, spec: &ReviewActorsSpec) -> Result<ActorsReview> {
    let mut first = First::new(spec.limit, spec.after.as_ref());
    let mut influence_count = 0;
    for category in reviewed.categories(&spec.filter)? {
        let mut done: Option<String> = None;
        loop {
            let actors = actors_after(reviewed, category, &spec.filter, done.as_deref())?;
            let Some(last) = actors.last_key_value() else {
                break;
            };
            let last = last.0.clone();
            for (actor, members) in actors {
                influence_count += 1;
                let influence = influence(reviewed, category, &spec.filter, actor, members)?;
                if first.may_take(influence.movement) {
                    first.push(influence.place.clone(), || influence);
                }
            }
            done = Some(last);
        }
    }
    let influences = first.into_sorted().into_iter();
    Ok(ActorsReview {
        influences: influences.map(|(_, influence)| influence).collect(),
        influence_count,
    })
}

/// The members of the next actors in order of their names, as many as there is room for.
fn actors_after(
    reviewed: &Reviewed,
    category: &Category,
    filter: &MemberFilter,
    after: Option<&str>,
) -> Result<BTreeMap<String, ActorMembers>> {
    let dimension = reviewed.namespace.settings().dimension as usize;
    let most = (ACTOR_BYTES / (dimension * size_of::<i64>())).max(1);
    let mut actors: BTreeMap<String, ActorMembers> = BTreeMap::new();
    reviewed.each_member(category, filter, |membership, item| {
        let Origin { actor, time_ms, .. } = &membership.origin;
        if after.is_some_and(|after| actor.as_str() <= after) {
            return Ok(());
        }
        if !actors.contains_key(actor) {
            if actors.len() == most {
                // An actor behind all that there is room for has its turn in a later pass. One that
                // comes before the last has had no members so far, so its sum will be whole.
                let last = actors.last_key_value();
                if last.is_none_or(|(last, _)| actor > last) {
                    return Ok(());
                }
                actors.pop_last();
            }
            let members = ActorMembers {
                sum: reviewed.member_sum(category),
                members: 0,
                times_ms: (*time_ms, *time_ms),
            };
            actors.insert(actor.clone(), members);
        }
        let own = actors.get_mut(actor).expect("it was just made sure of");
        own.members += 1;
        own.times_ms.0 = own.times_ms.0.min(*time_ms);
        own.times_ms.1 = own.times_ms.1.max(*time_ms);
        if category.counts(membership.sequence) {
            own.sum.add(part(&item, &membership.origin.actor));
        }
        Ok(())
    })?;
    Ok(actors)
}

fn influence(
    reviewed: &Reviewed,
    category: &Category,
    filter: &MemberFilter,
    actor: String,
    members: ActorMembers,
) -> Result<ActorInfluence> {
    let ActorMembers {
        sum,
        members,
        times_ms,
    } = members;
    let (counting, weight) = (sum.count(), sum.weight());
    let own = MemberFilter {
        actor: Some(actor),
        ..filter.clone()
    };
    let refill = reviewed.refills(category, &own, counting)?;
    let without = reviewed.namespace.without_members(category.id, sum, refill);
    let without = without.map_err(overflow)?;
    let actor = own.actor.unwrap_or_default();
    Ok(ActorInfluence {
        place: ReviewPlace {
            value: without.movement,
            first: actor.clone(),
            second: category.key.to_string(),
        },
        scale: reviewed.namespace.actor_scale(category.id, &actor),
        actor,
        category: Arc::clone(&category.key),
        members,
        counting,
        weight,
        share: without.share,
        movement: without.movement,
        times_ms,
    })
}
