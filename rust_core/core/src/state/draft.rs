//! What a namespace will be once a write is durable.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::{CategoryDraft, Namespace, Profile};
use crate::digest::{RecordHasher, SetDigest};
use crate::settings::{MembershipMode, NamespaceSettings, Normalization};

/// What a namespace counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Writes so far.
    pub revision: u64,
    /// Place in the order of assignment that the next membership gets; the first is 1.
    pub next_sequence: u64,
    /// Categories.
    pub categories: u64,
    /// Items.
    pub items: u64,
    /// Memberships.
    pub memberships: u64,
    /// Sum of the hashes of all categories.
    pub category_records: SetDigest,
    /// Sum of the hashes of all items and memberships.
    pub item_records: SetDigest,
}

impl Header {
    /// The state digest: a function of the settings and of what there is.
    pub fn digest(&self, settings: &NamespaceSettings) -> [u8; 32] {
        RecordHasher::new("namespace")
            .bytes(&settings.dimension.to_le_bytes())
            .bytes(settings.embedding_model.as_bytes())
            .bytes(match settings.normalization {
                Normalization::Raw => b"raw",
                Normalization::Unit => b"unit",
            })
            .bytes(match settings.membership {
                MembershipMode::Single => b"single",
                MembershipMode::Multiple => b"multiple",
            })
            .bytes(&self.categories.to_le_bytes())
            .bytes(&self.items.to_le_bytes())
            .bytes(&self.memberships.to_le_bytes())
            .bytes(&self.category_records.to_bytes())
            .bytes(&self.item_records.to_bytes())
            .finish()
    }
}

/// Changes on top of a published namespace.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The counts after the changes.
    pub header: Header,
    /// Description and labels, where they changed.
    pub profile: Option<Profile>,
    /// The categories that were looked at, by key; none: gone.
    pub categories: FxHashMap<Arc<str>, Option<CategoryDraft>>,
    /// Keys of the categories in here, by identifier.
    pub keys: FxHashMap<i64, Arc<str>>,
}

impl Draft {
    /// No changes on top of a namespace with these counts.
    pub fn new(header: Header) -> Self {
        Self {
            header,
            profile: None,
            categories: FxHashMap::default(),
            keys: FxHashMap::default(),
        }
    }

    /// Takes in the changes of a command that came after.
    pub fn merge(&mut self, later: Draft) {
        self.header = later.header;
        self.profile = later.profile.or(self.profile.take());
        self.keys.extend(later.keys);
        // A later draft of a category was made from the earlier one, so it knows all of it.
        self.categories.extend(later.categories);
    }

    /// The draft of a category: from here, or a copy of what is published.
    pub fn category(&self, published: &Namespace, key: &str) -> Option<CategoryDraft> {
        match self.categories.get(key) {
            Some(draft) => draft.clone(),
            None => published.draft_of(key),
        }
    }

    /// The key of the category with an identifier.
    pub fn key_of(&self, published: &Namespace, id: i64) -> Option<Arc<str>> {
        self.keys.get(&id).cloned().or_else(|| published.key_of(id))
    }
}
