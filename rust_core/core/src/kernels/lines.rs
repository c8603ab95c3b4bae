//! Vectors as whole cache lines.
//!
//! A kernel reads full lines only: a vector is padded with zeros to a whole number of them. Zeros
//! add +0.0 (or 0) to every lane, so padding never changes a result, and there is no tail code
//! that could differ between kernels.

use bytemuck::{Pod, Zeroable};

use super::aligned::Aligned;

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
    padding: [i32; 15],
}

// SAFETY: integers and nothing else, 320 bytes of them without a gap: any bytes are one, zeros
// included.
unsafe impl Zeroable for I16Line {}
// SAFETY: as above.
unsafe impl Pod for I16Line {}

impl F32Line {
    /// 16 zeros.
    pub(crate) const ZERO: Self = Self([0.0; 16]);

    /// Number of lines that hold `dimension` components.
    pub(crate) const fn count(dimension: usize) -> usize {
        dimension.div_ceil(16)
    }

    /// `values`, padded with zeros to whole lines.
    pub(crate) fn pack(values: &[f32]) -> Aligned<Self> {
        let mut lines = Aligned::<Self>::zeroed(Self::count(values.len()));
        bytemuck::cast_slice_mut(&mut lines)[..values.len()].copy_from_slice(values);
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

    /// These components, none of them larger than [`Self::LARGEST`].
    #[cfg(test)]
    pub(crate) fn new(words: [i16; 64]) -> Self {
        let mut line = Self::zeroed();
        line.set(words);
        line
    }

    /// Makes these its components.
    #[inline]
    pub(crate) fn set(&mut self, words: [i16; 64]) {
        self.words = words;
        for ((high, low), &word) in self.high.iter_mut().zip(&mut self.low).zip(&words) {
            *low = word as i8;
            *high = (word.wrapping_add(128) >> 8) as i8;
        }
        // Far from wrapping; a checked sum would not become vectors.
        let sum = |sum: i32, &word: &i16| sum.wrapping_add(i32::from(word));
        self.sum = words.iter().fold(0, sum);
    }
}
