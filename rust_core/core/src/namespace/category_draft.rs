//! A category while it changes.

use std::sync::{Arc, LazyLock};

use thiserror::Error;

use super::Member;
use super::{Category, CategoryRecord, CategoryView, Item, MemberStats, Rebuild, UnitCorrection};
use crate::arithmetic::digest::{RecordHash, RecordHasher, SetDigest};
use crate::arithmetic::fixed::{self, Overflow};
use crate::ranking::{RowRef, UnitRow};
use crate::scoring::{ActorSums, CentroidSum, MemberChange, MemberRow, Scorer};
use crate::settings::{Metadata, NamespaceSettings, RankingSettings};

/// Changes of members that a draft notes, so that drafts of drafts stay cheap.
const MAX_MEMBER_CHANGES: usize = 256;

/// A category's sum would leave its range.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("component {component} of the sum of category {category:?} would leave ±2^23")]
pub struct SumOverflow {
    /// The key of the category.
    pub category: String,
    /// Index of the component.
    pub component: usize,
}

/// An entry of a command in a batch of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryIndex {
    /// Number of the command in its batch.
    pub command: usize,
    /// Index of the entry in the command.
    pub entry: usize,
}

/// The drift of the entry's category right after the entry; `None` if the category had none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EntryDrift {
    /// The entry.
    pub at: EntryIndex,
    /// The drift.
    pub drift: Option<f64>,
}

/// A category while it changes: all of it, in one place.
#[derive(Clone, Debug)]
pub struct CategoryDraft {
    /// Everything but the vectors.
    pub category: Category,
    /// The base.
    pub base: Option<Vec<f32>>,
    /// Σ wᵢ·xᵢ over the counting members.
    pub sum: Vec<i64>,
    /// Whether anything differs from what is published.
    pub changed: bool,
    /// Whether its sum was rebuilt rather than changed by effects, and so must be written.
    pub rebuilt: bool,
    /// Changes of its counting members, if their rows follow them.
    pub(crate) member_changes: Option<Vec<MemberChange>>,
    /// Whether the namespace's own fairness asks for the sum of unit copies.
    keep_unit_sums: bool,
    scorer: Scorer,
    row: DraftRow,
    /// Whether its hash is that of an earlier state.
    hash_is_stale: bool,
    /// Entries that report its drift as of now.
    pending_drifts: Vec<EntryIndex>,
    /// Drifts of entries before the last change.
    drifts: Vec<EntryDrift>,
}

/// The row of a category, computed when it is needed.
#[derive(Clone, Debug)]
enum DraftRow {
    Stale,
    Computed(Option<UnitRow>),
}

impl CategoryDraft {
    /// A draft of a published category, or of one that was just read from the store.
    pub(super) fn new(
        scorer: Scorer,
        category: Category,
        base: Option<Vec<f32>>,
        sum: Vec<i64>,
        follow_members: bool,
        keep_unit_sums: bool,
    ) -> Self {
        Self {
            category,
            base,
            sum,
            changed: false,
            rebuilt: false,
            member_changes: follow_members.then(Vec::new),
            keep_unit_sums,
            scorer,
            row: DraftRow::Stale,
            hash_is_stale: false,
            pending_drifts: Vec::new(),
            drifts: Vec::new(),
        }
    }

    /// A category without members, in a namespace with these settings and this ranking.
    pub fn create(
        settings: &NamespaceSettings,
        ranking: RankingSettings,
        id: i64,
        record: CategoryRecord,
    ) -> Self {
        let actors = record.settings.max_actor_share.map(|_| Arc::default());
        let category = Category {
            id,
            actors,
            key: record.key,
            settings: record.settings,
            metadata: shared(record.metadata),
            has_base: record.base.is_some(),
            created_ms: record.created_ms,
            anchor: record.anchor,
            counting_from: record.anchor + 1,
            stats: MemberStats::default(),
            unit_correction: UnitCorrection::Zero,
            hash: RecordHash::default(),
        };
        let sum = vec![0; settings.dimension as usize];
        let scorer = Scorer::of(settings);
        let keep_unit_sums = ranking.keeps_unit_sums();
        Self::new(scorer, category, record.base, sum, false, keep_unit_sums)
    }

    /// The record that the store keeps of it.
    pub fn record(&self) -> CategoryRecord {
        CategoryRecord {
            key: Arc::clone(&self.category.key),
            settings: self.category.settings,
            base: self.base.clone(),
            metadata: Metadata::clone(&self.category.metadata),
            anchor: self.category.anchor,
            created_ms: self.category.created_ms,
        }
    }

    /// Marks it as changed: its row and its hash will be computed again. Pending drifts must have
    /// been computed before.
    pub fn touch(&mut self) {
        debug_assert!(self.pending_drifts.is_empty());
        self.changed = true;
        self.hash_is_stale = true;
        self.row = DraftRow::Stale;
    }

    /// An item that an actor has assigned, with this place in the order of assignment, starts to count.
    /// On overflow nothing has changed.
    pub fn absorb(&mut self, sequence: u64, item: &Item, actor: &str) -> Result<(), SumOverflow> {
        let (weight, embedding) = (item.weight, &item.embedding);
        fixed::add(&mut self.sum, f64::from(weight), embedding).map_err(|e| self.overflow(e))?;
        let member = Member::new(weight, embedding);
        if let Some(actors) = &mut self.category.actors
            && let Err(overflow) = Arc::make_mut(actors).absorb(actor, member)
        {
            fixed::replay(&mut self.sum, f64::from(weight), embedding, true);
            return Err(self.overflow(overflow));
        }
        self.category.stats.absorb(member);
        self.correct(member, false, actor);
        let by_actor = self.category.actors.is_some();
        self.follow(|| {
            let row = MemberRow::new(sequence, &item.key, weight, embedding);
            let row = if by_actor { row.of_actor(actor) } else { row };
            MemberChange::Joined(Arc::new(row))
        });
        self.touch();
        Ok(())
    }

    /// An item that an actor has assigned, with this place in the order of assignment, stops counting.
    /// On overflow nothing has changed.
    pub fn forget(&mut self, sequence: u64, item: &Item, actor: &str) -> Result<(), SumOverflow> {
        let (weight, embedding) = (item.weight, &item.embedding);
        fixed::subtract(&mut self.sum, f64::from(weight), embedding)
            .map_err(|e| self.overflow(e))?;
        let member = Member::new(weight, embedding);
        if let Some(actors) = &mut self.category.actors
            && let Err(overflow) = Arc::make_mut(actors).forget(actor, member)
        {
            fixed::replay(&mut self.sum, f64::from(weight), embedding, false);
            return Err(self.overflow(overflow));
        }
        self.category.stats.forget(member);
        self.correct(member, true, actor);
        self.follow(|| MemberChange::Left(sequence));
        self.touch();
        Ok(())
    }

    /// Follows a change of its members in the corrections to unit copies: those of actors are known where
    /// that of the whole is.
    fn correct(&mut self, member: Member<'_>, minus: bool, actor: &str) {
        let correction = &mut self.category.unit_correction;
        correction.follow(member, minus, self.keep_unit_sums);
        if let Some(actors) = &mut self.category.actors {
            Arc::make_mut(actors).follow(actor, member, minus, correction.is_known());
        }
    }

    /// Keeps the sums of each actor's members from now on, or no more. They are to be rebuilt if it has
    /// counting members.
    pub(crate) fn keep_actors(&mut self, keep: bool) {
        if keep != self.category.actors.is_some() {
            self.category.actors = keep.then(Arc::default);
        }
    }

    /// The actor of one of its members, if it keeps the sums of each.
    pub(crate) fn capped_actor(&self, actor: &str) -> Option<Arc<str>> {
        self.category.actors.as_ref().map(|_| Arc::from(actor))
    }

    /// Notes a change of its members, if their rows follow them. After very many it is cheaper to
    /// read the members again.
    fn follow(&mut self, change: impl FnOnce() -> MemberChange) {
        if let Some(changes) = &mut self.member_changes {
            if changes.len() < MAX_MEMBER_CHANGES {
                changes.push(change());
            } else {
                self.member_changes = None;
            }
        }
    }

    /// Room to build its sum in from its members.
    pub fn start_rebuild(&self) -> Rebuild {
        let by_actor = self.category.actors.is_some();
        Rebuild::new(self.sum.len(), self.keep_unit_sums, by_actor)
    }

    /// The correction that the store keeps of it: only what the namespace asks for.
    pub fn stored_unit_correction(&self) -> UnitCorrection {
        match &self.category.unit_correction {
            UnitCorrection::Known(_) if !self.keep_unit_sums => UnitCorrection::Unknown,
            correction => correction.clone(),
        }
    }

    /// Replaces its sum and the counts of its members by what was built from its members.
    pub fn set_rebuilt(&mut self, rebuild: Rebuild) -> Result<(), SumOverflow> {
        let built = rebuild.finish().map_err(|e| self.overflow(e))?;
        self.category.stats = built.stats;
        self.category.unit_correction = built.correction;
        self.category.actors = built.actors.map(Arc::new);
        self.sum = built.sum;
        self.member_changes = None;
        self.touch();
        Ok(())
    }

    /// The row that queries are scored against; `None` if it has no embedding.
    pub fn row(&mut self) -> Option<RowRef<'_>> {
        if let DraftRow::Stale = self.row {
            self.row = DraftRow::Computed(self.scorer.row(&self.centroid()));
        }
        self.computed_row().map(UnitRow::as_ref)
    }

    /// The row, if it was computed since the last change.
    pub(super) fn computed_row(&self) -> Option<&UnitRow> {
        match &self.row {
            DraftRow::Computed(row) => row.as_ref(),
            DraftRow::Stale => None,
        }
    }

    /// 1 − cos(base, effective embedding); `None` if it lacks one of them.
    pub fn drift(&mut self) -> Option<f64> {
        self.row();
        let row = self.computed_row().map(UnitRow::as_ref);
        self.scorer.drift(self.base.as_deref(), row)
    }

    /// Reports its drift as of now for an entry. It is computed before the next change, or when the
    /// draft is completed.
    pub fn report_drift(&mut self, at: EntryIndex) {
        self.pending_drifts.push(at);
    }

    /// Computes the drifts that are pending.
    pub(crate) fn compute_pending_drifts(&mut self) {
        if !self.pending_drifts.is_empty() {
            let drift = self.drift();
            let pending = self.pending_drifts.drain(..);
            self.drifts
                .extend(pending.map(|at| EntryDrift { at, drift }));
        }
    }

    /// Takes out the drifts that were computed.
    pub(crate) fn take_drifts(&mut self) -> Vec<EntryDrift> {
        std::mem::take(&mut self.drifts)
    }

    /// Whether its hash is that of an earlier state.
    pub(super) fn hash_is_stale(&self) -> bool {
        self.hash_is_stale
    }

    /// Replaces its hash in a digest by that of its present state.
    pub(super) fn renew_hash(&mut self, records: &mut SetDigest) {
        if std::mem::take(&mut self.hash_is_stale) {
            records.remove(&self.category.hash);
            self.category.hash = self.compute_hash();
            records.insert(&self.category.hash);
        }
    }

    /// Whether a row that readers need, or a drift that an entry reports, is yet to be computed.
    pub(super) fn is_incomplete(&self) -> bool {
        let stale = matches!(self.row, DraftRow::Stale);
        !self.pending_drifts.is_empty() || self.changed && stale
    }

    /// Computes the row that readers need, and the drifts that entries report.
    pub(crate) fn complete(&mut self) {
        self.row();
        self.compute_pending_drifts();
    }

    /// What its weighted mean is computed from.
    pub fn centroid(&self) -> CentroidSum<'_> {
        CentroidSum {
            settings: &self.category.settings,
            base: self.base.as_deref(),
            sum: &self.sum,
            count: self.category.stats.counting,
            weight: self.category.stats.weight,
            actors: self.category.actors.as_deref(),
        }
    }

    /// The hash of its record in the digest: of everything but places in the order of assignment,
    /// which differ between two paths to the same state.
    pub fn compute_hash(&self) -> RecordHash {
        let Category {
            key,
            settings,
            metadata,
            stats,
            ..
        } = &self.category;
        let base = self.base.as_deref().unwrap_or_default();
        let vectors = size_of_val(base) + size_of_val(&*self.sum);
        let mut hasher = RecordHasher::with_room("category", vectors);
        hasher
            .bytes(key.as_bytes())
            .bytes(&settings.base_weight.to_le_bytes())
            .bytes(&settings.window.to_le_bytes())
            .bytes(&settings.min_base_share.to_le_bytes())
            .bytes(&[u8::from(settings.frozen), u8::from(self.base.is_some())])
            .vector(base)
            .map(metadata)
            .bytes(&stats.members.to_le_bytes())
            .bytes(&stats.counting.to_le_bytes())
            .bytes(&stats.weight.to_le_bytes())
            .bytes(&stats.squares.to_le_bytes())
            .sum(&self.sum);
        // Categories without one have the digests that they had before this setting existed.
        if let Some(min_score) = settings.min_score {
            hasher.bytes(&min_score.to_le_bytes());
        }
        if let Some(share) = settings.max_actor_share {
            let actors = self.category.actors.as_deref().map(ActorSums::digest);
            hasher
                .bytes(b"max_actor_share")
                .bytes(&share.to_le_bytes())
                .bytes(&actors.unwrap_or_default().to_bytes());
        }
        hasher.finish()
    }

    /// The view of it, with or without its embeddings.
    pub fn view(&mut self, embeddings: bool) -> CategoryView {
        let drift = self.drift();
        CategoryView::new(&self.category, &self.centroid(), drift, embeddings)
    }

    fn overflow(&self, overflow: Overflow) -> SumOverflow {
        SumOverflow {
            category: self.category.key.to_string(),
            component: overflow.component,
        }
    }
}

/// Most categories have no metadata: all of them share one allocation.
fn shared(metadata: Metadata) -> Arc<Metadata> {
    static EMPTY: LazyLock<Arc<Metadata>> = LazyLock::new(Arc::default);
    if metadata.is_empty() {
        Arc::clone(&EMPTY)
    } else {
        Arc::new(metadata)
    }
}
