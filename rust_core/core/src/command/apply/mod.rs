//! The state machine: a command, applied to a namespace.
//!
//! `execute` works on a draft and inside the store's transaction. It either returns what the
//! namespace will be, or a refusal; the caller then commits and publishes, or rolls back and
//! forgets. It reads no clock and draws no lots: the same command after the same commands gives
//! the same result, here or on another machine.

mod assign;
mod categories;
mod conflicts;
mod counting;
mod items;
mod unassign;

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::command::Store;
use crate::command::record::{Change, Effect, Entry, ItemImage};
use crate::command::{Command, Outcome, Refusal};
use crate::namespace::{CategoryDraft, Draft, Namespace, Profile};
use crate::namespace::{Item, Origin};

/// Why a command was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteError<E> {
    /// The command is at fault.
    Refused(Refusal),
    /// The store is.
    Store(E),
}

impl<E> From<Refusal> for WriteError<E> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A command, and what goes with it.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// What to do.
    pub command: &'a Command,
    /// Who, when and why.
    pub origin: &'a Origin,
    /// Id of the request; empty if it has none.
    pub request_id: &'a str,
    /// Its number among the commands of its group: says whose entries ask for a drift.
    pub number: usize,
}

/// What comes of a command.
#[derive(Debug)]
pub struct Applied {
    /// What the caller is told. The drifts of an Assign are missing until the draft is complete.
    pub outcome: Outcome,
    /// What the namespace will be, and the entry for the log; none if nothing changed.
    pub change: Option<(Draft, Entry)>,
    number: usize,
}

impl Applied {
    /// Computes what is missing, on up to so many threads.
    pub fn complete(&mut self, threads: usize) {
        if let Some((draft, _)) = &mut self.change {
            Draft::complete(std::iter::once(&mut *draft), threads, || {});
            draft.told.retain(|(asking, drift)| {
                let own = asking.command == self.number;
                if own {
                    self.outcome.tell_drift(asking.entry, *drift);
                }
                !own
            });
        }
    }
}

/// Applies a command on top of `published` and the uncommitted changes of `group`.
pub fn execute<S: Store>(
    published: &Namespace,
    group: &Draft,
    store: &mut S,
    order: Order<'_>,
) -> Result<Applied, WriteError<S::Error>> {
    let Order {
        command,
        origin,
        request_id,
        number,
    } = order;
    let mut write = Write {
        published,
        group,
        store,
        origin,
        number,
        draft: Draft::new(group.header),
        changes: Vec::new(),
        effects: Vec::new(),
        images: Vec::new(),
        imaged: FxHashSet::default(),
    };
    let mut outcome = match command {
        Command::UpdateProfile {
            description,
            labels,
        } => Outcome::UpdateProfile {
            profile: write.update_profile(description.as_deref(), labels.as_ref()),
            header: Box::new(group.header),
        },
        Command::PutCategories(puts) => Outcome::PutCategories(write.put_categories(puts)?),
        Command::DeleteCategories {
            keys,
            allow_missing,
        } => {
            let (deleted, unassigned) = write.delete_categories(keys, *allow_missing)?;
            Outcome::DeleteCategories {
                deleted,
                unassigned,
            }
        }
        Command::Reanchor { key, keep_last } => {
            Outcome::Reanchor(Box::new(write.reanchor(key, *keep_last)?))
        }
        Command::PutItems(puts) => Outcome::PutItems(write.put_items(puts)?),
        Command::DeleteItems {
            keys,
            allow_missing,
        } => Outcome::DeleteItems {
            deleted: write.delete_items(keys, *allow_missing)?,
        },
        Command::Assign(assignments) => Outcome::Assign(write.assign(assignments)?),
        Command::Unassign(unassignments) => Outcome::Unassign(write.unassign(unassignments)?),
    };
    let change = write.finish(request_id)?;
    if let (Outcome::UpdateProfile { header, .. }, Some((draft, _))) = (&mut outcome, &change) {
        **header = draft.header;
    }
    Ok(Applied {
        outcome,
        change,
        number,
    })
}

/// A command at work.
struct Write<'a, S: Store> {
    published: &'a Namespace,
    group: &'a Draft,
    store: &'a mut S,
    origin: &'a Origin,
    number: usize,
    draft: Draft,
    changes: Vec<Change>,
    effects: Vec<Effect>,
    images: Vec<ItemImage>,
    /// Items in `images`.
    imaged: FxHashSet<i64>,
}

/// Result of a step of a write on store `S`.
type Step<T, S> = Result<T, WriteError<<S as Store>::Error>>;

impl<S: Store> Write<'_, S> {
    /// The category with a key, to look at or change. Who has asked for its drift is told.
    fn category(&mut self, key: &str) -> Option<&mut CategoryDraft> {
        if !self.draft.categories.contains_key(key) {
            let draft = self.group.category(self.published, key)?;
            self.draft
                .categories
                .insert(Arc::clone(&draft.category.key), Some(draft));
        }
        let category = self.draft.categories.get_mut(key)?.as_mut()?;
        category.tell();
        Some(category)
    }

    /// The category that a stored membership names.
    fn category_by_id(&mut self, id: i64) -> &mut CategoryDraft {
        let key = self.draft.keys.get(&id).cloned();
        let key = key.or_else(|| self.group.key_of(self.published, id));
        // A membership without its category would be a broken store, which its checksums and
        // counts find when the namespace is loaded; here it is a defect.
        let key = key.expect("a membership's category exists");
        self.category(&key).expect("a membership's category exists")
    }

    /// Keeps an item as it was before this entry, once. Returns whether this is what was kept: an
    /// item that the entry has changed already is between two states that the log knows.
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

    fn update_profile(
        &mut self,
        description: Option<&str>,
        labels: Option<&crate::settings::Metadata>,
    ) -> Profile {
        let before = self
            .group
            .profile
            .as_ref()
            .unwrap_or_else(|| self.published.profile());
        let mut after = before.clone();
        if let Some(description) = description {
            after.description = description.to_owned();
        }
        if let Some(labels) = labels {
            after.labels = labels.clone();
        }
        if after != *before {
            self.changes.push(Change::ProfileUpdated {
                description: before.description.clone(),
                labels: before.labels.clone(),
            });
            self.draft.profile = Some(after.clone());
        }
        after
    }

    /// Finds out whether what readers will need can be computed (this is where a direction's
    /// overflow is found), and closes the entry.
    fn finish(mut self, request_id: &str) -> Step<Option<(Draft, Entry)>, S> {
        if self.changes.is_empty() {
            return Ok(None);
        }
        for category in self.draft.categories.values_mut().flatten() {
            if category.changed {
                category.check()?;
            }
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
        };
        Ok(Some((self.draft, entry)))
    }
}

/// Finds the first entry with each key.
fn first_by_key<'a>(keys: impl Iterator<Item = &'a str>) -> FxHashMap<&'a str, usize> {
    let mut first = FxHashMap::default();
    for (index, key) in keys.enumerate() {
        first.entry(key).or_insert(index);
    }
    first
}
