//! NEON (Advanced SIMD) of 64-bit Arm.

use std::arch::aarch64::*;
use std::arch::is_aarch64_feature_detected;

use super::Work;
use super::lines::{F32Line, F64Line, I8Line, I16Line};
use super::scalar;
use super::tiles::{PREFETCH_LINES, define_tiles};

/// Proof that this CPU has NEON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Neon(());

impl Neon {
    pub(super) fn detect() -> Option<Self> {
        is_aarch64_feature_detected!("neon").then_some(Self(()))
    }

    pub(super) fn dot(self, a: &[F32Line], b: &[F32Line]) -> f64 {
        // SAFETY: `self` exists only where NEON was detected.
        let [sum] = unsafe { dots(a, [b]) };
        sum
    }

    pub(super) fn dot2(self, query: &[F32Line], rows: [&[F32Line]; 2]) -> [f64; 2] {
        // SAFETY: `self` exists only where NEON was detected.
        unsafe { dots(query, rows) }
    }

    pub(super) fn dot4(self, query: &[F32Line], rows: [&[F32Line]; 4], _more: bool) -> [f64; 4] {
        let [a, b, c, d] = rows;
        // Two rows of 16 lanes fill 16 of the 32 registers; four would spill.
        let ([a, b], [c, d]) = (self.dot2(query, [a, b]), self.dot2(query, [c, d]));
        [a, b, c, d]
    }

    pub(super) fn wide_dots(
        self,
        queries: [&[F32Line]; 3],
        rows: [&[F64Line]; 4],
    ) -> [[f64; 4]; 3] {
        // SAFETY: `self` exists only where NEON was detected.
        unsafe { wide_dots(queries, rows) }
    }

    pub(super) fn f32_dots(self, queries: [&[F32Line]; 3], rows: [&[F32Line]; 8]) -> [[f32; 8]; 3] {
        // SAFETY: `self` exists only where NEON was detected.
        unsafe { f32_dots(queries, rows) }
    }

    pub(super) fn sketch_dots(self, query: &[I16Line], sketches: &[I8Line], out: &mut [i32]) {
        // SAFETY: `self` exists only where NEON was detected.
        unsafe { tiles::<1, 4>([query], sketches, [out]) }
    }

    pub(super) fn sketch_dots4(
        self,
        queries: [&[I16Line]; 4],
        sketches: &[I8Line],
        out: [&mut [i32]; 4],
    ) {
        // SAFETY: `self` exists only where NEON was detected.
        unsafe { tiles::<4, 4>(queries, sketches, out) }
    }

    // Every 64-bit Arm has NEON: the scalar code is made with its lanes.
    pub(super) fn quantise(self, query: &[F32Line], per_unit: f32, out: &mut [I16Line]) {
        scalar::quantise(query, per_unit, out);
    }

    pub(super) fn largest(self, lines: &[F32Line]) -> f32 {
        scalar::largest(lines)
    }

    pub(super) fn work<W: Work>(self, work: W) -> W::Output {
        work.run()
    }
}

/// Lanes 2v and 2v + 1 of a sum are register v of its eight.
#[target_feature(enable = "neon")]
fn dots<const R: usize>(query: &[F32Line], mut rows: [&[F32Line]; R]) -> [f64; R] {
    for row in &mut rows {
        *row = &row[..query.len()];
    }
    let mut sums = [[vdupq_n_f64(0.0); 8]; R];
    for (i, line) in query.iter().enumerate() {
        let query = widen(line);
        for (sum, row) in sums.iter_mut().zip(&rows) {
            let row = widen(&row[i]);
            for v in 0..8 {
                sum[v] = vfmaq_f64(sum[v], query[v], row[v]);
            }
        }
    }
    let mut folded = [0.0; R];
    for (folded, sum) in folded.iter_mut().zip(sums) {
        *folded = fold(sum);
    }
    folded
}

/// [`dots`] of a tile of queries and rows that were widened before. Four lanes of every line at a
/// time: then 24 of the 32 registers are sums, and nothing spills.
#[target_feature(enable = "neon")]
#[allow(clippy::needless_range_loop)]
fn wide_dots<const Q: usize, const R: usize>(
    mut queries: [&[F32Line]; Q],
    mut rows: [&[F64Line]; R],
) -> [[f64; R]; Q] {
    let length = queries[0].len();
    for query in &mut queries {
        *query = &query[..length];
    }
    for row in &mut rows {
        *row = &row[..length];
    }
    let mut sums = [[[vdupq_n_f64(0.0); 8]; R]; Q];
    for part in 0..4 {
        let mut partial = [[[vdupq_n_f64(0.0); 2]; R]; Q];
        for i in 0..length {
            let mut query = [[vdupq_n_f64(0.0); 2]; Q];
            for q in 0..Q {
                query[q] = widen_part(&queries[q][i], part);
            }
            for r in 0..R {
                let row = load_f64(&rows[r][i], part);
                for q in 0..Q {
                    for v in 0..2 {
                        partial[q][r][v] = vfmaq_f64(partial[q][r][v], query[q][v], row[v]);
                    }
                }
            }
        }
        for q in 0..Q {
            for r in 0..R {
                sums[q][r][2 * part..2 * part + 2].copy_from_slice(&partial[q][r]);
            }
        }
    }
    let mut folded = [[0.0; R]; Q];
    for (folded, sums) in folded.iter_mut().zip(sums) {
        for (folded, sum) in folded.iter_mut().zip(sums) {
            *folded = fold(sum);
        }
    }
    folded
}

/// A tile of inner products in f32: 24 of the 32 registers are sums.
#[target_feature(enable = "neon")]
#[allow(clippy::needless_range_loop)]
fn f32_dots(mut queries: [&[F32Line]; 3], mut rows: [&[F32Line]; 8]) -> [[f32; 8]; 3] {
    let length = queries[0].len();
    for query in &mut queries {
        *query = &query[..length];
    }
    for row in &mut rows {
        *row = &row[..length];
    }
    let mut sums = [[vdupq_n_f32(0.0); 8]; 3];
    for i in 0..length {
        for part in 0..4 {
            let mut query = [vdupq_n_f32(0.0); 3];
            for q in 0..3 {
                query[q] = load_f32(&queries[q][i], part);
            }
            for r in 0..8 {
                let row = load_f32(&rows[r][i], part);
                for q in 0..3 {
                    sums[q][r] = vfmaq_f32(sums[q][r], query[q], row);
                }
            }
        }
    }
    sums.map(|sums| sums.map(|sum| vaddvq_f32(sum)))
}

/// Components 4·`part` to 4·`part` + 3.
#[target_feature(enable = "neon")]
fn load_f32(line: &F32Line, part: usize) -> float32x4_t {
    let four: &[f32; 4] = &line.0.as_chunks().0[part];
    // SAFETY: the reference covers the 4 floats read.
    unsafe { vld1q_f32(four.as_ptr()) }
}

/// Lanes 4·`part` to 4·`part` + 3.
#[target_feature(enable = "neon")]
fn load_f64(line: &F64Line, part: usize) -> [float64x2_t; 2] {
    let four: &[f64; 4] = &line.0.as_chunks().0[part];
    // SAFETY: the reference covers the 4 floats read.
    unsafe { [vld1q_f64(four.as_ptr()), vld1q_f64(four.as_ptr().add(2))] }
}

/// Components 4·`part` to 4·`part` + 3 as f64.
#[target_feature(enable = "neon")]
fn widen_part(line: &F32Line, part: usize) -> [float64x2_t; 2] {
    let four: &[f32; 4] = &line.0.as_chunks().0[part];
    // SAFETY: the reference covers the 4 floats read.
    let four = unsafe { vld1q_f32(four.as_ptr()) };
    [vcvt_f64_f32(vget_low_f32(four)), vcvt_high_f64_f32(four)]
}

/// The fold of the scalar kernel.
#[target_feature(enable = "neon")]
fn fold([a, b, c, d, e, f, g, h]: [float64x2_t; 8]) -> f64 {
    let low = vaddq_f64(vaddq_f64(a, e), vaddq_f64(c, g));
    let high = vaddq_f64(vaddq_f64(b, f), vaddq_f64(d, h));
    // Adds the two lanes.
    vaddvq_f64(vaddq_f64(low, high))
}

/// The 16 components of a line as f64.
#[target_feature(enable = "neon")]
fn widen(line: &F32Line) -> [float64x2_t; 8] {
    let mut wide = [vdupq_n_f64(0.0); 8];
    let quarters: &[[f32; 4]] = line.0.as_chunks().0;
    for (pair, quarter) in wide.as_chunks_mut::<2>().0.iter_mut().zip(quarters) {
        // SAFETY: the reference covers the 4 floats read.
        let four = unsafe { vld1q_f32(quarter.as_ptr()) };
        *pair = [vcvt_f64_f32(vget_low_f32(four)), vcvt_high_f64_f32(four)];
    }
    wide
}

define_tiles!("neon");

/// Vectors of 8 components in a sketch line.
const PARTS: usize = 8;

/// There is no stable intrinsic for it here: left to the hardware.
#[target_feature(enable = "neon")]
fn prefetch(_line: *const I8Line) {}

#[target_feature(enable = "neon")]
fn zero() -> int32x4_t {
    vdupq_n_s32(0)
}

/// Adds 8 products to 4 sums, two to each.
#[target_feature(enable = "neon")]
fn multiply_add(sums: int32x4_t, query: int16x8_t, row: int16x8_t) -> int32x4_t {
    let low = vmlal_s16(sums, vget_low_s16(query), vget_low_s16(row));
    vmlal_high_s16(low, query, row)
}

#[target_feature(enable = "neon")]
fn total(sums: int32x4_t) -> i32 {
    vaddvq_s32(sums)
}

/// Components 8·`part` to 8·`part` + 7, sign-extended.
#[target_feature(enable = "neon")]
fn widen_i8(line: &I8Line, part: usize) -> int16x8_t {
    let bytes: &[i8; 8] = &line.0.as_chunks().0[part];
    // SAFETY: the reference covers the 8 bytes read.
    vmovl_s8(unsafe { vld1_s8(bytes.as_ptr()) })
}

/// Components 8·`part` to 8·`part` + 7.
#[target_feature(enable = "neon")]
fn load_i16(line: &I16Line, part: usize) -> int16x8_t {
    let words: &[i16; 8] = &line.words.as_chunks().0[part];
    // SAFETY: the reference covers the 16 bytes read.
    unsafe { vld1q_s16(words.as_ptr()) }
}
