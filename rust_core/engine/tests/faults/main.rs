//! What the engine does when a step fails, the process dies, bits rot, or many write at once. Each test compares what is there afterwards with a plain map.
//!
//! The short forms run with the suite. `EE_FAULT_ROUNDS=<n>` multiplies the random rounds.
// Helpers may unwrap like the tests that call them, and each binary uses a part of them.
#![allow(clippy::unwrap_used, dead_code)]

mod clock_and_limits;
#[path = "../common/mod.rs"]
mod common;
mod composites;
mod concurrency;
mod format;
mod lifecycle;
mod long_writes;
mod members;
mod model;
mod past;
mod random;
mod regressions;
mod repairs;
mod rot;
mod shared_store;
mod trims;
mod undo;
mod workload;
mod written_sums;

/// Random rounds of a test: a few, or that times `EE_FAULT_ROUNDS`.
fn rounds(short: u64) -> u64 {
    let times = std::env::var("EE_FAULT_ROUNDS").ok();
    short * times.and_then(|times| times.parse().ok()).unwrap_or(1)
}
