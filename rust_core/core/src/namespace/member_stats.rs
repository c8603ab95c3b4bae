//! The counts and sums of a category's members, and how a category's sum is built from members.

use serde::{Deserialize, Serialize};

use super::{Member, UnitCorrection};
use crate::arithmetic::fixed::{self, Overflow, SquareSum, WeightSum, WideSum};
use crate::scoring::{ActorBuild, ActorSums};

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
    pub(super) fn absorb(&mut self, member: Member<'_>) {
        self.counting += 1;
        self.weight = self.weight.plus(member.weight);
        self.squares = self.squares.plus(member.weight, member.norm_squared);
    }

    /// A member stops counting.
    pub(super) fn forget(&mut self, member: Member<'_>) {
        self.counting -= 1;
        self.weight = self.weight.minus(member.weight);
        self.squares = self.squares.minus(member.weight, member.norm_squared);
    }

    /// Applies the effect of a log record to these and to the sum again; see [`fixed::replay`].
    pub(super) fn replay(&mut self, sum: &mut [i64], member: Member<'_>, minus: bool) {
        let Member {
            weight,
            embedding,
            norm_squared,
        } = member;
        fixed::replay(sum, f64::from(weight), embedding, minus);
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

/// The sum of a category, built from its members in any order: only the end must be in range, as
/// in a state that was reached in another order.
#[derive(Clone, Debug)]
pub struct Rebuild {
    sum: WideSum,
    stats: MemberStats,
    correction: UnitCorrection,
    keep_unit_sums: bool,
    actors: Option<ActorBuild>,
}

/// What was built.
pub(super) struct Rebuilt {
    pub(super) stats: MemberStats,
    pub(super) sum: Vec<i64>,
    /// What the sum lacks to be that of unit copies.
    pub(super) correction: UnitCorrection,
    /// The sums of each actor's members, if they were asked for.
    pub(super) actors: Option<ActorSums>,
}

impl Rebuild {
    /// Without members, for vectors of `dimension` components. `keep_unit_sums`: the correction of
    /// the sum to that of unit copies is built too. `by_actor`: so are the sums of each actor's members.
    pub fn new(dimension: usize, keep_unit_sums: bool, by_actor: bool) -> Self {
        Self {
            sum: WideSum::new(dimension),
            stats: MemberStats::default(),
            correction: UnitCorrection::Zero,
            keep_unit_sums,
            actors: by_actor.then(ActorBuild::default),
        }
    }

    /// Counts a member that is not in the sum: of a frozen category, or outside the window.
    pub fn pass_over(&mut self) {
        self.stats.members += 1;
    }

    /// Counts a member that is in the sum, and that an actor has assigned.
    pub fn absorb(&mut self, weight: f32, embedding: &[f32], actor: &str) {
        self.stats.members += 1;
        let member = Member::new(weight, embedding);
        self.stats.absorb(member);
        self.sum.add(f64::from(weight), embedding);
        self.correction.follow(member, false, self.keep_unit_sums);
        if let Some(actors) = &mut self.actors {
            // The corrections of actors are needed where that of the whole is known.
            actors.add(actor, member, self.correction.is_known());
        }
    }

    /// The counts and the sums.
    pub(super) fn finish(self) -> Result<Rebuilt, Overflow> {
        Ok(Rebuilt {
            stats: self.stats,
            sum: self.sum.finish()?,
            correction: self.correction,
            actors: self.actors.map(ActorBuild::finish).transpose()?,
        })
    }
}
