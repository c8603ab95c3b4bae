//! What members weigh under a cap on the share of an actor, by bisection.

use std::collections::BTreeMap;

use super::{Model, ModelCategory, ModelItem};

/// A counting member.
#[derive(Clone, Copy)]
pub(super) struct Counting<'a> {
    pub(super) item: &'a ModelItem,
    pub(super) actor: &'a str,
}

impl ModelCategory {
    /// What the base and each of these members weigh.
    pub(super) fn weights(&self, counting: &[Counting<'_>]) -> (f64, Vec<f64>) {
        if counting.is_empty() {
            return (if self.base.is_some() { 1.0 } else { 0.0 }, Vec::new());
        }
        let mut actors: BTreeMap<&str, f64> = BTreeMap::new();
        for own in counting {
            *actors.entry(own.actor).or_default() += f64::from(own.item.weight);
        }
        let (base_weight, base_share) = match &self.base {
            Some(_) => {
                let settings = &self.settings;
                (f64::from(settings.base_weight), settings.min_base_share)
            }
            None => (0.0, 0.0),
        };
        let base = |members: f64| base_weight.max(base_share / (1.0 - base_share) * members);
        let mut level = f64::INFINITY;
        if let Some(mut cap) = self.settings.max_actor_share {
            if base_weight == 0.0 {
                cap = cap.max((1.0 - base_share) / actors.len() as f64);
            }
            // The largest whole that is not more than what it allows its parts to weigh.
            let is_reached = |whole: f64| {
                let members: f64 = actors.values().map(|own| own.min(cap * whole)).sum();
                base(members) + members >= whole * (1.0 - 1e-13)
            };
            let all: f64 = actors.values().sum();
            let (mut reached, mut beyond) = (0.0, 2.0 * (base(all) + all));
            for _ in 0..200 {
                let middle = f64::midpoint(reached, beyond);
                match is_reached(middle) {
                    true => reached = middle,
                    false => beyond = middle,
                }
            }
            level = cap * reached;
        }
        let weights = counting.iter().map(|own| {
            let scale = (level / actors[own.actor]).min(1.0);
            f64::from(own.item.weight) * scale
        });
        let weights: Vec<f64> = weights.collect();
        (base(weights.iter().sum()), weights)
    }
}

impl Model {
    /// The share of each actor.
    pub(crate) fn actor_shares(&self, key: &str) -> BTreeMap<String, f64> {
        let category = &self.categories[key];
        let counting = self.counting(category);
        let (base, weights) = category.weights(&counting);
        let whole = base + weights.iter().sum::<f64>();
        let mut shares = BTreeMap::new();
        for (own, weight) in counting.iter().zip(weights) {
            *shares.entry(own.actor.to_owned()).or_default() += weight / whole;
        }
        shares
    }
}
