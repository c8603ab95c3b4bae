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

impl CalibrationCache {
    pub(super) fn get(&self, category: i64) -> Option<Arc<Calibration>> {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        inner.calibrations.get(&category).map(Arc::clone)
    }

    pub(super) fn insert(&self, category: i64, calibration: Arc<Calibration>) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        inner.forget(category);
        inner.bytes += calibration.memory_bytes();
        inner.calibrations.insert(category, calibration);
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
    fn forget(&mut self, category: i64) {
        if let Some(gone) = self.calibrations.remove(&category) {
            self.bytes -= gone.memory_bytes();
        }
    }
}
