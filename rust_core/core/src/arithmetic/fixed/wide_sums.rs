//! Sums of vectors that may leave the range: on the way, or for good in a coarser unit.

use super::{ONE, Overflow, add, round, to_f64};

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

    /// The components of the sum, whatever their size.
    pub(super) fn components(&self) -> impl Iterator<Item = i128> {
        let spilled = self.spilled.iter().copied().chain(std::iter::repeat(0));
        let sum = self.sum.iter().map(|&component| i128::from(component));
        sum.zip(spilled).map(|(sum, spilled)| sum + spilled)
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

fn add_coarse(sum: &[i64], weight: f64, vector: &[f32]) -> ScaledSum {
    let exact =
        |(&total, &x): (&i64, &f32)| i128::from(total) + round(weight * ONE * f64::from(x)) as i128;
    coarse(&sum.iter().zip(vector).map(exact).collect::<Vec<_>>())
}

/// `sum + weight · vector` where the parts of the sum are wider than its end may be; as by
/// [`add_scaled`].
pub fn add_scaled_wide(sum: &[i128], weight: f64, vector: &[f32]) -> ScaledSum {
    let part = |x: f32| round(weight * ONE * f64::from(x)) as i128;
    let exact = sum.iter().zip(vector);
    scaled_sum(
        &exact
            .map(|(&total, &x)| total + part(x))
            .collect::<Vec<_>>(),
    )
}

/// A sum in its own unit if it fits, otherwise as by [`add_scaled`].
pub fn scaled_sum(exact: &[i128]) -> ScaledSum {
    let fitting: Result<Vec<i64>, _> = exact.iter().map(|&v| i64::try_from(v)).collect();
    match fitting {
        Ok(components) => ScaledSum::from(components),
        Err(_) => coarse(exact),
    }
}

#[cold]
fn coarse(exact: &[i128]) -> ScaledSum {
    let largest = exact.iter().map(|v| v.unsigned_abs()).max().unwrap_or(0);
    let shift = (u128::BITS - largest.leading_zeros()).saturating_sub(62);
    let half = (1_i128 << shift) >> 1;
    ScaledSum {
        components: exact.iter().map(|v| ((v + half) >> shift) as i64).collect(),
        shift,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
