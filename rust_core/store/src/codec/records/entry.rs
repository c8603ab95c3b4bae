//! The record of a log entry.

use std::sync::Arc;

use ee_core::command::record::{Change, Effect, Entry};
use ee_core::settings::{CategorySettings, HistoryKeep, RankingSettings};

use super::{checked, checked_keep, checked_score, checked_share};
use crate::codec::record::{Body, Extensions, Record, value};

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
        match tag {
            1 => {
                for (place, before) in value::<Vec<(u64, RankingSettings)>>(bytes)? {
                    let Change::ProfileUpdated { ranking, .. } = change(self, place)? else {
                        return None;
                    };
                    *ranking = checked(before)?;
                }
            }
            2 => {
                for (place, min_score) in value::<Vec<(u64, f64)>>(bytes)? {
                    settings_before(self, place)?.min_score = Some(checked_score(min_score)?);
                }
            }
            3 => {
                for (place, before) in value::<Vec<(u64, HistoryKeep)>>(bytes)? {
                    let Change::ProfileUpdated { history_keep, .. } = change(self, place)? else {
                        return None;
                    };
                    *history_keep = checked_keep(before)?;
                }
            }
            4 => {
                for (place, time_ms) in value::<Vec<(u64, i64)>>(bytes)? {
                    let Change::ItemDeleted { created_ms, .. } = change(self, place)? else {
                        return None;
                    };
                    *created_ms = Some(time_ms);
                }
            }
            5 => {
                self.undone = value(bytes)?;
                if self.undone.len() != self.changes.len() {
                    return None;
                }
            }
            6 => {
                for (place, share) in value::<Vec<(u64, f64)>>(bytes)? {
                    settings_before(self, place)?.max_actor_share = Some(checked_share(share)?);
                }
            }
            7 => {
                for (place, actor) in value::<Vec<(u64, Arc<str>)>>(bytes)? {
                    let place = usize::try_from(place).ok()?;
                    self.effects.get_mut(place)?.actor = Some(actor);
                }
            }
            _ => return None,
        }
        Some(())
    }
}

fn change(entry: &mut Entry, place: u64) -> Option<&mut Change> {
    entry.changes.get_mut(usize::try_from(place).ok()?)
}

/// The settings of a category before a change.
fn settings_before(entry: &mut Entry, place: u64) -> Option<&mut CategorySettings> {
    match change(entry, place)? {
        Change::CategoryUpdated { before } | Change::CategoryDeleted { before } => {
            Some(&mut before.settings)
        }
        _ => None,
    }
}
