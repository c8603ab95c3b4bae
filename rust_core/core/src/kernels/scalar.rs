//! The definition: plain Rust, on any CPU. Every other kernel equals this one bit for bit.

use super::Work;
use super::lines::{F32Line, F64Line, I8Line, I16Line};

/// Sum of products in 16 lanes, folded in halves.
pub(super) fn dot(a: &[F32Line], b: &[F32Line]) -> f64 {
    let mut lanes = [0.0_f64; 16];
    for (a, b) in a.iter().zip(b) {
        for (lane, (&a, &b)) in lanes.iter_mut().zip(a.0.iter().zip(&b.0)) {
            *lane += f64::from(a) * f64::from(b);
        }
    }
    fold(lanes)
}

/// The one fold: `j` with `j + 8`, then with `j + 4`, `j + 2`, `j + 1`.
pub(crate) fn fold(mut lanes: [f64; 16]) -> f64 {
    for half in [8, 4, 2, 1] {
        for j in 0..half {
            lanes[j] += lanes[j + half];
        }
    }
    lanes[0]
}

pub(super) fn dot2(query: &[F32Line], rows: [&[F32Line]; 2]) -> [f64; 2] {
    rows.map(|row| dot(query, row))
}

pub(super) fn dot4(query: &[F32Line], rows: [&[F32Line]; 4], _more: bool) -> [f64; 4] {
    rows.map(|row| dot(query, row))
}

pub(super) fn wide_dots(queries: [&[F32Line]; 3], rows: [&[F64Line]; 4]) -> [[f64; 4]; 3] {
    queries.map(|query| rows.map(|row| wide_dot(query, row)))
}

fn wide_dot(query: &[F32Line], row: &[F64Line]) -> f64 {
    let mut lanes = [0.0_f64; 16];
    for (a, b) in query.iter().zip(row) {
        for (lane, (&a, &b)) in lanes.iter_mut().zip(a.0.iter().zip(&b.0)) {
            *lane += f64::from(a) * b;
        }
    }
    fold(lanes)
}

pub(super) fn f32_dots(queries: [&[F32Line]; 3], rows: [&[F32Line]; 8]) -> [[f32; 8]; 3] {
    queries.map(|query| rows.map(|row| f32_dot(query, row)))
}

fn f32_dot(a: &[F32Line], b: &[F32Line]) -> f32 {
    let mut lanes = [0.0_f32; 16];
    for (a, b) in a.iter().zip(b) {
        for (lane, (&a, &b)) in lanes.iter_mut().zip(a.0.iter().zip(&b.0)) {
            *lane += a * b;
        }
    }
    for half in [8, 4, 2, 1] {
        for j in 0..half {
            lanes[j] += lanes[j + half];
        }
    }
    lanes[0]
}

pub(super) fn sketch_dots(query: &[I16Line], sketches: &[I8Line], out: &mut [i32]) {
    for (out, sketch) in out.iter_mut().zip(sketches.chunks_exact(query.len())) {
        *out = sketch_dot(query, sketch);
    }
}

pub(super) fn sketch_dots4(queries: [&[I16Line]; 4], sketches: &[I8Line], out: [&mut [i32]; 4]) {
    for (query, out) in queries.into_iter().zip(out) {
        sketch_dots(query, sketches, out);
    }
}

/// Never wraps, since the caller chose the ranges so; a checked sum would not become vectors.
fn sketch_dot(query: &[I16Line], sketch: &[I8Line]) -> i32 {
    let mut sum = 0_i32;
    for (query, sketch) in query.iter().zip(sketch) {
        for (&a, &b) in query.words.iter().zip(&sketch.0) {
            sum = sum.wrapping_add(i32::from(a).wrapping_mul(i32::from(b)));
        }
    }
    sum
}

/// Made anew, with more lanes, for every instruction set that has them.
#[inline(always)]
pub(super) fn quantise(query: &[F32Line], per_unit: f32, out: &mut [I16Line]) {
    for (line, query) in out.iter_mut().zip(query.chunks(4)) {
        line.set(
            query
                .iter()
                .map(|part| part.0.map(|q| nearest(q * per_unit))),
        );
    }
}

/// The integer nearest to `x`, |x| < 2¹⁵: the low bits of x + 1.5·2²³.
#[inline(always)]
fn nearest(x: f32) -> i16 {
    (x + 12_582_912.0).to_bits() as i16
}

pub(super) fn work<W: Work>(work: W) -> W::Output {
    work.run()
}

/// Made anew like [`quantise`].
#[inline(always)]
pub(super) fn largest(lines: &[F32Line]) -> f32 {
    let mut largest = [0.0_f32; 16];
    for line in lines {
        for (largest, value) in largest.iter_mut().zip(&line.0) {
            *largest = if value.abs() > *largest {
                value.abs()
            } else {
                *largest
            };
        }
    }
    largest.into_iter().fold(0.0, f32::max)
}
