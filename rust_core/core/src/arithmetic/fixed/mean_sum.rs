//! The weighted mean of a few vectors, which must be as precise as they are.

use super::{FRACTION_BITS, ONE, SHIFT, WeightSum, WideSum, round};
use crate::kernels::{Kernel, Work};

/// Products below this are rounded by adding [`SHIFT`]: 2⁵¹.
const SMALL: f64 = (1_u64 << 51) as f64;

/// Sums of weighted vectors and of their weights. Each weighted component is rounded to a multiple of 2⁻⁸⁰,
/// and not of 2⁻⁴⁰ as in the sum of a category: a mean divides by weights of as little as 2⁻¹⁰, and small
/// components must not lose their last bits, so that the mean of one vector is that vector.
#[derive(Clone, Debug)]
pub struct MeanSum {
    /// In multiples of 2⁻⁴⁰.
    whole: WideSum,
    /// What that lacks, in multiples of 2⁻⁸⁰; at most 2³⁹ for each vector.
    rest: Vec<i64>,
    weights: WeightSum,
}

impl MeanSum {
    /// Empty sums of `dimension` components.
    pub fn new(dimension: usize) -> Self {
        Self {
            whole: WideSum::new(dimension),
            rest: vec![0; dimension],
            weights: WeightSum::default(),
        }
    }

    /// Adds a vector. There may be 2²³ of them.
    pub fn add(&mut self, weight: f32, vector: &[f32]) {
        self.whole.add(f64::from(weight), vector);
        self.weights = self.weights.plus(weight);
        let scale = f64::from(weight) * ONE;
        Kernel::best().work(AddRest {
            rest: &mut self.rest,
            scale,
            vector,
        });
    }

    /// The mean of the vectors, at least one: each component divided and rounded to f32.
    pub fn mean(&self) -> Vec<f32> {
        let weights = self.weights.to_f64() * ONE * ONE;
        let parts = self.whole.components().zip(&self.rest);
        let exact = parts.map(|(whole, &rest)| (whole << FRACTION_BITS) + i128::from(rest));
        exact.map(|exact| (exact as f64 / weights) as f32).collect()
    }
}

/// Adds what the rounded products lack. A product has 48 bits, so it and its fraction are exact.
struct AddRest<'a> {
    rest: &'a mut [i64],
    scale: f64,
    vector: &'a [f32],
}

impl Work for AddRest<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            rest,
            scale,
            vector,
        } = self;
        let small = SMALL / scale;
        let is_small = vector.iter().fold(true, |small_so_far, &x| {
            small_so_far & (f64::from(x).abs() < small)
        });
        if is_small {
            for (rest, &x) in rest.iter_mut().zip(vector) {
                let exact = scale * f64::from(x);
                let fraction = exact - ((exact + SHIFT) - SHIFT);
                let shifted = (fraction * ONE + SHIFT).to_bits().cast_signed();
                *rest += shifted - SHIFT.to_bits().cast_signed();
            }
        } else {
            for (rest, &x) in rest.iter_mut().zip(vector) {
                let exact = scale * f64::from(x);
                *rest += round((exact - round(exact)) * ONE) as i64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_largest_vectors_and_weights_have_a_mean() {
        let mut sum = MeanSum::new(2);
        for _ in 0..1024 {
            sum.add(1_048_576.0, &[32_768.0, -32_768.0]);
        }
        assert_eq!(sum.mean(), [32_768.0, -32_768.0]);
    }

    proptest! {
        #[test]
        fn every_instruction_set_finds_the_same_rest(
            vector in prop::collection::vec(-3e4f32..3e4, 1..40),
            weight in prop_oneof![Just(1.0f64), 0.001..1e6_f64],
        ) {
            let weight = f64::from(weight as f32);
            let rest = |kernel: Kernel| {
                let mut rest = vec![0; vector.len()];
                kernel.work(AddRest { rest: &mut rest, scale: weight * ONE, vector: &vector });
                rest
            };
            let exact = |&x: &f32| {
                let exact = weight * ONE * f64::from(x);
                round((exact - round(exact)) * ONE) as i64
            };
            let expected: Vec<i64> = vector.iter().map(exact).collect();
            for kernel in Kernel::available() {
                prop_assert_eq!(rest(kernel), expected.clone(), "{}", kernel.name());
            }
        }

        #[test]
        fn the_mean_of_one_vector_is_that_vector(
            weight in 1.0f32 / 1024.0..1_048_576.0,
            vector in prop::collection::vec(-1.0f32..1.0, 8),
            size in -20..15,
        ) {
            let vector: Vec<f32> = vector.iter().map(|x| x * 2f32.powi(size)).collect();
            let mut sum = MeanSum::new(8);
            sum.add(weight, &vector);
            for (found, right) in sum.mean().iter().zip(&vector) {
                // Components below 2⁻³⁰ are rounded.
                prop_assert!(found == right || (found - right).abs() < 1e-20, "{} {}", found, right);
            }
        }

        #[test]
        fn any_order_gives_the_same_bits_next_to_the_real_mean(
            parts in prop::collection::vec(
                (0.001f32..1e6, prop::collection::vec(-3e4f32..3e4, 4)), 1..20),
            seed in any::<u64>(),
        ) {
            let mean = |parts: &[(f32, Vec<f32>)]| {
                let mut sum = MeanSum::new(4);
                parts.iter().for_each(|(weight, vector)| sum.add(*weight, vector));
                sum.mean()
            };
            let forward = mean(&parts);
            let mut shuffled = parts.clone();
            shuffled.sort_by_key(|(weight, _)| u64::from(weight.to_bits()).wrapping_mul(seed | 1));
            prop_assert_eq!(&forward, &mean(&shuffled));
            let total: f64 = parts.iter().map(|(weight, _)| f64::from(*weight)).sum();
            for (place, found) in forward.iter().enumerate() {
                let part = |(weight, x): &(f32, Vec<f32>)| f64::from(*weight) * f64::from(x[place]);
                let real = parts.iter().map(part).sum::<f64>() / total;
                prop_assert!((f64::from(*found) - real).abs() <= 1e-7 * real.abs() + 1e-10);
            }
        }
    }
}
