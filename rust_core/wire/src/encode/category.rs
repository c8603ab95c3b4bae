//! Categories.

use ee_core::namespace::CategoryRecord;
use ee_core::namespace::CategoryView;
use ee_core::scoring::ActorShare;

use super::{embedding, timestamp};
use crate::category_settings;
use crate::proto::v1;

/// The message of a category in the reply of a read.
pub(crate) fn category(view: CategoryView) -> v1::Category {
    v1::Category {
        key: view.key,
        base: embedding(view.base),
        metadata: view.metadata,
        member_count: view.member_count,
        counting_count: view.counting_count,
        counting_weight: view.counting_weight,
        drift: view.drift,
        spread: view.spread,
        effective: embedding(view.effective),
        anchor: view.anchor,
        create_time: timestamp(view.created_ms),
        actor_shares: view.actor_shares.into_iter().map(actor_share).collect(),
        ..category_settings::encode(&view.settings)
    }
}

/// The message of the share of an actor.
pub(crate) fn actor_share(share: ActorShare) -> v1::ActorShare {
    v1::ActorShare {
        actor: share.actor.to_string(),
        counting_count: share.counting,
        weight: share.weight,
        scale: share.scale,
        share: share.share,
    }
}

/// The message of a category in a full snapshot, without what the category has learned: a restore
/// computes that from the items.
pub(crate) fn record(record: CategoryRecord) -> v1::Category {
    v1::Category {
        key: record.key.to_string(),
        base: embedding(record.base),
        metadata: record.metadata,
        anchor: record.anchor,
        create_time: timestamp(record.created_ms),
        ..category_settings::encode(&record.settings)
    }
}
