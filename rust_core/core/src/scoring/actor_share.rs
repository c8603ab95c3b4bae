//! A cap on what the members of one actor weigh in a category.
//!
//! With base weight w_b, minimum base share α, cap m and, for each actor a, W_a = Σ wᵢ of the counting
//! members that a has assigned:
//!
//! ```text
//! L    = m·T                                          the most that the members of one actor weigh
//! s_a  = min(1, L/W_a)                                the scale of each member of a
//! T    = w_b' + Σ s_a·W_a                             the largest T for which this holds
//! w_b' = max(w_b, α/(1−α)·Σ s_a·W_a)
//! ```
//!
//! T is a fixed point of max(w_b + S(T), S(T)/(1−α)) with S(T) = Σ min(W_a, m·T). Both functions are
//! concave, so the largest fixed point of their maximum is the larger one of theirs. Each of them is found
//! by water filling: with the weights in descending order and R_j = Σ W_a without the first j,
//!
//! ```text
//! T_j = (w_b + R_j)/(1 − j·m)       and       T_j = R_j/(1 − α − j·m)
//! ```
//!
//! fall with j as long as the next weight is above m·T_j, and the first T_j at which it is not is the fixed
//! point. That denominator is positive: W_{j+1} > m·T_j and R_j ≥ W_{j+1} give T_j·(1 − j·m) > T_j·m.
//!
//! Where the base weighs 0 and there are k actors, shares of m cannot add up to the whole if k·m < 1 − α.
//! The cap is then (1 − α)/k: all actors weigh the same.
//!
//! The effective sum is that of the members less Σ (V_a − round(s_a·V_a)) over the capped actors, where
//! V_a = Σ wᵢ·xᵢ is exact and each component is rounded once. So it depends on exact sums alone, and not
//! on the order of assignments. At most 1/m actors are capped.

use std::sync::Arc;

use super::actors::{ActorSum, ActorSums};
use crate::arithmetic::fixed::{self, WeightSum};

/// What decides the weight of a base.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BaseTerms {
    /// w_b, its weight on its own; 0 without a base.
    pub(super) weight: f64,
    /// α, its least share of the whole; 0 without a base.
    pub(super) least_share: f64,
}

impl BaseTerms {
    /// w_b', its weight beside members that weigh so much.
    pub(super) fn beside(self, members: f64) -> f64 {
        let floor = self.least_share / (1.0 - self.least_share) * members;
        self.weight.max(floor)
    }
}

/// A scale that rounding alone keeps below 1: the actor weighs what the cap allows, and is not capped.
/// The level has a few roundings of 2⁻⁵³ for each actor above it, of which there are at most 100.
const ROUNDED_ONE: f64 = 1.0 - 1.0 / (1_u64 << 44) as f64;

/// The scales of the actors whose members would weigh more than the cap allows.
#[derive(Clone, Debug, PartialEq)]
pub struct ActorCap {
    /// The actors above it with their scales, by name. Never empty.
    capped: Vec<(Arc<str>, f64)>,
    /// What the base and all members weigh.
    base: f64,
    members: f64,
}

/// How much of a category is due to an actor.
#[derive(Clone, Debug, PartialEq)]
pub struct ActorShare {
    /// The actor.
    pub actor: Arc<str>,
    /// Number of the counting members that the actor has assigned.
    pub counting: u64,
    /// Σ of their weights.
    pub weight: f64,
    /// What each of them is scaled by, at most 1; below 1 the actor is capped.
    pub scale: f64,
    /// Their share of the weight of the whole, after the cap.
    pub share: f64,
}

impl ActorCap {
    /// The scales under a cap, given the base, the weight of all counting members and their sums;
    /// `None`: nobody is above the cap.
    pub(super) fn new(
        cap: f64,
        base: BaseTerms,
        all: WeightSum,
        actors: &ActorSums,
    ) -> Option<Self> {
        let weights = actors.iter().map(|(_, own)| own.weight).collect();
        let level = level(cap, base, all, weights);
        let (mut capped, mut rest) = (Vec::new(), all);
        for (actor, own) in actors.iter() {
            let weight = own.weight.to_f64();
            if level / weight < ROUNDED_ONE {
                rest = rest.less(own.weight);
                capped.push((Arc::clone(actor), level / weight));
            }
        }
        if capped.is_empty() {
            return None;
        }
        let members = rest.to_f64() + capped.len() as f64 * level;
        Some(Self {
            capped,
            base: base.beside(members),
            members,
        })
    }

    /// w_b', the weight of the base.
    pub(super) fn base_weight(&self) -> f64 {
        self.base
    }

    /// The weight of all counting members.
    pub(super) fn members_weight(&self) -> f64 {
        self.members
    }

    /// What the members of an actor are scaled by.
    pub fn scale(&self, actor: &str) -> f64 {
        let found = self.capped.binary_search_by(|(own, _)| (**own).cmp(actor));
        found.map_or(1.0, |place| self.capped[place].1)
    }

    /// What some of an actor's members weigh.
    pub(crate) fn scaled(&self, actor: &str, weight: WeightSum) -> f64 {
        weight.to_f64() * self.scale(actor)
    }

    /// The sum of all members, from that without a cap and what each actor has of it.
    pub(super) fn sum<'a>(
        &self,
        sum: &[i64],
        actors: &'a ActorSums,
        of: impl Fn(&'a ActorSum, usize) -> i64,
    ) -> Vec<i128> {
        let mut scaled: Vec<i128> = sum.iter().map(|&component| i128::from(component)).collect();
        for (actor, scale) in &self.capped {
            let own = actors.get(actor).expect("a capped actor has members");
            for (at, total) in scaled.iter_mut().enumerate() {
                let component = of(own, at);
                *total -= i128::from(component) - i128::from(fixed::scaled(component, *scale));
            }
        }
        scaled
    }
}

/// L, from the weights of all actors and their sum.
fn level(cap: f64, base: BaseTerms, all: WeightSum, mut weights: Vec<WeightSum>) -> f64 {
    weights.sort_unstable_by(|a, b| b.cmp(a));
    let count = weights.len() as f64;
    let rest = 1.0 - base.least_share;
    let fill = |cap: f64, extra: f64, keep: f64, most: usize| {
        let mut left = all;
        let mut whole = (extra + left.to_f64()) / keep;
        for (place, &weight) in weights[..most].iter().enumerate() {
            if weight.to_f64() <= cap * whole {
                break;
            }
            left = left.less(weight);
            let room = keep - (place + 1) as f64 * cap;
            let next = (extra + left.to_f64()) / room;
            // Only rounding can break this order.
            if room <= 0.0 || next.is_nan() || next >= whole {
                break;
            }
            whole = next;
        }
        whole
    };
    // If the base adds nothing of its own, one actor must stay as it is.
    let without_base = |cap| fill(cap, 0.0, rest, weights.len().saturating_sub(1));
    if base.weight == 0.0 {
        let cap = cap.max(rest / count);
        return cap * without_base(cap);
    }
    let with_base = fill(cap, base.weight, 1.0, weights.len());
    let at_share = if count * cap >= rest {
        without_base(cap)
    } else {
        0.0
    };
    cap * with_base.max(at_share)
}

#[cfg(test)]
mod tests;
