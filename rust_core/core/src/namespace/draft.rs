//! What a namespace will be once a write is durable.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::{CategoryDraft, Namespace, Profile, Told};
use crate::arithmetic::digest::{RecordHasher, SetDigest};
use crate::namespace::Item;
use crate::parallel::run_beside;
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

/// Changes on top of a published namespace. Until it is settled, the digests in its header lack
/// what was created or changed; until it is complete, readers lack directions.
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
    /// New items, whose hashes are not in the header yet.
    pub created: Vec<Item>,
    /// Entries that asked for a category's drift, and what it was.
    pub told: Vec<Told>,
}

/// Items and categories to settle or complete from which on other threads are asked to help: some
/// tens of microseconds of work each way.
const SHARED: usize = 12;

/// Something to hash.
enum Unsettled<'a> {
    Item(&'a Item),
    Category(&'a mut CategoryDraft),
}

impl Draft {
    /// No changes on top of a namespace with these counts.
    pub fn new(header: Header) -> Self {
        Self {
            header,
            profile: None,
            categories: FxHashMap::default(),
            keys: FxHashMap::default(),
            created: Vec::new(),
            told: Vec::new(),
        }
    }

    /// Takes in the changes of a command that came after.
    pub fn merge(&mut self, later: Draft) {
        self.header = later.header;
        self.profile = later.profile.or(self.profile.take());
        self.keys.extend(later.keys);
        // A later draft of a category was made from the earlier one, so it knows all of it.
        self.categories.extend(later.categories);
        self.created.extend(later.created);
        self.told.extend(later.told);
    }

    /// Computes what has to be durable and no command has needed so far, on up to so many threads:
    /// the hashes of what is new or changed, and with them the digests. Cannot fail.
    ///
    /// The digest is a sum, so it does not matter who has added what.
    ///
    /// `own` is what this thread does first, while others begin.
    pub fn settle(&mut self, threads: usize, own: impl FnOnce()) {
        let created = std::mem::take(&mut self.created);
        let categories = self.categories.values_mut().flatten();
        let unsettled = categories.filter(|category| category.is_stale());
        let unsettled: Vec<_> = unsettled.map(Unsettled::Category).collect();
        let count = created.len() + unsettled.len();
        let threads = if count < SHARED { 1 } else { threads };
        let rest = Mutex::new(created.iter().map(Unsettled::Item).chain(unsettled));
        let next = || next_of(&rest);
        let work = || {
            let (mut items, mut categories) = (SetDigest::default(), SetDigest::default());
            while let Some(next) = next() {
                match next {
                    Unsettled::Item(item) => items.insert(&item.hash()),
                    Unsettled::Category(category) => category.renew_hash(&mut categories),
                }
            }
            (items, categories)
        };
        for (items, categories) in run_beside(threads, work, own) {
            self.header.item_records.combine_with(items);
            self.header.category_records.combine_with(categories);
        }
    }

    /// Computes what readers and callers will need of these drafts and no command has needed so
    /// far, on up to so many threads: directions, and the drifts that entries have asked for.
    /// Cannot fail, and nothing of it is kept, so `own` may be to make the drafts durable.
    ///
    /// `own` is what this thread does first, while others begin.
    pub fn complete<'a>(
        drafts: impl Iterator<Item = &'a mut Self>,
        threads: usize,
        own: impl FnOnce(),
    ) {
        let mut drafts: Vec<_> = drafts.collect();
        let categories = drafts
            .iter_mut()
            .flat_map(|draft| draft.categories.values_mut());
        let incomplete = categories.flatten().filter(|draft| draft.is_incomplete());
        let incomplete: Vec<_> = incomplete.collect();
        let threads = if incomplete.len() < SHARED {
            1
        } else {
            threads
        };
        let rest = Mutex::new(incomplete.into_iter());
        let work = || {
            while let Some(category) = next_of(&rest) {
                category.complete();
            }
        };
        run_beside(threads, work, own);
        for draft in drafts {
            for category in draft.categories.values_mut().flatten() {
                draft.told.extend(category.take_told());
            }
        }
    }

    /// The draft of a category: from here, or a copy of what is published. Who has asked for its
    /// drift is told, since it may change now.
    pub fn category(&self, published: &Namespace, key: &str) -> Option<CategoryDraft> {
        match self.categories.get(key) {
            Some(draft) => draft.clone().map(|mut draft| {
                draft.tell();
                draft
            }),
            None => published.draft_of(key),
        }
    }

    /// The key of the category with an identifier.
    pub fn key_of(&self, published: &Namespace, id: i64) -> Option<Arc<str>> {
        self.keys.get(&id).cloned().or_else(|| published.key_of(id))
    }
}

fn next_of<T>(rest: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    rest.lock().unwrap_or_else(PoisonError::into_inner).next()
}
