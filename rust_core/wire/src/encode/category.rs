//! Categories.

use ee_core::namespace::CategoryRecord;
use ee_core::namespace::CategoryView;

use super::{embedding, timestamp};
use crate::proto::v1;

/// The message of a category as it is read.
pub(crate) fn category(view: CategoryView) -> v1::Category {
    v1::Category {
        key: view.key,
        base: embedding(view.base),
        base_weight: view.settings.base_weight,
        window: view.settings.window,
        min_base_share: view.settings.min_base_share,
        frozen: view.settings.frozen,
        metadata: view.metadata,
        member_count: view.member_count,
        counting_count: view.counting_count,
        counting_weight: view.counting_weight,
        drift: view.drift,
        spread: view.spread,
        effective: embedding(view.effective),
        anchor: view.anchor,
        create_time: timestamp(view.created_ms),
    }
}

/// The message of a category as a full snapshot holds it: what a restore needs. What it has
/// learned follows from the items.
pub(crate) fn record(record: CategoryRecord) -> v1::Category {
    v1::Category {
        key: record.key.to_string(),
        base: embedding(record.base),
        base_weight: record.settings.base_weight,
        window: record.settings.window,
        min_base_share: record.settings.min_base_share,
        frozen: record.settings.frozen,
        metadata: record.metadata,
        anchor: record.anchor,
        create_time: timestamp(record.created_ms),
        ..v1::Category::default()
    }
}
