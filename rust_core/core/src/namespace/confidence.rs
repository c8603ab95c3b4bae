//! The confidence of matches: calibrations of the published categories.

use std::sync::Arc;

use super::matching::distinct;
use super::{Lead, MissingMembers, Namespace};
use crate::kernels::Kernel;
use crate::scoring::{Calibration, MemberRows};

impl Namespace {
    /// Keeps what the confidences of a category are computed from, given the rows of its newest counting
    /// members at this revision.
    pub fn calibrate(&self, category: i64, members: &MemberRows) {
        if let Some(&slot) = self.by_id.get(&category) {
            self.make_calibration(Kernel::best(), slot, members);
        }
    }

    /// The confidence of a lead among [calibrated](Namespace::calibrated) categories; `None`: no member of
    /// its category has a score.
    pub fn confidence(&self, lead: Lead) -> Option<f64> {
        let category = &self.categories[lead.slot as usize];
        if category.stats.counting == 0 {
            return None;
        }
        self.calibrations.get(category.id)?.confidence(lead.score)
    }

    /// Fails with those of some categories, by slot, that are to be calibrated before a confidence is asked
    /// for.
    pub fn calibrated(&self, slots: impl IntoIterator<Item = u32>) -> Result<(), MissingMembers> {
        let categories = slots
            .into_iter()
            .map(|slot| &self.categories[slot as usize]);
        let lacking = categories.filter(|category| {
            category.stats.counting > 0 && !self.calibrations.contains(category.id)
        });
        let uncalibrated = distinct(lacking.map(|category| category.id).collect());
        if uncalibrated.is_empty() {
            return Ok(());
        }
        Err(MissingMembers {
            uncalibrated,
            ..MissingMembers::default()
        })
    }

    /// Keeps the calibrations of a copy of the same revision.
    pub fn add_calibrations(&self, copy: &Self) {
        self.calibrations.add(&copy.calibrations);
    }

    /// The rows of a category's members, if they are kept.
    pub fn kept_members(&self, category: i64) -> Option<Arc<MemberRows>> {
        self.members.get(category)
    }

    /// The calibration of a category, if it is kept or follows from rows that are kept, of at most so many
    /// components, which it takes off.
    pub(super) fn calibration(
        &self,
        kernel: Kernel,
        slot: u32,
        components: &mut usize,
    ) -> Option<Arc<Calibration>> {
        let category = self.categories[slot as usize].id;
        if let Some(calibration) = self.calibrations.get(category) {
            return Some(calibration);
        }
        let members = self.members.get(category)?;
        let work = members.len() * self.settings().dimension as usize;
        *components = components.checked_sub(work)?;
        Some(self.make_calibration(kernel, slot, &members))
    }

    fn make_calibration(
        &self,
        kernel: Kernel,
        slot: u32,
        members: &MemberRows,
    ) -> Arc<Calibration> {
        let calibration = Arc::new(Calibration::of(kernel, &self.centroid(slot), members));
        let category = self.categories[slot as usize].id;
        self.calibrations.insert(category, Arc::clone(&calibration));
        calibration
    }
}
