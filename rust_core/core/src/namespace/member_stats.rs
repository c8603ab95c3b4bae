//! The counts and sums of a category's members, and how a category's sum is built from members.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::arithmetic::fixed::{self, Overflow, SquareSum, WeightSum, WideSum};
use crate::arithmetic::vector;

/// What a category has absorbed, apart from the sum of its vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberStats {
    /// Number of members.
    pub members: u64,
    /// Number of the counting members.
    pub counting: u64,
    /// Σ wᵢ over the counting members.
    pub weight: WeightSum,
    /// Σ wᵢ·|xᵢ|² over the counting members.
    pub squares: SquareSum,
}

impl MemberStats {
    /// A member starts to count.
    pub(super) fn absorb(&mut self, weight: f32, embedding: &[f32]) {
        self.counting += 1;
        self.weight = self.weight.plus(weight);
        self.squares = self.squares.plus(weight, vector::norm_squared(embedding));
    }

    /// A member stops counting.
    pub(super) fn forget(&mut self, weight: f32, embedding: &[f32]) {
        self.counting -= 1;
        self.weight = self.weight.minus(weight);
        self.squares = self.squares.minus(weight, vector::norm_squared(embedding));
    }

    /// Applies the effect of a log record to these and to the sum again; see [`fixed::replay`].
    pub(crate) fn replay(&mut self, sum: &mut [i64], weight: f32, embedding: &[f32], minus: bool) {
        fixed::replay(sum, f64::from(weight), embedding, minus);
        let norm_squared = vector::norm_squared(embedding);
        if minus {
            self.counting = self.counting.wrapping_sub(1);
            self.weight = self.weight.minus(weight);
            self.squares = self.squares.minus(weight, norm_squared);
        } else {
            self.counting = self.counting.wrapping_add(1);
            self.weight = self.weight.plus(weight);
            self.squares = self.squares.plus(weight, norm_squared);
        }
    }
}

/// What a sum of vectors lacks to be the sum of their unit copies; `None`: nothing.
pub type UnitCorrection = Option<Arc<Vec<i64>>>;

/// Follows a member that starts to count (or, with `minus`, stops), in integers that may wrap on the
/// way.
pub(crate) fn correct(
    correction: &mut UnitCorrection,
    weight: f32,
    embedding: &[f32],
    minus: bool,
) {
    let Cow::Owned(unit) = vector::unit_copy(embedding) else {
        return;
    };
    let components = correction.get_or_insert_with(|| Arc::new(vec![0; embedding.len()]));
    let components = Arc::make_mut(components);
    fixed::replay(components, f64::from(weight), &unit, minus);
    fixed::replay(components, f64::from(weight), embedding, !minus);
    if components.iter().all(|&component| component == 0) {
        *correction = None;
    }
}

/// The sum of a category, built from its members in any order: only the end must be in range, as
/// in a state that was reached in another order.
#[derive(Clone, Debug)]
pub struct Rebuild {
    sum: WideSum,
    stats: MemberStats,
    correction: UnitCorrection,
}

impl Rebuild {
    /// Without members, for vectors of `dimension` components.
    pub fn new(dimension: usize) -> Self {
        Self {
            sum: WideSum::new(dimension),
            stats: MemberStats::default(),
            correction: None,
        }
    }

    /// Counts a member that is not in the sum: of a frozen category, or outside the window.
    pub fn pass_over(&mut self) {
        self.stats.members += 1;
    }

    /// Counts a member that is in the sum.
    pub fn absorb(&mut self, weight: f32, embedding: &[f32]) {
        self.stats.members += 1;
        self.stats.absorb(weight, embedding);
        self.sum.add(f64::from(weight), embedding);
        correct(&mut self.correction, weight, embedding, false);
    }

    /// The counts and the sum, and what the sum lacks to be that of unit copies.
    pub(super) fn finish(self) -> Result<(MemberStats, Vec<i64>, UnitCorrection), Overflow> {
        Ok((self.stats, self.sum.finish()?, self.correction))
    }
}
