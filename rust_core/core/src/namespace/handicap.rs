//! What fairness takes off the scores of a namespace, and the corrections from unit copies of members
//! that this takes.

use std::sync::Arc;

use super::evidence_cache::Built;
use super::{Category, MissingMembers, Namespace};
use crate::ranking::Handicap;
use crate::scoring::UnitCorrections;

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

    /// Adds the corrections of a category, which were built from its members at this revision.
    pub fn add_unit_corrections(&self, category: i64, corrections: &UnitCorrections) {
        let Some(&slot) = self.by_id.get(&category) else {
            return;
        };
        let actors = self.categories[slot as usize].actors.as_deref();
        let actors = actors.map(|actors| Arc::new(actors.corrected(&corrections.actors)));
        let whole = corrections.whole.clone();
        self.evidence
            .lock()
            .add_built(category, Built { whole, actors });
    }

    /// Takes the corrections of a category over, if they were built.
    pub(super) fn take_built(&self, category: &mut Category) {
        if let Some(built) = self.evidence.lock().built(category.id) {
            category.unit_correction = built.whole.clone();
            category.actors.clone_from(&built.actors);
        }
    }
}
