//! Items.

use ee_engine::{ItemView, MembershipView};

use super::{embedding, timestamp};
use crate::proto::v1;

/// The message of an item.
pub(crate) fn item(view: ItemView) -> v1::Item {
    v1::Item {
        key: view.key,
        embedding: embedding(view.embedding),
        weight: view.weight,
        metadata: view.metadata,
        memberships: view.memberships.into_iter().map(membership).collect(),
        create_time: timestamp(view.created_ms),
    }
}

fn membership(view: MembershipView) -> v1::Membership {
    v1::Membership {
        category: view.category,
        sequence: view.sequence,
        assign_time: timestamp(view.origin.time_ms),
        actor: view.origin.actor,
        reason: view.origin.reason,
    }
}
