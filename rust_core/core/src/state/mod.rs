//! The state of one namespace in memory: what is published to readers, and drafts of what will be.
//!
//! Writers never touch what readers see while they work. A write prepares drafts of the few rows
//! that it changes ([`Draft`]), and once it is durable they are copied in ([`Namespace::publish`]):
//! O(dimension) a row, and nothing in it can fail.

mod category;
mod draft;
mod grid;
mod namespace;
mod ranking;
mod recover;

pub use category::{Absorbed, Asking, Category, CategoryDraft, CategoryView, Told};
pub use draft::{Draft, Header};
pub use namespace::{Namespace, Profile};
pub use ranking::{Filter, Match, MatchOptions, Ranking};
pub use recover::{CategoryLoad, RecoveryError, Replay};
