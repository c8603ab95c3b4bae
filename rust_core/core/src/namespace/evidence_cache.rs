//! What all categories together tell about the scores of members with their own categories, computed
//! when a query asks for fairness.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;

use super::{MissingMembers, Namespace, UnitCorrection};
use crate::ranking::Handicap;
use crate::scoring::Evidence;

/// The evidence of each category and of all of them, as far as a query has asked for it.
///
/// A write only marks the evidence of a category as stale, since most namespaces rank without
/// fairness. The next query that asks computes what is stale, from exact sums, and adds it in
/// integers: so its answer is a function of the state, whatever was computed when.
#[derive(Debug, Default)]
pub(super) struct EvidenceCache(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Whether a query has asked. Until then nothing is followed.
    asked: bool,
    /// The sum of `of`.
    total: Evidence,
    /// By slot of the category; `None`: stale.
    of: Vec<Option<Evidence>>,
    /// Each stale slot, and maybe slots that are not stale any more.
    stale: Vec<u32>,
    /// Corrections of published categories that were built from their members, by identifier.
    built: FxHashMap<i64, UnitCorrection>,
    /// Bytes of those.
    built_bytes: usize,
}

impl EvidenceCache {
    /// A category was added, in the last slot.
    pub(super) fn pushed(&mut self) {
        let inner = self.inner();
        if inner.asked {
            inner.stale.push(inner.of.len() as u32);
            inner.of.push(None);
        }
    }

    /// The category in a slot was changed.
    pub(super) fn changed(&mut self, slot: usize, category: i64) {
        let inner = self.inner();
        inner.forget_built(category);
        if let Some(before) = inner.of.get_mut(slot).and_then(Option::take) {
            inner.total.remove(&before);
            inner.stale.push(slot as u32);
        }
    }

    /// A category was removed; the last one moved into its slot.
    pub(super) fn swap_removed(&mut self, slot: usize, category: i64) {
        let inner = self.inner();
        inner.forget_built(category);
        if !inner.asked {
            return;
        }
        if let Some(gone) = inner.of.swap_remove(slot) {
            inner.total.remove(&gone);
        }
        if inner.of.get(slot) == Some(&None) {
            inner.stale.push(slot as u32);
        }
    }

    /// Bytes held.
    pub(super) fn memory_bytes(&self) -> usize {
        let inner = self.lock();
        inner.of.capacity() * size_of::<Option<Evidence>>() + inner.built_bytes
    }

    fn inner(&mut self) -> &mut Inner {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    // A panic here may have left half of a change: all is computed again.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(|poisoned| {
            self.0.clear_poison();
            let mut inner = poisoned.into_inner();
            *inner = Inner::default();
            inner
        })
    }
}

impl Inner {
    fn forget_built(&mut self, category: i64) {
        if let Some(gone) = self.built.remove(&category) {
            self.built_bytes -= gone.memory_bytes();
        }
    }

    /// Computes what is stale. Returns the categories of which that takes a correction that is not
    /// known.
    fn refresh(&mut self, namespace: &Namespace) -> Vec<i64> {
        if !self.asked {
            self.asked = true;
            self.of = vec![None; namespace.categories.len()];
            self.stale = (0..self.of.len() as u32).collect();
        }
        let mut unknown = Vec::new();
        for slot in std::mem::take(&mut self.stale) {
            if self.of.get(slot as usize) != Some(&None) {
                continue;
            }
            let category = &namespace.categories[slot as usize];
            let correction = match &category.unit_correction {
                UnitCorrection::Unknown if category.stats.counting > 0 => {
                    self.built.get(&category.id)
                }
                known => Some(known),
            };
            let Some(correction) = correction else {
                unknown.push(category.id);
                self.stale.push(slot);
                continue;
            };
            let evidence = Evidence::of(&namespace.centroid(slot), correction.components());
            self.total.add(&evidence);
            self.of[slot as usize] = Some(evidence);
        }
        unknown
    }
}

impl Namespace {
    /// What is taken off scores where fairness counts for so much; `None` where it is 0.
    pub(super) fn handicap(&self, fairness: f64) -> Result<Option<Handicap>, MissingMembers> {
        if fairness <= 0.0 {
            return Ok(None);
        }
        let mut inner = self.evidence.lock();
        let unit_corrections = inner.refresh(self);
        if unit_corrections.is_empty() {
            return Ok(inner.total.handicap(fairness));
        }
        Err(MissingMembers {
            rows: Vec::new(),
            unit_corrections,
        })
    }

    /// Adds the correction of a category, which was built from its members at this revision.
    pub fn add_unit_correction(&self, category: i64, correction: UnitCorrection) {
        let mut inner = self.evidence.lock();
        inner.forget_built(category);
        inner.built_bytes += correction.memory_bytes();
        inner.built.insert(category, correction);
    }

    /// The correction of a category, also where it was built.
    pub(super) fn unit_correction(&self, slot: u32) -> UnitCorrection {
        let category = &self.categories[slot as usize];
        match &category.unit_correction {
            UnitCorrection::Unknown => {
                let built = self.evidence.lock().built.get(&category.id).cloned();
                built.unwrap_or(UnitCorrection::Unknown)
            }
            known => known.clone(),
        }
    }
}
