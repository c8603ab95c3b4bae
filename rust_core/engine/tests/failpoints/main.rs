//! The engine when an operation fails at a failpoint, or the process ends there.
//!
//! A test binary of its own: a process that it starts inherits the locks of all open directories. The
//! short form runs with the suite; with `EE_FAULT_ROUNDS=<n>` each failpoint also fails when it is
//! reached for the second, third … n-th time.
// Helpers may unwrap like the tests that call them, and each binary uses a part of them.
#![allow(clippy::unwrap_used, dead_code)]

mod child;
#[path = "../common/mod.rs"]
mod common;
mod failpoints;
#[path = "../faults/model.rs"]
mod model;
#[path = "../faults/random.rs"]
mod random;
#[path = "../faults/workload.rs"]
mod workload;

/// Random rounds of a test: a few, or that times `EE_FAULT_ROUNDS`.
fn rounds(short: u64) -> u64 {
    let times = std::env::var("EE_FAULT_ROUNDS").ok();
    short * times.and_then(|times| times.parse().ok()).unwrap_or(1)
}
