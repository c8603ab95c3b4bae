//! The log: each change, in order, with who, when, why, and what was there before.
//!
//! An entry serves three readers. A person reads `changes`. An undo reads the before-images. A
//! restart reads `effects`: sums are written to disk now and then, and what the entries since did
//! to them is done again. As sums are integers and their order does not matter, this goes
//! backwards from the newest entry, so that an item's vector as of an entry is the stored one
//! until an entry is met that has replaced it and kept the one before.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::namespace::{CategoryRecord, Origin};
use crate::settings::Metadata;

/// One revision of a namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The revision that it makes: one more than the entry before.
    pub revision: u64,
    /// Who, when and why.
    pub origin: Origin,
    /// Id of the request; empty if it had none.
    pub request_id: String,
    /// What changed, in order.
    pub changes: Vec<Change>,
    /// What happened to sums, in order.
    pub effects: Vec<Effect>,
    /// Items as they were before this entry overwrote or deleted them.
    pub images: Vec<ItemImage>,
}

/// One thing that changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// The namespace was created (or restored from a snapshot).
    NamespaceCreated,
    /// Description or labels changed.
    ProfileUpdated {
        /// Description before.
        description: String,
        /// Labels before.
        labels: Metadata,
    },
    /// A category is new.
    CategoryCreated {
        /// Its key.
        key: Arc<str>,
    },
    /// A category's record changed.
    CategoryUpdated {
        /// Before.
        before: CategoryRecord,
    },
    /// A category was reanchored.
    Reanchored {
        /// Its key.
        key: Arc<str>,
        /// The anchor before.
        before: u64,
    },
    /// A category is gone.
    CategoryDeleted {
        /// Before.
        before: CategoryRecord,
    },
    /// An item is new.
    ItemCreated {
        /// Its key.
        key: String,
    },
    /// An item's embedding, weight or metadata changed; embedding and weight are in the images.
    ItemUpdated {
        /// Its key.
        key: String,
        /// Its identifier.
        id: i64,
        /// Metadata before.
        metadata: Metadata,
    },
    /// An item is gone; embedding and weight are in the images.
    ItemDeleted {
        /// Its key.
        key: String,
        /// Its identifier.
        id: i64,
        /// Metadata before.
        metadata: Metadata,
    },
    /// An item joined a category.
    Joined {
        /// The item's key.
        item: String,
        /// The category's key.
        category: Arc<str>,
    },
    /// An item left a category.
    Left {
        /// The item's key.
        item: String,
        /// The category's key.
        category: Arc<str>,
        /// The place it had in the order of assignment.
        sequence: u64,
        /// How it had come there.
        origin: Origin,
    },
}

/// What happened to the sum of one category by one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The category's identifier.
    pub category: i64,
    /// The item's identifier.
    pub item: i64,
    /// By how much the number of members changed: −1, 0, 1.
    pub members: i8,
    /// By how much the number of counting members changed: −1, 0, 1.
    pub counting: i8,
    /// The item as it was before the entry (in its images), not as after.
    pub before: bool,
}

/// What sums need to know of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemImage {
    /// The item's identifier.
    pub item: i64,
    /// Its weight.
    pub weight: f32,
    /// Its embedding.
    pub embedding: Vec<f32>,
}
