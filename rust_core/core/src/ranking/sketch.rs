//! Sketches: a quarter of the bytes, and a bound that makes them safe.
//!
//! A scan reads an 8-bit sketch of each row, keeps the rows whose *upper bound* can still reach
//! the answer, and scores only those exactly. The answer is the exact one because the bound below
//! holds for the score **as computed**, rounding included.
//!
//! # The bound
//!
//! Let d ≤ 16384 be the dimension, q a query and r a row (f32 vectors, taken as exact numbers),
//! p = q/‖q‖ and u = r/‖r‖, so that cos = p·u. A row's sketch is an i8 vector k, a scale c and
//! an error E; a query's is an i16 vector m, a scale a and an error ε (all scales and errors are
//! f32 numbers), with
//!
//! ```text
//! ‖u − c·k‖ ≤ E      ‖p − a·m‖ ≤ ε      I = m·k (an exact integer)
//! ```
//!
//! Then p·u = a·m·c·k + (p − a·m)·c·k + p·(u − c·k), and by Cauchy–Schwarz, with
//! ‖c·k‖ ≤ ‖u‖ + E = 1 + E,
//!
//! ```text
//! |cos − a·c·I| ≤ ε·(1 + E) + E = E·(1 + ε) + ε                                       (1)
//! ```
//!
//! **The integer.** With |k_i| ≤ 127 and |m_i| ≤ Q, Q = min(32639, ⌊(2³¹ − 1)/(127·d)⌋), any sum
//! of any of the d products, in any order, is at most 127·Q·d < 2³¹ in absolute value: no kernel
//! can overflow, so all of them find the same I.
//!
//! **The score.** A lane adds at most 1024 exact products and the fold takes 4 more additions, so
//! each product passes through fewer than 1028 roundings of relative size 2⁻⁵³: the computed
//! inner product is off by at most γ·‖q‖·‖r‖, γ < 1.2e-13. The same holds for the two squared
//! norms; three further operations make the quotient. The clamp to [−1, 1] moves the score only
//! towards the cosine. So |score − cos| < 3γ < 1e-12.                                        (2)
//!
//! **Rounding of the bound.** It is evaluated in f32 as x ± s, x = fl(a·c·I), s = fl(E·b + e) with
//! b = fl(1 + ε), e = fl(ε + 2⁻²⁰). Since E ≤ 0.51 (d = 16384, c ≤ 1/127) and ε ≤ 0.07, we have
//! |a·c·I| ≤ (1 + ε)(1 + E) < 1.7, s < 0.7 and |x ± s| < 2.4. In units of 2⁻²⁴: x has three
//! roundings (I to f32, two products), 5.1; s has four of at most 0.7, 2.8; the last sum has one,
//! 2.4. Together with (2) that is below 11 units, and the 2⁻²⁰ in e is 16 of them.           (3)
//!
//! From (1), (2) and (3): **x − s ≤ score ≤ x + s**, as f32 and f64 numbers compare.

use crate::kernels::aligned::Aligned;
use crate::kernels::lines::{F32Line, I8Line, I16Line};
use crate::kernels::scalar::fold;
use crate::kernels::{Kernel, Work};

/// Covers every rounding in the bound and in the score: see (3) above.
const SLOP: f64 = 1.0 / 1_048_576.0;

/// A row in 8 bits a component: u ≈ `scale`·`lines`.
#[derive(Clone, Debug)]
pub(super) struct RowSketch {
    /// k: components in [−127, 127], the padding 0.
    pub(super) lines: Box<[I8Line]>,
    /// c.
    pub(super) scale: f32,
    /// E ≥ ‖u − c·k‖.
    pub(super) error: f32,
}

impl RowSketch {
    /// The sketch of a row whose computed norm is `norm` > 0.
    pub(super) fn of(row: &[F32Line], norm: f64) -> Self {
        let kernel = Kernel::best();
        let scale = (f64::from(kernel.largest(row)) / norm / 127.0) as f32;
        let mut lines = vec![I8Line::ZERO; row.len().div_ceil(4)].into_boxed_slice();
        let squares = kernel.work(RoundRow {
            row,
            norm,
            scale: f64::from(scale),
            lines: &mut lines,
        });
        // `unit` is off by a relative 1e-13 and the sum by less: both margins are ample.
        let error = fold(squares).sqrt() * (1.0 + SLOP) + 1e-9;
        Self {
            lines,
            scale,
            error: round_up(error),
        }
    }
}

/// Computes the components of a row's sketch; returns the squares of their errors, in lanes.
pub(super) struct RoundRow<'a> {
    pub(super) row: &'a [F32Line],
    pub(super) norm: f64,
    pub(super) scale: f64,
    pub(super) lines: &'a mut [I8Line],
}

impl Work for RoundRow<'_> {
    type Output = [f64; 16];

    #[inline(always)]
    #[allow(clippy::needless_range_loop)]
    fn run(self) -> [f64; 16] {
        let parts = bytemuck::cast_slice_mut::<I8Line, [i8; 16]>(self.lines);
        let mut squares = [0.0; 16];
        for (part, row) in parts.iter_mut().zip(self.row) {
            // Two loops: the compiler makes vectors of each, and none of one over both widths.
            let mut shifted = [0.0; 16];
            for lane in 0..16 {
                let unit = f64::from(row.0[lane]) / self.norm;
                shifted[lane] = unit / self.scale + SHIFT;
                let rest = unit - self.scale * (shifted[lane] - SHIFT);
                squares[lane] += rest * rest;
            }
            for lane in 0..16 {
                part[lane] = shifted[lane].to_bits() as i8;
            }
        }
        squares
    }
}

/// A query in at most 16 bits a component, with the terms of the bound.
#[derive(Clone, Debug)]
pub(super) struct QuerySketch {
    /// m: components in [−Q, Q], the padding 0.
    pub(super) lines: Aligned<I16Line>,
    /// a.
    scale: f32,
    /// b = 1 + ε.
    error_factor: f32,
    /// e = ε + [`SLOP`].
    error_term: f32,
}

impl QuerySketch {
    /// The sketch of a query of `dimension` components whose computed norm is `norm` > 0.
    pub(super) fn of(query: &[F32Line], dimension: usize, norm: f64) -> Self {
        let range = (i32::MAX as usize / (127 * dimension)).min(I16Line::LARGEST as usize) as f64;
        let kernel = Kernel::best();
        let largest = f64::from(kernel.largest(query));
        let per_unit = range / largest;
        // In f32 a vector operation has twice the lanes, and this runs once for every query. Only for
        // components near the smallest f32 the factor is out of the range of f32.
        let mut lines = Aligned::zeroed(query.len().div_ceil(4));
        if per_unit < 1e30 {
            kernel.quantise(query, per_unit as f32, &mut lines);
        } else {
            quantise(query, per_unit, &mut lines);
        }
        let exact_scale = largest / range / norm;
        // Each component of p/a − m is at most a half and two roundings in f32 of a number below
        // 2¹⁵, of 2⁻⁹ each: √d times 0.504. The scale that is kept differs from the exact one by
        // 2⁻²⁴, and ‖a·m‖ < 2.
        let error = exact_scale * (dimension as f64).sqrt() * 0.505 + 2.0 / 16_777_216.0;
        Self {
            lines,
            scale: exact_scale as f32,
            error_factor: (1.0 + error) as f32,
            error_term: (error + SLOP) as f32,
        }
    }

    /// x, the middle of the bound, from I and a row's scale.
    #[inline]
    pub(super) fn middle(&self, dot: i32, row_scale: f32) -> f32 {
        self.scale * row_scale * dot as f32
    }

    /// s: the score is at most this far from the middle. An error of −∞ stays −∞: the upper
    /// bound of a row that must never be found.
    #[inline]
    pub(super) fn slack(&self, row_error: f32) -> f32 {
        row_error * self.error_factor + self.error_term
    }
}

/// The components of a query's sketch, in f64.
fn quantise(query: &[F32Line], per_unit: f64, lines: &mut [I16Line]) {
    for (line, query) in lines.iter_mut().zip(query.chunks(4)) {
        let words = |q| nearest(f64::from(q) * per_unit) as i16;
        line.set(query.iter().map(|part| part.0.map(words)));
    }
}

/// 1.5·2⁵²: a number of a size at which the unit of an f64 is 1.
const SHIFT: f64 = 6_755_399_441_055_744.0;

/// The integer nearest to `x`, |x| < 2¹⁵, modulo 2¹⁶: the low bits of x + 1.5·2⁵². Branch-free
/// where `f64::round` would be a call, and a vector operation on every CPU.
#[inline]
fn nearest(x: f64) -> u16 {
    (x + SHIFT).to_bits() as u16
}

/// The smallest f32 that is at least `x`.
fn round_up(x: f64) -> f32 {
    let rounded = x as f32;
    if f64::from(rounded) < x {
        rounded.next_up()
    } else {
        rounded
    }
}

/// The largest f32 that is at most `x`.
pub(super) fn round_down(x: f64) -> f32 {
    -round_up(-x)
}
