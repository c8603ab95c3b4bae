//! The calibrations of categories, kept from one query that asks for confidence to the next.

use std::sync::{Arc, PoisonError, RwLock};

use rustc_hash::FxHashMap;

use crate::scoring::Calibration;

/// The calibration of each category that a query has asked for, by identifier of the category, until the
/// category changes. An absent one costs time and nothing else.
#[derive(Debug, Default)]
pub(super) struct CalibrationCache(RwLock<Inner>);

#[derive(Debug, Default)]
struct Inner {
    calibrations: FxHashMap<i64, Arc<Calibration>>,
    bytes: usize,
}

impl Clone for CalibrationCache {
    /// The calibrations are shared.
    fn clone(&self) -> Self {
        let copy = Self::default();
        copy.add(self);
        copy
    }
}

impl CalibrationCache {
    /// Adds the calibrations of another cache of the same revision.
    pub(super) fn add(&self, other: &Self) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let others = other.0.read().unwrap_or_else(PoisonError::into_inner);
        for (&category, calibration) in &others.calibrations {
            inner.insert(category, Arc::clone(calibration));
        }
    }

    pub(super) fn get(&self, category: i64) -> Option<Arc<Calibration>> {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        inner.calibrations.get(&category).map(Arc::clone)
    }

    pub(super) fn contains(&self, category: i64) -> bool {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        inner.calibrations.contains_key(&category)
    }

    pub(super) fn insert(&self, category: i64, calibration: Arc<Calibration>) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        inner.insert(category, calibration);
    }

    /// The category has changed, or is gone.
    pub(super) fn forget(&mut self, category: i64) {
        let inner = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        inner.forget(category);
    }

    /// Bytes held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).bytes
    }
}

impl Inner {
    fn insert(&mut self, category: i64, calibration: Arc<Calibration>) {
        self.forget(category);
        self.bytes += calibration.memory_bytes();
        self.calibrations.insert(category, calibration);
    }

    fn forget(&mut self, category: i64) {
        if let Some(gone) = self.calibrations.remove(&category) {
            self.bytes -= gone.memory_bytes();
        }
    }
}
