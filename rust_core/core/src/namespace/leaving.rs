//! Some members of a category that leave it together.

use super::{Namespace, SumOverflow};
use std::sync::Arc;

use super::Member;
use crate::arithmetic::fixed::{Overflow, WeightSum, WideSum};
use crate::scoring::{ActorBuild, ActorSums, AssignedVector, CentroidSum, growth, movement};

/// The sum of some members.
#[derive(Clone, Debug)]
pub struct MemberSum {
    sum: WideSum,
    count: u64,
    weight: WeightSum,
    actors: Option<ActorBuild>,
}

impl MemberSum {
    /// Of no members, for vectors of `dimension` components. `by_actor`: of each actor too, as a category
    /// that caps their shares needs them.
    pub fn new(dimension: usize, by_actor: bool) -> Self {
        Self {
            sum: WideSum::new(dimension),
            count: 0,
            weight: WeightSum::default(),
            actors: by_actor.then(ActorBuild::default),
        }
    }

    /// Adds a member.
    pub fn add(&mut self, member: AssignedVector<'_>) {
        let (weight, embedding) = member.item;
        if let Some(actors) = &mut self.actors {
            actors.add(member.actor, Member::new(weight, embedding), false);
        }
        self.sum.add(f64::from(weight), embedding);
        self.count += 1;
        self.weight = self.weight.plus(weight);
    }

    /// Number of the members.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Σ of their weights.
    pub fn weight(&self) -> f64 {
        self.weight.to_f64()
    }
}

/// What a category is without some of its members.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Without {
    /// Their share of the weight of the whole, the base included, as they weigh under a cap.
    pub share: f64,
    /// 1 − cos of the effective embedding with and without them; 2 if no embedding would be left.
    pub movement: f64,
}

impl Namespace {
    /// A category without some counting members, in whose place others would count again.
    ///
    /// Fails if the sum would leave its range.
    ///
    /// # Panics
    ///
    /// If the category is unknown.
    pub fn without_members(
        &self,
        category: i64,
        leaving: MemberSum,
        refill: MemberSum,
    ) -> Result<Without, SumOverflow> {
        let slot = self.by_id[&category];
        let rest = self.rest(slot, leaving, refill)?;
        Ok(self.compare(slot, &rest))
    }

    /// Takes some counting members out of a category. For a copy that is only ranked: its counts of
    /// members and its digest stay.
    ///
    /// Fails and panics as [`Namespace::without_members`].
    pub fn take_out(
        &mut self,
        category: i64,
        leaving: MemberSum,
        refill: MemberSum,
    ) -> Result<Without, SumOverflow> {
        let slot = self.by_id[&category];
        let rest = self.rest(slot, leaving, refill)?;
        let without = self.compare(slot, &rest);
        let row = self.scorer().row(&self.rest_centroid(slot, &rest));
        let at = slot as usize;
        self.sums.set(at, &rest.sum);
        let category = &mut self.categories[at];
        self.category_bytes -= category.sums_bytes();
        category.stats.counting = rest.count;
        category.stats.weight = rest.weight;
        category.actors = rest.actors.map(Arc::new);
        self.category_bytes += category.sums_bytes();
        self.rows.set(slot, row.as_ref());
        self.rows.set_growth(slot, growth(rest.count));
        Ok(without)
    }

    /// What the members that an actor has assigned to a category are scaled by, at most 1.
    ///
    /// # Panics
    ///
    /// If the category is unknown.
    pub fn actor_scale(&self, category: i64, actor: &str) -> f64 {
        let cap = self.centroid(self.by_id[&category]).actor_cap();
        cap.map_or(1.0, |cap| cap.scale(actor))
    }

    /// How far a category has moved since another state of the namespace: 1 − cos of the effective
    /// embeddings; `None` if it has none in one of them.
    pub fn moved_since(&self, category: i64, earlier: &Self) -> Option<f64> {
        let numerator = |state: &Self| state.centroid(*state.by_id.get(&category)?).numerator();
        Some(movement(&numerator(earlier)?, &numerator(self)?))
    }

    fn rest(&self, slot: u32, leaving: MemberSum, refill: MemberSum) -> Result<Rest, SumOverflow> {
        let overflow = |overflow: Overflow| SumOverflow {
            category: self.categories[slot as usize].key.to_string(),
            component: overflow.component,
        };
        let whole = self.centroid(slot);
        let count = whole.count - leaving.count + refill.count;
        let weight = whole.weight.less(leaving.weight).more(refill.weight);
        let cap = whole.actor_cap();
        let left_weight = match (&cap, &leaving.actors) {
            (Some(cap), Some(actors)) => {
                let weights = actors.weights();
                weights.map(|(actor, own)| cap.scaled(actor, own)).sum()
            }
            _ => leaving.weight(),
        };
        let actors = match (whole.actors, leaving.actors, refill.actors) {
            (Some(all), Some(leaving), Some(refill)) => {
                let leaving = leaving.finish().map_err(overflow)?;
                let refill = refill.finish().map_err(overflow)?;
                Some(all.exchanged(&leaving, &refill).map_err(overflow)?)
            }
            _ => None,
        };
        let leaving = leaving.sum.finish().map_err(overflow)?;
        let refill = refill.sum.finish().map_err(overflow)?;
        let parts = whole.sum.iter().zip(&leaving).zip(&refill).enumerate();
        let sum: Result<Vec<i64>, Overflow> = parts
            .map(|(component, ((&sum, &leaving), &refill))| {
                let left = i128::from(sum) - i128::from(leaving) + i128::from(refill);
                i64::try_from(left).map_err(|_| Overflow { component })
            })
            .collect();
        Ok(Rest {
            sum: sum.map_err(overflow)?,
            count,
            weight,
            actors,
            left_weight,
        })
    }

    fn rest_centroid<'a>(&'a self, slot: u32, rest: &'a Rest) -> CentroidSum<'a> {
        CentroidSum {
            sum: &rest.sum,
            count: rest.count,
            weight: rest.weight,
            actors: rest.actors.as_ref(),
            ..self.centroid(slot)
        }
    }

    fn compare(&self, slot: u32, rest: &Rest) -> Without {
        let whole = self.centroid(slot);
        let all = whole.base_weight() + whole.members_weight();
        let share = if rest.left_weight > 0.0 {
            rest.left_weight / all
        } else {
            0.0
        };
        let after = self.rest_centroid(slot, rest).numerator();
        let movement = match (whole.numerator(), after) {
            (Some(before), Some(after)) => movement(&before, &after),
            (None, None) => 0.0,
            _ => 2.0,
        };
        Without { share, movement }
    }
}

/// What is left of a category's sum.
struct Rest {
    sum: Vec<i64>,
    count: u64,
    weight: WeightSum,
    actors: Option<ActorSums>,
    /// Σ of the weights of those that have left, under the cap.
    left_weight: f64,
}
