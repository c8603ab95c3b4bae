//! Fuzzing with hostile bytes: cases, invariants and generators.
//!
//! A [`Case`] is a sequence of calls on a service over a real directory. The [`World`] answers them
//! and panics if an invariant is violated: no defect, no status outside the contract, no memory out of
//! proportion to the request, no change by a refused call or a read, and a valid state after an
//! accepted one.
//!
//! `targets/` run cases of libFuzzer, which is guided by coverage (`make fuzz`); `tests/` run the kept
//! corpus and mutated requests with the test suite.
// A harness: a violation ends the run.
#![allow(clippy::unwrap_used)]

mod case;
pub mod decoders;
pub mod listener;
mod memory;
mod mutate;
mod oracle;
mod seeds;
mod world;

pub use case::{Call, Case};
pub use mutate::{mutate_buffer, mutate_bytes, mutate_case, mutate_message};
pub use seeds::{calls, decodable, restores};
pub use world::World;
