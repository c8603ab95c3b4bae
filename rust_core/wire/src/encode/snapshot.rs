//! Frames of a snapshot.

use ee_engine::{Frame, SnapshotView};

use super::{category, item, namespace, timestamp};
use crate::proto::v1::{self, snapshot_frame::Content};

/// The message of a frame, without its checksum.
pub(crate) fn frame(frame: Frame) -> v1::SnapshotFrame {
    let content = match frame {
        Frame::Header {
            view,
            namespace,
            time_ms,
        } => Content::Header(v1::SnapshotHeader {
            format: super::SNAPSHOT_FORMAT,
            view: match view {
                SnapshotView::Full => v1::SnapshotView::Full,
                SnapshotView::Effective => v1::SnapshotView::Effective,
            }
            .into(),
            namespace: Some(namespace::namespace(namespace)),
            time: timestamp(time_ms),
        }),
        Frame::Records(records) => Content::Categories(v1::SnapshotCategories {
            categories: records.into_iter().map(category::record).collect(),
        }),
        Frame::Effective(views) => Content::Categories(v1::SnapshotCategories {
            categories: views.into_iter().map(effective).collect(),
        }),
        Frame::Items(views) => Content::Items(v1::SnapshotItems {
            items: views.into_iter().map(item::item).collect(),
        }),
        Frame::Trailer {
            categories,
            items,
            memberships,
            digest,
        } => Content::Trailer(v1::SnapshotTrailer {
            category_count: categories,
            item_count: items,
            membership_count: memberships,
            digest: digest.to_vec(),
        }),
    };
    v1::SnapshotFrame {
        content: Some(content),
        checksum: 0,
    }
}

/// A category of the effective view, which leaves bases out.
fn effective(view: ee_core::namespace::CategoryView) -> v1::Category {
    v1::Category {
        base: None,
        ..category::category(view)
    }
}
