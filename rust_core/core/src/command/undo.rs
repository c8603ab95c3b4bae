//! Which changes of the log an undo takes back, and what later changes forbid.
//!
//! An undo takes back changes, not commands: each membership, item, category or profile gets the state
//! that it had before, and everything else stays. That is the state in which the changes never
//! happened, provided that no later change depends on them. A later change depends on an earlier one
//! if both set the same value, if it uses what the earlier one created, or if it has deleted what the
//! earlier one would need. [`UndoPlanner`] reads the log backwards and finds such changes by the
//! [`Subject`]s that each change sets.
//!
//! A category keeps its number through its renames, so that its changes are found whatever its key was
//! then, and are taken back on the category that has another key now.
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

/// A part of the state that a change sets, or that it needs. Categories have numbers of [`Categories`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Subject {
    Profile,
    /// Which category has a key.
    Key(Arc<str>),
    /// Whether a category exists.
    Category(usize),
    /// Its key.
    Name(usize),
    /// Its base, settings and metadata.
    Settings(usize),
    Anchor(usize),
    /// Any membership of a category.
    Members(usize),
    /// Whether an item exists.
    Item(String),
    /// Its embedding, weight and metadata.
    Content(String),
    /// Any membership of an item.
    Places(String),
    /// Whether an item is in a category.
    Membership(String, usize),
    /// Whether an item is dismissed from a category.
    Dismissal(String, usize),
    /// Any dismissal of an item.
    DismissalsOf(String),
    /// Any dismissal from a category.
    DismissalsFrom(usize),
    /// The embedding and weight of a plain item.
    Embedding(String),
    /// Whether an item is a part of a composite: the composite, the part.
    Part(String, String),
    /// Any part of an item.
    PartsOf(String),
    /// Any composite that an item is a part of.
    CompositesOf(String),
}

impl Subject {
    /// The item that it is of.
    fn item(&self) -> Option<&str> {
        match self {
            Self::Item(key)
            | Self::Content(key)
            | Self::Places(key)
            | Self::Membership(key, _)
            | Self::Dismissal(key, _)
            | Self::DismissalsOf(key)
            | Self::Embedding(key)
            | Self::Part(key, _)
            | Self::PartsOf(key)
            | Self::CompositesOf(key) => Some(key),
            _ => None,
        }
    }
}

/// The categories of the log, while it is read backwards.
#[derive(Debug, Default)]
struct Categories {
    /// The category that has a key at the place that was reached, or that had it last before.
    by_key: FxHashMap<Arc<str>, usize>,
    /// The key of each as the plan leaves it so far.
    keys: Vec<Arc<str>>,
}

impl Categories {
    fn number(&mut self, key: &Arc<str>) -> usize {
        if let Some(&number) = self.by_key.get(key) {
            return number;
        }
        self.keys.push(Arc::clone(key));
        self.by_key.insert(Arc::clone(key), self.keys.len() - 1);
        self.keys.len() - 1
    }

    /// Goes back over a change. Returns the number of its category.
    fn back(&mut self, change: &Change) -> Option<usize> {
        let number = self.number(change.category()?);
        if let Change::CategoryRenamed { from, to } = change {
            self.by_key.remove(to);
            self.by_key.insert(Arc::clone(from), number);
        }
        Some(number)
    }

    /// A change of a category as it is taken back: under the key that the category has then.
    fn take_back(&mut self, change: &Change, number: usize) -> Change {
        let now = Arc::clone(&self.keys[number]);
        let mut change = change.clone();
        match &mut change {
            Change::CategoryCreated { key } | Change::Reanchored { key, .. } => *key = now,
            Change::CategoryUpdated { before } => before.key = now,
            Change::Joined { category, .. }
            | Change::Left { category, .. }
            | Change::Dismissed { category, .. }
            | Change::DismissalEnded { category, .. } => *category = now,
            Change::CategoryRenamed { from, .. } => self.keys[number] = Arc::clone(from),
            _ => {}
        }
        change
    }
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
    /// The items of the selected changes.
    items: FxHashSet<String>,
    categories: Categories,
    /// Later changes of each subject, the newest first: of categories, and of the items of selected
    /// changes.
    touched: FxHashMap<Subject, Vec<Touch>>,
    plan: UndoPlan,
}

impl UndoPlanner {
    /// A plan to take back the changes of some entries.
    pub fn new(membership: MembershipMode, selected: Vec<Entry>) -> Self {
        let changes = selected.iter().flat_map(|entry| &entry.changes);
        let items = changes.flat_map(|change| [change.item(), change.part()]);
        let items = items.flatten().map(str::to_owned).collect();
        let by_revision = |entry: Entry| (entry.revision, entry);
        Self {
            single: membership == MembershipMode::Single,
            selected: selected.into_iter().map(by_revision).collect(),
            items,
            categories: Categories::default(),
            touched: FxHashMap::default(),
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
        let updates = Updates::of(entry);
        for (place, change) in entry.changes.iter().enumerate().rev() {
            let undoes = entry.undone.get(place).copied().unwrap_or(0);
            let mut touch = Touch {
                by: entry.revision,
                undoes,
            };
            if let Change::CompositeUpdated { followed: true, .. } = change {
                continue; // The parts decide, whatever becomes of their changes.
            }
            if updates.is_later(change, undoes, place) {
                continue; // The first one has the state before the entry.
            }
            let number = self.categories.back(change);
            let image = change.imaged().and_then(|id| images.get(&id));
            let mut subjects = Subjects::of(change, number, self.single);
            if let (Some(key), Some(_)) = (updates.of_its_own(change), image) {
                subjects.sets.push(Subject::Embedding(key.to_owned()));
            }
            if self.cancels(&subjects, entry.revision) {
                continue;
            }
            if is_selected && *change != Change::NamespaceCreated {
                match self.conflict(change, &subjects, entry.revision) {
                    Some(conflict) => {
                        // It stays, so older ones may conflict with it: for the same reason.
                        touch.by = conflict.by.unwrap_or(touch.by);
                        self.plan.conflicts.push(conflict);
                    }
                    None => {
                        let image = image.map(|image| ItemImage::clone(image));
                        let change = match number {
                            Some(number) => self.categories.take_back(change, number),
                            None => change.clone(),
                        };
                        self.plan.reversals.push(Reversal {
                            revision: entry.revision,
                            change,
                            image,
                        });
                        continue;
                    }
                }
            }
            if let Change::Composed { .. } = change {
                continue; // It follows from its parts, whose changes are touches.
            }
            for subject in subjects.sets {
                self.touch(subject, touch);
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

    fn touch(&mut self, subject: Subject, touch: Touch) {
        let is_other = subject.item().is_some_and(|key| !self.items.contains(key));
        if is_other && touch.undoes == 0 {
            return; // No selected change needs it, and none is taken back by it.
        }
        let touches = self.touched.entry(subject).or_default();
        match touches.last_mut() {
            // Only a touch that takes something back is ever removed, and the next one is in front.
            Some(last) if (last.undoes, touch.undoes) == (0, 0) => *last = touch,
            _ => touches.push(touch),
        }
    }

    /// Whether the next change of the same subject takes this one back. Both are then out of the way.
    fn cancels(&mut self, subjects: &Subjects, revision: u64) -> bool {
        let own = subjects.own.as_ref();
        let Some(next) = own.and_then(|own| self.next_touch(own)) else {
            return false;
        };
        if next.undoes != revision {
            return false;
        }
        for subject in &subjects.sets {
            if let Some(touches) = self.touched.get_mut(subject)
                && let Some(place) = touches.iter().rposition(|touch| *touch == next)
            {
                touches.remove(place);
            }
        }
        true
    }

    fn next_touch(&self, subject: &Subject) -> Option<Touch> {
        self.touched.get(subject)?.last().copied()
    }

    fn conflict(
        &self,
        change: &Change,
        subjects: &Subjects,
        revision: u64,
    ) -> Option<UndoConflict> {
        let needed = subjects.needs.iter();
        let by = needed.filter_map(|subject| self.next_touch(subject));
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

/// The updates of items in an entry, several of which may be of the same item.
#[derive(Default)]
struct Updates {
    /// The place of the first update of each item that takes back the same revision.
    first: FxHashMap<(i64, u64), usize>,
    /// Items that an update has given an embedding of their own, or taken it from.
    own: FxHashSet<i64>,
}

impl Updates {
    fn of(entry: &Entry) -> Self {
        let mut updates = Self::default();
        for (place, change) in entry.changes.iter().enumerate() {
            let undoes = entry.undone.get(place).copied().unwrap_or(0);
            let Some(id) = updated(change) else {
                continue;
            };
            updates.first.entry((id, undoes)).or_insert(place);
            if let Change::ItemUpdated { .. } = change {
                updates.own.insert(id);
            }
        }
        updates
    }

    fn is_later(&self, change: &Change, undoes: u64, place: usize) -> bool {
        let first = updated(change).and_then(|id| self.first.get(&(id, undoes)));
        first.is_some_and(|first| *first < place)
    }

    /// The key of an item whose own embedding came or went with an update.
    fn of_its_own<'a>(&self, change: &'a Change) -> Option<&'a str> {
        let id = updated(change)?;
        change.item().filter(|_| self.own.contains(&id))
    }
}

/// The identifier of an item that was updated, other than by following its parts.
fn updated(change: &Change) -> Option<i64> {
    match change {
        Change::ItemUpdated { id, .. }
        | Change::CompositeUpdated {
            id,
            followed: false,
            ..
        } => Some(*id),
        _ => None,
    }
}

/// What a change depends on, and what depends on it.
#[derive(Debug, Default)]
struct Subjects {
    /// The subject that only the inverse of the change restores.
    own: Option<Subject>,
    /// The subjects that the change sets.
    sets: Vec<Subject>,
    /// The subjects that must be as the change left them, for it to be taken back.
    needs: Vec<Subject>,
}

impl Subjects {
    /// Those of a change of a category with this number, or of none.
    fn of(change: &Change, number: Option<usize>, single: bool) -> Self {
        // Each change of a category has a number.
        let number = number.unwrap_or(usize::MAX);
        let exists = Subject::Category(number);
        match change {
            Change::NamespaceCreated => Self::default(),
            Change::ProfileUpdated { .. } => Self::new(Subject::Profile, [], []),
            Change::CategoryCreated { key } => {
                let key = Subject::Key(Arc::clone(key));
                let parts = [
                    Subject::Name(number),
                    Subject::Settings(number),
                    Subject::Anchor(number),
                    Subject::Members(number),
                    Subject::DismissalsFrom(number),
                ];
                Self::new(exists, [key], parts)
            }
            Change::CategoryDeleted { before } => {
                let key = Subject::Key(Arc::clone(&before.key));
                Self::new(exists, [key.clone()], [key])
            }
            Change::CategoryRenamed { from, to } => {
                let [from, to] = [from, to].map(|key| Subject::Key(Arc::clone(key)));
                Self::new(Subject::Name(number), [from.clone(), to], [from, exists])
            }
            Change::CategoryUpdated { .. } => Self::new(Subject::Settings(number), [], [exists]),
            Change::Reanchored { .. } => Self::new(Subject::Anchor(number), [], [exists]),
            Change::ItemCreated { key } => {
                let parts = [
                    Subject::Content(key.clone()),
                    Subject::Places(key.clone()),
                    Subject::DismissalsOf(key.clone()),
                    Subject::PartsOf(key.clone()),
                    Subject::CompositesOf(key.clone()),
                ];
                Self::new(Subject::Item(key.clone()), [], parts)
            }
            Change::ItemDeleted { key, .. } => Self::new(Subject::Item(key.clone()), [], []),
            Change::Composed { key, .. } => {
                let embedding = Subject::Embedding(key.clone());
                let content = Subject::Content(key.clone());
                Self {
                    own: Some(content.clone()),
                    sets: vec![content, embedding.clone()],
                    needs: vec![Subject::Item(key.clone()), embedding],
                }
            }
            Change::ItemUpdated { key, .. } | Change::CompositeUpdated { key, .. } => {
                let item = Subject::Item(key.clone());
                Self::new(Subject::Content(key.clone()), [], [item])
            }
            Change::Dismissed { item, .. } | Change::DismissalEnded { item, .. } => {
                Self::of_dismissal(item, number)
            }
            Change::PartAdded { item, part, .. } => {
                let [item, part] = [item, part].map(|key| Subject::Item(key.clone()));
                Self::of_part(change, [item, part])
            }
            Change::PartRemoved { item, part, .. } => {
                // A composite that has lost its parts may have got an embedding of its own, or become
                // a part; its part may have become composite.
                let needs = [
                    Subject::Item(item.clone()),
                    Subject::Item(part.clone()),
                    Subject::Embedding(item.clone()),
                    Subject::CompositesOf(item.clone()),
                    Subject::PartsOf(part.clone()),
                ];
                Self::of_part(change, needs)
            }
            Change::Joined { item, .. } | Change::Left { item, .. } => {
                let membership = Subject::Membership(item.clone(), number);
                let places = Subject::Places(item.clone());
                // An item cannot be in a category that it is dismissed from.
                let dismissal = Subject::Dismissal(item.clone(), number);
                let needs = [Subject::Item(item.clone()), exists, dismissal];
                let sets = vec![membership.clone(), places.clone(), Subject::Members(number)];
                // There an item can be in one category only, so that each membership is in the way.
                let own = if single { places } else { membership };
                Self {
                    sets,
                    ..Self::new(own, [], needs)
                }
            }
        }
    }

    /// Those of a change of a dismissal.
    fn of_dismissal(item: &str, number: usize) -> Self {
        let item = item.to_owned();
        let needs = [
            Subject::Item(item.clone()),
            Subject::Category(number),
            Subject::Membership(item.clone(), number),
        ];
        let sets = [
            Subject::DismissalsOf(item.clone()),
            Subject::DismissalsFrom(number),
        ];
        Self::new(Subject::Dismissal(item, number), sets, needs)
    }

    /// Those of a change of a part.
    fn of_part<const N: usize>(change: &Change, needs: [Subject; N]) -> Self {
        let item = change.item().unwrap_or_default().to_owned();
        let part = change.part().unwrap_or_default().to_owned();
        let sets = [
            Subject::PartsOf(item.clone()),
            Subject::CompositesOf(part.clone()),
        ];
        Self::new(Subject::Part(item, part), sets, needs)
    }

    /// A change sets and needs its own subject, and others.
    fn new<const S: usize, const N: usize>(
        own: Subject,
        sets: [Subject; S],
        needs: [Subject; N],
    ) -> Self {
        let with_own = |others: Vec<Subject>| [vec![own.clone()], others].concat();
        Self {
            sets: with_own(sets.to_vec()),
            needs: with_own(needs.to_vec()),
            own: Some(own),
        }
    }
}
