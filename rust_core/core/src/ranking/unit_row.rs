//! A category's direction, prepared for ranking.

use super::sketch::RowSketch;
use crate::kernels::lines::F32Line;
use crate::kernels::scalar::fold;
use crate::kernels::{Kernel, Work};

/// A category's direction as ranking stores it: a unit vector of f32, its norm and its sketch.
///
/// It stands alone, so that a writer can prepare it outside a lock; storing it is a copy.
#[derive(Clone, Debug)]
pub struct UnitRow {
    pub(super) dimension: usize,
    pub(super) lines: Box<[F32Line]>,
    /// The norm of `lines`, 1 up to the rounding of the components to f32.
    pub(super) norm: f64,
    pub(super) sketch: RowSketch,
}

/// A present row, to be scored: one of [`Rows`](super::Rows), or a [`UnitRow`] that is not stored
/// yet.
#[derive(Clone, Copy, Debug)]
pub struct RowRef<'a> {
    pub(super) dimension: usize,
    pub(crate) lines: &'a [F32Line],
    pub(crate) norm: f64,
}

impl RowRef<'_> {
    /// Whether two rows have the same components, bit for bit.
    pub(crate) fn equals(self, other: RowRef<'_>) -> bool {
        bytemuck::cast_slice::<_, u8>(self.lines) == bytemuck::cast_slice::<_, u8>(other.lines)
    }
}

impl UnitRow {
    /// The direction of `numerator`, one fixed-point number per component in any unit; `None` if
    /// all of them are 0.
    ///
    /// Component i is `(V_i as f64 / ‖V‖) as f32`, where ‖V‖ is computed in f64 with the lanes
    /// and the fold of [`crate::kernels`], without fused operations: a function of the integers
    /// alone, the same on every CPU.
    pub(crate) fn from_numerator(numerator: &[i64]) -> Option<Self> {
        let kernel = Kernel::best();
        let norm = kernel.work(Norm(numerator));
        if norm == 0.0 {
            return None;
        }
        let mut lines = vec![F32Line::ZERO; F32Line::count(numerator.len())].into_boxed_slice();
        kernel.work(Divide {
            numerator,
            norm,
            lines: &mut lines,
        });
        let norm = kernel.dot(&lines, &lines).sqrt();
        let sketch = RowSketch::of(&lines, norm);
        Some(Self {
            dimension: numerator.len(),
            lines,
            norm,
            sketch,
        })
    }

    /// A vector of length 1 (up to the rounding of its components), as it is.
    pub(crate) fn from_unit(vector: &[f32]) -> Self {
        let kernel = Kernel::best();
        let mut lines = vec![F32Line::ZERO; F32Line::count(vector.len())].into_boxed_slice();
        bytemuck::cast_slice_mut(&mut lines)[..vector.len()].copy_from_slice(vector);
        let norm = kernel.dot(&lines, &lines).sqrt();
        let sketch = RowSketch::of(&lines, norm);
        Self {
            dimension: vector.len(),
            lines,
            norm,
            sketch,
        }
    }

    /// The row, to be scored.
    #[inline]
    pub fn as_ref(&self) -> RowRef<'_> {
        RowRef {
            dimension: self.dimension,
            lines: &self.lines,
            norm: self.norm,
        }
    }

    /// Number of components.
    pub fn dimension(&self) -> usize {
        self.dimension
    }
}

/// The components of the direction.
struct Divide<'a> {
    numerator: &'a [i64],
    norm: f64,
    lines: &'a mut [F32Line],
}

impl Work for Divide<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (whole, rest) = self.numerator.as_chunks::<16>();
        let (parts, last) = self.lines.split_at_mut(whole.len());
        for (line, chunk) in parts.iter_mut().zip(whole) {
            for (unit, &v) in line.0.iter_mut().zip(chunk) {
                *unit = (v as f64 / self.norm) as f32;
            }
        }
        for (unit, &v) in last.iter_mut().flat_map(|line| &mut line.0).zip(rest) {
            *unit = (v as f64 / self.norm) as f32;
        }
    }
}

/// The Euclidean norm. Squares of rounded integers are not exact in f64, so nothing is fused here.
struct Norm<'a>(&'a [i64]);

impl Work for Norm<'_> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        let mut lanes = [0.0_f64; 16];
        let (whole, rest) = self.0.as_chunks::<16>();
        for chunk in whole {
            for (lane, &v) in lanes.iter_mut().zip(chunk) {
                *lane += v as f64 * v as f64;
            }
        }
        for (lane, &v) in lanes.iter_mut().zip(rest) {
            *lane += v as f64 * v as f64;
        }
        fold(lanes).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernels::lines::I8Line;
    use crate::ranking::sketch::RoundRow;

    proptest! {
        #[test]
        fn every_instruction_set_finds_the_same_direction_and_sketch(
            numerator in prop::collection::vec(
                prop_oneof![any::<i64>(), -1000..1000_i64, Just(i64::MIN), Just(0)], 1..100),
        ) {
            let prepared = |kernel: Kernel| {
                let norm = kernel.work(Norm(&numerator));
                let mut lines = vec![F32Line::ZERO; F32Line::count(numerator.len())];
                kernel.work(Divide {
                    numerator: &numerator,
                    norm,
                    lines: &mut lines,
                });
                let mut sketch = vec![I8Line::ZERO; lines.len().div_ceil(4)];
                let squares = kernel.work(RoundRow {
                    row: &lines,
                    norm: 0.9,
                    scale: 0.0081,
                    lines: &mut sketch,
                });
                let bits: Vec<_> = lines.iter().map(|line| line.0.map(f32::to_bits)).collect();
                (norm.to_bits(), bits, sketch, squares.map(f64::to_bits))
            };
            prop_assume!(numerator.iter().any(|&v| v != 0));
            for kernel in Kernel::available() {
                prop_assert_eq!(prepared(kernel), prepared(Kernel::SCALAR), "{}", kernel.name());
            }
        }
    }
}
