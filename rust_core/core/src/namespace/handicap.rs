//! What fairness takes off the scores of a namespace, and the corrections from unit copies of members
//! that this takes.

use super::{MissingMembers, Namespace, UnitCorrection};
use crate::ranking::Handicap;

impl Namespace {
    /// What is taken off scores where fairness counts for so much; `None` where it is 0.
    pub(super) fn handicap(&self, fairness: f64) -> Result<Option<Handicap>, MissingMembers> {
        if fairness <= 0.0 {
            return Ok(None);
        }
        let mut inner = self.evidence.lock();
        let unit_corrections = inner.refresh(&self.categories, |slot| self.centroid(slot));
        if unit_corrections.is_empty() {
            return Ok(inner.total.handicap(fairness));
        }
        Err(MissingMembers {
            unit_corrections,
            ..MissingMembers::default()
        })
    }

    /// Adds the correction of a category, which was built from its members at this revision.
    pub fn add_unit_correction(&self, category: i64, correction: UnitCorrection) {
        self.evidence.lock().add_built(category, correction);
    }

    /// The correction of a category, also where it was built.
    pub(super) fn unit_correction(&self, slot: u32) -> UnitCorrection {
        let category = &self.categories[slot as usize];
        match &category.unit_correction {
            UnitCorrection::Unknown => {
                let built = self.evidence.lock().built(category.id).cloned();
                built.unwrap_or(UnitCorrection::Unknown)
            }
            known => known.clone(),
        }
    }
}
