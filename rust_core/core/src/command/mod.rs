//! Commands: the writes of a namespace, their results, and how they are applied.
//!
//! A command is complete: nothing in it depends on a clock, on chance or on the machine that
//! applies it, so that it can be appended to a log and applied elsewhere with the same result.
//! Before, vectors were checked and normalized by [`crate::arithmetic::vector::normalize`], and
//! numbers checked against their limits.

mod apply;
mod bounds;
mod outcome;
mod prepared;
pub mod record;
mod recover;
mod rejection;
mod store;
pub mod undo;

pub use apply::{Applied, CommandContext, WriteError, execute};
pub use bounds::{MAX_COMPOSITES, MAX_MEMBERSHIPS, MAX_MERGED, MAX_PARTS};
pub use outcome::{
    Assigned, Merged, MergedSource, Outcome, Put, UNDO_LISTED, Unassigned, Undone, UndoneChange,
};
pub use prepared::{
    MAX_REBUILD, Prepared, PreparedRename, PreparedSum, rename_dismissal, rename_membership,
};
pub use recover::{CategoryLoad, RecoveryError, Replay};
pub use rejection::Rejection;
pub use store::Store;

use std::sync::Arc;

use crate::settings::{HistoryKeep, Metadata, RankingMode};

/// A change of what a namespace is told that may change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProfileUpdate {
    /// New description.
    pub description: Option<String>,
    /// New labels.
    pub labels: Option<Metadata>,
    /// New ranking, with its own default of fairness where `fairness` does not say otherwise.
    pub ranking: Option<RankingMode>,
    /// New fairness.
    pub fairness: Option<f64>,
    /// New retention.
    pub history_keep: Option<HistoryKeep>,
}

/// A write.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Changes description, labels, ranking and retention; `None` leaves them as they are.
    UpdateProfile(ProfileUpdate),
    /// Creates or changes categories.
    PutCategories(Vec<CategoryPut>),
    /// Deletes categories; their members stay.
    DeleteCategories {
        /// Their keys.
        keys: Vec<String>,
        /// Whether keys that no category has are ignored.
        allow_missing: bool,
    },
    /// Restarts a category's mean from its base and its last members.
    Reanchor {
        /// Its key.
        key: String,
        /// Number of most recent members that continue to count.
        keep_last: u32,
    },
    /// Gives a category another key; everything else of it stays.
    RenameCategory {
        /// Its key.
        key: String,
        /// Its new key.
        new_key: String,
    },
    /// Makes the members of some categories members of another one, and deletes those categories.
    MergeCategories {
        /// The keys of the categories that are deleted.
        sources: Vec<String>,
        /// The key of the category that stays.
        target: String,
    },
    /// Stores or changes items.
    PutItems(Vec<ItemPut>),
    /// Deletes items.
    DeleteItems {
        /// Their keys.
        keys: Vec<String>,
        /// Whether keys that no item has are ignored.
        allow_missing: bool,
    },
    /// Puts items into categories.
    Assign(Vec<Assignment>),
    /// Takes items out of categories.
    Unassign(Vec<Unassignment>),
    /// Says of items that they do not belong to categories.
    Dismiss {
        /// The pairs.
        pairs: Vec<ItemCategory>,
        /// Whether this is taken back: the pairs are not dismissed afterwards.
        withdraw: bool,
    },
    /// Takes changes back.
    Undo(Arc<undo::UndoPlan>),
}

impl Command {
    /// How many categories, items or pairs it names.
    pub fn entries(&self) -> usize {
        match self {
            Self::PutCategories(puts) => puts.len(),
            Self::DeleteCategories { keys, .. } | Self::DeleteItems { keys, .. } => keys.len(),
            Self::PutItems(puts) => puts.len(),
            Self::Assign(assignments) => assignments.len(),
            Self::Unassign(unassignments) => unassignments.len(),
            Self::Dismiss { pairs, .. } => pairs.len(),
            Self::MergeCategories { sources, .. } => sources.len(),
            Self::UpdateProfile(_)
            | Self::Reanchor { .. }
            | Self::RenameCategory { .. }
            | Self::Undo(_) => 1,
        }
    }
}

/// A category to create or change. `None` leaves a field as it is, or at its default in a new
/// category.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CategoryPut {
    /// Its key.
    pub key: String,
    /// New base; `Some(None)` removes it.
    pub base: Option<Option<Vec<f32>>>,
    /// New base weight.
    pub base_weight: Option<f32>,
    /// New window.
    pub window: Option<u32>,
    /// New minimum share of the base.
    pub min_base_share: Option<f64>,
    /// Whether members stop counting.
    pub frozen: Option<bool>,
    /// New least score of a match; `Some(None)` removes it.
    pub min_score: Option<Option<f64>>,
    /// New cap on the share of an actor; `Some(None)` removes it.
    pub max_actor_share: Option<Option<f64>>,
    /// New metadata.
    pub metadata: Option<Metadata>,
}

/// An item to create or change. `None` leaves a field as it is, or at its default in a new item.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ItemPut {
    /// Its key.
    pub key: String,
    /// New embedding; a new item needs one, or parts.
    pub embedding: Option<Vec<f32>>,
    /// New parts, at least one and of distinct items; never beside an embedding. The item is composite
    /// then, and an embedding makes it a plain item again.
    pub parts: Option<Vec<PartPut>>,
    /// New weight.
    pub weight: Option<f32>,
    /// New metadata.
    pub metadata: Option<Metadata>,
    /// The category that the item must be in before the command; empty: none. `None`: any.
    pub expected_category: Option<String>,
}

impl ItemPut {
    /// The item, and the category that it must be in.
    pub(crate) fn expectation(&self) -> (&str, Option<&str>) {
        (&self.key, self.expected_category.as_deref())
    }
}

/// A part of a composite item.
#[derive(Clone, Debug, PartialEq)]
pub struct PartPut {
    /// The key of the item that is the part.
    pub item: String,
    /// Its weight in the mean of the parts.
    pub weight: f32,
}

/// An item to put into a category.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assignment {
    /// The item, and the fields that the entry sets.
    pub item: ItemPut,
    /// The category's key.
    pub category: String,
}

/// An item and a category, by their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemCategory {
    /// The item's key.
    pub item: String,
    /// The category's key.
    pub category: String,
}

/// An item to take out of a category.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unassignment {
    /// The item's key.
    pub item: String,
    /// The category's key; `None`: all categories.
    pub category: Option<String>,
    /// Whether the item is deleted too.
    pub delete_item: bool,
    /// The category that the item must be in before the command; empty: none. `None`: any.
    pub expected_category: Option<String>,
}
