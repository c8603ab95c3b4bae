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

// SAFETY: 64 bytes of floats without padding: any bytes are a valid value, zeros included.
unsafe impl Zeroable for F32Line {}
// SAFETY: as above.
unsafe impl Pod for F32Line {}

/// 16 components of an f32 vector as f64: two cache lines.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct F64Line(pub(crate) [f64; 16]);

// SAFETY: 128 bytes of floats and nothing else: any bytes are one, zeros included.
unsafe impl Zeroable for F64Line {}
// SAFETY: as above.
unsafe impl Pod for F64Line {}

/// 64 components of a sketch: one cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct I8Line(pub(crate) [i8; 64]);

// SAFETY: 64 bytes without padding: any bytes are a valid value, zeros included.
unsafe impl Zeroable for I8Line {}
// SAFETY: as above.
unsafe impl Pod for I8Line {}

/// 64 components of a quantised query, the counterpart of one [`I8Line`], in the forms that kernels
/// read: as words, and split into bytes.
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

// SAFETY: 320 bytes of integers without padding: any bytes are a valid value, zeros included.
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
    /// The largest absolute value of a component: h is a byte.
    pub(crate) const LARGEST: i16 = 127 * 256 + 127;

    /// A line of these components, at most [`Self::LARGEST`] each.
    #[cfg(test)]
    pub(crate) fn new(words: [i16; 64]) -> Self {
        let mut line = Self::zeroed();
        line.set(words.as_chunks().0.iter().copied());
        line
    }

    /// Sets its components, 16 at a time, at most [`Self::LARGEST`] each. The components behind the
    /// last stay 0.
    #[inline(always)]
    pub(crate) fn set(&mut self, words: impl Iterator<Item = [i16; 16]>) {
        let mut sums = [0_i32; 16];
        let words_of = self.words.as_chunks_mut().0.iter_mut();
        let high_of = self.high.as_chunks_mut::<16>().0.iter_mut();
        let low_of = self.low.as_chunks_mut::<16>().0.iter_mut();
        for (((part, high), low), words) in words_of.zip(high_of).zip(low_of).zip(words) {
            *part = words;
            for i in 0..16 {
                low[i] = words[i] as i8;
                high[i] = (words[i].wrapping_add(128) >> 8) as i8;
                // Far from wrapping; a checked sum would not become vectors.
                sums[i] = sums[i].wrapping_add(i32::from(words[i]));
            }
        }
        self.sum = sums.iter().fold(0, |sum, &more| sum.wrapping_add(more));
    }
}
