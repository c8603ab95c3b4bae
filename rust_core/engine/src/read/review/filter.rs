//! Which members a review looks at.

use ee_core::namespace::{Item, Membership};

/// Which members to review. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberFilter {
    /// Members of this category.
    pub category: Option<String>,
    /// Members that this actor has assigned.
    pub actor: Option<String>,
    /// Members assigned at this time or later, in milliseconds since the Unix epoch.
    pub start_ms: Option<i64>,
    /// Members assigned before this time.
    pub end_ms: Option<i64>,
    /// Items whose key begins with this.
    pub key_prefix: String,
}

impl MemberFilter {
    pub(super) fn accepts(&self, membership: &Membership) -> bool {
        let origin = &membership.origin;
        self.actor.as_ref().is_none_or(|own| *own == origin.actor)
            && self.start_ms.is_none_or(|start| origin.time_ms >= start)
            && self.end_ms.is_none_or(|end| origin.time_ms < end)
    }

    /// Whether it accepts a member, apart from the category.
    pub(crate) fn accepts_member(&self, membership: &Membership, item: &Item) -> bool {
        self.accepts(membership) && item.key.starts_with(&self.key_prefix)
    }
}
