//! The weighted mean of a category.
//!
//! With base b, base weight w_b, minimum base share α and counting members (wᵢ, xᵢ):
//!
//! ```text
//! w_b' = max(w_b, α/(1−α)·Σ wᵢ)        1 while nothing counts: an empty category is its base
//! V    = w_b'·b + Σ wᵢ·xᵢ              the numerator, in exact fixed point
//! effective = V / (w_b' + Σ wᵢ)
//! ```
//!
//! # Error of a score
//!
//! A part w·x of V (each counting member, and the base) is rounded to a multiple of 2⁻⁴⁰ in each of d
//! components: its error has a norm of at most √d·2⁻⁴¹. The sum of the parts is exact, so V of k parts
//! is off by at most k·√d·2⁻⁴¹, and its direction by the angle whose sine is that over ‖V‖. The row
//! is rounded to f32 (2⁻²⁴ of its norm), everything else is below 10⁻¹². With e = k·√d·2⁻⁴¹/‖V‖:
//!
//! ```text
//! |score − cosine in real arithmetic| ≤ arcsin(e) + 2⁻²⁴ + 10⁻¹²
//! ```
//!
//! That is below 10⁻⁶ for one part with ‖w·x‖ ≥ 10⁻⁴ in any dimension, and for k parts as long as
//! they do not cancel out to ‖V‖ < k·√d·4.9·10⁻⁷.
//!
//! A category with neither base nor counting members has no V, nor has one whose parts cancel out
//! to exactly zero: it is listed, never matched.
//!
//! Where a category caps the share of an actor, s_a·wᵢ takes the place of wᵢ in all of this: see
//! `actor_share.rs`.

use std::sync::Arc;

use super::actor_share::{ActorCap, ActorShare, BaseTerms};
use super::actors::{ActorSum, ActorSums};
use crate::arithmetic::fixed::{self, ScaledSum, WeightSum};
use crate::settings::CategorySettings;

/// What a category's weighted mean is computed from.
#[derive(Clone, Copy, Debug)]
pub struct CentroidSum<'a> {
    /// The category's settings.
    pub settings: &'a CategorySettings,
    /// Its base embedding, if it has one.
    pub base: Option<&'a [f32]>,
    /// Σ wᵢ·xᵢ over the counting members, in fixed point.
    pub sum: &'a [i64],
    /// Number of the counting members.
    pub count: u64,
    /// Σ wᵢ over the counting members.
    pub weight: WeightSum,
    /// The sums of each actor's counting members, where the category caps the share of an actor.
    pub actors: Option<&'a ActorSums>,
}

impl CentroidSum<'_> {
    /// The scales of actors whose members would weigh more than the category allows; `None`: nobody's.
    pub fn actor_cap(&self) -> Option<ActorCap> {
        let cap = self.settings.max_actor_share?;
        let actors = self.actors.filter(|_| self.count > 0)?;
        ActorCap::new(cap, self.base_terms(), self.weight, actors)
    }

    /// w_b', the weight of the base in the mean; 0 without a base.
    pub fn base_weight(&self) -> f64 {
        if self.base.is_none() {
            0.0
        } else if self.count == 0 {
            1.0
        } else if let Some(cap) = self.actor_cap() {
            cap.base_weight()
        } else {
            self.base_terms().beside(self.weight.to_f64())
        }
    }

    fn base_terms(&self) -> BaseTerms {
        let settings = self.settings;
        let terms = |_| BaseTerms {
            weight: f64::from(settings.base_weight),
            least_share: settings.min_base_share,
        };
        self.base.map(terms).unwrap_or_default()
    }

    /// The weight of all counting members in the mean.
    pub fn members_weight(&self) -> f64 {
        match self.actor_cap() {
            Some(cap) => cap.members_weight(),
            None => self.weight.to_f64(),
        }
    }

    /// V; `None` where the category has no embedding.
    ///
    /// The base may weigh more than the range of a sum holds: 999 times as much as all members, or
    /// 2²⁰. V is then kept in a coarser unit, which leaves its direction as it is.
    pub fn numerator(&self) -> Option<ScaledSum> {
        let numerator = match (self.base, self.actor_cap()) {
            (None, _) if self.count == 0 => return None,
            (None, Some(cap)) => self.capped_sum(&cap),
            (Some(base), Some(cap)) => {
                let sum = self.wide_capped_sum(&cap);
                fixed::add_scaled_wide(&sum, cap.base_weight(), base)
            }
            (None, None) => ScaledSum::from(self.sum.to_vec()),
            (Some(base), None) => fixed::add_scaled(self.sum, self.base_weight(), base),
        };
        let is_zero = numerator.components.iter().all(|&v| v == 0);
        (!is_zero).then_some(numerator)
    }

    /// The effective embedding, the weighted mean itself; `None` where the category has no
    /// embedding. That of a category without counting members is its base, bit for bit.
    pub fn effective(&self) -> Option<Vec<f32>> {
        if self.count == 0 {
            return self.base.map(<[f32]>::to_vec);
        }
        let numerator = self.numerator()?;
        let whole = self.base_weight() + self.members_weight();
        let mean = |&v: &i64| (numerator.to_f64(v) / whole) as f32;
        Some(numerator.components.iter().map(mean).collect())
    }

    /// The share of each actor, the largest first, ties by name. Empty: the category has no cap.
    pub fn actor_shares(&self) -> Vec<ActorShare> {
        let cap = self.actor_cap();
        let whole = self.base_weight() + self.members_weight();
        let share = |(actor, own): (&Arc<str>, &ActorSum)| {
            let weight = own.weight.to_f64();
            let scale = cap.as_ref().map_or(1.0, |cap| cap.scale(actor));
            ActorShare {
                actor: Arc::clone(actor),
                counting: own.count,
                weight,
                scale,
                share: weight * scale / whole,
            }
        };
        let actors = self.actors.into_iter().flat_map(ActorSums::iter);
        let mut shares: Vec<_> = actors.map(share).collect();
        // The sort is stable, and they stand in order of name. A larger weight never has a smaller share.
        shares.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        shares
    }

    /// The sum of the members as they weigh under a cap.
    pub(super) fn capped_sum(&self, cap: &ActorCap) -> ScaledSum {
        fixed::scaled_sum(&self.wide_capped_sum(cap))
    }

    fn wide_capped_sum(&self, cap: &ActorCap) -> Vec<i128> {
        let actors = self.actors.expect("a cap needs the sums of actors");
        cap.sum(self.sum, actors, |own, at| own.sum[at])
    }
}

/// Root mean square distance of the counting members from their own weighted mean:
/// √(Σ wᵢ|xᵢ|²/W − |Σ wᵢxᵢ|²/W²), from sums alone. `None` while nothing counts; 0 for one member,
/// which is its own mean.
pub fn spread(sum: &[i64], count: u64, weight: WeightSum, squares: f64) -> Option<f64> {
    if count <= 1 {
        return (count == 1).then_some(0.0);
    }
    let whole = weight.to_f64();
    let mean_squared: f64 = sum
        .iter()
        .map(|&s| (fixed::to_f64(s) / whole) * (fixed::to_f64(s) / whole))
        .sum();
    Some((squares / whole - mean_squared).max(0.0).sqrt())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arithmetic::limits::{MAX_BASE_SHARE, MAX_COMPONENT, MAX_WEIGHT, MIN_WEIGHT};
    use crate::scoring::Scorer;

    fn settings(base_weight: f32, min_base_share: f64) -> CategorySettings {
        CategorySettings {
            base_weight,
            min_base_share,
            ..CategorySettings::default()
        }
    }

    /// Of `count` members of the same weight, with this sum.
    fn weight(count: u64, each: f32) -> WeightSum {
        let mut all = WeightSum::default();
        for _ in 0..count {
            all = all.plus(each);
        }
        all
    }

    fn unit(vector: &[f64]) -> Vec<f64> {
        let norm = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
        vector.iter().map(|x| x / norm).collect()
    }

    /// The mean in f64, from the formula.
    fn formula(centroid: &CentroidSum<'_>) -> Vec<f64> {
        let base_weight = centroid.base_weight();
        let whole = base_weight + centroid.weight.to_f64();
        let base = centroid.base.expect("a base");
        let parts = centroid.sum.iter().zip(base);
        parts
            .map(|(&s, &b)| (fixed::to_f64(s) + base_weight * f64::from(b)) / whole)
            .collect()
    }

    /// Every setting at the ends of its range, with sums and bases at the ends of theirs.
    #[test]
    fn every_setting_within_its_range_has_a_mean_and_a_row() {
        let members = 8_388_607; // 2²³ − 1 of them, or what they weigh in fewer.
        let weights = [
            (1, weight(1, MIN_WEIGHT)),
            (1, weight(1, MAX_WEIGHT)),
            (members, weight(members, 1.0)),
            (1 << 13, weight(1 << 13, MAX_WEIGHT)),
        ];
        let sums = [
            [1, 1, 1],
            [i64::MAX, i64::MIN, 0],
            [i64::MIN, i64::MIN, 1 << 40],
            [0, 0, 0],
        ];
        let bases = [
            [MAX_COMPONENT, -MAX_COMPONENT, MAX_COMPONENT],
            [1e-4, 0.0, 0.0],
            [0.6, 0.0, -0.8],
        ];
        for (count, weight) in weights {
            for sum in &sums {
                for base in &bases {
                    for base_weight in [0.0, MIN_WEIGHT, 1.0, MAX_WEIGHT] {
                        for share in [0.0, 0.5, MAX_BASE_SHARE] {
                            let settings = settings(base_weight, share);
                            let centroid = CentroidSum {
                                settings: &settings,
                                base: Some(base),
                                sum,
                                count,
                                weight,
                                actors: None,
                            };
                            check(&centroid);
                        }
                    }
                }
            }
        }
    }

    fn check(centroid: &CentroidSum<'_>) {
        let expected = formula(centroid);
        let Some(effective) = centroid.effective() else {
            // Base weight 0 and a sum of 0: there is nothing to average.
            assert!(expected.iter().all(|&x| x == 0.0), "{centroid:?}");
            return;
        };
        let largest = expected.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        let whole = centroid.base_weight() + centroid.weight.to_f64();
        // The base is rounded once to a unit of the sum, the mean once to f32.
        let near = largest * 1e-7 + fixed::to_f64(1) / whole;
        for (found, expected) in effective.iter().zip(&expected) {
            assert!((f64::from(*found) - expected).abs() <= near, "{centroid:?}");
        }
        let row = Scorer::Cosine.row(centroid).expect("a row");
        let asked: Vec<f32> = unit(&expected).iter().map(|&x| x as f32).collect();
        let query = Scorer::Cosine.query(&asked).expect("a direction");
        let cosine = Scorer::Cosine.score(&query, row.as_ref()).cosine;
        assert!(cosine > 1.0 - 1e-6, "{cosine} for {centroid:?}");
    }

    /// Parts that cancel out up to `rest` of themselves; the last has no counterpart to cancel.
    fn cancelling(pairs: usize, dimension: usize, rest: f32) -> impl Strategy<Value = Vec<Part>> {
        let vector = prop::collection::vec(-1.0f32..1.0, dimension);
        let pair = (0.01f32..8.0, vector.clone(), vector).prop_map(move |(weight, x, y)| {
            let opposite = x.iter().zip(&y).map(|(x, y)| rest * y - x).collect();
            [(weight, x), (weight, opposite)]
        });
        prop::collection::vec(pair, 1..=pairs)
            .prop_map(|pairs| pairs.into_iter().flatten().collect())
    }

    type Part = (f32, Vec<f32>);

    /// The error of a score, and the bound that the documentation of the module states.
    fn error_and_bound(parts: &[Part], asked: &[f32]) -> Option<(f64, f64)> {
        let dimension = asked.len();
        let (mut sum, mut weight) = (vec![0; dimension], WeightSum::default());
        // Products of f32 are exact in f64, and their sums are off by less than 1e-3 of the bound.
        let mut real = vec![0.0; dimension];
        for (w, x) in parts {
            fixed::add(&mut sum, f64::from(*w), x).expect("it fits");
            weight = weight.plus(*w);
            for (real, &x) in real.iter_mut().zip(x) {
                *real += f64::from(*w) * f64::from(x);
            }
        }
        let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        let asked_real: Vec<f64> = asked.iter().map(|&x| f64::from(x)).collect();
        let dot: f64 = real.iter().zip(&asked_real).map(|(a, b)| a * b).sum();
        let cosine = dot / (norm(&real) * norm(&asked_real));
        let e = parts.len() as f64 * (dimension as f64).sqrt() * 2.0_f64.powi(-41) / norm(&real);
        if e.is_nan() || e >= 1.0 {
            return None;
        }
        let row = Scorer::Cosine.row(&CentroidSum {
            settings: &settings(1.0, 0.0),
            base: None,
            sum: &sum,
            count: parts.len() as u64,
            weight,
            actors: None,
        })?;
        let query = Scorer::Cosine.query(asked)?;
        let score = Scorer::Cosine.score(&query, row.as_ref()).cosine;
        let bound = 1.001 * e.asin() + 2.0_f64.powi(-24) + 1e-12;
        Some(((score - cosine).abs(), bound))
    }

    proptest! {
        #[test]
        fn the_error_of_a_score_is_bounded_though_members_cancel_out(
            parts in prop_oneof![cancelling(8, 24, 1e-6), cancelling(3, 5, 1e-4), cancelling(2, 3, 1.0)],
            seed in prop::collection::vec(-1.0f32..1.0, 24),
        ) {
            let asked = &seed[..parts[0].1.len()];
            if let Some((error, bound)) = error_and_bound(&parts, asked) {
                prop_assert!(error <= bound, "{error:e} > {bound:e}");
            }
        }
    }

    /// The bound is not far above the error: a millionth is too little for members that cancel out.
    #[test]
    fn members_that_cancel_out_score_less_exactly_than_others() {
        let third = 1.0 / 3.0_f32;
        let parts: [Part; 2] = [
            (0.7, vec![third, 0.9, 0.1]),
            (0.7, vec![-third + 3e-7, -0.9 + 2e-7, -0.1]),
        ];
        let (error, bound) = error_and_bound(&parts, &[0.3, -0.8, 0.5]).expect("a direction");
        assert!(1e-6 < error && error <= bound, "{error:e}, {bound:e}");
        let (error, bound) = error_and_bound(&parts[..1], &[0.3, -0.8, 0.5]).expect("a direction");
        assert!(error <= bound && bound < 1e-6, "{error:e}, {bound:e}");
    }
}
