//! The records of a namespace, as a store keeps them: items, memberships and categories.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::arithmetic::digest::{RecordHash, RecordHasher};
use crate::settings::{CategorySettings, Metadata};

/// Who made a change, when and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Milliseconds since the Unix epoch, given by whoever put the command in order.
    pub time_ms: i64,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// A stored item.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The store's identifier, never used again for another item.
    pub id: i64,
    /// Its key.
    pub key: String,
    /// How much it teaches.
    pub weight: f32,
    /// Its embedding, as the namespace keeps vectors.
    pub embedding: Vec<f32>,
    /// Data of the caller's own.
    pub metadata: Metadata,
    /// When it was first stored.
    pub created_ms: i64,
}

impl Item {
    /// Hash of what the digest knows of an item.
    pub fn hash(&self) -> RecordHash {
        RecordHasher::with_room("item", size_of_val(&*self.embedding))
            .bytes(self.key.as_bytes())
            .bytes(&self.weight.to_le_bytes())
            .vector(&self.embedding)
            .map(&self.metadata)
            .finish()
    }
}

/// Hash of what the digest knows of a membership. Sequence, time and actor are history, not
/// state: they differ between two paths to the same place.
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
    /// Who, when and why.
    pub origin: Origin,
}

/// What is stored of a category, apart from what it has absorbed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CategoryRecord {
    /// Its key.
    pub key: Arc<str>,
    /// Its settings.
    pub settings: CategorySettings,
    /// The embedding of its name.
    pub base: Option<Vec<f32>>,
    /// Data of the caller's own.
    pub metadata: Metadata,
    /// Members up to this sequence have been left behind.
    pub anchor: u64,
    /// When it was created.
    pub created_ms: i64,
}
