//! Exact sums of numbers: of weights, and of weighted squared norms.

use serde::{Deserialize, Serialize};

use super::ONE;

/// One, in units of a [`WeightSum`]: every allowed f32 weight is an exact multiple of 2⁻³⁴.
const WEIGHT_ONE: f64 = (1u64 << 34) as f64;

/// An exact sum of weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

    /// The sum with all weights of another one.
    #[must_use]
    pub fn more(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// The sum without the weights of another one.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self(self.0 - other.0)
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

    proptest! {
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
