//! A category that one of its members has left, and how far that moves it.

use super::actors::ActorSums;
use super::centroid::CentroidSum;
use super::unit_correction::Member;
use crate::arithmetic::fixed::{self, Overflow, ScaledSum};
use crate::kernels::scalar::fold;
use crate::kernels::{Kernel, Work};

/// The part of a member that a mean depends on: its weight and its embedding.
pub type WeightedVector<'a> = (f32, &'a [f32]);

/// A counting member, and the actor who has assigned it.
#[derive(Clone, Copy, Debug)]
pub struct AssignedVector<'a> {
    /// Its weight and its embedding.
    pub item: WeightedVector<'a>,
    /// The actor.
    pub actor: &'a str,
}

/// Room for the sums of a category without one of its members.
#[derive(Debug, Default)]
pub struct SumsRoom {
    sum: Vec<i64>,
    actors: Option<ActorSums>,
}

impl CentroidSum<'_> {
    /// The centroid after a counting member has left and, where that makes room in a window, an older
    /// member counts again: that of an Unassign, bit by bit.
    pub fn without<'a>(
        &'a self,
        leaving: AssignedVector<'_>,
        refill: Option<AssignedVector<'_>>,
        room: &'a mut SumsRoom,
    ) -> Result<CentroidSum<'a>, Overflow> {
        let SumsRoom { sum, actors } = room;
        *actors = match self.actors {
            None => None,
            Some(actors) => Some(exchanged(actors, leaving, refill)?),
        };
        let (leaving, refill) = (leaving.item, refill.map(|refill| refill.item));
        sum.clear();
        sum.extend_from_slice(self.sum);
        let (weight, embedding) = leaving;
        fixed::subtract(sum, f64::from(weight), embedding)?;
        let mut count = self.count - 1;
        let mut whole = self.weight.minus(weight);
        if let Some((weight, embedding)) = refill {
            fixed::add(sum, f64::from(weight), embedding)?;
            count += 1;
            whole = whole.plus(weight);
        }
        Ok(CentroidSum {
            settings: self.settings,
            base: self.base,
            sum,
            count,
            weight: whole,
            actors: actors.as_ref(),
        })
    }
}

/// The sums of actors after a member has left and another one counts again.
fn exchanged(
    actors: &ActorSums,
    leaving: AssignedVector<'_>,
    refill: Option<AssignedVector<'_>>,
) -> Result<ActorSums, Overflow> {
    let mut rest = actors.clone();
    let (weight, embedding) = leaving.item;
    rest.forget(leaving.actor, Member::new(weight, embedding))?;
    if let Some(refill) = refill {
        let (weight, embedding) = refill.item;
        rest.absorb(refill.actor, Member::new(weight, embedding))?;
    }
    Ok(rest)
}

/// 1 − cos of two directions, 0 to 2.
///
/// It is half the square of the distance of the unit vectors, which is exact for small angles, where
/// the cosine itself is rounded to 1.
pub fn movement(before: &ScaledSum, after: &ScaledSum) -> f64 {
    let (before, after) = (&before.components, &after.components);
    assert_eq!(before.len(), after.len(), "sums of different dimensions");
    Kernel::best().work(Movement { before, after })
}

struct Movement<'a> {
    before: &'a [i64],
    after: &'a [i64],
}

impl Work for Movement<'_> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        let square = |a: f64, _: f64| a * a;
        let [before, after] = [self.before, self.after].map(|sum| summed(sum, sum, square).sqrt());
        let difference = |a: f64, b: f64| {
            let difference = a / before - b / after;
            difference * difference
        };
        0.5 * summed(self.before, self.after, difference)
    }
}

/// The sum of a term of each component, in the lanes and the fold of [`crate::kernels`]: the same on
/// every CPU.
#[inline(always)]
fn summed(a: &[i64], b: &[i64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut lanes = [0.0_f64; 16];
    let ((whole, rest), (other, other_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    for (a, b) in whole.iter().zip(other) {
        for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += term(a as f64, b as f64);
        }
    }
    for ((lane, &a), &b) in lanes.iter_mut().zip(rest).zip(other_rest) {
        *lane += term(a as f64, b as f64);
    }
    fold(lanes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arithmetic::fixed::WeightSum;
    use crate::scoring::Scorer;
    use crate::settings::CategorySettings;

    fn scaled(components: &[i64]) -> ScaledSum {
        ScaledSum::from(components.to_vec())
    }

    #[test]
    fn a_small_movement_is_exact() {
        let one = 1_i64 << 40;
        for shift in [1, 20, 38] {
            let turned = scaled(&[one, one >> shift]);
            let tangent = 2.0_f64.powi(-shift);
            // 1 − cos, without the cancellation: sin²/(1 + cos).
            let cosine = 1.0 / (1.0 + tangent * tangent).sqrt();
            let expected = (tangent * cosine).powi(2) / (1.0 + cosine);
            let found = movement(&scaled(&[one, 0]), &turned);
            assert!(
                (found / expected - 1.0).abs() < 1e-9,
                "{found:e} {expected:e}"
            );
        }
        assert_eq!(movement(&scaled(&[3, -7]), &scaled(&[3, -7])), 0.0);
        assert_eq!(movement(&scaled(&[one, 0]), &scaled(&[-one, 0])), 2.0);
    }

    proptest! {
        #[test]
        fn every_instruction_set_finds_the_same_movement(
            pairs in prop::collection::vec((1..1_000_000_i64, any::<i32>()), 1..70),
        ) {
            let (before, after): (Vec<i64>, Vec<i64>) =
                pairs.iter().map(|&(a, b)| (a, i64::from(b) | 1)).unzip();
            let found = |kernel: Kernel| {
                let (before, after) = (&before, &after);
                kernel.work(Movement { before, after }).to_bits()
            };
            for kernel in Kernel::available() {
                prop_assert_eq!(found(kernel), found(Kernel::SCALAR), "{}", kernel.name());
            }
        }

        #[test]
        fn a_member_that_has_left_and_come_back_leaves_no_trace(
            vectors in prop::collection::vec(prop::collection::vec(-2.0f32..2.0, 5), 2..6),
            weights in prop::collection::vec(0.01f32..4.0, 6),
        ) {
            let (mut all, mut whole) = (vec![0; 5], WeightSum::default());
            for (vector, &weight) in vectors.iter().zip(&weights) {
                fixed::add(&mut all, f64::from(weight), vector).unwrap();
                whole = whole.plus(weight);
            }
            let settings = CategorySettings::default();
            let centroid = CentroidSum {
                settings: &settings,
                base: None,
                sum: &all,
                count: vectors.len() as u64,
                weight: whole,
                actors: None,
            };
            let first = AssignedVector { item: (weights[0], &vectors[0]), actor: "" };
            let (mut less, mut same) = (SumsRoom::default(), SumsRoom::default());
            let without = centroid.without(first, None, &mut less).unwrap();
            prop_assert_eq!(without.count, centroid.count - 1);
            prop_assert_eq!(without.weight, whole.minus(weights[0]));
            let back = centroid.without(first, Some(first), &mut same).unwrap();
            prop_assert_eq!(back.sum, &*all);
            prop_assert_eq!(back.weight, whole);
            let row = |sum: &CentroidSum<'_>| Scorer::Cosine.row(sum).is_some();
            prop_assert_eq!(row(&back), row(&centroid));
        }
    }
}
