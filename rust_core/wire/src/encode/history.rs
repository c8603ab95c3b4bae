//! Changes.

use ee_core::command::record::{Change, ChangeKind};
use ee_core::settings::RankingMode;
use ee_engine::HistoryChange;

use super::item::{dismissal, part};
use super::{category, namespace, timestamp};
use crate::proto::v1::{self, ChangeKind as Kind};

/// The message of a change.
pub(crate) fn change(change: HistoryChange) -> v1::HistoryChange {
    let mut message = v1::HistoryChange {
        revision: change.at.revision,
        index: change.at.index,
        time: timestamp(change.origin.time_ms),
        actor: change.origin.actor,
        reason: change.origin.reason,
        request_id: change.request_id,
        weight_before: change.weight_before,
        undoes_revision: change.undoes,
        ..v1::HistoryChange::default()
    };
    if let Some(left) = change.left {
        set(&mut message, left);
    }
    message.kind = kind(change.change.kind()).into();
    set(&mut message, change.change);
    message
}

/// What a change did.
pub(crate) fn kind(kind: ChangeKind) -> Kind {
    match kind {
        ChangeKind::NamespaceCreated => Kind::NamespaceCreated,
        ChangeKind::ProfileUpdated => Kind::NamespaceUpdated,
        ChangeKind::CategoryCreated => Kind::CategoryCreated,
        ChangeKind::CategoryUpdated => Kind::CategoryUpdated,
        ChangeKind::Reanchored => Kind::CategoryReanchored,
        ChangeKind::CategoryDeleted => Kind::CategoryDeleted,
        ChangeKind::ItemCreated => Kind::ItemCreated,
        ChangeKind::ItemUpdated => Kind::ItemUpdated,
        ChangeKind::ItemDeleted => Kind::ItemDeleted,
        ChangeKind::Joined => Kind::Assigned,
        ChangeKind::Left => Kind::Unassigned,
        ChangeKind::CategoryRenamed => Kind::CategoryRenamed,
        ChangeKind::Dismissed => Kind::Dismissed,
        ChangeKind::DismissalEnded => Kind::DismissalEnded,
        ChangeKind::PartAdded => Kind::PartAdded,
        ChangeKind::PartRemoved => Kind::PartRemoved,
    }
}

/// Sets the fields of a change.
fn set(message: &mut v1::HistoryChange, change: Change) {
    match change {
        Change::NamespaceCreated => {}
        Change::ProfileUpdated {
            description,
            labels,
            ranking,
            history_keep,
        } => {
            let mode = match ranking.mode {
                RankingMode::Cosine => v1::RankingMode::Cosine,
                RankingMode::Local => v1::RankingMode::Local,
            };
            message.namespace_before = Some(v1::Namespace {
                description,
                labels,
                ranking: mode.into(),
                fairness: ranking.fairness,
                history_keep: namespace::history_keep(history_keep),
                ..v1::Namespace::default()
            });
        }
        Change::CategoryCreated { key } => {
            message.category = key.to_string();
        }
        Change::CategoryUpdated { mut before } => {
            message.category = before.key.to_string();
            before.base = None;
            message.category_before = Some(category::record(before));
        }
        Change::Reanchored { key, before } => {
            message.category = key.to_string();
            message.anchor_before = Some(before);
        }
        Change::CategoryDeleted { mut before } => {
            message.category = before.key.to_string();
            before.base = None;
            message.category_before = Some(category::record(before));
        }
        Change::ItemCreated { key } => {
            message.item = key;
        }
        Change::ItemUpdated { key, metadata, .. }
        | Change::CompositeUpdated { key, metadata, .. }
        | Change::Composed { key, metadata, .. } => {
            message.item = key;
            message.metadata_before = metadata;
        }
        Change::ItemDeleted { key, metadata, .. } => {
            message.item = key;
            message.metadata_before = metadata;
        }
        Change::Joined { item, category } => {
            message.item = item;
            message.category = category.to_string();
            message.to_category = category.to_string();
        }
        Change::Dismissed { item, category } => {
            message.item = item;
            message.category = category.to_string();
        }
        Change::DismissalEnded {
            item,
            category,
            origin,
        } => {
            message.item = item;
            message.category = category.to_string();
            message.ended_dismissal = Some(dismissal(category.to_string(), origin));
        }
        Change::PartAdded {
            item,
            part: own,
            weight,
        }
        | Change::PartRemoved {
            item,
            part: own,
            weight,
        } => {
            message.item = item;
            message.part = Some(part(own, weight));
        }
        Change::CategoryRenamed { from, to } => {
            message.category = to.to_string();
            message.from_category = from.to_string();
            message.to_category = to.to_string();
        }
        Change::Left {
            item,
            category,
            sequence,
            origin,
        } => {
            message.item = item;
            message.category = category.to_string();
            message.from_category = category.to_string();
            message.ended_membership = Some(v1::Membership {
                category: category.to_string(),
                sequence,
                assign_time: timestamp(origin.time_ms),
                actor: origin.actor,
                reason: origin.reason,
            });
        }
    }
}
