//! Confidence: how many members of a category fit it no better than a query does.
//!
//! ```text
//! s_i        = cos(x_i, V − w_i·x_i)               a member's score, leave-one-out; s_(1) is the least
//! k          = #{i : s_i ≤ s(q)}                   s(q) = cos(q, V)
//! confidence = 1/(n + 1)                           k = 0
//!            = (k + (s(q) − s_(k))/(s_(k+1) − s_(k)))/(n + 1)
//!            = 1                                   k = n
//! ```
//!
//! V is the numerator of the category's weighted mean (see `centroid.rs`), and n the number of its
//! newest counting members, at most [`MAX_NEIGHBOURS`](crate::arithmetic::limits::MAX_NEIGHBOURS).
//! This is the conformal p-value of the query, (k + 1)/(n + 1) (Vovk, Gammerman, Shafer: Algorithmic
//! Learning in a Random World, 2005), made linear between one member and the next: if the query is one
//! more item of the category, its confidence is below a level ε in a share ε of all cases, and not in a
//! multiple of 1/(n + 1). Below the least member nothing is known, so no query has less than 1/(n + 1).
//!
//! It takes the score and not the rank score, in every ranking: the cosine of a member with its own
//! category does not depend on other categories, so the p-value of a category does not either.
//!
//! V − w_i·x_i stands for the category as it is without the member: the base weighs what it weighs then
//! (its least share is one of fewer members), and alone it is the whole. A window takes no older
//! member in. A member without which nothing is left has no score, and is not among the n.
//!
//! Where a category caps the share of an actor, the scales are those of the category without the member.
//! They depend on its actor and its weight, so V is made once for each pair of these.
//!
//! V and the weights are exact; a member is its unit copy in f32, which is the embedding itself where that
//! is of length 1. Otherwise its part is off by 2⁻²⁴ of itself, so a score is within 10⁻⁶ of the formula
//! unless the member outweighs all of the rest ten times over. Scores that differ by less than 10⁻⁶
//! count as equal: so a copy of a member that is like all others is as sure as they are, whatever
//! rounding does.

use std::cell::RefCell;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::actors::ActorSum;
use super::centroid::CentroidSum;
use super::member_rows::{Leaving, MemberRows};
use crate::arithmetic::fixed::ScaledSum;
use crate::kernels::aligned::Aligned;
use crate::kernels::lines::F32Line;
use crate::kernels::scalar::fold;
use crate::kernels::{Kernel, Work};

/// Scores that differ by less are equal.
const EQUAL: f64 = 1e-6;

/// What is left of a category is nothing if it is less than this of its parts, all squared.
const NOTHING: f64 = 1e-12;

/// Most sums for pairs of actor and weight that are kept at a time.
const KEPT: usize = 64;

/// The leave-one-out scores of a category's newest counting members.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Calibration {
    /// Ascending.
    scores: Box<[f64]>,
}

impl Calibration {
    /// The scores of these members of a category.
    pub(crate) fn of(kernel: Kernel, centroid: &CentroidSum<'_>, members: &MemberRows) -> Self {
        let Some(left_out) = LeftOut::new(kernel, centroid) else {
            return Self::default();
        };
        let scores = members
            .leaving()
            .filter_map(|member| left_out.score(&member));
        let mut scores: Box<[f64]> = scores.collect();
        scores.sort_unstable_by(f64::total_cmp);
        Self { scores }
    }

    /// The confidence of a query with this score; `None`: no member has a score.
    pub(crate) fn confidence(&self, score: f64) -> Option<f64> {
        let scores = &self.scores;
        let places = (scores.len() + 1) as f64;
        let no_better = scores.partition_point(|&own| own <= score + EQUAL);
        match (scores.first(), scores.get(no_better)) {
            (None, _) => None,
            (_, None) => Some(1.0),
            (_, Some(_)) if no_better == 0 => Some(1.0 / places),
            (_, Some(next)) => {
                let last = scores[no_better - 1];
                let part = ((score - last) / (next - last)).max(0.0);
                Some((no_better as f64 + part) / places)
            }
        }
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        size_of_val(&*self.scores) + size_of::<Self>()
    }
}

/// A category, to be scored without one of its members.
pub(crate) struct LeftOut<'a> {
    kernel: Kernel,
    centroid: CentroidSum<'a>,
    base: Option<Aligned<F32Line>>,
    whole: Whole,
    /// By actor and by weight of the member that leaves, if the category caps the share of an actor.
    capped: RefCell<FxHashMap<(&'a str, u32), Rc<Whole>>>,
}

/// V, from which a member leaves.
struct Whole {
    /// Padded with zeros.
    numerator: Vec<[f64; 16]>,
    /// The square of its norm.
    squares: f64,
    /// What the base weighs in it beyond its weight without the member.
    lost: f64,
    /// What the member is scaled by.
    scale: f64,
}

impl Whole {
    fn new(scaled: &ScaledSum, lost: f64, scale: f64) -> Self {
        let mut numerator = vec![[0.0; 16]; F32Line::count(scaled.components.len())];
        let padded = numerator.as_flattened_mut().iter_mut();
        for (component, &v) in padded.zip(&scaled.components) {
            *component = scaled.to_f64(v);
        }
        let squares = numerator.as_flattened().iter().map(|v| v * v).sum();
        Self {
            numerator,
            squares,
            lost,
            scale,
        }
    }
}

impl<'a> LeftOut<'a> {
    /// `None`: the category has no embedding.
    pub(crate) fn new(kernel: Kernel, centroid: &CentroidSum<'a>) -> Option<Self> {
        let scaled = centroid.numerator()?;
        Some(Self {
            kernel,
            centroid: *centroid,
            base: centroid.base.map(F32Line::pack),
            whole: Whole::new(&scaled, 0.0, 1.0),
            capped: RefCell::default(),
        })
    }

    /// The score of a counting member with the category without it; `None`: nothing is left of it.
    pub(crate) fn score(&self, member: &Leaving<'_>) -> Option<f64> {
        let (centroid, row) = (&self.centroid, member.row);
        let rest = CentroidSum {
            count: centroid.count - 1,
            weight: centroid.weight.minus(member.weight),
            ..*centroid
        };
        let base = self.base.as_deref();
        let (along, squares, parts) = if rest.count == 0 {
            // Alone the base is the whole, whatever it weighs.
            let base = base?;
            let squares = self.kernel.dot(base, base);
            (self.kernel.dot(base, row.lines), squares, squares)
        } else if let Some((actor, own)) = centroid.actors.and_then(|all| all.find(member.actor)) {
            let whole = self.capped(actor, own, member.weight);
            self.rest(&whole, member, whole.lost)
        } else {
            let lost = centroid.base_weight() - rest.base_weight();
            self.rest(&self.whole, member, lost)
        };
        let cosine = || (along / (squares.sqrt() * row.norm)).clamp(-1.0, 1.0);
        (squares > NOTHING * parts).then(cosine)
    }

    fn rest(&self, whole: &Whole, member: &Leaving<'_>, lost: f64) -> (f64, f64, f64) {
        let own = f64::from(member.weight) * whole.scale * member.length;
        let (along, squares) = self.kernel.work(Rest {
            whole: &whole.numerator,
            own,
            unit: member.row.lines,
            lost,
            base: self.base.as_deref().unwrap_or_default(),
        });
        (along, squares, whole.squares + own * own)
    }

    /// V with the scales of the category without one of an actor's members, of which it still has all.
    fn capped(&self, actor: &'a str, own: &ActorSum, weight: f32) -> Rc<Whole> {
        let key = (actor, weight.to_bits());
        if let Some(known) = self.capped.borrow().get(&key) {
            return Rc::clone(known);
        }
        let whole = Rc::new(self.make_capped(actor, own, weight));
        let mut capped = self.capped.borrow_mut();
        if capped.len() == KEPT {
            capped.clear();
        }
        capped.insert(key, Rc::clone(&whole));
        whole
    }

    fn make_capped(&self, actor: &str, own: &ActorSum, weight: f32) -> Whole {
        let centroid = &self.centroid;
        let actors = centroid.actors.expect("an actor was found in it");
        // The weights without the member, next to the sums with it.
        let actors = actors.with_weight(actor, own.count - 1, own.weight.minus(weight));
        let rest = CentroidSum {
            count: centroid.count - 1,
            weight: centroid.weight.minus(weight),
            actors: Some(&actors),
            ..*centroid
        };
        let scale = rest.actor_cap().map_or(1.0, |cap| cap.scale(actor));
        // Where all members of an actor leave, their part of V leaves with the last.
        match rest.numerator() {
            Some(scaled) => Whole::new(&scaled, 0.0, scale),
            None => {
                let zero = ScaledSum::from(vec![0; centroid.sum.len()]);
                Whole::new(&zero, 0.0, scale)
            }
        }
    }
}

/// u·R and R·R of a unit vector u and what is left of a category, R = V − own·u − lost·b, in lanes and
/// with the fold of the kernels; nothing is fused.
struct Rest<'a> {
    whole: &'a [[f64; 16]],
    own: f64,
    unit: &'a [F32Line],
    lost: f64,
    base: &'a [F32Line],
}

impl Work for Rest<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn run(self) -> (f64, f64) {
        let (mut along, mut squares) = ([0.0_f64; 16], [0.0_f64; 16]);
        let mut add = |lane: usize, unit: f64, rest: f64| {
            along[lane] += unit * rest;
            squares[lane] += rest * rest;
        };
        let parts = self.whole.iter().zip(self.unit);
        if self.lost == 0.0 {
            for (whole, unit) in parts {
                for (lane, (&whole, &unit)) in whole.iter().zip(&unit.0).enumerate() {
                    let unit = f64::from(unit);
                    add(lane, unit, whole - self.own * unit);
                }
            }
        } else {
            for ((whole, unit), base) in parts.zip(self.base) {
                let parts = whole.iter().zip(&unit.0).zip(&base.0);
                for (lane, ((&whole, &unit), &base)) in parts.enumerate() {
                    let (unit, lost) = (f64::from(unit), self.lost * f64::from(base));
                    add(lane, unit, whole - self.own * unit - lost);
                }
            }
        }
        (fold(along), fold(squares))
    }
}

#[cfg(test)]
mod tests;
