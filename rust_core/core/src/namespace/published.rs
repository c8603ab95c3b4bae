//! A published namespace: categories in slots, their vectors in contiguous matrices.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::calibration_cache::CalibrationCache;
use super::evidence_cache::EvidenceCache;
use super::matrix::Matrix;
use super::member_cache::MemberCache;
use super::{Category, CategoryDraft, CategoryView, Draft, Header, MemberMemory, Profile};
use crate::ranking::{RowRef, Rows};
use crate::scoring::{CentroidSum, MemberRows, Scorer, growth};
use crate::settings::{NamespaceSettings, RankingMode};

/// One namespace as readers see it.
///
/// Slot `i` of `categories`, `sums`, `bases` and `rows` is one category. Slots move when
/// categories are deleted, so nothing outside holds one.
#[derive(Debug)]
pub struct Namespace {
    settings: NamespaceSettings,
    profile: Profile,
    header: Header,
    pub(super) by_key: BTreeMap<Arc<str>, u32>,
    pub(super) by_id: FxHashMap<i64, u32>,
    pub(super) categories: Vec<Category>,
    /// Bytes of all keys, kept so that each publish can account for memory in constant time.
    key_bytes: usize,
    pub(super) sums: Matrix<i64>,
    bases: Matrix<f32>,
    pub(super) rows: Rows,
    /// What fairness is computed from.
    pub(super) evidence: EvidenceCache,
    /// Rows of members, as far as LOCAL has needed them.
    pub(super) members: MemberCache,
    /// What confidences are computed from, as far as a query has asked for them.
    pub(super) calibrations: CalibrationCache,
    /// Bytes of the sums that categories hold by themselves.
    pub(super) category_bytes: usize,
}

impl Namespace {
    /// A namespace without categories, with these counts.
    pub fn new(settings: NamespaceSettings, profile: Profile, header: Header) -> Self {
        let dimension = settings.dimension as usize;
        Self {
            settings,
            profile,
            header,
            by_key: BTreeMap::new(),
            by_id: FxHashMap::default(),
            categories: Vec::new(),
            key_bytes: 0,
            sums: Matrix::new(dimension),
            bases: Matrix::new(dimension),
            rows: Rows::new(dimension),
            evidence: EvidenceCache::default(),
            members: MemberCache::default(),
            calibrations: CalibrationCache::default(),
            category_bytes: 0,
        }
    }

    /// A copy to rank many queries by `mode`, as long as it takes, while writes go on; with what is known
    /// for confidences, if they are asked for.
    pub fn copy_to_rank(&self, mode: RankingMode, confidence: bool) -> Self {
        let members = match mode {
            RankingMode::Cosine => MemberCache::default(),
            RankingMode::Local => self.members.clone(),
        };
        let calibrations = match confidence {
            true => self.calibrations.clone(),
            false => CalibrationCache::default(),
        };
        Self {
            settings: self.settings.clone(),
            profile: self.profile.clone(),
            header: self.header,
            by_key: self.by_key.clone(),
            by_id: self.by_id.clone(),
            categories: self.categories.clone(),
            key_bytes: self.key_bytes,
            sums: self.sums.clone(),
            bases: self.bases.clone(),
            rows: self.rows.clone(),
            evidence: self.evidence.clone(),
            members,
            calibrations,
            category_bytes: self.category_bytes,
        }
    }

    /// The settings that were fixed at its creation.
    pub fn settings(&self) -> &NamespaceSettings {
        &self.settings
    }

    /// How its categories are scored.
    pub fn scorer(&self) -> Scorer {
        Scorer::of(&self.settings)
    }

    /// Description and labels.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Its counts and digests.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The state digest.
    pub fn digest(&self) -> [u8; 32] {
        self.header.digest(&self.settings, &self.profile.ranking)
    }

    /// Whether there is a category with this key.
    pub fn contains(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    /// The categories, in no particular order.
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// The view of a category, with the shares of actors if it caps them.
    pub fn category(&self, key: &str, embeddings: bool) -> Option<CategoryView> {
        let &slot = self.by_key.get(key)?;
        let mut view = self.view(slot, embeddings);
        view.actor_shares = self.centroid(slot).actor_shares();
        Some(view)
    }

    /// Views of up to `limit` categories in the order of their keys, after this key (`None`: from the
    /// first).
    pub fn page(&self, after: Option<&str>, limit: usize, embeddings: bool) -> Vec<CategoryView> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.by_key
            .range::<str, _>((start, Bound::Unbounded))
            .take(limit)
            .map(|(_, &slot)| self.view(slot, embeddings))
            .collect()
    }

    /// The key of the category with an identifier.
    pub fn key_of(&self, id: i64) -> Option<Arc<str>> {
        self.by_id
            .get(&id)
            .map(|&slot| Arc::clone(&self.categories[slot as usize].key))
    }

    /// The identifier of the category with a key.
    pub fn id_of(&self, key: &str) -> Option<i64> {
        self.by_key
            .get(key)
            .map(|&slot| self.categories[slot as usize].id)
    }

    /// The category with a key, apart from its vectors.
    pub fn find(&self, key: &str) -> Option<&Category> {
        let slot = *self.by_key.get(key)?;
        self.categories.get(slot as usize)
    }

    /// The sequence from which members of a category count; `None`: none does.
    pub fn counting_from(&self, id: i64) -> Option<u64> {
        let category = &self.categories[*self.by_id.get(&id)? as usize];
        (!category.settings.frozen).then_some(category.counting_from)
    }

    /// Whether a category caps the share of an actor.
    pub fn caps_actors(&self, category: i64) -> bool {
        let slot = self.by_id.get(&category);
        slot.is_some_and(|&slot| self.categories[slot as usize].actors.is_some())
    }

    /// Bytes of the sums of actors in all categories.
    pub fn actor_bytes(&self) -> usize {
        let actors = self.categories.iter().filter_map(|own| own.actors.as_ref());
        actors.map(|own| own.memory_bytes()).sum()
    }

    /// A copy of a category, to change.
    pub fn draft_of(&self, key: &str) -> Option<CategoryDraft> {
        self.by_key.get(key).map(|&slot| self.draft_at(slot))
    }

    /// A copy of a category, to change on top of the changes of a batch. Drifts that are pending are
    /// computed, since the caller may change the category.
    pub fn draft_in(&self, batch: &Draft, key: &str) -> Option<CategoryDraft> {
        match batch.categories.get(key) {
            Some(draft) => draft.clone().map(|mut draft| {
                draft.compute_pending_drifts();
                draft
            }),
            None => self.draft_of(key),
        }
    }

    /// The key of the category with an identifier, with the changes of a batch.
    pub fn key_in(&self, batch: &Draft, id: i64) -> Option<Arc<str>> {
        batch.keys.get(&id).cloned().or_else(|| self.key_of(id))
    }

    pub(super) fn draft_at(&self, slot: u32) -> CategoryDraft {
        let mut category = self.categories[slot as usize].clone();
        if !category.unit_correction.is_known() {
            self.take_built(&mut category);
        }
        let base = self.base(slot).map(<[f32]>::to_vec);
        CategoryDraft::new(
            self.scorer(),
            category,
            base,
            self.sums.row(slot as usize).to_vec(),
            self.members.contains(self.categories[slot as usize].id),
            self.profile.ranking.keeps_unit_sums(),
        )
    }

    /// Reserves memory for exactly this number of categories.
    pub(super) fn expect(&mut self, categories: usize) {
        let _ = self.categories.try_reserve_exact(categories);
        self.sums.expect(categories);
        self.bases.expect(categories);
        self.rows.expect(categories);
    }

    /// Copies in a draft that is durable and complete. Cannot fail: everything that can was checked
    /// when the draft was made.
    pub fn publish(&mut self, draft: Draft) {
        self.header = draft.header;
        if let Some(profile) = draft.profile {
            self.profile = profile;
        }
        self.rename(&draft.categories);
        for (key, category) in draft.categories {
            match category {
                None => self.remove(&key),
                Some(category) if category.changed => {
                    let complete = !category.hash_is_stale() && !category.is_incomplete();
                    assert!(complete, "the draft of {key:?} is not complete");
                    let counting = category.category.stats.counting;
                    let changes = category.member_changes.as_deref();
                    self.members.follow(category.category.id, counting, changes);
                    self.insert(category);
                }
                Some(_) => {}
            }
        }
    }

    /// Gives categories the keys that they have in a draft; their slots stay.
    fn rename(&mut self, drafts: &FxHashMap<Arc<str>, Option<CategoryDraft>>) {
        let mut renamed: FxHashMap<i64, Arc<str>> = FxHashMap::default();
        for draft in drafts.values().flatten() {
            let Category { id, key, .. } = &draft.category;
            let slot = self.by_id.get(id);
            if slot.is_some_and(|&slot| self.categories[slot as usize].key != *key) {
                renamed.insert(*id, Arc::clone(key));
            }
        }
        // A key may be that of a category that was deleted, or that has got another key too.
        for key in renamed.values() {
            if self.id_of(key).is_some_and(|id| !renamed.contains_key(&id)) {
                self.remove(key);
            }
        }
        for id in renamed.keys() {
            let category = &self.categories[self.by_id[id] as usize];
            self.by_key.remove(&category.key);
            self.key_bytes -= category.key.len();
        }
        for (id, key) in renamed {
            let slot = self.by_id[&id];
            self.key_bytes += key.len();
            self.by_key.insert(Arc::clone(&key), slot);
            self.categories[slot as usize].key = key;
        }
    }

    /// Bytes held for the categories, nearly.
    pub fn memory_bytes(&self) -> usize {
        self.sums.memory_bytes()
            + self.bases.memory_bytes()
            + self.rows.memory_bytes()
            + self.categories.capacity() * size_of::<Category>()
            // Entries of the two indexes (a key pointer and a slot, an identifier and a slot), and
            // what is allocated around a key.
            + self.categories.len() * 80
            + self.key_bytes
            + self.category_bytes
            + self.members.memory().bytes
            + self.evidence.memory_bytes()
            + self.calibrations.memory_bytes()
            + size_of::<Self>()
    }

    pub(super) fn insert(&mut self, draft: CategoryDraft) {
        let slot = match self.by_key.get(&draft.category.key) {
            Some(&slot) => slot,
            None => self.push(&draft.category),
        };
        let at = slot as usize;
        self.sums.set(at, &draft.sum);
        if let Some(base) = &draft.base {
            self.bases.set(at, base);
        }
        self.rows.set(slot, draft.computed_row());
        self.rows
            .set_growth(slot, growth(draft.category.stats.counting));
        self.evidence.changed(at, self.categories[at].id);
        self.calibrations.forget(self.categories[at].id);
        self.category_bytes -= self.categories[at].sums_bytes();
        self.category_bytes += draft.category.sums_bytes();
        if self.categories[at].id != draft.category.id {
            // Deleted and created again within one batch.
            let before = self.categories[at].id;
            self.by_id.remove(&before);
            self.by_id.insert(draft.category.id, slot);
            self.members.follow(before, 0, None);
        }
        self.categories[at] = draft.category;
    }

    /// Drops actors that have no members after a replay.
    pub(crate) fn drop_empty_actors(&mut self) {
        for actors in self.categories.iter_mut().filter_map(|c| c.actors.as_mut()) {
            Arc::make_mut(actors).drop_empty();
        }
    }

    /// Accounts for memory again, after categories were changed in their places.
    pub(crate) fn count_category_bytes(&mut self) {
        self.category_bytes = self.categories.iter().map(Category::sums_bytes).sum();
    }

    fn push(&mut self, category: &Category) -> u32 {
        let slot = self.rows.push();
        self.sums.push();
        self.bases.push();
        self.evidence.pushed();
        self.category_bytes += category.sums_bytes();
        self.categories.push(category.clone());
        self.key_bytes += category.key.len();
        self.by_key.insert(Arc::clone(&category.key), slot);
        self.by_id.insert(category.id, slot);
        slot
    }

    fn remove(&mut self, key: &str) {
        let Some(slot) = self.by_key.remove(key) else {
            return; // Created and deleted within one batch.
        };
        let at = slot as usize;
        self.rows.swap_remove(slot);
        self.sums.swap_remove(at);
        self.bases.swap_remove(at);
        let gone = self.categories.swap_remove(at);
        self.evidence.swap_removed(at, gone.id);
        self.calibrations.forget(gone.id);
        self.category_bytes -= gone.sums_bytes();
        self.members.follow(gone.id, 0, None);
        self.key_bytes -= gone.key.len();
        self.by_id.remove(&gone.id);
        if let Some(moved) = self.categories.get(at) {
            self.by_key.insert(Arc::clone(&moved.key), slot);
            self.by_id.insert(moved.id, slot);
        }
    }

    /// The row of a category. The outer option is `None` if no category has this key, the inner one
    /// if the category has no embedding.
    pub(crate) fn row_of(&self, key: &str) -> Option<Option<RowRef<'_>>> {
        let &slot = self.by_key.get(key)?;
        Some(self.rows.get(slot))
    }

    /// Adds rows of a category's counting members, which were read at this revision.
    pub fn add_members(&self, category: i64, rows: Arc<MemberRows>) {
        self.members.insert(category, rows);
    }

    /// What is in memory of the members.
    pub fn member_memory(&self) -> MemberMemory {
        self.members.memory()
    }

    /// Drops rows of members, those that were used longest ago first, until they take at most so
    /// many bytes. Returns of how many categories.
    pub fn shrink_members(&self, bytes: usize) -> usize {
        self.members.shrink(bytes)
    }

    pub(super) fn base(&self, slot: u32) -> Option<&[f32]> {
        self.categories[slot as usize]
            .has_base
            .then(|| self.bases.row(slot as usize))
    }

    pub(super) fn centroid(&self, slot: u32) -> CentroidSum<'_> {
        let category = &self.categories[slot as usize];
        CentroidSum {
            settings: &category.settings,
            base: self.base(slot),
            sum: self.sums.row(slot as usize),
            count: category.stats.counting,
            weight: category.stats.weight,
            actors: category.actors.as_deref(),
        }
    }

    fn view(&self, slot: u32, embeddings: bool) -> CategoryView {
        let category = &self.categories[slot as usize];
        let centroid = self.centroid(slot);
        let drift = self.scorer().drift(centroid.base, self.rows.get(slot));
        CategoryView::new(category, &centroid, drift, embeddings)
    }
}
