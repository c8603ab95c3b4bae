//! Exact sums: fixed-point arithmetic in which order does not matter and removal is exact.
//!
//! A weighted component is rounded once, to the nearest multiple of 2⁻⁴⁰ (ties to even), and
//! added as a 64-bit integer. Integer addition is associative and has inverses, so a sum depends
//! only on its parts; a floating-point running sum depends on its history. The range is ±2²³ per
//! component; leaving it is an error, never a wrap.

mod mean_sum;
mod scalar_sums;
mod wide_sums;

pub use mean_sum::MeanSum;
pub use scalar_sums::{SquareSum, WeightSum};
pub use wide_sums::{ScaledSum, WideSum, add_scaled, add_scaled_wide, scaled_sum};

use thiserror::Error;

use crate::kernels::{Kernel, Work};

/// A sum's unit is 2 to the minus this.
pub const FRACTION_BITS: i32 = 40;

/// One, in units of a sum.
const ONE: f64 = (1u64 << FRACTION_BITS) as f64;

/// The first f64 that an i64 cannot hold.
const LIMIT: f64 = 9_223_372_036_854_775_808.0;

/// 1.5·2⁵²: the unit of an f64 is 1 there, so that adding it rounds a number below 2⁵¹.
const SHIFT: f64 = 6_755_399_441_055_744.0;

/// A component of a sum would leave its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("component {component} of the sum would leave ±2^23")]
pub struct Overflow {
    /// Index of the component.
    pub component: usize,
}

/// Adds `weight · vector` to a sum; on overflow the sum is as it was.
///
/// With a weight that is an f32 the product of two 24-bit mantissas is exact in f64, so each
/// component is rounded exactly once.
pub fn add(sum: &mut [i64], weight: f64, vector: &[f32]) -> Result<(), Overflow> {
    accumulate(sum, weight * ONE, vector)
}

/// Subtracts `weight · vector` from a sum: the exact inverse of [`add`]. (Rounding to even is
/// symmetric, so the negated product rounds to the negated integer.)
pub fn subtract(sum: &mut [i64], weight: f64, vector: &[f32]) -> Result<(), Overflow> {
    accumulate(sum, -weight * ONE, vector)
}

/// Repeats an addition (with `minus`: a subtraction) that was in range when it was first made. The
/// order of several does not matter: partial sums may leave the range and wrap, the end is right.
pub fn replay(sum: &mut [i64], weight: f64, vector: &[f32], minus: bool) {
    let scale = if minus { -weight * ONE } else { weight * ONE };
    if add_small(sum, scale, vector).is_none() {
        for (total, &x) in sum.iter_mut().zip(vector) {
            *total = total.wrapping_add(round(scale * f64::from(x)) as i64);
        }
    }
}

fn accumulate(sum: &mut [i64], scale: f64, vector: &[f32]) -> Result<(), Overflow> {
    debug_assert_eq!(sum.len(), vector.len());
    let fits = add_small(sum, scale, vector).unwrap_or_else(|| {
        let mut fits = true;
        for (total, &x) in sum.iter_mut().zip(vector) {
            let scaled = round(scale * f64::from(x));
            let (next, wrapped) = total.overflowing_add(scaled as i64);
            *total = next;
            fits &= scaled.abs() < LIMIT && !wrapped;
        }
        fits
    });
    if fits {
        Ok(())
    } else {
        Err(take_back(sum, scale, vector))
    }
}

/// Adds numbers that are all less than 2⁵¹ (2048, in real numbers), as nearly all are. Returns
/// whether no component wrapped; `None` if a number is larger, and the sum is as it was.
///
/// Many CPUs convert to integers one number at a time. But x + 1.5·2⁵², where the unit of an f64 is
/// 1, is rounded to the nearest integer (ties to even), which is then in its low bits.
fn add_small(sum: &mut [i64], scale: f64, vector: &[f32]) -> Option<bool> {
    Kernel::best().work(AddSmall { sum, scale, vector })
}

struct AddSmall<'a> {
    sum: &'a mut [i64],
    scale: f64,
    vector: &'a [f32],
}

impl Work for AddSmall<'_> {
    type Output = Option<bool>;

    #[inline(always)]
    fn run(self) -> Option<bool> {
        let Self { sum, scale, vector } = self;
        let shifted = |x: f32| (scale * f64::from(x) + SHIFT).to_bits().cast_signed();
        let integer = |shifted: i64| shifted.wrapping_sub(SHIFT.to_bits().cast_signed());
        // `large`: bits above the mantissa that differ from those of 2⁵² to 2⁵³. `wrapped`: the sign
        // bit is set if the sign of a component differs from the signs of both of its parts.
        let (mut large, mut wrapped) = (0, 0);
        for (total, &x) in sum.iter_mut().zip(vector) {
            let shifted = shifted(x);
            large |= shifted ^ SHIFT.to_bits().cast_signed();
            let part = integer(shifted);
            let next = total.wrapping_add(part);
            wrapped |= (*total ^ next) & (part ^ next);
            *total = next;
        }
        if large.cast_unsigned() >> 52 == 0 {
            return Some(wrapped >= 0);
        }
        for (total, &x) in sum.iter_mut().zip(vector) {
            *total = total.wrapping_sub(integer(shifted(x)));
        }
        None
    }
}

/// The nearest integer, ties to even: `f64::round_ties_even`, which is a function call if the target
/// is not known to have an instruction for it. The sum of a number below 2⁵² and 2⁵² has the unit 1,
/// so the addition rounds; from 2⁵² on every f64 is an integer.
#[inline]
fn round(x: f64) -> f64 {
    const WHOLE: f64 = (1_u64 << 52) as f64;
    let size = x.abs();
    let rounded = if size < WHOLE {
        (size + WHOLE) - WHOLE
    } else {
        size
    };
    rounded.copysign(x)
}

/// Reverts a failed addition, exactly, since wrapping addition is invertible, and finds the component
/// that overflows.
#[cold]
fn take_back(sum: &mut [i64], scale: f64, vector: &[f32]) -> Overflow {
    let mut at_fault = None;
    for (component, (total, &x)) in sum.iter_mut().zip(vector).enumerate() {
        let scaled = round(scale * f64::from(x));
        *total = total.wrapping_sub(scaled as i64);
        if scaled.abs() >= LIMIT || total.checked_add(scaled as i64).is_none() {
            at_fault = at_fault.or(Some(component));
        }
    }
    Overflow {
        component: at_fault.unwrap_or(0),
    }
}

/// A component times a scale from 0 to 1, rounded to the nearest (ties to even).
pub fn scaled(component: i64, scale: f64) -> i64 {
    round(component as f64 * scale) as i64
}

/// Value of a sum's component as a real number.
pub fn to_f64(component: i64) -> f64 {
    component as f64 / ONE
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn overflow_names_the_component_and_leaves_the_sum() {
        let mut sum = vec![5, 0, 7];
        let large = [1.0, 32_768.0, 1.0];
        add(&mut sum, 255.0, &large).unwrap();
        let before = sum.clone();
        assert_eq!(add(&mut sum, 1.0, &large), Err(Overflow { component: 1 }));
        assert_eq!(sum, before);
        assert_eq!(
            add(&mut sum, 1_048_576.0, &large),
            Err(Overflow { component: 1 })
        );
        assert_eq!(sum, before);
        subtract(&mut sum, 255.0, &large).unwrap();
        assert_eq!(sum, [5, 0, 7]);
    }

    #[test]
    fn two_hundred_thousand_additions_and_removals_leave_nothing() {
        let vector: Vec<f32> = (0..16).map(|i| (i as f32).sin()).collect();
        let mut sum = vec![0; 16];
        for i in 0..200_000u32 {
            add(&mut sum, f64::from(1.0 + (i % 7) as f32 / 3.0), &vector).unwrap();
        }
        for i in (0..200_000u32).rev() {
            subtract(&mut sum, f64::from(1.0 + (i % 7) as f32 / 3.0), &vector).unwrap();
        }
        assert_eq!(sum, [0; 16]);
    }

    #[test]
    fn small_and_large_numbers_are_rounded_alike_up_to_the_edge_between_them() {
        let edge = 2048.0_f32;
        for x in [edge.next_down(), edge, edge.next_up(), 1e-9, 0.0, 3.7, 8e6] {
            for x in [x, -x] {
                // One large component decides for all of them.
                for vector in [[x, 0.1], [x, 4096.0]] {
                    let mut sum = vec![7, -7];
                    add(&mut sum, 1.0, &vector).unwrap();
                    let expected = vector.map(|x| (f64::from(x) * ONE).round_ties_even() as i64);
                    assert_eq!(sum, [7 + expected[0], expected[1] - 7]);
                    let mut again = vec![7, -7];
                    replay(&mut again, 1.0, &vector, false);
                    assert_eq!(again, sum);
                    replay(&mut again, 1.0, &vector, true);
                    assert_eq!(again, [7, -7]);
                    subtract(&mut sum, 1.0, &vector).unwrap();
                    assert_eq!(sum, [7, -7]);
                }
            }
        }
    }

    #[test]
    fn a_small_number_can_be_one_too_many() {
        for edge in [i64::MAX, i64::MIN] {
            let mut sum = vec![0, edge, edge];
            let one = if edge > 0 { 1.0 } else { -1.0 };
            let vector = [1.0, 0.0, one];
            assert_eq!(add(&mut sum, 1.0, &vector), Err(Overflow { component: 2 }));
            assert_eq!(sum, [0, edge, edge]);
            add(&mut sum, 1.0, &[1.0, -one, -one]).unwrap();
            subtract(&mut sum, 1.0, &[1.0, -one, -one]).unwrap();
            assert_eq!(sum, [0, edge, edge]);
        }
    }

    #[test]
    fn rounding_is_to_the_nearest_ties_to_even_at_every_size() {
        let mut x = 0.25;
        while x < 1e20 {
            for near in [
                x,
                x + 0.5,
                x + 1.0,
                x - 0.25,
                f64::next_up(x),
                f64::next_down(x),
            ] {
                for x in [near, -near] {
                    assert_eq!(round(x).to_bits(), x.round_ties_even().to_bits(), "{x}");
                }
            }
            x *= 1.5;
        }
    }

    proptest! {
        #[test]
        fn every_instruction_set_finds_the_same_sum(
            sum in prop::collection::vec(any::<i64>(), 40),
            vector in prop::collection::vec(-3000.0f32..3000.0, 1..40),
            weight in prop_oneof![Just(1.0), -2.0..2.0_f64],
        ) {
            let added = |kernel: Kernel| {
                let mut sum = sum[..vector.len()].to_vec();
                let fits = kernel.work(AddSmall {
                    sum: &mut sum,
                    scale: weight * ONE,
                    vector: &vector,
                });
                (fits, sum)
            };
            for kernel in Kernel::available() {
                prop_assert_eq!(added(kernel), added(Kernel::SCALAR), "{}", kernel.name());
            }
        }

        #[test]
        fn rounding_is_that_of_the_standard_library(x in -1e19_f64..1e19) {
            prop_assert_eq!(round(x).to_bits(), x.round_ties_even().to_bits());
            let small = x / 1e15;
            prop_assert_eq!(round(small).to_bits(), small.round_ties_even().to_bits());
        }

        #[test]
        fn any_order_gives_the_same_bits_and_is_near_the_real_sum(
            members in prop::collection::vec(
                (0.001f32..100.0, prop::collection::vec(-10.0f32..10.0, 5)), 1..20),
            seed in any::<u64>(),
        ) {
            let mut forward = vec![0; 5];
            let mut real = [0.0f64; 5];
            for (weight, vector) in &members {
                add(&mut forward, f64::from(*weight), vector).unwrap();
                for (total, &x) in real.iter_mut().zip(vector) {
                    *total += f64::from(*weight) * f64::from(x);
                }
            }
            let mut order: Vec<usize> = (0..members.len()).collect();
            order.sort_by_key(|&i| (i as u64 + 1).wrapping_mul(seed | 1).rotate_left(17));
            let mut shuffled = vec![0; 5];
            for i in order {
                add(&mut shuffled, f64::from(members[i].0), &members[i].1).unwrap();
            }
            prop_assert_eq!(&forward, &shuffled);
            for (&exact, real) in forward.iter().zip(real) {
                prop_assert!((to_f64(exact) - real).abs() < 1e-9);
            }
        }
    }
}
