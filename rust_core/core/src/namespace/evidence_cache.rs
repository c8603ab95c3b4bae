//! What all categories together tell about the scores of members with their own categories, kept from
//! one query that asks for fairness to the next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;

use super::{Category, UnitCorrection};
use crate::scoring::{ActorSums, CentroidSum, Evidence};

/// The evidence of each category and of all of them, as far as a query has asked for it.
///
/// A write only marks the evidence of a category as stale, since most namespaces rank without
/// fairness. The next query that asks computes what is stale, from exact sums, and adds it in
/// integers: so its answer is a function of the state, whatever was computed when.
#[derive(Debug, Default)]
pub(super) struct EvidenceCache(Mutex<Inner>);

#[derive(Clone, Debug, Default)]
pub(super) struct Inner {
    /// Whether a query has asked. Until then nothing is followed.
    asked: bool,
    /// The sum of `of`.
    pub(super) total: Evidence,
    /// By slot of the category; `None`: stale.
    of: Vec<Option<Evidence>>,
    /// Each stale slot, and maybe slots that are not stale any more.
    stale: Vec<u32>,
    /// Corrections of published categories that were built from their members, by identifier.
    built: FxHashMap<i64, Built>,
    /// Bytes of those.
    built_bytes: usize,
}

/// What was built of a category from its members.
#[derive(Clone, Debug)]
pub(super) struct Built {
    pub(super) whole: UnitCorrection,
    /// The sums of actors with their corrections, if the category keeps those.
    pub(super) actors: Option<Arc<ActorSums>>,
}

impl Built {
    fn memory_bytes(&self) -> usize {
        let actors = self.actors.as_ref().map_or(0, |own| own.memory_bytes());
        self.whole.memory_bytes() + actors
    }
}

impl Clone for EvidenceCache {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.lock().clone()))
    }
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
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
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

    /// What was built of a category.
    pub(super) fn built(&self, category: i64) -> Option<&Built> {
        self.built.get(&category)
    }

    /// Adds what was built of a category from its members.
    pub(super) fn add_built(&mut self, category: i64, built: Built) {
        self.forget_built(category);
        self.built_bytes += built.memory_bytes();
        self.built.insert(category, built);
    }

    /// Computes what is stale, from the categories by slot and what their centroids are computed from.
    /// Returns the categories of which that takes a correction that is not known.
    pub(super) fn refresh<'a>(
        &mut self,
        categories: &[Category],
        centroid: impl Fn(u32) -> CentroidSum<'a>,
    ) -> Vec<i64> {
        if !self.asked {
            self.asked = true;
            self.of = vec![None; categories.len()];
            self.stale = (0..self.of.len() as u32).collect();
        }
        let mut unknown = Vec::new();
        for slot in std::mem::take(&mut self.stale) {
            if self.of.get(slot as usize) != Some(&None) {
                continue;
            }
            let category = &categories[slot as usize];
            let mut centroid = centroid(slot);
            let correction = match &category.unit_correction {
                UnitCorrection::Unknown if category.stats.counting > 0 => {
                    let built = self.built.get(&category.id);
                    built.map(|built| {
                        centroid.actors = built.actors.as_deref();
                        &built.whole
                    })
                }
                known => Some(known),
            };
            let Some(correction) = correction else {
                unknown.push(category.id);
                self.stale.push(slot);
                continue;
            };
            let evidence = Evidence::of(&centroid, correction.components());
            self.total.add(&evidence);
            self.of[slot as usize] = Some(evidence);
        }
        unknown
    }
}
