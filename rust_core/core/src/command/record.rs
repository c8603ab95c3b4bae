//! Log entries: each change, in order, with its actor, time and reason, and the state before.
//!
//! An entry has three kinds of readers. A person reads `changes`. An undo reads the before-images. A
//! restart reads `effects`: sums are written to disk lazily, and the effects of later entries are
//! applied to them again. Sums are integers and the order of their parts does not matter, so this
//! goes backwards from the newest entry: the vector of an item as of an entry is the stored one, or
//! the image kept by the entry that has replaced it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::namespace::{CategoryRecord, Origin};
use crate::settings::{HistoryKeep, Metadata, RankingSettings};

/// One revision of a namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The revision after it: one more than that of the entry before.
    pub revision: u64,
    /// Its actor, time and reason.
    pub origin: Origin,
    /// Id of the request; empty if it had none.
    pub request_id: String,
    /// The changes, in order.
    pub changes: Vec<Change>,
    /// The effects on sums, in order.
    pub effects: Vec<Effect>,
    /// Items as they were before this entry overwrote or deleted them.
    pub images: Vec<ItemImage>,
    /// Of an undo, for each change: the revision whose change it takes back. Empty in other entries.
    #[serde(skip)]
    pub undone: Vec<u64>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// The namespace was created (or restored from a snapshot).
    NamespaceCreated,
    /// Description, labels, ranking or retention changed.
    ProfileUpdated {
        /// Description before.
        description: String,
        /// Labels before.
        labels: Metadata,
        /// Ranking before.
        #[serde(skip)]
        ranking: RankingSettings,
        /// Retention before.
        #[serde(skip)]
        history_keep: HistoryKeep,
    },
    /// A category was created.
    CategoryCreated {
        /// Its key.
        key: Arc<str>,
    },
    /// A category's record changed.
    CategoryUpdated {
        /// The record before.
        before: CategoryRecord,
    },
    /// A category was reanchored.
    Reanchored {
        /// Its key.
        key: Arc<str>,
        /// The anchor before.
        before: u64,
    },
    /// A category was deleted.
    CategoryDeleted {
        /// The record before.
        before: CategoryRecord,
    },
    /// An item was created.
    ItemCreated {
        /// Its key.
        key: String,
    },
    /// An item's embedding, weight or metadata changed; embedding and weight before are in the images. It
    /// is a plain item, or was one.
    ItemUpdated {
        /// Its key.
        key: String,
        /// Its identifier.
        id: i64,
        /// Metadata before.
        metadata: Metadata,
    },
    /// An item was deleted; its embedding and weight are in the images.
    ItemDeleted {
        /// Its key.
        key: String,
        /// Its identifier.
        id: i64,
        /// Metadata before.
        metadata: Metadata,
        /// When it was created, in milliseconds since the Unix epoch; `None`: the entry is of a version
        /// that did not record it.
        #[serde(skip)]
        created_ms: Option<i64>,
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
        /// Its place in the order of assignment.
        sequence: u64,
        /// Actor, time and reason of the assignment that has ended.
        origin: Origin,
    },
    /// A category got another key.
    CategoryRenamed {
        /// The key before.
        from: Arc<str>,
        /// The key after.
        to: Arc<str>,
    },
    /// Somebody said that an item does not belong to a category.
    Dismissed {
        /// The item's key.
        item: String,
        /// The category's key.
        category: Arc<str>,
    },
    /// That is not so any more: it was withdrawn, the item joined the category, or one of them was
    /// deleted.
    DismissalEnded {
        /// The item's key.
        item: String,
        /// The category's key.
        category: Arc<str>,
        /// Actor, time and reason of the dismissal that has ended.
        origin: Origin,
    },
    /// A composite item's embedding, weight or metadata changed, and it has stayed composite; embedding
    /// and weight before are in the images.
    CompositeUpdated {
        /// Its key.
        key: String,
        /// Its identifier.
        id: i64,
        /// Metadata before.
        metadata: Metadata,
        /// Whether its embedding alone changed, since its parts have: an undo leaves that to the parts.
        followed: bool,
    },
    /// A plain item became composite again, since an undo brings back its parts; the embedding that it had
    /// on its own is in the images.
    Composed {
        /// Its key.
        key: String,
        /// Its identifier.
        id: i64,
        /// Metadata before.
        metadata: Metadata,
    },
    /// An item became a part of a composite item.
    PartAdded {
        /// The composite's key.
        item: String,
        /// The part's key.
        part: String,
        /// The part's weight in the mean.
        weight: f32,
    },
    /// An item is no part of a composite item any more.
    PartRemoved {
        /// The composite's key.
        item: String,
        /// The part's key.
        part: String,
        /// The part's weight in the mean.
        weight: f32,
    },
}

/// What a change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeKind {
    /// [`Change::NamespaceCreated`].
    NamespaceCreated,
    /// [`Change::ProfileUpdated`].
    ProfileUpdated,
    /// [`Change::CategoryCreated`].
    CategoryCreated,
    /// [`Change::CategoryUpdated`].
    CategoryUpdated,
    /// [`Change::Reanchored`].
    Reanchored,
    /// [`Change::CategoryDeleted`].
    CategoryDeleted,
    /// [`Change::ItemCreated`].
    ItemCreated,
    /// [`Change::ItemUpdated`], [`Change::CompositeUpdated`], [`Change::Composed`].
    ItemUpdated,
    /// [`Change::ItemDeleted`].
    ItemDeleted,
    /// [`Change::Joined`].
    Joined,
    /// [`Change::Left`].
    Left,
    /// [`Change::CategoryRenamed`].
    CategoryRenamed,
    /// [`Change::Dismissed`].
    Dismissed,
    /// [`Change::DismissalEnded`].
    DismissalEnded,
    /// [`Change::PartAdded`].
    PartAdded,
    /// [`Change::PartRemoved`].
    PartRemoved,
}

impl Change {
    /// What it did.
    pub fn kind(&self) -> ChangeKind {
        match self {
            Self::NamespaceCreated => ChangeKind::NamespaceCreated,
            Self::ProfileUpdated { .. } => ChangeKind::ProfileUpdated,
            Self::CategoryCreated { .. } => ChangeKind::CategoryCreated,
            Self::CategoryUpdated { .. } => ChangeKind::CategoryUpdated,
            Self::Reanchored { .. } => ChangeKind::Reanchored,
            Self::CategoryDeleted { .. } => ChangeKind::CategoryDeleted,
            Self::ItemCreated { .. } => ChangeKind::ItemCreated,
            Self::ItemUpdated { .. } | Self::CompositeUpdated { .. } | Self::Composed { .. } => {
                ChangeKind::ItemUpdated
            }
            Self::ItemDeleted { .. } => ChangeKind::ItemDeleted,
            Self::Joined { .. } => ChangeKind::Joined,
            Self::Left { .. } => ChangeKind::Left,
            Self::CategoryRenamed { .. } => ChangeKind::CategoryRenamed,
            Self::Dismissed { .. } => ChangeKind::Dismissed,
            Self::DismissalEnded { .. } => ChangeKind::DismissalEnded,
            Self::PartAdded { .. } => ChangeKind::PartAdded,
            Self::PartRemoved { .. } => ChangeKind::PartRemoved,
        }
    }

    /// The key of the item that changed: of a part, the composite.
    pub fn item(&self) -> Option<&str> {
        match self {
            Self::ItemCreated { key }
            | Self::ItemUpdated { key, .. }
            | Self::CompositeUpdated { key, .. }
            | Self::Composed { key, .. }
            | Self::ItemDeleted { key, .. } => Some(key),
            Self::Joined { item, .. }
            | Self::Left { item, .. }
            | Self::Dismissed { item, .. }
            | Self::DismissalEnded { item, .. }
            | Self::PartAdded { item, .. }
            | Self::PartRemoved { item, .. } => Some(item),
            _ => None,
        }
    }

    /// The key of the item that became a part of another item, or is one no more.
    pub fn part(&self) -> Option<&str> {
        match self {
            Self::PartAdded { part, .. } | Self::PartRemoved { part, .. } => Some(part),
            _ => None,
        }
    }

    /// The identifier of the item whose state before the change may be in the images.
    pub fn imaged(&self) -> Option<i64> {
        match self {
            Self::ItemUpdated { id, .. }
            | Self::CompositeUpdated { id, .. }
            | Self::Composed { id, .. }
            | Self::ItemDeleted { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// The key of the category that changed, or that the item joined, left or does not belong to: of a
    /// rename the new one.
    pub fn category(&self) -> Option<&Arc<str>> {
        match self {
            Self::CategoryCreated { key } | Self::Reanchored { key, .. } => Some(key),
            Self::CategoryUpdated { before } | Self::CategoryDeleted { before } => {
                Some(&before.key)
            }
            Self::Joined { category, .. }
            | Self::Left { category, .. }
            | Self::Dismissed { category, .. }
            | Self::DismissalEnded { category, .. } => Some(category),
            Self::CategoryRenamed { to, .. } => Some(to),
            _ => None,
        }
    }

    /// The key that the category of a rename had before.
    pub fn former_category(&self) -> Option<&Arc<str>> {
        match self {
            Self::CategoryRenamed { from, .. } => Some(from),
            _ => None,
        }
    }
}

/// The effect of one item on the sum of one category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The category's identifier.
    pub category: i64,
    /// The item's identifier.
    pub item: i64,
    /// Change of the number of members: −1, 0, 1.
    pub members: i8,
    /// Change of the number of counting members: −1, 0, 1.
    pub counting: i8,
    /// Whether the effect is that of the item before the entry (in its images), not after.
    pub before: bool,
    /// The actor of the item's assignment, if the category caps the share of an actor.
    #[serde(skip)]
    pub actor: Option<Arc<str>>,
}

/// The part of an item that sums depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemImage {
    /// The item's identifier.
    pub item: i64,
    /// Its weight.
    pub weight: f32,
    /// Its embedding.
    pub embedding: Vec<f32>,
}
