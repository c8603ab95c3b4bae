//! Vectors as whole cache lines.
//!
//! A kernel reads full lines only: a vector is padded with zeros to a whole number of them. Zeros
//! add +0.0 (or 0) to every lane, so padding never changes a result, and there is no tail code
//! that could differ between kernels.

use bytemuck::{Pod, Zeroable};

/// 16 components of an f32 vector: one cache line.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct F32Line(pub(crate) [f32; 16]);

// SAFETY: 64 bytes of floats and nothing else: any bytes are one, zeros included.
unsafe impl Zeroable for F32Line {}
// SAFETY: as above.
unsafe impl Pod for F32Line {}

/// 64 components of a sketch: one cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct I8Line(pub(crate) [i8; 64]);

// SAFETY: 64 bytes and nothing else: any bytes are one, zeros included.
unsafe impl Zeroable for I8Line {}
// SAFETY: as above.
unsafe impl Pod for I8Line {}

/// 64 components of a quantised query, the partner of one [`I8Line`], in the forms that kernels
/// want: as words, and taken apart into bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct I16Line {
    /// m.
    pub(super) words: [i16; 64],
    /// h and l, with m = 256·h + l.
    pub(super) high: [i8; 64],
    pub(super) low: [i8; 64],
    /// Σ m.
    pub(super) sum: i32,
}

impl F32Line {
    /// 16 zeros.
    pub(crate) const ZERO: Self = Self([0.0; 16]);

    /// Number of lines that hold `dimension` components.
    pub(crate) const fn count(dimension: usize) -> usize {
        dimension.div_ceil(16)
    }

    /// `values`, padded with zeros to whole lines.
    pub(crate) fn pack(values: &[f32]) -> Box<[Self]> {
        let mut lines = vec![Self::ZERO; Self::count(values.len())].into_boxed_slice();
        for (line, chunk) in lines.iter_mut().zip(values.chunks(16)) {
            line.0[..chunk.len()].copy_from_slice(chunk);
        }
        lines
    }
}

impl I8Line {
    /// 64 zeros.
    pub(crate) const ZERO: Self = Self([0; 64]);

    /// Number of lines that hold `dimension` components.
    pub(crate) const fn count(dimension: usize) -> usize {
        dimension.div_ceil(64)
    }
}

impl I16Line {
    /// The largest component in absolute value: h is a byte.
    pub(crate) const LARGEST: i16 = 127 * 256 + 127;

    /// 64 zeros.
    pub(crate) const ZERO: Self = Self {
        words: [0; 64],
        high: [0; 64],
        low: [0; 64],
        sum: 0,
    };

    /// These components, none of them larger than [`Self::LARGEST`].
    pub(crate) fn new(words: [i16; 64]) -> Self {
        let mut line = Self {
            words,
            ..Self::ZERO
        };
        let parts = line.high.iter_mut().zip(&mut line.low);
        for ((high, low), &word) in parts.zip(&words) {
            *low = word as i8;
            *high = (word.wrapping_add(128) >> 8) as i8;
            line.sum += i32::from(word);
        }
        line
    }
}
