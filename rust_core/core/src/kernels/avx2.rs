//! AVX2 with FMA.

use std::arch::x86_64::*;

use super::Work;
use super::lines::{F32Line, F64Line, I8Line, I16Line};
use super::scalar;
use super::tiles::{PREFETCH_LINES, define_tiles};

/// Proof that this CPU has AVX2 and FMA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        found.then_some(Self(()))
    }

    pub(super) fn dot(self, a: &[F32Line], b: &[F32Line]) -> f64 {
        // SAFETY: `self` exists only where AVX2 and FMA were detected.
        let [sum] = unsafe { dots::<1, false>(a, [b]) };
        sum
    }

    pub(super) fn dot2(self, query: &[F32Line], rows: [&[F32Line]; 2]) -> [f64; 2] {
        // SAFETY: `self` exists only where AVX2 and FMA were detected.
        unsafe { dots::<2, false>(query, rows) }
    }

    pub(super) fn dot4(self, query: &[F32Line], rows: [&[F32Line]; 4], more: bool) -> [f64; 4] {
        // Two rows of 16 lanes fill 8 of the 16 registers; four would spill.
        let two = |rows| {
            // SAFETY: `self` exists only where AVX2 and FMA were detected.
            unsafe {
                if more {
                    dots::<2, true>(query, rows)
                } else {
                    dots::<2, false>(query, rows)
                }
            }
        };
        let [a, b, c, d] = rows;
        let ([a, b], [c, d]) = (two([a, b]), two([c, d]));
        [a, b, c, d]
    }

    pub(super) fn wide_dots(
        self,
        queries: [&[F32Line]; 3],
        rows: [&[F64Line]; 4],
    ) -> [[f64; 4]; 3] {
        // SAFETY: `self` exists only where AVX2 and FMA were detected.
        unsafe { wide_dots(queries, rows) }
    }

    pub(super) fn f32_dots(self, queries: [&[F32Line]; 3], rows: [&[F32Line]; 8]) -> [[f32; 8]; 3] {
        // SAFETY: `self` exists only where AVX2 and FMA were detected.
        unsafe { f32_dots(queries, rows) }
    }

    pub(super) fn sketch_dots(self, query: &[I16Line], sketches: &[I8Line], out: &mut [i32]) {
        // SAFETY: `self` exists only where AVX2 and FMA were detected.
        unsafe { tiles::<1, 4>([query], sketches, [out]) }
    }

    pub(super) fn sketch_dots4(
        self,
        queries: [&[I16Line]; 4],
        sketches: &[I8Line],
        out: [&mut [i32]; 4],
    ) {
        // SAFETY: `self` exists only where AVX2 and FMA were detected.
        unsafe { tiles::<4, 2>(queries, sketches, out) }
    }

    pub(super) fn quantise(self, query: &[F32Line], per_unit: f32, out: &mut [I16Line]) {
        // SAFETY: `self` exists only where AVX2 and FMA were detected.
        unsafe { quantise(query, per_unit, out) }
    }

    pub(super) fn largest(self, lines: &[F32Line]) -> f32 {
        // SAFETY: `self` exists only where AVX2 and FMA were detected.
        unsafe { largest(lines) }
    }

    pub(super) fn work<W: Work>(self, work: W) -> W::Output {
        // SAFETY: `self` exists only where AVX2 and FMA were detected.
        unsafe { run_work(work) }
    }
}

#[target_feature(enable = "avx2,fma")]
fn run_work<W: Work>(work: W) -> W::Output {
    work.run()
}

#[target_feature(enable = "avx2,fma")]
fn quantise(query: &[F32Line], per_unit: f32, out: &mut [I16Line]) {
    scalar::quantise(query, per_unit, out);
}

#[target_feature(enable = "avx2,fma")]
fn largest(lines: &[F32Line]) -> f32 {
    scalar::largest(lines)
}

/// Lanes 4v to 4v + 3 of a sum are register v of its four.
///
/// MORE: the rows lie end to end, and so do others behind them that will be wanted next.
#[target_feature(enable = "avx2,fma")]
fn dots<const R: usize, const MORE: bool>(
    query: &[F32Line],
    mut rows: [&[F32Line]; R],
) -> [f64; R] {
    let ahead = rows[0]
        .as_ptr()
        .wrapping_add(PREFETCH_LINES.max(R * query.len()));
    for row in &mut rows {
        *row = &row[..query.len()];
    }
    let mut sums = [[_mm256_setzero_pd(); 4]; R];
    for (i, line) in query.iter().enumerate() {
        let query = widen(line);
        if MORE {
            for r in 0..R {
                prefetch(ahead.wrapping_add(i * R + r).cast());
            }
        }
        for (sum, row) in sums.iter_mut().zip(&rows) {
            let row = widen(&row[i]);
            for v in 0..4 {
                sum[v] = _mm256_fmadd_pd(query[v], row[v], sum[v]);
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
/// time: then 12 of the 16 registers are sums, and nothing spills.
#[target_feature(enable = "avx2,fma")]
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
    let mut sums = [[[_mm256_setzero_pd(); 4]; R]; Q];
    for v in 0..4 {
        let mut part = [[_mm256_setzero_pd(); R]; Q];
        for i in 0..length {
            let mut query = [_mm256_setzero_pd(); Q];
            for q in 0..Q {
                query[q] = widen_part(&queries[q][i], v);
            }
            for r in 0..R {
                let row = load_f64(&rows[r][i], v);
                for q in 0..Q {
                    part[q][r] = _mm256_fmadd_pd(query[q], row, part[q][r]);
                }
            }
        }
        for q in 0..Q {
            for r in 0..R {
                sums[q][r][v] = part[q][r];
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

/// A tile of inner products in f32.
#[target_feature(enable = "avx2,fma")]
fn f32_dots(queries: [&[F32Line]; 3], rows: [&[F32Line]; 8]) -> [[f32; 8]; 3] {
    let mut folded = [[0.0; 8]; 3];
    // Four rows at a time: then 12 of the 16 registers are sums, and nothing spills.
    for (part, rows) in rows.as_chunks::<4>().0.iter().enumerate() {
        for (folded, sums) in folded.iter_mut().zip(f32_dots_of_four(queries, *rows)) {
            folded[4 * part..4 * part + 4].copy_from_slice(&sums);
        }
    }
    folded
}

#[target_feature(enable = "avx2,fma")]
#[allow(clippy::needless_range_loop)]
fn f32_dots_of_four(mut queries: [&[F32Line]; 3], mut rows: [&[F32Line]; 4]) -> [[f32; 4]; 3] {
    let length = queries[0].len();
    for query in &mut queries {
        *query = &query[..length];
    }
    for row in &mut rows {
        *row = &row[..length];
    }
    let mut sums = [[_mm256_setzero_ps(); 4]; 3];
    for i in 0..length {
        for v in 0..2 {
            let mut query = [_mm256_setzero_ps(); 3];
            for q in 0..3 {
                query[q] = load_f32(&queries[q][i], v);
            }
            for r in 0..4 {
                let row = load_f32(&rows[r][i], v);
                for q in 0..3 {
                    sums[q][r] = _mm256_fmadd_ps(query[q], row, sums[q][r]);
                }
            }
        }
    }
    let mut folded = [[0.0; 4]; 3];
    for (folded, [a, b, c, d]) in folded.iter_mut().zip(sums) {
        // In each 128 bits: one partial sum of each of the four.
        let halves = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
        let totals = _mm_add_ps(
            _mm256_castps256_ps128(halves),
            _mm256_extractf128_ps::<1>(halves),
        );
        // SAFETY: `folded` has 4 floats.
        unsafe { _mm_storeu_ps(folded.as_mut_ptr(), totals) };
    }
    folded
}

/// Components 8v to 8v + 7.
#[target_feature(enable = "avx2,fma")]
fn load_f32(line: &F32Line, v: usize) -> __m256 {
    let half: &[f32; 8] = &line.0.as_chunks().0[v];
    // SAFETY: the reference covers the 8 floats read.
    unsafe { _mm256_loadu_ps(half.as_ptr()) }
}

/// Lanes 4v to 4v + 3.
#[target_feature(enable = "avx2,fma")]
fn load_f64(line: &F64Line, v: usize) -> __m256d {
    let part: &[f64; 4] = &line.0.as_chunks().0[v];
    // SAFETY: the reference covers the 4 floats read.
    unsafe { _mm256_loadu_pd(part.as_ptr()) }
}

/// Components 4v to 4v + 3 as f64.
#[target_feature(enable = "avx2,fma")]
fn widen_part(line: &F32Line, v: usize) -> __m256d {
    let part: &[f32; 4] = &line.0.as_chunks().0[v];
    // SAFETY: the reference covers the 4 floats read.
    _mm256_cvtps_pd(unsafe { _mm_loadu_ps(part.as_ptr()) })
}

/// The fold of the scalar kernel: registers hold lanes 0–3, 4–7, 8–11 and 12–15.
#[target_feature(enable = "avx2,fma")]
fn fold([a, b, c, d]: [__m256d; 4]) -> f64 {
    let four = _mm256_add_pd(_mm256_add_pd(a, c), _mm256_add_pd(b, d));
    let two = _mm_add_pd(
        _mm256_castpd256_pd128(four),
        _mm256_extractf128_pd::<1>(four),
    );
    _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
}

/// The 16 components of a line as f64.
#[target_feature(enable = "avx2,fma")]
fn widen(line: &F32Line) -> [__m256d; 4] {
    let at = line.0.as_ptr();
    // SAFETY: each load reads 4 of the line's 16 floats.
    let [a, b, c, d] = unsafe {
        [
            _mm_loadu_ps(at),
            _mm_loadu_ps(at.add(4)),
            _mm_loadu_ps(at.add(8)),
            _mm_loadu_ps(at.add(12)),
        ]
    };
    [
        _mm256_cvtps_pd(a),
        _mm256_cvtps_pd(b),
        _mm256_cvtps_pd(c),
        _mm256_cvtps_pd(d),
    ]
}

define_tiles!("avx2,fma");

/// Vectors of 16 components in a sketch line.
const PARTS: usize = 4;

/// Asks for a line that will be read soon. An address is all that it takes: it cannot fault.
#[target_feature(enable = "avx2,fma")]
fn prefetch(line: *const I8Line) {
    _mm_prefetch::<_MM_HINT_T0>(line.cast());
}

#[target_feature(enable = "avx2,fma")]
fn zero() -> __m256i {
    _mm256_setzero_si256()
}

/// Adds 16 products to 8 sums, two to each.
#[target_feature(enable = "avx2,fma")]
fn multiply_add(sums: __m256i, query: __m256i, row: __m256i) -> __m256i {
    _mm256_add_epi32(sums, _mm256_madd_epi16(query, row))
}

#[target_feature(enable = "avx2,fma")]
fn total(sums: __m256i) -> i32 {
    let four = _mm_add_epi32(
        _mm256_castsi256_si128(sums),
        _mm256_extracti128_si256::<1>(sums),
    );
    let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b00_00_11_10>(four));
    _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<0b00_00_00_01>(two)))
}

/// Components 16·`part` to 16·`part` + 15, sign-extended.
#[target_feature(enable = "avx2,fma")]
fn widen_i8(line: &I8Line, part: usize) -> __m256i {
    let bytes: &[i8; 16] = &line.0.as_chunks().0[part];
    // SAFETY: the reference covers the 16 bytes read.
    _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}

/// Components 16·`part` to 16·`part` + 15.
#[target_feature(enable = "avx2,fma")]
fn load_i16(line: &I16Line, part: usize) -> __m256i {
    let words: &[i16; 16] = &line.words.as_chunks().0[part];
    // SAFETY: the reference covers the 32 bytes read.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
}
