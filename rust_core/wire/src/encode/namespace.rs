//! Namespaces.

use ee_core::settings::{HistoryKeep, MembershipMode, Normalization, RankingMode};
use ee_engine::NamespaceView;

use super::timestamp;
use crate::proto::v1;

/// The message of a namespace.
pub(crate) fn namespace(view: NamespaceView) -> v1::Namespace {
    let normalization = match view.settings.normalization {
        Normalization::Raw => v1::Normalization::Raw,
        Normalization::Unit => v1::Normalization::Unit,
    };
    let membership = match view.settings.membership {
        MembershipMode::Single => v1::MembershipMode::Single,
        MembershipMode::Multiple => v1::MembershipMode::Multiple,
    };
    let ranking = match view.ranking.mode {
        RankingMode::Cosine => v1::RankingMode::Cosine,
        RankingMode::Local => v1::RankingMode::Local,
    };
    v1::Namespace {
        name: view.name,
        dimension: view.settings.dimension,
        embedding_model: view.settings.embedding_model,
        normalization: normalization.into(),
        membership: membership.into(),
        description: view.description,
        labels: view.labels,
        revision: view.revision,
        category_count: view.categories,
        item_count: view.items,
        membership_count: view.memberships,
        digest: view.digest.to_vec(),
        create_time: timestamp(view.created_ms),
        ranking: ranking.into(),
        fairness: view.ranking.fairness,
        history_keep: history_keep(view.history_keep),
    }
}

/// How much history a namespace keeps; unset: everything.
pub(crate) fn history_keep(keep: HistoryKeep) -> Option<v1::HistoryKeep> {
    (keep != HistoryKeep::ALL).then(|| v1::HistoryKeep {
        revisions: keep.revisions.unwrap_or(0),
        age_seconds: keep.seconds.unwrap_or(0),
    })
}
