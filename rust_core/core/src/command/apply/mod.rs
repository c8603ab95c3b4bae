//! The state machine: a command, applied to a namespace.
//!
//! [`execute`] works on a draft and inside a transaction of the store. It returns either the changes
//! of the namespace or a rejection; the caller then commits and publishes, or rolls back and drops
//! the draft. It reads no clock and draws no random numbers: the same command after the same
//! commands gives the same result, here or on another machine.

mod assign;
mod categories;
mod conflicts;
mod counting;
mod dismiss;
mod expectations;
mod items;
mod merge;
mod parts;
mod rename;
mod resolved;
mod unassign;
mod undo;

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use self::parts::PartCounts;
use super::bounds::{MAX_MEMBERSHIPS, READ_SHARE};
use super::record::{Change, Effect, Entry, ItemImage};
use super::{Command, Outcome, Prepared, ProfileUpdate, Rejection, Store};
use crate::namespace::{
    CategoryDraft, Draft, Item, Membership, Namespace, Origin, Profile, SumOverflow,
};
use crate::scoring::Scorer;
use crate::settings::RankingSettings;

/// Why a command was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteError<E> {
    /// The command was rejected.
    Rejected(Rejection),
    /// The store failed.
    Store(E),
    /// The command needs the sum of many members, which was not prepared as of now.
    Unprepared,
}

impl<E> From<Rejection> for WriteError<E> {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl<E> From<SumOverflow> for WriteError<E> {
    fn from(overflow: SumOverflow) -> Self {
        Self::Rejected(overflow.into())
    }
}

/// The circumstances of a command.
#[derive(Clone, Copy, Debug)]
pub struct CommandContext<'a> {
    /// The time of the command, its actor and its reason.
    pub origin: &'a Origin,
    /// Id of the request; empty if it has none.
    pub request_id: &'a str,
    /// Number of the command in its batch: drifts of its entries are found by it.
    pub number: usize,
    /// Whether the work of the command is bounded, since other writes wait for it.
    pub bounded: bool,
    /// Sums that the command may need. `None`: it builds them itself, however long that takes.
    pub prepared: Option<&'a Prepared>,
}

/// A command that was applied.
#[derive(Debug)]
pub struct Applied {
    /// The result for the caller. The drifts of an Assign are missing until the directions of the
    /// draft are computed.
    pub outcome: Outcome,
    /// The changes of the namespace, and the log entry; `None` if nothing changed.
    pub change: Option<(Draft, Entry)>,
    number: usize,
}

impl Applied {
    /// Computes what the outcome still lacks, on up to `threads` threads.
    pub fn complete(&mut self, threads: usize) {
        if let Some((draft, _)) = &mut self.change {
            Draft::compute_directions(std::iter::once(&mut *draft), threads, || {});
            draft.drifts.retain(|found| {
                let is_own = found.at.command == self.number;
                if is_own {
                    self.outcome.set_drift(found.at.entry, found.drift);
                }
                !is_own
            });
        }
    }
}

/// Applies a command on top of `published` and the uncommitted changes of `batch`.
pub fn execute<S: Store + ?Sized>(
    published: &Namespace,
    batch: &Draft,
    store: &mut S,
    command: &Command,
    context: CommandContext<'_>,
) -> Result<Applied, WriteError<S::Error>> {
    let mut execution = Execution {
        published,
        batch,
        store,
        scorer: published.scorer(),
        origin: context.origin,
        number: context.number,
        prepared: context.prepared,
        bounded: context.bounded,
        work: 0,
        draft: Draft::new(batch.header),
        changes: Vec::new(),
        effects: Vec::new(),
        images: Vec::new(),
        undone: Vec::new(),
        imaged: FxHashSet::default(),
        born: FxHashSet::default(),
        followers: BTreeSet::new(),
        part_counts: PartCounts::default(),
    };
    let mut outcome = match command {
        Command::UpdateProfile(update) => Outcome::UpdateProfile {
            profile: execution.update_profile(update),
            header: Box::new(batch.header),
        },
        Command::PutCategories(puts) => Outcome::PutCategories(execution.put_categories(puts)?),
        Command::DeleteCategories {
            keys,
            allow_missing,
        } => {
            let (deleted, unassigned) = execution.delete_categories(keys, *allow_missing)?;
            Outcome::DeleteCategories {
                deleted,
                unassigned,
            }
        }
        Command::Reanchor { key, keep_last } => {
            Outcome::Reanchor(Box::new(execution.reanchor(key, *keep_last)?))
        }
        Command::RenameCategory { key, new_key } => {
            let (changed, category) = execution.rename_category(key, new_key)?;
            let category = Box::new(category);
            Outcome::RenameCategory { changed, category }
        }
        Command::MergeCategories { sources, target } => {
            Outcome::MergeCategories(Box::new(execution.merge_categories(sources, target)?))
        }
        Command::PutItems(puts) => Outcome::PutItems(execution.put_items(puts)?),
        Command::DeleteItems {
            keys,
            allow_missing,
        } => Outcome::DeleteItems {
            deleted: execution.delete_items(keys, *allow_missing)?,
        },
        Command::Assign(assignments) => Outcome::Assign(execution.assign(assignments)?),
        Command::Unassign(unassignments) => Outcome::Unassign(execution.unassign(unassignments)?),
        Command::Dismiss { pairs, withdraw } => {
            Outcome::Dismiss(execution.dismiss(pairs, *withdraw)?)
        }
        Command::Undo(plan) => Outcome::Undo(execution.undo(plan)?),
    };
    execution.follow_parts()?;
    let change = execution.finish(context.request_id);
    if let (Outcome::UpdateProfile { header, .. }, Some((draft, _))) = (&mut outcome, &change) {
        **header = draft.header;
    }
    Ok(Applied {
        outcome,
        change,
        number: context.number,
    })
}

/// A command while it is applied.
struct Execution<'a, S: Store + ?Sized> {
    published: &'a Namespace,
    batch: &'a Draft,
    store: &'a mut S,
    scorer: Scorer,
    origin: &'a Origin,
    number: usize,
    prepared: Option<&'a Prepared>,
    bounded: bool,
    /// Memberships read and, [`READ_SHARE`] times, changed.
    work: u64,
    draft: Draft,
    changes: Vec<Change>,
    effects: Vec<Effect>,
    images: Vec<ItemImage>,
    /// Of an undo: the revision that each change takes back.
    undone: Vec<u64>,
    /// Items in `images`.
    imaged: FxHashSet<i64>,
    /// Items that this command has created.
    born: FxHashSet<i64>,
    /// Composite items whose parts have changed: their embeddings follow when the command ends.
    followers: BTreeSet<i64>,
    part_counts: PartCounts,
}

/// Result of a part of a command on store `S`.
type ApplyResult<T, S> = Result<T, WriteError<<S as Store>::Error>>;

impl<S: Store + ?Sized> Execution<'_, S> {
    /// The category with a key, to read or change. Its pending drifts are computed, since the caller
    /// may change it.
    fn category(&mut self, key: &str) -> Option<&mut CategoryDraft> {
        if !self.draft.categories.contains_key(key) {
            let draft = self.published.draft_in(self.batch, key)?;
            self.draft
                .categories
                .insert(Arc::clone(&draft.category.key), Some(draft));
        }
        let category = self.draft.categories.get_mut(key)?.as_mut()?;
        category.compute_pending_drifts();
        Some(category)
    }

    /// The category of a stored membership.
    fn category_by_id(&mut self, id: i64) -> &mut CategoryDraft {
        let key = self.draft.keys.get(&id).cloned();
        let key = key.or_else(|| self.published.key_in(self.batch, id));
        // A membership without its category would be a damaged store, which its checksums and
        // counts reveal when the namespace is loaded; here it is a defect.
        let key = key.expect("a membership's category exists");
        self.category(&key).expect("a membership's category exists")
    }

    /// The memberships of an item, by sequence.
    fn memberships(&mut self, item: i64) -> ApplyResult<Vec<Membership>, S> {
        let found = self.store.memberships(item).map_err(WriteError::Store)?;
        self.read_memberships(found.len() as u64)?;
        Ok(found)
    }

    /// Accounts for memberships that are read.
    fn read_memberships(&mut self, count: u64) -> Result<(), Rejection> {
        self.work += count;
        if !self.bounded || self.work <= MAX_MEMBERSHIPS * READ_SHARE {
            return Ok(());
        }
        Err(Rejection::TooManyMemberships {
            category: None,
            members: 0,
        })
    }

    /// Accounts for memberships that are changed after they were read.
    fn change_memberships(&mut self, count: u64) -> Result<(), Rejection> {
        self.read_memberships(count * (READ_SHARE - 1))
    }

    /// Keeps an item as it was before this command, once. Returns whether this state of the item was
    /// kept: a state between two changes by the same command is in no log entry.
    fn keep_image(&mut self, item: &Item) -> bool {
        let first = self.imaged.insert(item.id);
        if first {
            self.images.push(ItemImage {
                item: item.id,
                weight: item.weight,
                embedding: item.embedding.clone(),
            });
        }
        first
    }

    fn update_profile(&mut self, update: &ProfileUpdate) -> Profile {
        let mut after = self.profile().clone();
        if let Some(description) = &update.description {
            after.description.clone_from(description);
        }
        if let Some(labels) = &update.labels {
            after.labels.clone_from(labels);
        }
        if let Some(mode) = update.ranking {
            after.ranking = RankingSettings {
                mode,
                fairness: None,
            };
        }
        after.ranking.fairness = update.fairness.or(after.ranking.fairness);
        after.history_keep = update.history_keep.unwrap_or(after.history_keep);
        self.set_profile(after.clone());
        after
    }

    /// The profile as of now.
    fn profile(&self) -> &Profile {
        let batch = self.batch.profile.as_ref();
        let own = self.draft.profile.as_ref().or(batch);
        own.unwrap_or_else(|| self.published.profile())
    }

    fn set_profile(&mut self, after: Profile) {
        let before = self.profile();
        if after != *before {
            let change = Change::ProfileUpdated {
                description: before.description.clone(),
                labels: before.labels.clone(),
                ranking: before.ranking,
                history_keep: before.history_keep,
            };
            self.changes.push(change);
            self.draft.profile = Some(after);
        }
    }

    /// Closes the log entry; `None` if nothing changed.
    fn finish(mut self, request_id: &str) -> Option<(Draft, Entry)> {
        if self.changes.is_empty() {
            return None;
        }
        let header = &mut self.draft.header;
        header.revision += 1;
        let entry = Entry {
            revision: header.revision,
            origin: self.origin.clone(),
            request_id: request_id.to_owned(),
            changes: self.changes,
            effects: self.effects,
            images: self.images,
            undone: self.undone,
        };
        Some((self.draft, entry))
    }
}

/// The index of the first entry with each key.
fn first_by_key<'a>(keys: impl Iterator<Item = &'a str>) -> FxHashMap<&'a str, usize> {
    let mut first = FxHashMap::default();
    for (index, key) in keys.enumerate() {
        first.entry(key).or_insert(index);
    }
    first
}
