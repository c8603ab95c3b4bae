//! The changes of an entry of the log, as a page lists them.

use ee_core::command::record::{Change, Entry};
use ee_core::namespace::Origin;
use ee_core::settings::Metadata;
use rustc_hash::FxHashMap;

/// The place of a change: its revision, and its index in the revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangeIndex {
    /// The revision.
    pub revision: u64,
    /// The index, from 0.
    pub index: u32,
}

/// A change of the history.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryChange {
    /// Its place.
    pub at: ChangeIndex,
    /// Its time, actor and reason.
    pub origin: Origin,
    /// Id of the request that made it; empty if it had none.
    pub request_id: String,
    /// The change.
    pub change: Change,
    /// Of an item that joined a category of a SINGLE namespace: the [`Change::Left`] of the category
    /// that it left for it.
    pub left: Option<Change>,
    /// The item's weight before, where its weight or its embedding changed.
    pub weight_before: Option<f32>,
    /// Of an undo: the revision whose change this one has taken back; 0: it is of another write.
    pub undoes: u64,
}

impl HistoryChange {
    /// About the bytes that a message with the change takes.
    pub fn bytes(&self) -> usize {
        const FIXED: usize = 128;
        let map = |map: &Metadata| -> usize {
            map.iter()
                .map(|(key, value)| key.len() + value.len() + 8)
                .sum()
        };
        let texts = |change: &Change| match change {
            Change::NamespaceCreated => 0,
            Change::ProfileUpdated {
                description,
                labels,
                ..
            } => description.len() + map(labels),
            Change::CategoryCreated { key } | Change::Reanchored { key, .. } => key.len(),
            Change::CategoryUpdated { before } | Change::CategoryDeleted { before } => {
                2 * before.key.len() + map(&before.metadata)
            }
            Change::ItemCreated { key } => key.len(),
            Change::ItemUpdated { key, metadata, .. }
            | Change::CompositeUpdated { key, metadata, .. }
            | Change::Composed { key, metadata, .. }
            | Change::ItemDeleted { key, metadata, .. } => key.len() + map(metadata),
            Change::PartAdded { item, part, .. } | Change::PartRemoved { item, part, .. } => {
                item.len() + part.len()
            }
            Change::Joined { item, category } => item.len() + 2 * category.len(),
            Change::Left {
                item,
                category,
                origin,
                ..
            } => item.len() + 3 * category.len() + origin.actor.len() + origin.reason.len(),
            Change::Dismissed { item, category } => item.len() + category.len(),
            Change::DismissalEnded {
                item,
                category,
                origin,
            } => item.len() + 2 * category.len() + origin.actor.len() + origin.reason.len(),
            Change::CategoryRenamed { from, to } => from.len() + 2 * to.len(),
        };
        let origin = self.origin.actor.len() + self.origin.reason.len() + self.request_id.len();
        FIXED + origin + texts(&self.change) + self.left.as_ref().map_or(0, texts)
    }
}

/// The changes of an entry, in order. A move is one change.
pub(crate) fn changes(entry: Entry) -> Vec<HistoryChange> {
    let Entry {
        revision,
        origin,
        request_id,
        changes,
        images,
        undone,
        ..
    } = entry;
    let weights: FxHashMap<i64, f32> = images.iter().map(|i| (i.item, i.weight)).collect();
    let weight_of = |change: &Change| weights.get(&change.imaged()?).copied();
    let mut listed: Vec<HistoryChange> = Vec::with_capacity(changes.len());
    for (place, change) in changes.into_iter().enumerate() {
        let undoes = undone.get(place).copied().unwrap_or(0);
        let left = match (&change, listed.last()) {
            (Change::Joined { item, .. }, Some(before))
                if before.undoes == undoes && moves(&before.change, item) =>
            {
                listed.pop().map(|before| before.change)
            }
            _ => None,
        };
        listed.push(HistoryChange {
            at: ChangeIndex {
                revision,
                index: listed.len() as u32,
            },
            origin: origin.clone(),
            request_id: request_id.clone(),
            weight_before: weight_of(&change),
            left,
            change,
            undoes,
        });
    }
    listed
}

/// Whether a change takes an item out of a category right before it joins another one: no command
/// but an Assign in a SINGLE namespace does that, or an undo of one.
fn moves(before: &Change, joining: &str) -> bool {
    matches!(before, Change::Left { item, .. } if item == joining)
}
