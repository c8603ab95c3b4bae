//! Whether the members of a category look like two categories.
//!
//! The members' directions are split by 2-means, which begins with the two sides of their first principal
//! axis. The gain of a split is how much nearer a member is to the mean of its half than to the mean of
//! all, where both are without the member:
//!
//! ```text
//! gain = mean of |x − mean of the others|² − |x − mean of the others of its half|²
//! ```
//!
//! Since a member is left out of both, halves that only fit the noise of a few members in many
//! dimensions gain nothing, or lose. All of it is deterministic.

use crate::kernels::Kernel;
use crate::kernels::lines::F32Line;

/// Fewer members than this are not split.
pub const SPLIT_LEAST: usize = 4;

/// Rounds of the power iteration that finds the principal axis.
const AXIS_ROUNDS: usize = 12;

/// The most rounds of 2-means.
const MEANS_ROUNDS: usize = 30;

/// Members split in two halves.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// For each member whether it is in the second half; the first member is in the first.
    pub second: Vec<bool>,
    /// The gain, −4 to 4.
    pub gain: f64,
    /// The cosine of the means of the two halves.
    pub similarity: f64,
    /// For each member its cosine with the mean of its half.
    pub fits: Vec<f64>,
}

/// A direction.
type Lines = Vec<F32Line>;

/// The two halves of some vectors; `None`: there are too few, or they do not fall into two halves of at
/// least two.
pub fn split(vectors: &[&[f32]]) -> Option<Split> {
    if vectors.len() < SPLIT_LEAST {
        return None;
    }
    let kernel = Kernel::best();
    let dimension = vectors[0].len();
    let units: Vec<Lines> = vectors.iter().map(|vector| unit(vector)).collect();
    let mut second = sides(kernel, dimension, &units)?;
    for _ in 0..MEANS_ROUNDS {
        let halves = halves(dimension, &units, &second)?;
        let nearer: Vec<bool> = units
            .iter()
            .map(|unit| {
                let [first, other] = halves.each_ref().map(|half| half.cosine(kernel, unit));
                other > first
            })
            .collect();
        if nearer == second {
            break;
        }
        second = nearer;
    }
    if second[0] {
        second.iter_mut().for_each(|second| *second = !*second);
    }
    let halves = halves(dimension, &units, &second)?;
    let all = Group::of(dimension, units.iter());
    let (mut gain, mut fits) = (0.0, Vec::with_capacity(units.len()));
    for (unit, &second) in units.iter().zip(&second) {
        let own = &halves[usize::from(second)];
        gain += all.distance_without(kernel, unit) - own.distance_without(kernel, unit);
        fits.push(own.cosine(kernel, unit));
    }
    let [first, other] = &halves;
    let products = first.sum.iter().zip(&other.sum).map(|(a, b)| a * b);
    let similarity = products.sum::<f64>() / (first.norm * other.norm);
    Some(Split {
        second,
        gain: gain / units.len() as f64,
        similarity: similarity.clamp(-1.0, 1.0),
        fits,
    })
}

/// Some directions together.
struct Group {
    count: usize,
    sum: Vec<f64>,
    norm: f64,
    /// The direction of the sum.
    lines: Lines,
}

impl Group {
    fn of<'a>(dimension: usize, units: impl Iterator<Item = &'a Lines>) -> Self {
        let (mut sum, mut count) = (vec![0.0; dimension], 0);
        for unit in units {
            count += 1;
            add(&mut sum, unit, 1.0);
        }
        let norm = norm(&sum);
        let lines = lines_of(&sum, norm);
        Self {
            count,
            sum,
            norm,
            lines,
        }
    }

    fn cosine(&self, kernel: Kernel, unit: &[F32Line]) -> f64 {
        kernel.dot(&self.lines, unit)
    }

    /// The squared distance of a member from the mean of the others, of which there must be some.
    fn distance_without(&self, kernel: Kernel, unit: &[F32Line]) -> f64 {
        let along = self.cosine(kernel, unit) * self.norm;
        let others = (self.count - 1) as f64;
        let product = (along - 1.0) / others;
        let square = (self.norm * self.norm - 2.0 * along + 1.0) / (others * others);
        1.0 - 2.0 * product + square
    }
}

/// The halves; `None` if one has fewer than two members, or no direction.
fn halves(dimension: usize, units: &[Lines], second: &[bool]) -> Option<[Group; 2]> {
    let [first, other] = [false, true].map(|which| {
        let own = units.iter().zip(second);
        let own = own.filter(|(_, own)| **own == which);
        Group::of(dimension, own.map(|(unit, _)| unit))
    });
    let is_half = |half: &Group| half.count >= 2 && half.norm > 0.0;
    (is_half(&first) && is_half(&other)).then_some([first, other])
}

/// The side of the mean, along the first principal axis, of each direction.
fn sides(kernel: Kernel, dimension: usize, units: &[Lines]) -> Option<Vec<bool>> {
    let mut mean = vec![0.0; dimension];
    for unit in units {
        add(&mut mean, unit, 1.0 / units.len() as f64);
    }
    let mean_lines = lines_of(&mean, 1.0);
    let along = |axis: &Lines| -> Vec<f64> {
        let middle = kernel.dot(&mean_lines, axis);
        let parts = units.iter().map(|unit| kernel.dot(unit, axis) - middle);
        parts.collect()
    };
    // It begins with the direction that is farthest from the mean.
    let farness = |unit: &[F32Line]| kernel.dot(unit, &mean_lines);
    let farthest = units
        .iter()
        .min_by(|a, b| farness(a).total_cmp(&farness(b)))?;
    let mut axis = vec![0.0; dimension];
    add(&mut axis, farthest, 1.0);
    for _ in 0..AXIS_ROUNDS {
        let length = norm(&axis);
        if length == 0.0 {
            return None;
        }
        let parts = along(&lines_of(&axis, length));
        axis.fill(0.0);
        let mut whole = 0.0;
        for (unit, part) in units.iter().zip(parts) {
            add(&mut axis, unit, part);
            whole += part;
        }
        for (axis, mean) in axis.iter_mut().zip(&mean) {
            *axis -= whole * mean;
        }
    }
    let length = norm(&axis);
    (length > 0.0).then(|| {
        let parts = along(&lines_of(&axis, length));
        parts.into_iter().map(|part| part > 0.0).collect()
    })
}

fn unit(vector: &[f32]) -> Lines {
    let values: Vec<f64> = vector.iter().map(|&x| f64::from(x)).collect();
    lines_of(&values, norm(&values))
}

/// The lines of a vector, divided by a number; zeros if that is 0.
fn lines_of(values: &[f64], by: f64) -> Lines {
    let scaled: Vec<f32> = values
        .iter()
        .map(|&x| if by > 0.0 { (x / by) as f32 } else { 0.0 })
        .collect();
    F32Line::pack(&scaled).to_vec()
}

fn add(sum: &mut [f64], unit: &[F32Line], times: f64) {
    let values: &[f32] = bytemuck::cast_slice(unit);
    for (sum, &x) in sum.iter_mut().zip(values) {
        *sum += times * f64::from(x);
    }
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIMENSION: usize = 64;

    /// Numbers from a fixed sequence, about −1 to 1, with a bell shape.
    fn noise(seed: &mut u64) -> f32 {
        let mut one = || {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (*seed >> 40) as f32 / (1_u64 << 24) as f32
        };
        one() + one() + one() + one() - 2.0
    }

    /// Members around some centers, one after the other.
    fn around(centers: usize, count: usize, noise_size: f32, seed: u64) -> Vec<Vec<f32>> {
        let mut seed = seed;
        let center = |seed: &mut u64| (0..DIMENSION).map(|_| noise(seed)).collect::<Vec<f32>>();
        let centers: Vec<_> = (0..centers).map(|_| center(&mut seed)).collect();
        (0..count)
            .map(|number| {
                let center = &centers[number % centers.len()];
                let moved = center.iter().map(|x| x + noise_size * noise(&mut seed));
                moved.collect()
            })
            .collect()
    }

    fn split_of(vectors: &[Vec<f32>]) -> Option<Split> {
        split(&vectors.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    #[test]
    fn two_groups_are_found_and_stand_out_from_one() {
        for seed in 1..6 {
            let two = split_of(&around(2, 60, 0.8, seed)).unwrap();
            let expected: Vec<bool> = (0..60).map(|number| number % 2 == 1).collect();
            assert_eq!(two.second, expected);
            assert!(two.gain > 0.15, "{}", two.gain);
            assert!(two.similarity < 0.5, "{}", two.similarity);
            let one = split_of(&around(1, 60, 0.8, seed)).unwrap();
            assert!(one.gain < 0.03, "{}", one.gain);
        }
    }

    #[test]
    fn a_few_members_in_many_dimensions_are_no_two_groups() {
        for seed in 1..6 {
            if let Some(few) = split_of(&around(1, 6, 3.0, seed)) {
                assert!(few.gain < 0.0, "{}", few.gain);
            }
        }
    }

    #[test]
    fn what_cannot_be_split_is_not() {
        let equal = |count| vec![vec![1.0, 0.0]; count];
        assert_eq!(split_of(&equal(3)), None);
        assert_eq!(split_of(&equal(9)), None, "all are equal");
        let one_apart: [&[f32]; 5] = [
            &[1.0, 0.0],
            &[1.0, 0.01],
            &[1.0, 0.02],
            &[1.0, 0.01],
            &[-1.0, 0.0],
        ];
        assert_eq!(split(&one_apart), None, "a half has two members at least");
    }
}
