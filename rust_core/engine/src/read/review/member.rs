//! A member as reviews read it.

use std::sync::Arc;

use ee_core::namespace::{Item, Membership, ReviewMember};
use ee_core::scoring::AssignedVector;

/// A member that was read.
pub(crate) struct Member {
    pub(crate) category: Arc<str>,
    pub(super) category_id: i64,
    pub(crate) item: Item,
    pub(crate) membership: Membership,
    pub(crate) counts: bool,
    /// The member outside the window that counts again if this one leaves, and its actor.
    pub(super) refill: Option<Arc<(Item, String)>>,
    /// Identifiers of all categories that the item is in.
    pub(super) memberships: Vec<i64>,
}

impl Member {
    pub(crate) fn to_review(&self) -> ReviewMember<'_> {
        ReviewMember {
            category: self.category_id,
            counts: self.counts,
            member: part(&self.item, &self.membership.origin.actor),
            refill: self
                .refill
                .as_deref()
                .map(|(item, actor)| part(item, actor)),
            memberships: &self.memberships,
        }
    }
}

pub(super) fn part<'a>(item: &'a Item, actor: &'a str) -> AssignedVector<'a> {
    AssignedVector {
        item: (item.weight, &item.embedding),
        actor,
    }
}
