//! What can be asked of a namespace, what comes of it, and why it may be refused.
//!
//! A command is complete: nothing in it depends on a clock, on chance or on who applies it, so
//! that it can be appended to a log and applied elsewhere with the same result. Vectors have been
//! taken in ([`crate::arithmetic::vector::take_in`]) and numbers checked against their limits before.

mod apply;
pub mod record;
mod recover;
mod store;

pub use apply::{Applied, Order, WriteError, execute};
pub use recover::{CategoryLoad, RecoveryError, Replay};
pub use store::Store;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::namespace::{CategoryView, Header, Profile};
use crate::settings::Metadata;

/// A write.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Changes description and labels; none: as they are.
    UpdateProfile {
        /// New description.
        description: Option<String>,
        /// New labels.
        labels: Option<Metadata>,
    },
    /// Creates or changes categories.
    PutCategories(Vec<CategoryPut>),
    /// Deletes categories; their members stay.
    DeleteCategories {
        /// Their keys.
        keys: Vec<String>,
        /// Passes over keys that no category has.
        allow_missing: bool,
    },
    /// Starts a category's average again from its base and its last members.
    Reanchor {
        /// Its key.
        key: String,
        /// Number of most recent members that go on counting.
        keep_last: u32,
    },
    /// Stores or changes items.
    PutItems(Vec<ItemPut>),
    /// Deletes items.
    DeleteItems {
        /// Their keys.
        keys: Vec<String>,
        /// Passes over keys that no item has.
        allow_missing: bool,
    },
    /// Puts items into categories.
    Assign(Vec<Assignment>),
    /// Takes items out of categories.
    Unassign(Vec<Unassignment>),
}

/// A category to create or change; none: as it is, or the default in a new one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CategoryPut {
    /// Its key.
    pub key: String,
    /// New base; `Some(None)` takes it away.
    pub base: Option<Option<Vec<f32>>>,
    /// New base weight.
    pub base_weight: Option<f32>,
    /// New window.
    pub window: Option<u32>,
    /// New least share of the base.
    pub min_base_share: Option<f64>,
    /// Whether members stop counting.
    pub frozen: Option<bool>,
    /// New metadata.
    pub metadata: Option<Metadata>,
}

/// What an entry says of an item; none: as it is, or the default in a new one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ItemPut {
    /// Its key.
    pub key: String,
    /// New embedding; a new item needs one.
    pub embedding: Option<Vec<f32>>,
    /// New weight.
    pub weight: Option<f32>,
    /// New metadata.
    pub metadata: Option<Metadata>,
}

/// An item to put into a category.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assignment {
    /// The item, and what the entry says of it.
    pub item: ItemPut,
    /// The category's key.
    pub category: String,
}

/// An item to take out of a category.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unassignment {
    /// The item's key.
    pub item: String,
    /// The category's key; none: all.
    pub category: Option<String>,
    /// The item is deleted too.
    pub delete_item: bool,
}

/// What came of a write. Kept with the request's id, so that a retry gets the first answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// Of [`Command::UpdateProfile`]: the namespace after it.
    UpdateProfile {
        /// Description and labels.
        profile: Profile,
        /// Counts.
        header: Box<Header>,
    },
    /// Of [`Command::PutCategories`], an entry each.
    PutCategories(Vec<Put>),
    /// Of [`Command::DeleteCategories`].
    DeleteCategories {
        /// Categories deleted.
        deleted: u64,
        /// Memberships that ended.
        unassigned: u64,
    },
    /// Of [`Command::Reanchor`]: the category after it.
    Reanchor(Box<CategoryView>),
    /// Of [`Command::PutItems`], an entry each.
    PutItems(Vec<Put>),
    /// Of [`Command::DeleteItems`].
    DeleteItems {
        /// Items deleted.
        deleted: u64,
    },
    /// Of [`Command::Assign`], an entry each.
    Assign(Vec<Assigned>),
    /// Of [`Command::Unassign`], an entry each.
    Unassign(Vec<Unassigned>),
}

impl Outcome {
    /// Fills in the drift that an entry of an Assign has asked for.
    pub fn tell_drift(&mut self, entry: usize, drift: Option<f64>) {
        if let Self::Assign(assigned) = self {
            assigned[entry].category_drift = drift;
        }
    }
}

/// What came of one entry that stores something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Put {
    /// The key.
    pub key: String,
    /// It is new.
    pub created: bool,
    /// Anything changed.
    pub changed: bool,
}

/// What came of one assignment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assigned {
    /// The item's key.
    pub item: String,
    /// The category's key.
    pub category: String,
    /// The category that the item left, or this one if it was in it already.
    pub previous: Option<String>,
    /// Anything changed.
    pub changed: bool,
    /// Cosine of the item with the category before; none if the category had no embedding.
    pub score_before: Option<f64>,
    /// The category's members after.
    pub category_count: u64,
    /// The category's drift after.
    pub category_drift: Option<f64>,
    /// The item is new.
    pub item_created: bool,
}

/// What came of one unassignment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unassigned {
    /// The item's key.
    pub item: String,
    /// The categories that it left.
    pub previous: Vec<String>,
    /// Anything changed.
    pub changed: bool,
    /// The item was deleted.
    pub item_deleted: bool,
}

/// Why a command was refused; nothing was changed. `index` is the entry's place in the batch.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No category has this key.
    #[error("category {key:?} does not exist")]
    CategoryNotFound {
        /// The entry.
        index: usize,
        /// The key.
        key: String,
    },
    /// No item has this key.
    #[error("item {key:?} does not exist")]
    ItemNotFound {
        /// The entry.
        index: usize,
        /// The key.
        key: String,
    },
    /// No item has this key, and the entry brings no embedding to make one.
    #[error("item {key:?} does not exist, and there is no embedding to create it with")]
    EmbeddingNeeded {
        /// The entry.
        index: usize,
        /// The key.
        key: String,
    },
    /// Two entries say different things of the same key.
    #[error("entries {first} and {index} say different things of {key:?}")]
    Contradiction {
        /// The later entry.
        index: usize,
        /// The earlier entry.
        first: usize,
        /// The key.
        key: String,
    },
    /// A category's sum would leave its range.
    #[error("component {component} of the sum of category {category:?} would leave ±2^23")]
    SumOverflow {
        /// The category's key.
        category: String,
        /// The component.
        component: usize,
    },
}
