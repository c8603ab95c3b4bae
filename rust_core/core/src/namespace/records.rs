//! The records of a namespace, as a store keeps them: items, memberships and categories.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::arithmetic::digest::{RecordHash, RecordHasher};
use crate::settings::{CategorySettings, Metadata};

/// The actor, the time and the reason of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Milliseconds since the Unix epoch, set when the command was put in order.
    pub time_ms: i64,
    /// The actor.
    pub actor: String,
    /// The reason.
    pub reason: String,
}

/// A stored item.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The store's identifier, never used again for another item.
    pub id: i64,
    /// Its key.
    pub key: String,
    /// Its weight in the mean of its categories.
    pub weight: f32,
    /// Its embedding, in the form in which the namespace stores vectors.
    pub embedding: Vec<f32>,
    /// Metadata of the caller.
    pub metadata: Metadata,
    /// Time of its creation, in milliseconds since the Unix epoch.
    pub created_ms: i64,
}

impl Item {
    /// The hash of the item in the digest.
    pub fn hash(&self) -> RecordHash {
        RecordHasher::with_room("item", size_of_val(&*self.embedding))
            .bytes(self.key.as_bytes())
            .bytes(&self.weight.to_le_bytes())
            .vector(&self.embedding)
            .map(&self.metadata)
            .finish()
    }
}

/// The hash of a membership in the digest. Sequence, time and actor are history, not state: they
/// differ between two paths to the same state.
pub fn membership_hash(item: &str, category: &str) -> RecordHash {
    RecordHasher::new("membership")
        .bytes(item.as_bytes())
        .bytes(category.as_bytes())
        .finish()
}

/// A stored membership.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Membership {
    /// Identifier of the item.
    pub item: i64,
    /// Identifier of the category.
    pub category: i64,
    /// Place in the namespace's order of assignment.
    pub sequence: u64,
    /// Its actor, time and reason.
    pub origin: Origin,
}

/// The hash of a dismissal in the digest; when, by whom and why is history.
pub fn dismissal_hash(item: &str, category: &str) -> RecordHash {
    RecordHasher::new("dismissal")
        .bytes(item.as_bytes())
        .bytes(category.as_bytes())
        .finish()
}

/// A stored dismissal: somebody said that an item does not belong to a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dismissal {
    /// Identifier of the item.
    pub item: i64,
    /// Identifier of the category.
    pub category: i64,
    /// Its actor, time and reason.
    pub origin: Origin,
}

/// The hash of a part in the digest. Parts are records of their own, so that the hash of an item does not
/// depend on whether it has any.
pub fn part_hash(composite: &str, part: &str, weight: f32) -> RecordHash {
    RecordHasher::new("part")
        .bytes(composite.as_bytes())
        .bytes(part.as_bytes())
        .bytes(&weight.to_le_bytes())
        .finish()
}

/// A stored part: an item in whose mean another item, the composite, has its embedding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Identifier of the composite.
    pub composite: i64,
    /// Identifier of the item that is a part of it.
    pub item: i64,
    /// The item's weight in the mean.
    pub weight: f32,
}

/// The stored part of a category, apart from the sums of its members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CategoryRecord {
    /// Its key.
    pub key: Arc<str>,
    /// Its settings.
    pub settings: CategorySettings,
    /// The embedding of its name.
    pub base: Option<Vec<f32>>,
    /// Metadata of the caller.
    pub metadata: Metadata,
    /// A reanchor has excluded members up to this sequence.
    pub anchor: u64,
    /// Time of its creation, in milliseconds since the Unix epoch.
    pub created_ms: i64,
}
