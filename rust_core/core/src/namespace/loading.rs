//! A namespace while it is loaded.

use super::{Category, CategoryDraft, Header, Namespace, Profile};
use crate::arithmetic::digest::SetDigest;
use crate::settings::{NamespaceSettings, RankingSettings};

/// A namespace whose sums are still changed in place, and whose rows and hashes are computed at the
/// end: loading needs hardly more memory than the namespace itself.
#[derive(Debug)]
pub(crate) struct LoadingNamespace(Namespace);

impl LoadingNamespace {
    /// A namespace without categories yet, with the counts and digests that it must have at the end.
    pub(crate) fn new(settings: NamespaceSettings, profile: Profile, header: Header) -> Self {
        let mut namespace = Namespace::new(settings, profile, header);
        namespace.expect(usize::try_from(header.categories).unwrap_or(usize::MAX));
        Self(namespace)
    }

    pub(crate) fn settings(&self) -> &NamespaceSettings {
        self.0.settings()
    }

    pub(crate) fn ranking(&self) -> RankingSettings {
        self.0.profile().ranking
    }

    /// Number of categories.
    pub(crate) fn categories(&self) -> u64 {
        self.0.categories.len() as u64
    }

    /// Adds a category.
    pub(crate) fn insert(&mut self, category: CategoryDraft) {
        self.0.insert(category);
    }

    /// A category and its sum, to change; `None` if it does not exist.
    pub(crate) fn sum_mut(&mut self, category: i64) -> Option<(&mut Category, &mut [i64])> {
        let slot = *self.0.by_id.get(&category)? as usize;
        Some((&mut self.0.categories[slot], self.0.sums.row_mut(slot)))
    }

    /// Computes rows and hashes. Returns the namespace and the digest of its categories, which the
    /// caller compares with the recorded one.
    pub(crate) fn finish(mut self) -> (Namespace, SetDigest) {
        let mut records = SetDigest::default();
        self.0.drop_empty_actors();
        self.0.count_category_bytes();
        for slot in 0..self.0.categories.len() {
            let mut draft = self.0.draft_at(slot as u32);
            draft.complete();
            draft.category.hash = draft.compute_hash();
            records.insert(&draft.category.hash);
            self.0.insert(draft);
        }
        (self.0, records)
    }
}
