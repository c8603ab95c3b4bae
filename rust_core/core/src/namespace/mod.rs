//! The state of one namespace in memory: what is published to readers, and drafts of what will be.
//!
//! A writer never touches what readers see while it works. A write prepares drafts of the few rows
//! that it changes ([`Draft`]); once the write is durable the drafts are copied in
//! ([`Namespace::publish`]), which costs O(dimension) a row and cannot fail.

mod calibration_cache;
mod category;
mod category_draft;
mod category_view;
mod confidence;
mod draft;
mod evidence_cache;
mod handicap;
mod header;
mod leading;
mod leaving;
mod loading;
mod matching;
mod matrix;
mod member_cache;
mod member_stats;
mod parts_mean;
mod published;
mod records;
mod review;

pub(crate) use crate::scoring::Member;
pub use crate::scoring::{UnitCorrection, UnitCorrections};
pub use category::Category;
pub use category_draft::{CategoryDraft, EntryDrift, EntryIndex, SumOverflow};
pub use category_view::CategoryView;
pub use draft::Draft;
pub use header::{Header, Profile};
pub use leading::{Lead, Leads};
pub use leaving::{MemberSum, Without};
pub(crate) use loading::LoadingNamespace;
pub use matching::{Filter, Match, MatchOptions, MissingMembers, MoreMembers, Parts, Ranking};
pub use member_cache::MemberMemory;
pub use member_stats::{MemberStats, Rebuild};
pub use parts_mean::PartsMean;
pub use published::Namespace;
pub use records::{
    CategoryRecord, Dismissal, Item, Membership, Origin, Part, dismissal_hash, membership_hash,
    part_hash,
};
pub use review::{MemberFit, ReviewMember};
