//! What the engine does when the disk fails or power is lost, by a layer under SQLite.
//!
//! A binary of its own: the layer has to be the default before the first database is opened.
//! The short forms run with the suite; `EE_FAULT_ROUNDS=<n>` multiplies the rounds.
// Helpers may unwrap like the tests that call them, and each binary uses a part of them.
#![allow(clippy::unwrap_used, dead_code)]

#[path = "../common/mod.rs"]
mod common;
mod disk_fails;
mod layer;
#[path = "../faults/model.rs"]
mod model;
mod power_loss;
#[path = "../faults/random.rs"]
mod random;
#[path = "../faults/workload.rs"]
mod workload;

/// Random rounds of a test: a few, or that times `EE_FAULT_ROUNDS`.
fn rounds(short: u64) -> u64 {
    let times = std::env::var("EE_FAULT_ROUNDS").ok();
    short * times.and_then(|times| times.parse().ok()).unwrap_or(1)
}
