//! Hostile bytes: what is sent, what must hold whatever is sent, and how it is made.
//!
//! A [`Case`] is a few calls, one after the other, on a service over a real directory. The
//! [`World`] answers them and panics if anything that must hold does not: no defect, no status
//! outside the contract, no memory out of proportion to the request, nothing changed by what was
//! refused or only reads, nothing out of order after what was accepted.
//!
//! `targets/` hands cases to libFuzzer, which is guided by coverage (`make fuzz`); `tests/` hands
//! over the kept corpus and mutated requests, with the suite.
// A harness: what must not happen ends the run.
#![allow(clippy::unwrap_used)]

mod case;
pub mod decoders;
mod memory;
mod mutate;
mod oracle;
mod seeds;
mod world;

pub use case::{Call, Case};
pub use mutate::{mutate_buffer, mutate_case, mutate_message};
pub use seeds::{calls, decodable, restores};
pub use world::World;
