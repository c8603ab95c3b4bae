//! Namespaces on disk: one ordered log of commands, a store, group commit, recovery.
//!
//! ```text
//! caller ── Engine ─┬─ reads: Registry (namespaces in memory) and Readers (the store, one moment)
//!                   └─ writes: Writer ── Group (one transaction) ── commit ── publish ── reply
//! ```
//!
//! Invariants:
//!
//! 1. A write is durable before it is visible. Everything that can fail comes before the commit;
//!    publishing is copying.
//! 2. Who has the pen writes, one at a time, through one connection. (The log is copied back
//!    beside it.) An error of the disk stops writing for good.
//! 3. Memory is derived: a namespace that is read back has the digest that was recorded, or it is
//!    not served.
//! 4. SQL is spoken in `store` only.

mod answer;
mod api;
mod backup;
mod clock;
mod copier;
mod directory;
mod engine;
mod error;
#[cfg(not(feature = "failpoints"))]
mod failpoints;
#[cfg(feature = "failpoints")]
pub mod failpoints;
mod files;
mod group;
mod load;
mod loaded;
mod queue;
mod ranking;
mod read;
mod registry;
mod repair;
mod restore;
mod shared;
mod shared_scan;
mod snapshot;
mod stats;
mod store;
mod suggestions;
mod sums;
mod verify;
mod worker;
mod writer;

pub use api::*;
pub use backup::backup;
pub use engine::Engine;
pub use error::{Error, Result};
pub use loaded::Target;
pub use read::MAX_REVISION_WAIT;
pub use repair::{Lost, RepairReport, RepairedNamespace, repair};
pub use restore::Restore;
pub use snapshot::Snapshot;
pub use stats::{Distribution, Stats};
