//! Namespaces to create, and their ranking.

use ee_core::arithmetic::limits::{MAX_KEPT_REVISIONS, MAX_KEPT_SECONDS};
use ee_core::settings::{
    HistoryKeep, MembershipMode, NamespaceSettings, Normalization, RankingMode, RankingSettings,
};
use ee_engine::NewNamespace;

use super::path::Path;
use super::{number, text};
use crate::call_error::{Result, Violations};
use crate::limits::{DESCRIPTION_BYTES, EMBEDDING_MODEL_BYTES};
use crate::proto::v1;

/// The namespace to create; output-only fields are ignored.
pub(crate) fn new_namespace(path: Path<'_>, namespace: v1::Namespace) -> Result<NewNamespace> {
    let mut violations = Violations::default();
    let name = text::namespace_name(path.then("name"), &namespace.name);
    violations.check(name);
    let dimension = number::dimension(path.then("dimension"), namespace.dimension);
    let dimension = violations.check(dimension);
    let model = namespace.embedding_model;
    let path_of_model = path.then("embedding_model");
    violations.check(text::text(path_of_model, &model, EMBEDDING_MODEL_BYTES));
    let normalization = normalization(path.then("normalization"), namespace.normalization);
    let normalization = violations.check(normalization.map(Some));
    let membership = membership(path.then("membership"), namespace.membership);
    let membership = violations.check(membership.map(Some));
    let description = namespace.description;
    let path_of_description = path.then("description");
    violations.check(text::text(
        path_of_description,
        &description,
        DESCRIPTION_BYTES,
    ));
    violations.check(text::metadata(path.then("labels"), &namespace.labels));
    let mode = violations.check(ranking(path.then("ranking"), namespace.ranking));
    let fairness = violations.check(fairness(path.then("fairness"), namespace.fairness));
    let keep = history_keep(path.then("history_keep"), namespace.history_keep);
    let keep = violations.check(keep);
    violations.finish(Ok(NewNamespace {
        name: namespace.name,
        settings: NamespaceSettings {
            dimension,
            embedding_model: model,
            normalization: normalization.unwrap_or(Normalization::Raw),
            membership: membership.unwrap_or(MembershipMode::Single),
        },
        description,
        labels: namespace.labels,
        ranking: RankingSettings {
            mode: mode.unwrap_or_default(),
            fairness,
        },
        history_keep: keep.unwrap_or_default(),
    }))
}

/// A ranking; `None` if unspecified.
pub(crate) fn ranking(path: Path<'_>, value: i32) -> Result<Option<RankingMode>> {
    match v1::RankingMode::try_from(value) {
        Ok(v1::RankingMode::Unspecified) => Ok(None),
        Ok(v1::RankingMode::Cosine) => Ok(Some(RankingMode::Cosine)),
        Ok(v1::RankingMode::Local) => Ok(Some(RankingMode::Local)),
        Err(_) => Err(number::out_of_range(path, "0 to 2", value)),
    }
}

/// How much history to keep, if set; a number of 0 is no bound.
pub(crate) fn history_keep(
    path: Path<'_>,
    keep: Option<v1::HistoryKeep>,
) -> Result<Option<HistoryKeep>> {
    let Some(keep) = keep else {
        return Ok(None);
    };
    let bound = |field, most, number: u64| match number {
        0 => Ok(None),
        number => number::from_one(path.then(field), most, number).map(Some),
    };
    Ok(Some(HistoryKeep {
        revisions: bound("revisions", MAX_KEPT_REVISIONS, keep.revisions)?,
        seconds: bound("age_seconds", MAX_KEPT_SECONDS, keep.age_seconds)?,
    }))
}

/// The fairness, if set.
pub(crate) fn fairness(path: Path<'_>, value: Option<f64>) -> Result<Option<f64>> {
    value.map(|value| number::fairness(path, value)).transpose()
}

fn normalization(path: Path<'_>, value: i32) -> Result<Normalization> {
    match v1::Normalization::try_from(value) {
        Ok(v1::Normalization::Unspecified | v1::Normalization::Raw) => Ok(Normalization::Raw),
        Ok(v1::Normalization::Unit) => Ok(Normalization::Unit),
        Err(_) => Err(number::out_of_range(path, "0 to 2", value)),
    }
}

fn membership(path: Path<'_>, value: i32) -> Result<MembershipMode> {
    match v1::MembershipMode::try_from(value) {
        Ok(v1::MembershipMode::Unspecified | v1::MembershipMode::Single) => {
            Ok(MembershipMode::Single)
        }
        Ok(v1::MembershipMode::Multiple) => Ok(MembershipMode::Multiple),
        Err(_) => Err(number::out_of_range(path, "0 to 2", value)),
    }
}
