//! The confidence of matches: calibrations of the published categories.

use std::sync::Arc;

use super::Namespace;
use crate::kernels::Kernel;
use crate::scoring::{Calibration, MemberRows};

/// Components of members from which a ranking makes calibrations by itself, so that it stays short: some
/// hundredths of a millisecond. The caller makes the others.
pub(super) const CALIBRATED_AT_ONCE: usize = 1 << 18;

impl Namespace {
    /// Keeps what the confidences of a category are computed from, given the rows of its newest counting
    /// members at this revision.
    pub fn calibrate(&self, category: i64, members: &MemberRows) {
        if let Some(&slot) = self.by_id.get(&category) {
            self.make_calibration(Kernel::best(), slot, members);
        }
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
