//! The state of one namespace in memory: what is published to readers, and drafts of what will be.
//!
//! Writers never touch what readers see while they work. A write prepares drafts of the few rows
//! that it changes ([`Draft`]), and once it is durable they are copied in ([`Namespace::publish`]):
//! O(dimension) a row, and nothing in it can fail.

mod category;
mod draft;
mod matching;
mod matrix;
mod namespace;
mod records;

pub use category::{Absorbed, Asking, Category, CategoryDraft, CategoryView, Told};
pub use draft::{Draft, Header};
pub use matching::{Filter, Match, MatchOptions, Ranking};
pub use namespace::{Namespace, Profile};
pub use records::{CategoryRecord, Item, Membership, Origin, membership_hash};
