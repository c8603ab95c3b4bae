//! Items.

use ee_core::namespace::Origin;
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
        dismissals: view
            .dismissals
            .into_iter()
            .map(|own| dismissal(own.category, own.origin))
            .collect(),
        create_time: timestamp(view.created_ms),
        parts: view
            .parts
            .into_iter()
            .map(|own| part(own.item, own.weight))
            .collect(),
    }
}

/// The message of a part.
pub(crate) fn part(item: String, weight: f32) -> v1::ItemPart {
    v1::ItemPart {
        item,
        weight: Some(weight),
    }
}

/// The message of a dismissal.
pub(crate) fn dismissal(category: String, origin: Origin) -> v1::Dismissal {
    v1::Dismissal {
        category,
        dismiss_time: timestamp(origin.time_ms),
        actor: origin.actor,
        reason: origin.reason,
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
