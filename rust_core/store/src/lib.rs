//! Where namespaces are stored, behind one interface.
//!
//! ```text
//! engine ── Backend ─┬─ View    reads as of one moment
//!                    └─ WriteSession  transactions, upkeep
//!             │
//!             └─ sqlite (one directory, one writer)      store_testing: in memory (tests)
//! ```
//!
//! The engine knows [`Backend`], [`View`] and [`WriteSession`] and no SQL; SQL, transactions, the files of
//! a data directory, their lock and their watermarks stop at this crate. The form of
//! a stored record, and how it grows a field, is in [`codec`], the same for all backends.
//!
//! Invariants:
//!
//! 1. A transaction ends as [`Commit::Committed`], [`Commit::Conflict`] (nothing was written) or
//!    [`Commit::Unknown`]; a backend never reports the first two unless it knows.
//! 2. A record that has a field of a newer version is refused by name, never read in part.
//! 3. The first error of the disk ends writing for good ([`FailureLatch`]).

pub mod backend;
mod checksum;
pub mod codec;
mod error;
#[cfg(not(feature = "failpoints"))]
#[doc(hidden)]
pub mod failpoints;
#[cfg(feature = "failpoints")]
pub mod failpoints;
mod failure;
pub mod idempotency;
pub mod namespace;
pub mod sqlite;
pub mod time;
mod trim;

pub use backend::{
    Backend, Commit, Description, Enlisted, FilesReport, ItemReads, LogRange, LogRow, Reads,
    Restored, RestoredItem, Sizes, StoredRequest, View, Wake, WriteSession,
};
pub use error::{Owner, StoreError, StoreResult};
pub use failure::FailureLatch;
pub use namespace::{DamagedNamespace, NamespaceRow, NamespaceState};
pub use trim::{HistoryStart, TrimStep, Trimmed};
