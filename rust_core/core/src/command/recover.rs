//! Recovery of a namespace from stored records and sums, and from the log entries since.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use thiserror::Error;

use crate::command::record::{Entry, ItemImage};
use crate::namespace::{
    CategoryDraft, CategoryRecord, Header, LoadingNamespace, Member, MemberStats, Namespace,
    Profile, UnitCorrection,
};
use crate::scoring::ActorSums;
use crate::settings::NamespaceSettings;

/// A stored category and its last written sum.
#[derive(Debug)]
pub struct CategoryLoad {
    /// Its identifier.
    pub id: i64,
    /// Its record.
    pub record: CategoryRecord,
    /// Its sum; `None`: it had no counting members up to the checkpoint.
    pub sum: Option<(MemberStats, Vec<i64>)>,
    /// What the sum lacks to be that of unit copies.
    pub unit_correction: UnitCorrection,
    /// The sums of each actor's members, if they were written with it.
    pub actors: Option<ActorSums>,
    /// Revision of the sum: it includes the effects of entries up to this one.
    pub revision: u64,
    /// The sequence from which members count.
    pub counting_from: u64,
}

/// Why a namespace could not be recovered: the stored data is inconsistent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecoveryError {
    /// A log entry is missing or out of order.
    #[error("log entry {actual} found where {expected} was expected")]
    Gap {
        /// The revision that was expected.
        expected: u64,
        /// The revision that was found.
        actual: u64,
    },
    /// The number of stored categories is not the recorded one.
    #[error("{actual} categories are stored, {expected} were recorded")]
    Categories {
        /// Recorded.
        expected: u64,
        /// Stored.
        actual: u64,
    },
    /// The categories are not the ones that were recorded.
    #[error("the digest of the stored categories is not the one that was recorded")]
    Digest,
}

/// Applies the effects of log entries to sums again, from the newest entry to the oldest.
#[derive(Debug)]
pub struct Replay {
    namespace: LoadingNamespace,
    /// The recorded counts and digests.
    header: Header,
    /// The revision of each category's written sum.
    written: FxHashMap<i64, u64>,
    /// Items as they were before the entries replayed so far, if that differs from now.
    images: FxHashMap<i64, ItemImage>,
    next: u64,
}

impl Replay {
    /// Begins at the revision of the header, the newest. The stored categories follow, then entries.
    pub fn new(settings: NamespaceSettings, profile: Profile, header: Header) -> Self {
        Self {
            namespace: LoadingNamespace::new(settings, profile, header),
            header,
            written: FxHashMap::default(),
            images: FxHashMap::default(),
            next: header.revision,
        }
    }

    /// Adds a stored category.
    pub fn category(&mut self, load: CategoryLoad) {
        let (settings, ranking) = (self.namespace.settings(), self.namespace.ranking());
        let mut draft = CategoryDraft::create(settings, ranking, load.id, load.record);
        draft.category.counting_from = load.counting_from;
        if let Some((stats, sum)) = load.sum {
            draft.category.stats = stats;
            draft.sum = sum;
        }
        draft.category.unit_correction = load.unit_correction;
        if let (Some(actors), Some(stored)) = (&mut draft.category.actors, load.actors) {
            *actors = Arc::new(stored);
        }
        self.written.insert(load.id, load.revision);
        self.namespace.insert(draft);
    }

    /// Applies the effects of an entry again. `item` returns the image of a stored item as of now.
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
        let keep = self.namespace.ranking().keeps_unit_sums();
        for effect in &entry.effects {
            let Some((category, sum)) = self.namespace.sum_mut(effect.category) else {
                continue; // Deleted since.
            };
            if entry.revision <= self.written[&effect.category] {
                continue; // The stored sum includes it.
            }
            let members = &mut category.stats.members;
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
            let read;
            let image = match old.or_else(|| self.images.get(&effect.item)) {
                Some(image) => image,
                None => {
                    read = item(effect.item)?;
                    &read
                }
            };
            let member = Member::new(image.weight, &image.embedding);
            let actor = effect.actor.as_deref().unwrap_or_default();
            category.replay(sum, member, minus, actor, keep);
        }
        for image in &entry.images {
            self.images.insert(image.item, image.clone());
        }
        Ok(())
    }

    /// The namespace, if its categories are the recorded ones.
    pub fn finish(self) -> Result<Namespace, RecoveryError> {
        let (expected, actual) = (self.header.categories, self.namespace.categories());
        if actual != expected {
            return Err(RecoveryError::Categories { expected, actual });
        }
        let (namespace, records) = self.namespace.finish();
        if records == self.header.category_records {
            Ok(namespace)
        } else {
            Err(RecoveryError::Digest)
        }
    }
}
