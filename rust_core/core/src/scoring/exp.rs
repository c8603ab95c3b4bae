//! e^x for the kernel of LOCAL: one fixed sequence of operations, so the same bits everywhere.
//!
//! A platform's `exp` differs from another's in the last place. This one is x = k·ln 2 + r with
//! |r| ≤ 0.35, a Taylor polynomial of degree 13 in r (its rest is below 5e-18), and k put into the
//! exponent.
//!
//! **Error.** k·[`LN2_HIGH`] is exact (32 significant bits times 3), and so is its difference from
//! x (the two are within a factor of 2 of each other, or k is 0); the second difference and the
//! polynomial are each rounded to within an ulp of a number near 1. The relative error is below
//! 2⁻⁵¹, which a test holds against fixed-point arithmetic.

/// log₂ e.
const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// ln 2 in two parts, the first of 32 significant bits.
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// 1.5·2⁵²: a number of a size at which the unit of an f64 is 1.
const SHIFT: f64 = 6_755_399_441_055_744.0;

/// 1/n! from the highest to the lowest.
const TAYLOR: [f64; 14] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
    1.0,
    1.0,
];

/// e^x for −700 ≤ x ≤ 0. No operation is fused, whatever the instruction set.
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    let shifted = x * LOG2_E + SHIFT;
    let k = shifted - SHIFT;
    let r = (x - k * LN2_HIGH) - k * LN2_LOW;
    let mut value = TAYLOR[0];
    for coefficient in &TAYLOR[1..] {
        value = value * r + coefficient;
    }
    // The low bits of the shifted number are k in two's complement.
    let scale = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    value * scale
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernels::{Kernel, Work};

    struct Exp<'a>(&'a mut [f64]);

    impl Work for Exp<'_> {
        type Output = ();

        #[inline(always)]
        fn run(self) {
            self.0.iter_mut().for_each(|value| *value = exp(*value));
        }
    }

    /// 2⁶², one in the fixed point of the oracle.
    const ONE: u128 = 1 << 62;

    /// e^−y for 0 ≤ y ≤ 4, as a multiple of 2⁻⁶², off by less than 2⁻⁵⁷ of itself: the series at
    /// y/8 in integers, and its eighth power.
    fn oracle(y: f64) -> u128 {
        let eighth = (y * (1_u64 << 59) as f64) as u128;
        let (mut term, mut sum) = (ONE as i128, ONE as i128);
        for n in 1..25 {
            term = -((term * eighth as i128) >> 62) / n;
            sum += term;
        }
        let mut power = sum as u128;
        for _ in 0..3 {
            power = (power * power) >> 62;
        }
        power
    }

    fn check(y: f64) {
        let expected = oracle(y);
        let actual = exp(-y) * ONE as f64;
        // Both are exact integers in u128: an f64 below 2⁶² with the unit of the oracle.
        let difference = (actual as u128).abs_diff(expected) as f64;
        assert!(difference <= expected as f64 * 2f64.powi(-51), "exp(-{y})");
    }

    #[test]
    fn the_ends_and_the_steps_between_them_are_right() {
        assert_eq!(exp(0.0).to_bits(), 1f64.to_bits());
        for step in 0..=4000 {
            let y = f64::from(step) / 1000.0;
            for y in [y, y.next_up(), y.next_down().max(0.0)] {
                check(y.min(4.0));
            }
        }
        for halves in 0..12 {
            // Where k changes.
            let y = (f64::from(halves) / 2.0 * std::f64::consts::LN_2).min(4.0);
            check(y);
            check(y.next_down().max(0.0));
        }
    }

    proptest! {
        #[test]
        fn it_is_within_two_units_of_the_last_place(y in 0.0..4.0_f64) {
            check(y);
            prop_assert!((exp(-y) - (-y).exp()).abs() <= (-y).exp() * 2f64.powi(-51));
        }

        #[test]
        fn every_instruction_set_finds_the_same_bits(
            values in prop::collection::vec(-4.0..=0.0_f64, 1..70),
        ) {
            let all = |kernel: Kernel| {
                let mut values = values.clone();
                kernel.work(Exp(&mut values));
                values.into_iter().map(f64::to_bits).collect::<Vec<_>>()
            };
            for kernel in Kernel::available() {
                prop_assert_eq!(all(kernel), all(Kernel::SCALAR), "{}", kernel.name());
            }
        }
    }
}
