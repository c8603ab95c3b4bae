//! What an entry of a command makes of an item.

use rustc_hash::FxHashMap;

use crate::namespace::{Item, Membership, Part};

/// An item before and after an entry.
pub(super) struct Resolved {
    /// As stored; `None`: it is new.
    pub(super) before: Option<Item>,
    /// As it will be.
    pub(super) after: Item,
    /// Its memberships.
    pub(super) memberships: Vec<Membership>,
    /// Its parts as stored.
    pub(super) parts: Vec<Part>,
    /// Its parts as they will be; `None`: they stay.
    pub(super) new_parts: Option<Vec<NewPart>>,
}

impl Resolved {
    /// Whether anything differs.
    pub(super) fn changed(&self) -> bool {
        self.before.as_ref() != Some(&self.after) || self.new_parts.is_some()
    }

    /// Whether it will have parts.
    pub(super) fn is_composite(&self) -> bool {
        match &self.new_parts {
            Some(parts) => !parts.is_empty(),
            None => !self.parts.is_empty(),
        }
    }
}

/// A part that a composite will have.
#[derive(Debug)]
pub(super) struct NewPart {
    pub(super) item: i64,
    pub(super) key: String,
    pub(super) weight: f32,
}

/// Whether new parts differ from those that are stored.
pub(super) fn differ(stored: &[Part], new: &[NewPart]) -> bool {
    let stored: FxHashMap<i64, f32> = stored.iter().map(|own| (own.item, own.weight)).collect();
    stored.len() != new.len()
        || new
            .iter()
            .any(|own| stored.get(&own.item) != Some(&own.weight))
}
