//! The kinds of stored records, apart from answers.

use std::sync::Arc;

use ee_core::arithmetic::limits::{MAX_KEPT_REVISIONS, MAX_KEPT_SECONDS, MIN_ACTOR_SHARE};
use ee_core::command::record::{Change, Effect, Entry};
use ee_core::namespace::{
    CategoryDraft, CategoryRecord, Header, MemberStats, Profile, UnitCorrection,
};
use ee_core::scoring::ActorSums;
use ee_core::settings::{
    CategorySettings, HistoryKeep, Metadata, NamespaceSettings, RankingSettings,
};

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

/// Extensions, each value with the place of its change: 1, rankings before changes of the profile;
/// 2, least scores of categories before their changes; 3, retentions before changes of the profile;
/// 4, times of creation of deleted items. And 5: of an undo, for each change, the revision whose change
/// it takes back. Then, each with its place: 6, caps on the shares of actors of categories before their
/// changes; 7, actors of effects. Version 2 has renames of categories and dismissals, version 3 has parts.
impl Record for Entry {
    const NAME: &str = "log entry";
    const VERSION: u8 = 3;
    const FIELDS: u64 = 7;
    plain_body!();

    fn version(&self) -> u8 {
        let version = |change: &Change| match change {
            Change::CategoryRenamed { .. }
            | Change::Dismissed { .. }
            | Change::DismissalEnded { .. } => 2,
            Change::CompositeUpdated { .. }
            | Change::Composed { .. }
            | Change::PartAdded { .. }
            | Change::PartRemoved { .. } => 3,
            _ => 1,
        };
        self.changes.iter().map(version).max().unwrap_or(1)
    }

    fn extensions(&self, out: &mut Extensions) {
        let changes = || self.changes.iter().enumerate();
        let ranking = |(place, change): (usize, &Change)| match change {
            Change::ProfileUpdated { ranking, .. } if *ranking != RankingSettings::default() => {
                Some((place as u64, *ranking))
            }
            _ => None,
        };
        let rankings: Vec<_> = changes().filter_map(ranking).collect();
        if !rankings.is_empty() {
            out.put(1, &rankings);
        }
        let min_score = |(place, change): (usize, &Change)| match change {
            Change::CategoryUpdated { before } | Change::CategoryDeleted { before } => {
                Some((place as u64, before.settings.min_score?))
            }
            _ => None,
        };
        let min_scores: Vec<(u64, f64)> = changes().filter_map(min_score).collect();
        if !min_scores.is_empty() {
            out.put(2, &min_scores);
        }
        let keep = |(place, change): (usize, &Change)| match change {
            Change::ProfileUpdated { history_keep, .. } if *history_keep != HistoryKeep::ALL => {
                Some((place as u64, *history_keep))
            }
            _ => None,
        };
        let keeps: Vec<_> = changes().filter_map(keep).collect();
        if !keeps.is_empty() {
            out.put(3, &keeps);
        }
        let created = |(place, change): (usize, &Change)| match change {
            Change::ItemDeleted { created_ms, .. } => Some((place as u64, (*created_ms)?)),
            _ => None,
        };
        let created: Vec<(u64, i64)> = changes().filter_map(created).collect();
        if !created.is_empty() {
            out.put(4, &created);
        }
        if !self.undone.is_empty() {
            out.put(5, &self.undone);
        }
        let share = |(place, change): (usize, &Change)| match change {
            Change::CategoryUpdated { before } | Change::CategoryDeleted { before } => {
                Some((place as u64, before.settings.max_actor_share?))
            }
            _ => None,
        };
        let shares: Vec<(u64, f64)> = changes().filter_map(share).collect();
        if !shares.is_empty() {
            out.put(6, &shares);
        }
        let effects = self.effects.iter().enumerate();
        let actor = |(place, effect): (usize, &Effect)| {
            let actor = effect.actor.as_ref()?;
            Some((place as u64, Arc::clone(actor)))
        };
        let actors: Vec<(u64, Arc<str>)> = effects.filter_map(actor).collect();
        if !actors.is_empty() {
            out.put(7, &actors);
        }
    }

    fn extension(&mut self, tag: u64, bytes: &[u8]) -> Option<()> {
        if tag == 7 {
            for (place, actor) in value::<Vec<(u64, Arc<str>)>>(bytes)? {
                let place = usize::try_from(place).ok()?;
                self.effects.get_mut(place)?.actor = Some(actor);
            }
            return Some(());
        }
        if tag == 6 {
            for (place, share) in value::<Vec<(u64, f64)>>(bytes)? {
                settings_before(self, place)?.max_actor_share = Some(checked_share(share)?);
            }
            return Some(());
        }
        if tag == 5 {
            self.undone = value(bytes)?;
            return (self.undone.len() == self.changes.len()).then_some(());
        }
        if tag == 4 {
            for (place, time_ms) in value::<Vec<(u64, i64)>>(bytes)? {
                let place = usize::try_from(place).ok()?;
                let Change::ItemDeleted { created_ms, .. } = self.changes.get_mut(place)? else {
                    return None;
                };
                *created_ms = Some(time_ms);
            }
            return Some(());
        }
        if tag == 2 {
            for (place, min_score) in value::<Vec<(u64, f64)>>(bytes)? {
                settings_before(self, place)?.min_score = Some(checked_score(min_score)?);
            }
            return Some(());
        }
        if tag == 3 {
            for (place, before) in value::<Vec<(u64, HistoryKeep)>>(bytes)? {
                let place = usize::try_from(place).ok()?;
                let Change::ProfileUpdated { history_keep, .. } = self.changes.get_mut(place)?
                else {
                    return None;
                };
                *history_keep = checked_keep(before)?;
            }
            return Some(());
        }
        for (place, before) in value::<Vec<(u64, RankingSettings)>>(bytes)? {
            let place = usize::try_from(place).ok()?;
            let Change::ProfileUpdated { ranking, .. } = self.changes.get_mut(place)? else {
                return None;
            };
            *ranking = checked(before)?;
        }
        Some(())
    }
}

/// The settings of a category before a change.
fn settings_before(entry: &mut Entry, place: u64) -> Option<&mut CategorySettings> {
    match entry.changes.get_mut(usize::try_from(place).ok()?)? {
        Change::CategoryUpdated { before } | Change::CategoryDeleted { before } => {
            Some(&mut before.settings)
        }
        _ => None,
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
mod tests {
    use ee_core::arithmetic::fixed::WeightSum;
    use ee_core::command::Outcome;
    use ee_core::scoring::ActorSum;
    use ee_core::settings::RankingMode;

    use super::*;
    use crate::codec::{Answer, decode, encode, encode_command_answer};

    const LOCAL: RankingSettings = RankingSettings {
        mode: RankingMode::Local,
        fairness: Some(0.25),
    };

    fn profile(ranking: RankingSettings) -> Profile {
        Profile {
            description: "d".into(),
            ranking,
            ..Profile::default()
        }
    }

    #[test]
    fn a_ranking_that_is_not_the_default_is_an_extension_of_each_record_that_has_one() {
        let plain = encode(&profile(RankingSettings::default()));
        let local = encode(&profile(LOCAL));
        assert_eq!(&local[..plain.len()], plain, "the body is the same");
        assert_eq!(
            decode::<Profile>(&plain, "p").unwrap().ranking,
            RankingSettings::default()
        );
        assert_eq!(decode::<Profile>(&local, "p").unwrap(), profile(LOCAL));

        let changed = |ranking| Change::ProfileUpdated {
            description: "before".into(),
            labels: Metadata::new(),
            ranking,
            history_keep: HistoryKeep::ALL,
        };
        let entry = Entry {
            revision: 3,
            origin: Default::default(),
            request_id: String::new(),
            changes: vec![
                changed(RankingSettings::default()),
                changed(LOCAL),
                Change::ItemDeleted {
                    key: "i".into(),
                    id: 7,
                    metadata: Metadata::new(),
                    created_ms: Some(-5),
                },
            ],
            effects: Vec::new(),
            images: Vec::new(),
            undone: vec![2, 2, 1],
        };
        assert_eq!(decode::<Entry>(&encode(&entry), "e").unwrap(), entry);

        let outcome = Outcome::UpdateProfile {
            profile: profile(LOCAL),
            header: Box::default(),
        };
        let answer = Answer::Command(outcome.clone(), 7);
        assert_eq!(encode(&answer), encode_command_answer(&outcome, 7));
        assert_eq!(decode::<Answer>(&encode(&answer), "a").unwrap(), answer);
    }

    #[test]
    fn a_retention_is_an_extension_of_each_record_that_has_one() {
        let keep = HistoryKeep {
            revisions: Some(1000),
            seconds: Some(86_400),
        };
        let kept = Profile {
            history_keep: keep,
            ..profile(LOCAL)
        };
        let plain = encode(&profile(LOCAL));
        assert_eq!(
            &encode(&kept)[..plain.len()],
            plain,
            "what precedes is the same"
        );
        assert_eq!(decode::<Profile>(&encode(&kept), "p").unwrap(), kept);
        let answer = Answer::Command(
            Outcome::UpdateProfile {
                profile: kept.clone(),
                header: Box::default(),
            },
            7,
        );
        assert_eq!(decode::<Answer>(&encode(&answer), "a").unwrap(), answer);
        let entry = Entry {
            revision: 3,
            origin: Default::default(),
            request_id: String::new(),
            changes: vec![Change::ProfileUpdated {
                description: String::new(),
                labels: Metadata::new(),
                ranking: LOCAL,
                history_keep: keep,
            }],
            effects: Vec::new(),
            undone: Vec::new(),
            images: Vec::new(),
        };
        assert_eq!(decode::<Entry>(&encode(&entry), "e").unwrap(), entry);
        let wrong = Profile {
            history_keep: HistoryKeep {
                revisions: Some(0),
                ..keep
            },
            ..kept
        };
        assert!(decode::<Profile>(&encode(&wrong), "p").is_err());
    }

    #[test]
    fn a_correction_is_an_extension_of_the_statistics() {
        let plain = StoredStats::default();
        let known = UnitCorrection::Known(Arc::new(vec![1, -2, i64::MIN]));
        for unit_correction in [known, UnitCorrection::Unknown] {
            let corrected = StoredStats {
                unit_correction,
                ..plain.clone()
            };
            let bytes = encode(&corrected);
            assert_eq!(&bytes[..encode(&plain).len()], encode(&plain));
            assert_eq!(decode::<StoredStats>(&bytes, "s").unwrap(), corrected);
        }
        assert_eq!(decode::<StoredStats>(&encode(&plain), "s").unwrap(), plain);
    }

    #[test]
    fn the_sums_of_actors_are_an_extension_of_the_statistics() {
        let plain = StoredStats::default();
        let sum = |sum: Vec<i64>, correction| {
            ActorSum::new(2, WeightSum::default().plus(1.5), sum, correction)
        };
        let known = UnitCorrection::Known(Arc::new(vec![-3, i64::MAX]));
        let actors: [(Arc<str>, _); 3] = [
            ("".into(), sum(vec![1, i64::MIN], UnitCorrection::Zero)),
            ("ada".into(), sum(vec![7, -7], known)),
            ("bea".into(), sum(vec![0, 1], UnitCorrection::Unknown)),
        ];
        let capped = StoredStats {
            actors: Some(actors.into_iter().collect()),
            ..plain.clone()
        };
        let bytes = encode(&capped);
        assert_eq!(&bytes[..encode(&plain).len()], encode(&plain));
        let read = decode::<StoredStats>(&bytes, "s").unwrap();
        assert_eq!(read, capped);
        let corrections = |stats: &StoredStats| {
            let actors = stats.actors.as_ref().unwrap();
            let own = actors.iter().map(|(_, own)| own.correction.clone());
            own.collect::<Vec<_>>()
        };
        assert_eq!(corrections(&read), corrections(&capped));
        let none = StoredStats {
            actors: Some(ActorSums::default()),
            ..plain.clone()
        };
        assert_eq!(decode::<StoredStats>(&encode(&none), "s").unwrap(), none);
        assert_ne!(none, plain);
    }

    #[test]
    fn caps_and_the_actors_of_effects_are_extensions_of_a_log_entry() {
        let record = |max_actor_share| CategoryRecord {
            key: "c".into(),
            settings: CategorySettings {
                max_actor_share,
                ..CategorySettings::DEFAULT
            },
            base: None,
            metadata: Metadata::new(),
            anchor: 0,
            created_ms: 1,
        };
        let effect = |item, actor: Option<&str>| Effect {
            category: 1,
            item,
            members: 1,
            counting: 1,
            before: false,
            actor: actor.map(Arc::from),
        };
        let entry = |capped: bool| Entry {
            revision: 3,
            origin: Default::default(),
            request_id: String::new(),
            changes: vec![
                Change::CategoryUpdated {
                    before: record(None),
                },
                Change::CategoryDeleted {
                    before: record(capped.then_some(0.25)),
                },
            ],
            effects: vec![
                effect(5, None),
                effect(6, capped.then_some("")),
                effect(7, capped.then_some("ada")),
            ],
            images: Vec::new(),
            undone: Vec::new(),
        };
        let (plain, capped) = (encode(&entry(false)), encode(&entry(true)));
        assert_eq!(capped[..plain.len()], plain, "what precedes is the same");
        for each in [false, true] {
            assert_eq!(
                decode::<Entry>(&encode(&entry(each)), "e").unwrap(),
                entry(each)
            );
        }
        let cap = record(Some(0.25));
        assert_eq!(decode::<CategoryRecord>(&encode(&cap), "c").unwrap(), cap);
        for wrong in [0.0, 1.0, f64::NAN] {
            assert!(decode::<CategoryRecord>(&encode(&record(Some(wrong))), "c").is_err());
        }
    }

    #[test]
    fn the_numbers_of_dismissals_and_parts_are_extensions_of_a_header_that_has_some() {
        let plain = Header {
            revision: 9,
            log_bytes: Some(100),
            ..Header::default()
        };
        let some = Header {
            dismissals: 3,
            parts: 7,
            ..plain
        };
        let (before, after) = (encode(&plain), encode(&some));
        assert_eq!(after[..before.len()], before, "what precedes is the same");
        assert_eq!(decode::<Header>(&before, "h").unwrap(), plain);
        assert_eq!(decode::<Header>(&after, "h").unwrap(), some);
    }

    #[test]
    fn a_ranking_out_of_its_range_is_damage() {
        let wrong = RankingSettings {
            fairness: Some(1.5),
            ..LOCAL
        };
        assert!(decode::<Profile>(&encode(&profile(wrong)), "p").is_err());
    }
}
