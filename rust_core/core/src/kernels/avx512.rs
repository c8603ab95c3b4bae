//! AVX-512 F, BW, DQ, VL and VNNI.

use std::arch::x86_64::*;

use super::Work;
use super::lines::{F32Line, F64Line, I8Line, I16Line};
use super::scalar;
use super::tiles::{PREFETCH_LINES, define_tiles};
use super::vnni;

/// Proof that this CPU has AVX-512 F, BW, DQ, VL and VNNI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Avx512(());

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni");
        found.then_some(Self(()))
    }

    pub(super) fn dot(self, a: &[F32Line], b: &[F32Line]) -> f64 {
        // SAFETY: `self` exists only where AVX-512 F, BW, DQ, VL and VNNI were detected.
        let [sum] = unsafe { dots::<1, false>(a, [b]) };
        sum
    }

    pub(super) fn dot2(self, query: &[F32Line], rows: [&[F32Line]; 2]) -> [f64; 2] {
        // SAFETY: `self` exists only where AVX-512 F, BW, DQ, VL and VNNI were detected.
        unsafe { dots::<2, false>(query, rows) }
    }

    pub(super) fn dot4(self, query: &[F32Line], rows: [&[F32Line]; 4], more: bool) -> [f64; 4] {
        // SAFETY: `self` exists only where AVX-512 F, BW, DQ, VL and VNNI were detected.
        unsafe {
            if more {
                dots::<4, true>(query, rows)
            } else {
                dots::<4, false>(query, rows)
            }
        }
    }

    pub(super) fn wide_dots(
        self,
        queries: [&[F32Line]; 3],
        rows: [&[F64Line]; 4],
    ) -> [[f64; 4]; 3] {
        // SAFETY: `self` exists only where AVX-512 F, BW, DQ, VL and VNNI were detected.
        unsafe { wide_dots(queries, rows) }
    }

    pub(super) fn f32_dots(self, queries: [&[F32Line]; 3], rows: [&[F32Line]; 8]) -> [[f32; 8]; 3] {
        // SAFETY: `self` exists only where AVX-512 F, BW, DQ, VL and VNNI were detected.
        unsafe { f32_dots(queries, rows) }
    }

    pub(super) fn sketch_dots(self, query: &[I16Line], sketches: &[I8Line], out: &mut [i32]) {
        // SAFETY: `self` exists only where AVX-512 F, BW, DQ, VL and VNNI were detected.
        unsafe { vnni::sketch_dots(query, sketches, out) }
    }

    pub(super) fn sketch_dots4(
        self,
        queries: [&[I16Line]; 4],
        sketches: &[I8Line],
        out: [&mut [i32]; 4],
    ) {
        // SAFETY: `self` exists only where AVX-512 F, BW, DQ, VL and VNNI were detected.
        unsafe { tiles::<4, 4>(queries, sketches, out) }
    }

    pub(super) fn quantise(self, query: &[F32Line], per_unit: f32, out: &mut [I16Line]) {
        // SAFETY: `self` exists only where AVX-512 F, BW, DQ, VL and VNNI were detected.
        unsafe { quantise(query, per_unit, out) }
    }

    pub(super) fn largest(self, lines: &[F32Line]) -> f32 {
        // SAFETY: `self` exists only where AVX-512 F, BW, DQ, VL and VNNI were detected.
        unsafe { largest(lines) }
    }

    pub(super) fn work<W: Work>(self, work: W) -> W::Output {
        // SAFETY: `self` exists only where AVX-512 F, BW, DQ, VL and VNNI were detected.
        unsafe { run_work(work) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn run_work<W: Work>(work: W) -> W::Output {
    work.run()
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn quantise(query: &[F32Line], per_unit: f32, out: &mut [I16Line]) {
    scalar::quantise(query, per_unit, out);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn largest(lines: &[F32Line]) -> f32 {
    scalar::largest(lines)
}

/// Lanes 0 to 7 of a sum are its first register, lanes 8 to 15 its second.
///
/// MORE: the rows lie end to end, and so do others behind them that will be wanted next.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
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
    let mut sums = [[_mm512_setzero_pd(); 2]; R];
    for (i, line) in query.iter().enumerate() {
        let query = widen(line);
        if MORE {
            for r in 0..R {
                prefetch(ahead.wrapping_add(i * R + r).cast());
            }
        }
        for (sum, row) in sums.iter_mut().zip(&rows) {
            let row = widen(&row[i]);
            for v in 0..2 {
                sum[v] = _mm512_fmadd_pd(query[v], row[v], sum[v]);
            }
        }
    }
    let mut folded = [0.0; R];
    for (folded, sum) in folded.iter_mut().zip(sums) {
        *folded = fold(sum);
    }
    folded
}

/// [`dots`] of a tile of queries and rows that were widened before: 24 of the 32 registers are sums.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
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
    let mut sums = [[[_mm512_setzero_pd(); 2]; R]; Q];
    for i in 0..length {
        for v in 0..2 {
            let mut query = [_mm512_setzero_pd(); Q];
            for q in 0..Q {
                query[q] = widen(&queries[q][i])[v];
            }
            for r in 0..R {
                let row = load_f64(&rows[r][i], v);
                for q in 0..Q {
                    sums[q][r][v] = _mm512_fmadd_pd(query[q], row, sums[q][r][v]);
                }
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
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[allow(clippy::needless_range_loop)]
fn f32_dots(mut queries: [&[F32Line]; 3], mut rows: [&[F32Line]; 8]) -> [[f32; 8]; 3] {
    let length = queries[0].len();
    for query in &mut queries {
        *query = &query[..length];
    }
    for row in &mut rows {
        *row = &row[..length];
    }
    let mut sums = [[_mm512_setzero_ps(); 8]; 3];
    for i in 0..length {
        let mut query = [_mm512_setzero_ps(); 3];
        for q in 0..3 {
            query[q] = load_f32(&queries[q][i]);
        }
        for r in 0..8 {
            let row = load_f32(&rows[r][i]);
            for q in 0..3 {
                sums[q][r] = _mm512_fmadd_ps(query[q], row, sums[q][r]);
            }
        }
    }
    let mut folded = [[0.0; 8]; 3];
    for (folded, sums) in folded.iter_mut().zip(sums) {
        let totals = f32_totals(sums);
        // SAFETY: `folded` has 8 floats.
        unsafe { _mm256_storeu_ps(folded.as_mut_ptr(), totals) };
    }
    folded
}

/// The sums of the lanes of eight vectors, in their order.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn f32_totals([a, b, c, d, e, f, g, h]: [__m512; 8]) -> __m256 {
    let abcd = f32_quarters(f32_halves(a, b), f32_halves(c, d));
    let efgh = f32_quarters(f32_halves(e, f), f32_halves(g, h));
    // 128 bits are four vectors: the four quarters of each register are added.
    let both = _mm512_add_ps(
        _mm512_shuffle_f32x4::<0b01_00_01_00>(abcd, efgh),
        _mm512_shuffle_f32x4::<0b11_10_11_10>(abcd, efgh),
    );
    let first = _mm512_castps512_ps256(both);
    let second = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(both)));
    _mm256_add_ps(
        _mm256_permute2f128_ps::<0x20>(first, second),
        _mm256_permute2f128_ps::<0x31>(first, second),
    )
}

/// In each 128 bits: two partial sums of `a` and of `b`, taking turns.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn f32_halves(a: __m512, b: __m512) -> __m512 {
    _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b))
}

/// In each 128 bits: one partial sum of each of four vectors.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn f32_quarters(ab: __m512, cd: __m512) -> __m512 {
    let [ab, cd] = [_mm512_castps_pd(ab), _mm512_castps_pd(cd)];
    _mm512_add_ps(
        _mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd)),
        _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd)),
    )
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn load_f32(line: &F32Line) -> __m512 {
    // SAFETY: the reference covers the 16 floats read.
    unsafe { _mm512_loadu_ps(line.0.as_ptr()) }
}

/// Lanes 8v to 8v + 7.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn load_f64(line: &F64Line, v: usize) -> __m512d {
    let half: &[f64; 8] = &line.0.as_chunks().0[v];
    // SAFETY: the reference covers the 8 floats read.
    unsafe { _mm512_loadu_pd(half.as_ptr()) }
}

/// The fold of the scalar kernel.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn fold([low, high]: [__m512d; 2]) -> f64 {
    let eight = _mm512_add_pd(low, high);
    let four = _mm256_add_pd(
        _mm512_castpd512_pd256(eight),
        _mm512_extractf64x4_pd::<1>(eight),
    );
    let two = _mm_add_pd(
        _mm256_castpd256_pd128(four),
        _mm256_extractf128_pd::<1>(four),
    );
    _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
}

/// The 16 components of a line as f64.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn widen(line: &F32Line) -> [__m512d; 2] {
    let at = line.0.as_ptr();
    // SAFETY: each load reads 8 of the line's 16 floats.
    let [low, high] = unsafe { [_mm256_loadu_ps(at), _mm256_loadu_ps(at.add(8))] };
    [_mm512_cvtps_pd(low), _mm512_cvtps_pd(high)]
}

define_tiles!("avx512f,avx512bw,avx512vnni");

/// Vectors of 32 components in a sketch line.
const PARTS: usize = 2;

/// Asks for a line that will be read soon. An address is all that it takes: it cannot fault.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn prefetch(line: *const I8Line) {
    _mm_prefetch::<_MM_HINT_T0>(line.cast());
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn zero() -> __m512i {
    _mm512_setzero_si512()
}

/// Adds 32 products to 16 sums, two to each.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn multiply_add(sums: __m512i, query: __m512i, row: __m512i) -> __m512i {
    _mm512_dpwssd_epi32(sums, query, row)
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn total(sums: __m512i) -> i32 {
    _mm512_reduce_add_epi32(sums)
}

/// Components 32·`part` to 32·`part` + 31, sign-extended.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn widen_i8(line: &I8Line, part: usize) -> __m512i {
    let bytes: &[i8; 32] = &line.0.as_chunks().0[part];
    // SAFETY: the reference covers the 32 bytes read.
    _mm512_cvtepi8_epi16(unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) })
}

/// Components 32·`part` to 32·`part` + 31.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn load_i16(line: &I16Line, part: usize) -> __m512i {
    let words: &[i16; 32] = &line.words.as_chunks().0[part];
    // SAFETY: the reference covers the 64 bytes read.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}
