//! One query with many sketches on AVX-512 VNNI, bytes with bytes.
//!
//! `vpdpbusd` multiplies unsigned bytes with signed ones and adds four products to each sum. A
//! sketch becomes unsigned by a flip of its top bits, k + 128; a query is taken apart into signed
//! bytes, m = 256·h + l. So
//!
//! ```text
//! Σ m·k = 256·Σ h·(k + 128) + Σ l·(k + 128) − 128·Σ m
//! ```
//!
//! The two sums of bytes stay below 128·255·16384 < 2³¹ each. What is made of them may wrap on
//! its way, and the end is right, since Σ m·k fits: the integers of the scalar kernel.

use std::arch::x86_64::*;

use super::lines::{I8Line, I16Line};
use super::tiles::PREFETCH_LINES;

/// Rows that are read side by side.
const ROWS: usize = 8;

/// `out[row]`: the inner product of `query` and a row of `sketches`.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn sketch_dots(query: &[I16Line], sketches: &[I8Line], out: &mut [i32]) {
    let offset = query
        .iter()
        .fold(0_i32, |sum, line| sum.wrapping_add(line.sum))
        .wrapping_mul(128);
    let (tiles, rest) = out.as_chunks_mut::<ROWS>();
    let (whole, tail) = sketches.split_at(tiles.len() * ROWS * query.len());
    for (tile, sketches) in tiles.iter_mut().zip(whole.chunks_exact(ROWS * query.len())) {
        let sums = sums::<ROWS>(query, sketches);
        let totals = _mm256_sub_epi32(totals(sums), _mm256_set1_epi32(offset));
        // SAFETY: a tile is 32 bytes.
        unsafe { _mm256_storeu_si256(tile.as_mut_ptr().cast(), totals) };
    }
    for (out, sketch) in rest.iter_mut().zip(tail.chunks_exact(query.len())) {
        let [sum] = sums::<1>(query, sketch);
        *out = _mm512_reduce_add_epi32(sum).wrapping_sub(offset);
    }
}

/// Σ m·(k + 128) for each of R rows, in 16 parts.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[allow(clippy::needless_range_loop)]
fn sums<const R: usize>(query: &[I16Line], sketches: &[I8Line]) -> [__m512i; R] {
    let stride = query.len();
    let mut rows = [sketches; R];
    for (row, sketch) in rows.iter_mut().zip(sketches.chunks_exact(stride)) {
        *row = &sketch[..stride];
    }
    let ahead = sketches
        .as_ptr()
        .wrapping_add(PREFETCH_LINES.max(R * stride));
    let flip = _mm512_set1_epi8(i8::MIN);
    let mut high = [_mm512_setzero_si512(); R];
    let mut low = [_mm512_setzero_si512(); R];
    for i in 0..stride {
        let [query_high, query_low] = [load(&query[i].high), load(&query[i].low)];
        for r in 0..R {
            _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(i * R + r).cast());
            let row = _mm512_xor_si512(load(&rows[r][i].0), flip);
            high[r] = _mm512_dpbusd_epi32(high[r], row, query_high);
            low[r] = _mm512_dpbusd_epi32(low[r], row, query_low);
        }
    }
    for (low, high) in low.iter_mut().zip(high) {
        *low = _mm512_add_epi32(*low, _mm512_slli_epi32::<8>(high));
    }
    low
}

/// The sums of the parts of eight vectors, in their order.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn totals([a, b, c, d, e, f, g, h]: [__m512i; ROWS]) -> __m256i {
    let abcd = quarters(halves(a, b), halves(c, d));
    let efgh = quarters(halves(e, f), halves(g, h));
    // 128 bits are four rows: the four quarters of each register are added.
    let both = _mm512_add_epi32(
        _mm512_shuffle_i64x2::<0b01_00_01_00>(abcd, efgh),
        _mm512_shuffle_i64x2::<0b11_10_11_10>(abcd, efgh),
    );
    let first = _mm512_castsi512_si256(both);
    let second = _mm512_extracti64x4_epi64::<1>(both);
    _mm256_add_epi32(
        _mm256_permute2x128_si256::<0x20>(first, second),
        _mm256_permute2x128_si256::<0x31>(first, second),
    )
}

/// In each 128 bits: two partial sums of `a` and of `b`, taking turns.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn halves(a: __m512i, b: __m512i) -> __m512i {
    _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b))
}

/// In each 128 bits: one partial sum of each of four vectors.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn quarters(ab: __m512i, cd: __m512i) -> __m512i {
    _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn load(bytes: &[i8; 64]) -> __m512i {
    // SAFETY: the reference covers the 64 bytes read.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}
