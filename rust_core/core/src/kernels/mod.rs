//! The inner products of ranking, once per instruction set.
//!
//! A [`Kernel`] is a token: a token for an instruction set is only made after the CPU was found to
//! have that instruction set, so every method of a token is safe to call. Its operations:
//!
//! - `dot`, `dot2`, `dot4`: the inner product of f32 vectors, as f64. A product of two f32 is exact in
//!   f64 (24 + 24 bits of significand in 53), so fused and unfused multiply-add agree. Component
//!   `i` goes to lane `i mod 16`; the 16 lanes are folded in halves (`j` with `j + 8`, then
//!   `j + 4`, `j + 2`, `j + 1`). Lanes and fold are fixed, so **every kernel returns the same
//!   bits**; the scalar one is their definition.
//! - `wide_dots`: the same for a tile of queries and rows, the rows widened to f64 before.
//! - `f32_dots`: the same inner products of a tile, summed in f32. Their bits depend on the kernel, so
//!   they only ever rule rows out, by the bound that [`F32_ROUNDINGS_PER_LINE`] states.
//! - `sketch_dots`: inner products of i8 sketches with i16 queries, as i32. Integers are exact in
//!   any order as long as nothing overflows; the caller chooses the range of its queries so that
//!   no partial sum can (see [`crate::ranking`]).
//! - `quantise`, `largest`: the components of a query's sketch, and its scale.
//! - `run`: any plain Rust, compiled for the instruction set. The compiler neither fuses nor
//!   reorders floating-point operations, so the result is the same everywhere.
//!
//! A kernel changes how long an answer takes and nothing else.

#![allow(unsafe_code)]

pub(crate) mod aligned;
pub(crate) mod lines;
pub(crate) mod scalar;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod tiles;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod vnni;

#[cfg(test)]
pub(crate) mod tests;

use lines::{F32Line, F64Line, I8Line, I16Line};

/// Roundings that a product of [`Kernel::f32_dots`] passes through: this many for each line of its
/// vectors, and [`F32_ROUNDINGS`]. A kernel adds in at least 4 lanes, so at most 4 of the 16 products
/// of a line are added to the same lane; each may be rounded before it is added to the first.
pub(crate) const F32_ROUNDINGS_PER_LINE: usize = 4;

/// See [`F32_ROUNDINGS_PER_LINE`]: of the product itself, and of the fold of at most 16 lanes.
pub(crate) const F32_ROUNDINGS: usize = 5;

/// An instruction set that this CPU was found to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Isa);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Isa {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    #[cfg(target_arch = "aarch64")]
    Neon(neon::Neon),
}

/// Calls one operation of whichever instruction set a token stands for.
macro_rules! dispatch {
    ($kernel:expr, $operation:ident($($argument:expr),*)) => {
        match $kernel.0 {
            Isa::Scalar => scalar::$operation($($argument),*),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(isa) => isa.$operation($($argument),*),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(isa) => isa.$operation($($argument),*),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon(isa) => isa.$operation($($argument),*),
        }
    };
}

/// A piece of plain Rust. Its method and all that this calls must be `inline(always)`.
pub(crate) trait Work {
    /// What it comes to.
    type Output;
    /// Does it.
    fn run(self) -> Self::Output;
}

impl Kernel {
    /// The kernel that defines every result; each CPU has it.
    pub const SCALAR: Self = Self(Isa::Scalar);

    /// The fastest kernel of this CPU. Costs a few cached feature tests.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let avx512 = avx512::Avx512::detect().map(Isa::Avx512);
            let avx2 = || avx2::Avx2::detect().map(Isa::Avx2);
            Self(avx512.or_else(avx2).unwrap_or(Isa::Scalar))
        }
        #[cfg(target_arch = "aarch64")]
        {
            Self(neon::Neon::detect().map_or(Isa::Scalar, Isa::Neon))
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        {
            Self::SCALAR
        }
    }

    /// Every kernel that this CPU can run, the scalar one first.
    pub fn available() -> Vec<Self> {
        let mut kernels = vec![Self::SCALAR];
        #[cfg(target_arch = "x86_64")]
        {
            kernels.extend(avx2::Avx2::detect().map(|isa| Self(Isa::Avx2(isa))));
            kernels.extend(avx512::Avx512::detect().map(|isa| Self(Isa::Avx512(isa))));
        }
        #[cfg(target_arch = "aarch64")]
        kernels.extend(neon::Neon::detect().map(|isa| Self(Isa::Neon(isa))));
        kernels
    }

    /// The kernel named `scalar`, `avx2`, `avx512` or `neon`; `None` if no kernel has this name or
    /// this CPU cannot run it.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::available()
            .into_iter()
            .find(|kernel| kernel.name() == name)
    }

    /// `scalar`, `avx2`, `avx512` or `neon`.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Isa::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(_) => "avx512",
            #[cfg(target_arch = "aarch64")]
            Isa::Neon(_) => "neon",
        }
    }

    /// The inner product of two vectors of the same number of lines.
    pub(crate) fn dot(self, a: &[F32Line], b: &[F32Line]) -> f64 {
        assert_eq!(a.len(), b.len(), "vectors of different dimensions");
        dispatch!(self, dot(a, b))
    }

    /// The inner products of `query` with two rows: two [`Kernel::dot`]s, for less.
    pub(crate) fn dot2(self, query: &[F32Line], rows: [&[F32Line]; 2]) -> [f64; 2] {
        for row in rows {
            assert_eq!(query.len(), row.len(), "vectors of different dimensions");
        }
        dispatch!(self, dot2(query, rows))
    }

    /// The inner products of `query` with four rows: four [`Kernel::dot`]s, for less. `more`: the
    /// rows are adjacent in memory and the rows behind them will probably be next, so these are
    /// prefetched. A wrong guess costs time and nothing else.
    pub(crate) fn dot4(self, query: &[F32Line], rows: [&[F32Line]; 4], more: bool) -> [f64; 4] {
        for row in rows {
            assert_eq!(query.len(), row.len(), "vectors of different dimensions");
        }
        dispatch!(self, dot4(query, rows, more))
    }

    /// `[q][r]`: the inner product of query q with row r, a row that was widened: the twelve
    /// [`Kernel::dot`]s of the narrow rows, for less. Widening costs as much as multiplying, and a row
    /// that is loaded once meets three queries. For rows that each meet many queries.
    pub(crate) fn wide_dots(
        self,
        queries: [&[F32Line]; 3],
        rows: [&[F64Line]; 4],
    ) -> [[f64; 4]; 3] {
        let lengths = queries
            .map(<[_]>::len)
            .into_iter()
            .chain(rows.map(<[_]>::len));
        for length in lengths {
            assert_eq!(queries[0].len(), length, "vectors of different dimensions");
        }
        dispatch!(self, wide_dots(queries, rows))
    }

    /// `[q][r]`: nearly the inner product of query q with row r. It is off by at most
    /// m·2⁻²⁴/(1 − m·2⁻²⁴) times the product of the norms, where m is [`F32_ROUNDINGS_PER_LINE`] times
    /// the number of lines and [`F32_ROUNDINGS`] more, as long as nothing leaves the range of f32.
    pub(crate) fn f32_dots(self, queries: [&[F32Line]; 3], rows: [&[F32Line]; 8]) -> [[f32; 8]; 3] {
        let lengths = queries
            .map(<[_]>::len)
            .into_iter()
            .chain(rows.map(<[_]>::len));
        for length in lengths {
            assert_eq!(queries[0].len(), length, "vectors of different dimensions");
        }
        dispatch!(self, f32_dots(queries, rows))
    }

    /// `out`: the integers nearest to `query` times `per_unit`, none of which is larger than
    /// [`I16Line::LARGEST`].
    pub(crate) fn quantise(self, query: &[F32Line], per_unit: f32, out: &mut [I16Line]) {
        dispatch!(self, quantise(query, per_unit, out));
    }

    /// The largest absolute component.
    pub(crate) fn largest(self, lines: &[F32Line]) -> f32 {
        dispatch!(self, largest(lines))
    }

    /// Runs a [`Work`], compiled with the instructions of this set: its loops over vectors use all
    /// lanes of the CPU. (A closure would not do: the compiler may leave one that is called twice, or
    /// is large, outside of the function that has the instructions.)
    pub(crate) fn work<W: Work>(self, work: W) -> W::Output {
        dispatch!(self, work(work))
    }

    /// The inner products of `query` with the sketches that lie end to end in `sketches`, one for
    /// each element of `out`. Overflow is not checked: the caller guarantees that the sum of the
    /// absolute values of a row's products fits an i32.
    pub(crate) fn sketch_dots(self, query: &[I16Line], sketches: &[I8Line], out: &mut [i32]) {
        assert_eq!(
            sketches.len(),
            query.len() * out.len(),
            "sketches of another shape"
        );
        dispatch!(self, sketch_dots(query, sketches, out));
    }

    /// [`Kernel::sketch_dots`] for four queries at once: `out[q][row]`.
    pub(crate) fn sketch_dots4(
        self,
        queries: [&[I16Line]; 4],
        sketches: &[I8Line],
        out: [&mut [i32]; 4],
    ) {
        for (query, out) in queries.iter().zip(&out) {
            assert_eq!(
                query.len(),
                queries[0].len(),
                "queries of different dimensions"
            );
            assert_eq!(
                sketches.len(),
                query.len() * out.len(),
                "sketches of another shape"
            );
        }
        dispatch!(self, sketch_dots4(queries, sketches, out));
    }
}
