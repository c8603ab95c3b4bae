//! Fairness: how well a category is expected to score an item of its own, from sums alone.
//!
//! A category that has absorbed members lies where items lie, so it scores nearly every item higher
//! than a category that is only a name. What a category is expected to score for an item of its own
//! is therefore taken off, as far as the namespace wants it:
//!
//! ```text
//! base_c(x) = cos(x, effective_c) − fairness·own(n_c)
//! own(n)    = name + (full − name)·n/(n + 2)
//! name      = mean cosine of a member with its category's base
//! loo_c     = (a_c − u_c)/√(|E_c|² − 2·u_c·a_c + u_c²)      a_c = S_c·E_c/W_c,  u_c = W_c/n_c
//! full      = name + Σ t_c·(loo_c − name) / Σ t_c·n_c/(n_c + 2)      t_c = min(n_c, 20), n_c ≥ 2
//! ```
//!
//! S_c = Σ wᵢ·xᵢ over the n_c counting members in unit copies, W_c = Σ wᵢ, b_c the unit base and w_c
//! its weight, E_c = S_c + w_c·b_c. `loo_c` is the mean cosine of a member with its category without
//! it. The means of a category are weighted, and its members are counted, so that scaling all of its
//! weights changes nothing, as in its centroid. A category without a base has no part in `name`;
//! without named members `name` is 0, and without a category of two members `full` is `name`.
//!
//! What a category adds to either is rounded once, to a multiple of 2⁻⁴⁰, and summed in integers:
//! the two figures are a function of the state, whatever the order of writes.

use super::actor_share::ActorCap;
use super::actors::ActorSum;
use super::centroid::CentroidSum;
use crate::arithmetic::{fixed, vector};
use crate::kernels::scalar::fold;
use crate::kernels::{Kernel, Work};
use crate::ranking::Handicap;

/// Members with which a category is half of what it will be.
const HALF: f64 = 2.0;

/// A category counts for at most as much as one of this many members.
const MOST_EVIDENCE: u64 = 20;

/// Members that weigh more than this in all might have left the range of a sum of unit copies.
const MOST_WEIGHT: f64 = 8_388_608.0;

/// One, in units of what is summed.
const ONE: f64 = (1_u64 << 40) as f64;

/// n/(n + 2): how much of its way from a name to a full category one with n members has gone.
pub(crate) fn growth(counting: u64) -> f64 {
    let counting = counting as f64;
    counting / (counting + HALF)
}

/// What some categories tell about the scores of members with their own categories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// Members of categories with a base, and n_c times their mean cosine with it.
    named: i128,
    cosines: i128,
    /// Σ t_c, Σ t_c·loo_c and Σ t_c·n_c/(n_c + 2).
    weight: i128,
    left_out: i128,
    grown: i128,
}

impl Evidence {
    /// What one category tells. `correction` is what its sum lacks to be that of unit copies.
    pub(crate) fn of(centroid: &CentroidSum<'_>, correction: Option<&[i64]>) -> Self {
        let mut evidence = Self::default();
        let cap = centroid.actor_cap();
        let has_unit_sum = correction.is_some() || cap.is_some();
        if centroid.count == 0 || has_unit_sum && centroid.weight.to_f64() >= MOST_WEIGHT {
            return evidence;
        }
        let capped = cap.map(|cap| capped_unit_sum(centroid, &cap, correction));
        let (sum, correction) = match &capped {
            Some(capped) => (&**capped, None),
            None => (centroid.sum, correction),
        };
        let weight = centroid.members_weight();
        let count = centroid.count as f64;
        let base = centroid.base.map(vector::unit_copy);
        let (s_s, s_b) = Kernel::best().work(Products {
            sum,
            correction,
            base: base.as_deref(),
        });
        if base.is_some() {
            evidence.named = i128::from(centroid.count);
            evidence.cosines = rounded(count * (s_b / weight).clamp(-1.0, 1.0));
        }
        if centroid.count >= 2 {
            let most = centroid.count.min(MOST_EVIDENCE) as f64;
            evidence.weight = i128::from(centroid.count.min(MOST_EVIDENCE));
            evidence.left_out = rounded(most * left_out(centroid, s_s, s_b));
            evidence.grown = rounded(most * growth(centroid.count));
        }
        evidence
    }

    /// Takes in what another category tells.
    pub(crate) fn add(&mut self, other: &Self) {
        self.named += other.named;
        self.cosines += other.cosines;
        self.weight += other.weight;
        self.left_out += other.left_out;
        self.grown += other.grown;
    }

    /// Takes out what a category has told.
    pub(crate) fn remove(&mut self, other: &Self) {
        self.named -= other.named;
        self.cosines -= other.cosines;
        self.weight -= other.weight;
        self.left_out -= other.left_out;
        self.grown -= other.grown;
    }

    /// What is taken off scores where fairness counts for so much; nothing where it is 0.
    pub(crate) fn handicap(&self, fairness: f64) -> Option<Handicap> {
        (fairness > 0.0).then(|| {
            let name = if self.named > 0 {
                self.cosines as f64 / ONE / self.named as f64
            } else {
                0.0
            };
            let rise = if self.grown > 0 {
                let above = self.left_out as f64 / ONE - name * self.weight as f64;
                above / (self.grown as f64 / ONE)
            } else {
                0.0
            };
            Handicap {
                weight: fairness,
                first: name,
                rise,
            }
        })
    }
}

fn rounded(value: f64) -> i128 {
    (value * ONE).round_ties_even() as i128
}

/// The sum of the unit copies of members as they weigh under a cap. It fits: all of them weigh less than
/// [`MOST_WEIGHT`].
fn capped_unit_sum(
    centroid: &CentroidSum<'_>,
    cap: &ActorCap,
    correction: Option<&[i64]>,
) -> Vec<i64> {
    let more = |at: usize| correction.map_or(0, |correction| correction[at]);
    let whole = centroid.sum.iter().enumerate();
    let whole: Vec<i64> = whole.map(|(at, sum)| sum.wrapping_add(more(at))).collect();
    let unit = |own: &ActorSum, at: usize| {
        let more = own.correction.components().map_or(0, |own| own[at]);
        own.sum[at].wrapping_add(more)
    };
    let actors = centroid.actors.expect("a cap needs the sums of actors");
    let capped = cap.sum(&whole, actors, unit);
    capped
        .into_iter()
        .map(|component| component as i64)
        .collect()
}

/// loo_c.
fn left_out(centroid: &CentroidSum<'_>, s_s: f64, s_b: f64) -> f64 {
    let weight = centroid.members_weight();
    let each = weight / centroid.count as f64;
    let base = centroid.base_weight();
    let s_e = s_s + base * s_b;
    let e_e = s_s + 2.0 * base * s_b + base * base;
    let a = s_e / weight;
    let rest = e_e - 2.0 * each * a + each * each;
    // Leaving one out leaves nothing, up to rounding.
    if rest <= 1e-12 * (e_e + each * each) {
        return 0.0;
    }
    ((a - each) / rest.sqrt()).clamp(-1.0, 1.0)
}

/// S·S and S·b, in lanes and with the fold of the kernels; nothing is fused.
struct Products<'a> {
    sum: &'a [i64],
    correction: Option<&'a [i64]>,
    base: Option<&'a [f32]>,
}

impl Work for Products<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn run(self) -> (f64, f64) {
        let (mut squares, mut with_base) = ([0.0_f64; 16], [0.0_f64; 16]);
        for first in (0..self.sum.len()).step_by(16) {
            let last = (first + 16).min(self.sum.len());
            for (lane, at) in (first..last).enumerate() {
                let more = self.correction.map_or(0, |correction| correction[at]);
                let value = fixed::to_f64(self.sum[at].wrapping_add(more));
                squares[lane] += value * value;
                if let Some(base) = self.base {
                    with_base[lane] += value * f64::from(base[at]);
                }
            }
        }
        (fold(squares), fold(with_base))
    }
}
