//! One category, apart from its vectors.

use std::sync::Arc;

use super::Member;
use super::{MemberStats, UnitCorrection};
use crate::arithmetic::digest::RecordHash;
use crate::scoring::ActorSums;
use crate::settings::{CategorySettings, Metadata};

/// A category, apart from its vectors, which are rows of the namespace's matrices.
#[derive(Clone, Debug)]
pub struct Category {
    /// The store's identifier, never used again for another category.
    pub id: i64,
    /// Its key.
    pub key: Arc<str>,
    /// Its settings.
    pub settings: CategorySettings,
    /// Metadata of the caller.
    pub metadata: Arc<Metadata>,
    /// Whether it has a base.
    pub has_base: bool,
    /// Time of its creation, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// A reanchor has excluded members up to this sequence.
    pub anchor: u64,
    /// Members from this sequence on count, unless the category is frozen; a window moves it.
    pub counting_from: u64,
    /// Counts and sums of its members.
    pub stats: MemberStats,
    /// What its sum lacks to be the sum of unit copies.
    pub unit_correction: UnitCorrection,
    /// The sums of each actor's counting members, if its settings cap the share of an actor.
    pub actors: Option<Arc<ActorSums>>,
    /// The hash of its record in the digest.
    pub hash: RecordHash,
}

impl Category {
    /// Applies the effect of a log record to its sum and to what goes with it again.
    pub(crate) fn replay(
        &mut self,
        sum: &mut [i64],
        member: Member<'_>,
        minus: bool,
        actor: &str,
        keep_unit_sums: bool,
    ) {
        self.stats.replay(sum, member, minus);
        self.unit_correction.follow(member, minus, keep_unit_sums);
        if let Some(actors) = &mut self.actors {
            let keep = self.unit_correction.is_known();
            Arc::make_mut(actors).replay(actor, member, minus, keep);
        }
    }

    /// Bytes of the sums that it holds by itself.
    pub(super) fn sums_bytes(&self) -> usize {
        let actors = self.actors.as_ref().map_or(0, |own| own.memory_bytes());
        self.unit_correction.memory_bytes() + actors
    }

    /// Whether a member with this place in the order of assignment counts.
    pub fn counts(&self, sequence: u64) -> bool {
        !self.settings.frozen && sequence >= self.counting_from
    }
}
