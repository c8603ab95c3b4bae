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

mod api;
mod catalog;
mod clock;
mod engine;
mod error;
#[cfg(not(feature = "failpoints"))]
mod failpoints;
#[cfg(feature = "failpoints")]
pub mod failpoints;
mod maintenance;
mod metrics;
mod read;
mod shared;
mod store;
mod transfer;
mod write;

pub use api::*;
pub use catalog::cached_namespace::NamespaceHandle;
pub use engine::Engine;
pub use error::{Error, Result};
pub use maintenance::backup::backup;
pub use maintenance::repair::{Lost, RepairReport, RepairedNamespace, repair};
pub use metrics::{Distribution, Kind, METRICS, Metric, Stats, Value};
pub use read::consistent::MAX_REVISION_WAIT;
pub use transfer::restore::Restore;
pub use transfer::snapshot::Snapshot;
