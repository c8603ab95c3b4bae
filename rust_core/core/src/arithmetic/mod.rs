//! Arithmetic whose results are the same bits on every machine: exact sums, vectors, digests, and
//! the limits of the numbers that reach them.

pub mod digest;
pub mod fixed;
pub mod limits;
pub mod vector;
