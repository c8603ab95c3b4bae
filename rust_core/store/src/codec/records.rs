//! The kinds of stored records, apart from answers. Log entries have a file of their own.

use std::sync::Arc;

use ee_core::arithmetic::limits::{MAX_KEPT_REVISIONS, MAX_KEPT_SECONDS, MIN_ACTOR_SHARE};
use ee_core::namespace::{
    CategoryDraft, CategoryRecord, Header, MemberStats, Profile, UnitCorrection,
};
use ee_core::scoring::ActorSums;
use ee_core::settings::{HistoryKeep, Metadata, NamespaceSettings, RankingSettings};

use super::actors::StoredActor;
use super::numbers::{sum_from_bytes, sum_to_bytes};
use super::record::{Body, Extensions, Record, value};

/// A record whose body is the value as serde has it.
macro_rules! plain_body {
    () => {
        fn body(&self, out: Body) -> Body {
            out.put(self)
        }

        fn read(bytes: &[u8]) -> postcard::Result<(Self, &[u8])> {
            postcard::take_from_bytes(bytes)
        }
    };
}

mod entry;

/// Extensions: 1, the least score of a match; 2, the cap on the share of an actor.
impl Record for CategoryRecord {
    const NAME: &str = "category record";
    const FIELDS: u64 = 2;
    plain_body!();

    fn extensions(&self, out: &mut Extensions) {
        if let Some(min_score) = self.settings.min_score {
            out.put(1, &min_score);
        }
        if let Some(share) = self.settings.max_actor_share {
            out.put(2, &share);
        }
    }

    fn extension(&mut self, tag: u64, bytes: &[u8]) -> Option<()> {
        if tag == 2 {
            self.settings.max_actor_share = Some(checked_share(value(bytes)?)?);
            return Some(());
        }
        self.settings.min_score = Some(checked_score(value(bytes)?)?);
        Some(())
    }
}

/// The statistics of a category's members, apart from the sum itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredStats {
    /// Counts and sums of its members.
    pub stats: MemberStats,
    /// What its sum lacks to be the sum of unit copies.
    pub unit_correction: UnitCorrection,
    /// The sums of each actor's members, if it caps the share of an actor.
    pub actors: Option<ActorSums>,
}

impl StoredStats {
    /// Those of a category.
    pub fn of(draft: &CategoryDraft) -> Self {
        Self {
            stats: draft.category.stats,
            unit_correction: draft.stored_unit_correction(),
            actors: draft.category.actors.as_deref().cloned(),
        }
    }
}

/// Extensions: 1, the correction, as a sum is stored; 2, that it is not known. Neither: it is 0. And 3:
/// the sums of actors.
impl Record for StoredStats {
    const NAME: &str = "member statistics";
    const FIELDS: u64 = 3;

    fn body(&self, out: Body) -> Body {
        out.put(&self.stats)
    }

    fn read(bytes: &[u8]) -> postcard::Result<(Self, &[u8])> {
        let (stats, rest) = postcard::take_from_bytes(bytes)?;
        let read = Self {
            stats,
            ..Self::default()
        };
        Ok((read, rest))
    }

    fn extensions(&self, out: &mut Extensions) {
        match &self.unit_correction {
            UnitCorrection::Zero => {}
            UnitCorrection::Known(components) => out.put(1, &sum_to_bytes(components)),
            UnitCorrection::Unknown => out.put(2, &()),
        }
        if let Some(actors) = &self.actors {
            let actors: Vec<_> = actors.iter().map(StoredActor::of).collect();
            out.put(3, &actors);
        }
    }

    fn extension(&mut self, tag: u64, bytes: &[u8]) -> Option<()> {
        if tag == 3 {
            let actors = value::<Vec<StoredActor>>(bytes)?;
            let actors = actors.into_iter().map(StoredActor::read);
            self.actors = Some(actors.collect::<Option<_>>()?);
            return Some(());
        }
        if tag == 2 {
            self.unit_correction = UnitCorrection::Unknown;
            return value::<()>(bytes);
        }
        let components = value::<Vec<u8>>(bytes)?;
        if !components.len().is_multiple_of(size_of::<i64>()) {
            return None;
        }
        self.unit_correction = UnitCorrection::Known(Arc::new(sum_from_bytes(&components)));
        Some(())
    }
}

/// Extensions: 1, the bytes of the log; 2, the number of dismissals; 3, that of parts.
impl Record for Header {
    const NAME: &str = "namespace header";
    const FIELDS: u64 = 3;
    plain_body!();

    fn extensions(&self, out: &mut Extensions) {
        if let Some(bytes) = self.log_bytes {
            out.put(1, &bytes);
        }
        if self.dismissals > 0 {
            out.put(2, &self.dismissals);
        }
        if self.parts > 0 {
            out.put(3, &self.parts);
        }
    }

    fn extension(&mut self, tag: u64, bytes: &[u8]) -> Option<()> {
        match tag {
            1 => self.log_bytes = Some(value(bytes)?),
            2 => self.dismissals = value(bytes)?,
            _ => self.parts = value(bytes)?,
        }
        Some(())
    }
}

impl Record for NamespaceSettings {
    const NAME: &str = "namespace settings";
    plain_body!();
}

impl Record for Metadata {
    const NAME: &str = "item metadata";
    plain_body!();
}

/// Extensions: 1, the ranking; 2, the retention.
impl Record for Profile {
    const NAME: &str = "namespace profile";
    const FIELDS: u64 = 2;
    plain_body!();

    fn extensions(&self, out: &mut Extensions) {
        put_ranking(out, self.ranking);
        put_keep(out, 2, self.history_keep);
    }

    fn extension(&mut self, tag: u64, bytes: &[u8]) -> Option<()> {
        if tag == 2 {
            self.history_keep = checked_keep(value(bytes)?)?;
            return Some(());
        }
        self.ranking = checked(value(bytes)?)?;
        Some(())
    }
}

pub(super) fn put_ranking(out: &mut Extensions, ranking: RankingSettings) {
    if ranking != RankingSettings::default() {
        out.put(1, &ranking);
    }
}

pub(super) fn put_keep(out: &mut Extensions, tag: u64, keep: HistoryKeep) {
    if keep != HistoryKeep::ALL {
        out.put(tag, &keep);
    }
}

/// A retention, if its numbers are in their range.
pub(super) fn checked_keep(keep: HistoryKeep) -> Option<HistoryKeep> {
    let fits = |number: Option<u64>, most| number.is_none_or(|number| (1..=most).contains(&number));
    let fits = fits(keep.revisions, MAX_KEPT_REVISIONS) && fits(keep.seconds, MAX_KEPT_SECONDS);
    fits.then_some(keep)
}

/// A score, if it is in its range.
pub(super) fn checked_score(score: f64) -> Option<f64> {
    (-1.0..=1.0).contains(&score).then_some(score)
}

/// A cap on the share of an actor, if it is in its range.
pub(super) fn checked_share(share: f64) -> Option<f64> {
    (MIN_ACTOR_SHARE..1.0).contains(&share).then_some(share)
}

/// Whether the numbers are in their range.
pub(super) fn checked(ranking: RankingSettings) -> Option<RankingSettings> {
    let fits = |fairness: f64| (0.0..=1.0).contains(&fairness);
    ranking.fairness.is_none_or(fits).then_some(ranking)
}

#[cfg(test)]
mod tests;
