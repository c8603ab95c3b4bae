//! Which changes of the log an undo takes back, and what later changes forbid.
//!
//! An undo takes back changes, not commands: each membership, item, category or profile gets the state
//! that it had before, and everything else stays. That is the state in which the changes never
//! happened, provided that no later change depends on them. A later change depends on an earlier one
//! if both set the same value, if it uses what the earlier one created, or if it has deleted what the
//! earlier one would need. [`UndoPlanner`] reads the log backwards and finds such changes by the
//! [`Subject`]s that each change sets.
//!
//! An undo is in the log too, with the revision that each of its changes takes back. A change and the
//! one that took it back cancel out: neither is a conflict, nor is it taken back again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::record::{Change, ChangeKind, Entry, ItemImage};
use crate::settings::MembershipMode;

/// Changes of the revisions that one undo may select: more than any other write makes, so that each can
/// be taken back.
pub const MAX_UNDO_CHANGES: usize = 60_000;

/// What an undo does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UndoPlan {
    /// The revision of the namespace that it is for.
    pub revision: u64,
    /// The changes to take back, the newest first.
    pub reversals: Vec<Reversal>,
    /// The changes that cannot be taken back, the newest first.
    pub conflicts: Vec<UndoConflict>,
    /// Whether the changes that can be taken back are, although others cannot.
    pub skip_conflicts: bool,
}

/// A change to take back.
#[derive(Clone, Debug, PartialEq)]
pub struct Reversal {
    /// Its revision.
    pub revision: u64,
    /// The change.
    pub change: Change,
    /// The item before it, where its embedding or weight changed or it was deleted.
    pub image: Option<ItemImage>,
}

/// A change that cannot be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoConflict {
    /// Its revision.
    pub revision: u64,
    /// What it did.
    pub kind: ChangeKind,
    /// The item's key; empty: it is of a category or of the namespace.
    pub item: String,
    /// The category's key; empty: it is of an item or of the namespace.
    pub category: String,
    /// The first later revision that depends on it; `None`: its entry is of a version that did not
    /// record when a deleted item was created.
    pub by: Option<u64>,
}

impl fmt::Display for UndoConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "revision {}", self.revision)?;
        if !self.item.is_empty() {
            write!(f, ", item {:?}", self.item)?;
        }
        if !self.category.is_empty() {
            write!(f, ", category {:?}", self.category)?;
        }
        match self.by {
            Some(by) => write!(f, ": revision {by} depends on the change"),
            None => f.write_str(
                ": an older version logged the deletion without the time of the item's creation",
            ),
        }
    }
}

/// A part of the state that a change sets, or that it needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Subject {
    Profile,
    /// Whether a category exists.
    Category(Arc<str>),
    /// Its base, settings and metadata.
    Settings(Arc<str>),
    Anchor(Arc<str>),
    /// Any membership of a category.
    Members(Arc<str>),
    /// Whether an item exists.
    Item(String),
    /// Its embedding, weight and metadata.
    Content(String),
    /// Any membership of an item.
    Places(String),
    /// Whether an item is in a category.
    Membership(String, Arc<str>),
}

/// A later change of a subject that stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Touch {
    by: u64,
    /// The revision whose change it takes back; 0: none.
    undoes: u64,
}

/// Plans an undo from the log, read backwards.
#[derive(Debug)]
pub struct UndoPlanner {
    single: bool,
    selected: BTreeMap<u64, Entry>,
    /// Later changes of the subjects of selected changes, the newest first.
    touched: FxHashMap<Subject, Vec<Touch>>,
    plan: UndoPlan,
}

impl UndoPlanner {
    /// A plan to take back the changes of some entries.
    pub fn new(membership: MembershipMode, selected: Vec<Entry>) -> Self {
        let single = membership == MembershipMode::Single;
        let mut touched = FxHashMap::default();
        for change in selected.iter().flat_map(|entry| &entry.changes) {
            for subject in needs(change, single).into_iter().chain(sets(change)) {
                touched.insert(subject, Vec::new());
            }
        }
        let by_revision = |entry: Entry| (entry.revision, entry);
        Self {
            single,
            selected: selected.into_iter().map(by_revision).collect(),
            touched,
            plan: UndoPlan::default(),
        }
    }

    /// The revision of the first selected entry that was not read yet; `None`: all were.
    pub fn first(&self) -> Option<u64> {
        self.selected.keys().next().copied()
    }

    /// Reads an entry. The newest entry of the namespace comes first, and then each of the others, down
    /// to [`UndoPlanner::first`].
    pub fn entry(&mut self, entry: &Entry) {
        let is_selected = self.selected.remove(&entry.revision).is_some();
        let mut seen = FxHashSet::default();
        let images = entry.images.iter().filter(|image| seen.insert(image.item));
        let images: FxHashMap<i64, &ItemImage> = images.map(|image| (image.item, image)).collect();
        for (place, change) in entry.changes.iter().enumerate().rev() {
            let undoes = entry.undone.get(place).copied().unwrap_or(0);
            let mut touch = Touch {
                by: entry.revision,
                undoes,
            };
            if self.cancels(change, entry.revision) {
                continue;
            }
            if is_selected && *change != Change::NamespaceCreated {
                match self.conflict(change, entry.revision) {
                    Some(conflict) => {
                        // It stays, so older ones may conflict with it: for the same reason.
                        touch.by = conflict.by.unwrap_or(touch.by);
                        self.plan.conflicts.push(conflict);
                    }
                    None => {
                        let image = match change {
                            Change::ItemUpdated { id, .. } | Change::ItemDeleted { id, .. } => {
                                images.get(id).map(|image| ItemImage::clone(image))
                            }
                            _ => None,
                        };
                        self.plan.reversals.push(Reversal {
                            revision: entry.revision,
                            change: change.clone(),
                            image,
                        });
                        continue;
                    }
                }
            }
            for subject in sets(change) {
                if let Some(touches) = self.touched.get_mut(&subject) {
                    touches.push(touch);
                }
            }
        }
    }

    /// The plan for a namespace at a revision.
    pub fn finish(self, revision: u64, skip_conflicts: bool) -> UndoPlan {
        UndoPlan {
            revision,
            skip_conflicts,
            ..self.plan
        }
    }

    /// Whether the next change of the same subject takes this one back. Both are then out of the way.
    fn cancels(&mut self, change: &Change, revision: u64) -> bool {
        let Some(next) = self.next_touch(&own(change, self.single)) else {
            return false;
        };
        if next.undoes != revision {
            return false;
        }
        for subject in sets(change) {
            if let Some(touches) = self.touched.get_mut(&subject)
                && let Some(place) = touches.iter().rposition(|touch| *touch == next)
            {
                touches.remove(place);
            }
        }
        true
    }

    fn next_touch(&self, subject: &Option<Subject>) -> Option<Touch> {
        self.touched.get(subject.as_ref()?)?.last().copied()
    }

    fn conflict(&self, change: &Change, revision: u64) -> Option<UndoConflict> {
        let needed = needs(change, self.single).into_iter();
        let by = needed.filter_map(|subject| self.next_touch(&Some(subject)));
        let by = by.map(|touch| touch.by).min();
        let is_recorded = !matches!(
            change,
            Change::ItemDeleted {
                created_ms: None,
                ..
            }
        );
        if by.is_none() && is_recorded {
            return None;
        }
        Some(UndoConflict {
            revision,
            kind: change.kind(),
            item: change.item().unwrap_or_default().to_owned(),
            category: change
                .category()
                .map(ToString::to_string)
                .unwrap_or_default(),
            by,
        })
    }
}

/// The subject that only the inverse of a change restores.
fn own(change: &Change, single: bool) -> Option<Subject> {
    Some(match change {
        Change::NamespaceCreated => return None,
        Change::ProfileUpdated { .. } => Subject::Profile,
        Change::CategoryCreated { key } => Subject::Category(Arc::clone(key)),
        Change::CategoryDeleted { before } => Subject::Category(Arc::clone(&before.key)),
        Change::CategoryUpdated { before } => Subject::Settings(Arc::clone(&before.key)),
        Change::Reanchored { key, .. } => Subject::Anchor(Arc::clone(key)),
        Change::ItemCreated { key } | Change::ItemDeleted { key, .. } => Subject::Item(key.clone()),
        Change::ItemUpdated { key, .. } => Subject::Content(key.clone()),
        Change::Joined { item, .. } | Change::Left { item, .. } if single => {
            Subject::Places(item.clone())
        }
        Change::Joined { item, category } | Change::Left { item, category, .. } => {
            Subject::Membership(item.clone(), Arc::clone(category))
        }
    })
}

/// The subjects that a change sets.
fn sets(change: &Change) -> Vec<Subject> {
    let mut subjects: Vec<_> = own(change, false).into_iter().collect();
    if let Change::Joined { item, category } | Change::Left { item, category, .. } = change {
        subjects.push(Subject::Places(item.clone()));
        subjects.push(Subject::Members(Arc::clone(category)));
    }
    subjects
}

/// The subjects that must be as a change left them, for the change to be taken back.
fn needs(change: &Change, single: bool) -> Vec<Subject> {
    let mut subjects: Vec<_> = own(change, single).into_iter().collect();
    match change {
        Change::NamespaceCreated
        | Change::ProfileUpdated { .. }
        | Change::CategoryDeleted { .. }
        | Change::ItemDeleted { .. } => {}
        Change::CategoryCreated { key } => subjects.extend([
            Subject::Settings(Arc::clone(key)),
            Subject::Anchor(Arc::clone(key)),
            Subject::Members(Arc::clone(key)),
        ]),
        Change::CategoryUpdated { before } => {
            subjects.push(Subject::Category(Arc::clone(&before.key)));
        }
        Change::Reanchored { key, .. } => subjects.push(Subject::Category(Arc::clone(key))),
        Change::ItemCreated { key } => {
            subjects.extend([Subject::Content(key.clone()), Subject::Places(key.clone())]);
        }
        Change::ItemUpdated { key, .. } => subjects.push(Subject::Item(key.clone())),
        Change::Joined { item, category } | Change::Left { item, category, .. } => {
            subjects.extend([
                Subject::Item(item.clone()),
                Subject::Category(Arc::clone(category)),
            ]);
        }
    }
    subjects
}
