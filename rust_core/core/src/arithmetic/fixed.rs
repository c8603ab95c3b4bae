//! Exact sums: fixed-point arithmetic in which order does not matter and removal is exact.
//!
//! A weighted component is rounded once, to the nearest multiple of 2⁻⁴⁰ (ties to even), and
//! added as a 64-bit integer. Integer addition is associative and has inverses, so a sum depends
//! only on its parts; a floating-point running sum depends on its history. The range is ±2²³ per
//! component; leaving it is an error, never a wrap.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::kernels::{Kernel, Work};

/// A sum's unit is 2 to the minus this.
pub const FRACTION_BITS: i32 = 40;

/// One, in units of a sum.
const ONE: f64 = (1u64 << FRACTION_BITS) as f64;

/// One, in units of a [`WeightSum`]: every allowed f32 weight is an exact multiple of 2⁻³⁴.
const WEIGHT_ONE: f64 = (1u64 << 34) as f64;

/// The first f64 that an i64 cannot hold.
const LIMIT: f64 = 9_223_372_036_854_775_808.0;

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
        const SHIFT: f64 = 6_755_399_441_055_744.0;
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

/// A sum of many parts whose partial sums may leave the range: only the end must be in range.
#[derive(Clone, Debug)]
pub struct WideSum {
    sum: Vec<i64>,
    /// The parts that were moved out of `sum` when the next part did not fit; empty until then.
    spilled: Vec<i128>,
}

impl WideSum {
    /// An empty sum of `dimension` components.
    pub fn new(dimension: usize) -> Self {
        Self {
            sum: vec![0; dimension],
            spilled: Vec::new(),
        }
    }

    /// Adds `weight · vector`, rounded as by [`add`].
    pub fn add(&mut self, weight: f64, vector: &[f32]) {
        if add(&mut self.sum, weight, vector).is_err() {
            self.spill(weight, vector);
        }
    }

    #[cold]
    fn spill(&mut self, weight: f64, vector: &[f32]) {
        self.spilled.resize(self.sum.len(), 0);
        let parts = self.spilled.iter_mut().zip(&mut self.sum).zip(vector);
        for ((spilled, sum), &x) in parts {
            let part = round(weight * ONE * f64::from(x)) as i128;
            *spilled += i128::from(std::mem::take(sum)) + part;
        }
    }

    /// The sum, if it fits.
    pub fn finish(mut self) -> Result<Vec<i64>, Overflow> {
        for (component, (sum, &spilled)) in self.sum.iter_mut().zip(&self.spilled).enumerate() {
            *sum = i64::try_from(i128::from(*sum) + spilled).map_err(|_| Overflow { component })?;
        }
        Ok(self.sum)
    }
}

/// A sum in a unit that is as coarse as its largest component needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScaledSum {
    /// Multiples of the unit, which is 2^`shift` units of a sum.
    pub components: Vec<i64>,
    shift: u32,
}

impl ScaledSum {
    /// Value of a component as a real number.
    pub fn to_f64(&self, component: i64) -> f64 {
        to_f64(component) * (1_u128 << self.shift) as f64
    }
}

impl From<Vec<i64>> for ScaledSum {
    fn from(components: Vec<i64>) -> Self {
        Self {
            components,
            shift: 0,
        }
    }
}

/// `sum + weight · vector`: in the unit of a sum if that fits, the result of [`add`]; otherwise in
/// the finest unit in which the largest component has 62 bits, rounded to the nearest.
pub fn add_scaled(sum: &[i64], weight: f64, vector: &[f32]) -> ScaledSum {
    let mut components = sum.to_vec();
    match add(&mut components, weight, vector) {
        Ok(()) => ScaledSum::from(components),
        Err(_) => add_coarse(sum, weight, vector),
    }
}

#[cold]
fn add_coarse(sum: &[i64], weight: f64, vector: &[f32]) -> ScaledSum {
    let exact =
        |(&total, &x): (&i64, &f32)| i128::from(total) + round(weight * ONE * f64::from(x)) as i128;
    let exact: Vec<i128> = sum.iter().zip(vector).map(exact).collect();
    let largest = exact.iter().map(|v| v.unsigned_abs()).max().unwrap_or(0);
    let shift = (u128::BITS - largest.leading_zeros()).saturating_sub(62);
    let half = (1_i128 << shift) >> 1;
    ScaledSum {
        components: exact.iter().map(|v| ((v + half) >> shift) as i64).collect(),
        shift,
    }
}

/// Value of a sum's component as a real number.
pub fn to_f64(component: i64) -> f64 {
    component as f64 / ONE
}

/// An exact sum of weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightSum(i128);

impl WeightSum {
    /// The sum with one more weight.
    #[must_use]
    pub fn plus(self, weight: f32) -> Self {
        Self(self.0 + Self::exact(weight))
    }

    /// The sum with one weight less.
    #[must_use]
    pub fn minus(self, weight: f32) -> Self {
        Self(self.0 - Self::exact(weight))
    }

    /// The sum, rounded to f64 once.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / WEIGHT_ONE
    }

    /// The sum's 16 bytes, for hashing.
    pub fn to_le_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    fn exact(weight: f32) -> i128 {
        (f64::from(weight) * WEIGHT_ONE) as i128
    }
}

/// An exact sum of weighted squared norms Σ wᵢ·|xᵢ|², each rounded once to a multiple of 2⁻⁴⁰.
/// At most 2²⁰·16384·2³⁰ a member, so 2²³ members of that size still fit with room to spare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SquareSum(i128);

impl SquareSum {
    /// The sum with one more member.
    #[must_use]
    pub fn plus(self, weight: f32, norm_squared: f64) -> Self {
        Self(self.0 + Self::rounded(weight, norm_squared))
    }

    /// The sum with one member less.
    #[must_use]
    pub fn minus(self, weight: f32, norm_squared: f64) -> Self {
        Self(self.0 - Self::rounded(weight, norm_squared))
    }

    /// The sum, rounded to f64 once.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / ONE
    }

    /// The sum's 16 bytes, for hashing.
    pub fn to_le_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    fn rounded(weight: f32, norm_squared: f64) -> i128 {
        (f64::from(weight) * norm_squared * ONE).round_ties_even() as i128
    }
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
    fn as_many_members_of_the_largest_size_as_are_promised_are_counted_exactly() {
        const WEIGHT: f32 = 1_048_576.0;
        const NORM_SQUARED: f64 = 16_384.0 * 32_768.0 * 32_768.0;
        let members = (1 << 23) - 1;
        let (mut weight, mut squares) = (WeightSum::default(), SquareSum::default());
        for _ in 0..members {
            weight = weight.plus(WEIGHT);
            squares = squares.plus(WEIGHT, NORM_SQUARED);
        }
        let members = f64::from(members);
        assert_eq!(weight.to_f64(), members * f64::from(WEIGHT));
        assert_eq!(squares.to_f64(), members * f64::from(WEIGHT) * NORM_SQUARED);
        for _ in 0..members as u32 {
            weight = weight.minus(WEIGHT);
            squares = squares.minus(WEIGHT, NORM_SQUARED);
        }
        assert_eq!((weight, squares), Default::default());
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
    fn partial_sums_of_a_wide_sum_may_leave_the_range_and_only_its_end_is_judged() {
        let large = [0.5, 32_768.0];
        let mut wide = WideSum::new(2);
        for weight in [200.0, 200.0, 1_048_576.0, -1_048_576.0, 3.0, -200.0] {
            wide.add(weight, &large);
        }
        let mut sum = vec![0; 2];
        add(&mut sum, 203.0, &large).unwrap();
        assert_eq!(wide.clone().finish(), Ok(sum));
        wide.add(200.0, &large);
        assert_eq!(wide.clone().finish(), Err(Overflow { component: 1 }));
        wide.add(-403.0, &large);
        assert_eq!(wide.finish(), Ok(vec![0; 2]));
    }

    #[test]
    fn a_scaled_sum_is_exact_where_it_fits_and_has_62_bits_where_it_does_not() {
        let fits = add_scaled(&[7, -7], 1.0, &[1.0, -1.0]);
        assert_eq!(fits, ScaledSum::from(vec![7 + (1 << 40), -7 - (1 << 40)]));
        let coarse = add_scaled(&[i64::MAX, 1, i64::MIN], 1.0e9, &[32_768.0, -1.0, 0.0]);
        assert!(coarse.components[0].unsigned_abs().leading_zeros() <= 2);
        let exact = [8_388_608.0 + 1e9 * 32_768.0, -1e9, -8_388_608.0];
        for (&component, exact) in coarse.components.iter().zip(exact) {
            assert!((coarse.to_f64(component) - exact).abs() < 1e-4);
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

        #[test]
        fn weights_sum_exactly(weights in prop::collection::vec(1.0f32/1024.0..1_048_576.0, 1..50)) {
            let sum = weights.iter().fold(WeightSum::default(), |sum, &w| sum.plus(w));
            let none = weights.iter().rev().fold(sum, |sum, &w| sum.minus(w));
            prop_assert_eq!(none, WeightSum::default());
            let real: f64 = weights.iter().map(|&w| f64::from(w)).sum();
            prop_assert!((sum.to_f64() - real).abs() <= real * 1e-12);
        }
    }
}
