//! For tests: a store in memory, and the suite that every store passes. No product code depends on
//! this crate.

pub mod conformance;
mod memory;
mod memory_reads;
mod memory_rows;
mod memory_state;

pub use memory::{InjectedEnd, Memory};
