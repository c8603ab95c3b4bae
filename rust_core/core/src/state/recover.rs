//! A namespace read back: stored records and sums, and the log entries since.

use rustc_hash::FxHashMap;
use thiserror::Error;

use super::{Absorbed, CategoryDraft, Header, Namespace, Profile};
use crate::command::Refusal;
use crate::digest::SetDigest;
use crate::log::{Entry, ItemImage};
use crate::settings::NamespaceSettings;
use crate::store::CategoryRecord;

/// A stored category and its last written sum.
#[derive(Debug)]
pub struct CategoryLoad {
    /// Its identifier.
    pub id: i64,
    /// Its record.
    pub record: CategoryRecord,
    /// Its sum; none: it has absorbed nothing up to the checkpoint.
    pub sum: Option<(Absorbed, Vec<i64>)>,
    /// Revision of the sum: entries up to it are in it.
    pub revision: u64,
    /// The sequence from which members count.
    pub counting_from: u64,
}

/// Why a namespace could not be read back: what is stored does not agree with itself.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecoveryError {
    /// A log entry is not the one that must come next.
    #[error("log entry {actual} stands where {expected} must be")]
    Gap {
        /// The revision that must be there.
        expected: u64,
        /// The one that is.
        actual: u64,
    },
    /// A sum leaves its range on the way.
    #[error("{0}")]
    Sum(Refusal),
    /// There are more or fewer categories than were counted.
    #[error("{actual} categories are stored, {expected} were counted")]
    Categories {
        /// Counted.
        expected: u64,
        /// Stored.
        actual: u64,
    },
    /// The categories are not the ones that were recorded.
    #[error("the digest of the stored categories is not the one that was recorded")]
    Digest,
}

/// Doing again what log entries did to sums, from the newest to the oldest.
#[derive(Debug)]
pub struct Replay {
    /// The revision of each category's written sum.
    written: FxHashMap<i64, u64>,
    drafts: FxHashMap<i64, CategoryDraft>,
    /// Items as they were before the entries replayed so far, where that differs from now.
    images: FxHashMap<i64, ItemImage>,
    next: u64,
}

impl Replay {
    /// Begins at a revision, the newest.
    pub fn new(dimension: usize, revision: u64, categories: Vec<CategoryLoad>) -> Self {
        let mut drafts = FxHashMap::default();
        let mut written = FxHashMap::default();
        for load in categories {
            let mut draft = CategoryDraft::create(load.id, load.record, dimension);
            draft.category.counting_from = load.counting_from;
            if let Some((absorbed, sum)) = load.sum {
                draft.category.absorbed = absorbed;
                draft.sum = sum;
            }
            drafts.insert(load.id, draft);
            written.insert(load.id, load.revision);
        }
        Self {
            written,
            drafts,
            images: FxHashMap::default(),
            next: revision,
        }
    }

    /// Does an entry again. `item` gives a stored item's image as it is now.
    pub fn entry<E: From<RecoveryError>>(
        &mut self,
        entry: &Entry,
        mut item: impl FnMut(i64) -> Result<ItemImage, E>,
    ) -> Result<(), E> {
        if entry.revision != self.next || self.next == 0 {
            let (expected, actual) = (self.next, entry.revision);
            return Err(RecoveryError::Gap { expected, actual }.into());
        }
        self.next -= 1;
        let mut before: FxHashMap<i64, &ItemImage> = FxHashMap::default();
        for image in &entry.images {
            before.insert(image.item, image);
        }
        for effect in &entry.effects {
            let Some(draft) = self.drafts.get_mut(&effect.category) else {
                continue; // Deleted since.
            };
            if entry.revision <= self.written[&effect.category] {
                continue; // In the sum already.
            }
            let members = &mut draft.category.absorbed.members;
            *members = members.wrapping_add_signed(i64::from(effect.members));
            if effect.counting == 0 {
                continue;
            }
            let old = if effect.before {
                before.get(&effect.item).copied()
            } else {
                None
            };
            let minus = effect.counting < 0;
            match old.or_else(|| self.images.get(&effect.item)) {
                Some(image) => draft.replay(image.weight, &image.embedding, minus),
                None => {
                    let image = item(effect.item)?;
                    draft.replay(image.weight, &image.embedding, minus);
                }
            }
        }
        for image in &entry.images {
            self.images.insert(image.item, image.clone());
        }
        Ok(())
    }

    /// Ends it: the categories as they are now.
    pub fn finish(self) -> Recovery {
        Recovery {
            drafts: self.drafts.into_values().collect(),
        }
    }
}

/// The categories of a namespace, read back.
#[derive(Debug)]
pub struct Recovery {
    drafts: Vec<CategoryDraft>,
}

impl Recovery {
    /// The namespace, if its categories are the ones that were recorded.
    pub fn into_namespace(
        self,
        settings: NamespaceSettings,
        profile: Profile,
        header: Header,
    ) -> Result<Namespace, RecoveryError> {
        let actual = self.drafts.len() as u64;
        if actual != header.categories {
            return Err(RecoveryError::Categories {
                expected: header.categories,
                actual,
            });
        }
        let mut records = SetDigest::default();
        let mut namespace = Namespace::new(settings, profile, header);
        for mut draft in self.drafts {
            draft.row().map_err(RecoveryError::Sum)?;
            draft.category.hash = draft.compute_hash();
            records.insert(&draft.category.hash);
            namespace.insert(draft);
        }
        if records != header.category_records {
            Err(RecoveryError::Digest)
        } else {
            Ok(namespace)
        }
    }
}
