//! Frames of a snapshot to restore. Vectors were taken in once already: they are checked, and
//! kept bit for bit.

use std::sync::Arc;

use ee_core::namespace::{CategoryRecord, Origin};
use ee_core::settings::{CategorySettings, NamespaceSettings, Normalization};
use ee_engine::{ItemView, MembershipView};
use prost_types::Timestamp;

use super::path::Path;
use super::{number, text, vector};
use crate::call_error::{CallError, Result};
use crate::limits::{ACTOR_BYTES, REASON_BYTES};
use crate::proto::v1::{self, ErrorReason};

/// Settings under which a vector is checked and not normalized.
pub(crate) fn as_stored(settings: &NamespaceSettings) -> NamespaceSettings {
    NamespaceSettings {
        normalization: Normalization::Raw,
        ..settings.clone()
    }
}

/// A category of a full snapshot.
pub(crate) fn category(
    settings: &NamespaceSettings,
    path: Path<'_>,
    category: v1::Category,
) -> Result<CategoryRecord> {
    text::key(path.then("key"), &category.key)?;
    text::metadata(path.then("metadata"), &category.metadata)?;
    Ok(CategoryRecord {
        key: Arc::from(category.key),
        settings: CategorySettings {
            base_weight: number::base_weight(path.then("base_weight"), category.base_weight)?,
            window: category.window,
            min_base_share: number::base_share(
                path.then("min_base_share"),
                category.min_base_share,
            )?,
            frozen: category.frozen,
        },
        base: vector::optional(settings, path.then("base"), category.base)?,
        metadata: category.metadata,
        anchor: category.anchor,
        created_ms: milliseconds(path.then("create_time"), category.create_time)?,
    })
}

/// An item of a full snapshot.
pub(crate) fn item(
    settings: &NamespaceSettings,
    path: Path<'_>,
    item: v1::Item,
) -> Result<ItemView> {
    text::key(path.then("key"), &item.key)?;
    text::metadata(path.then("metadata"), &item.metadata)?;
    let embedding = vector::optional(settings, path.then("embedding"), item.embedding)?
        .ok_or_else(|| super::required(path.then("embedding"), "is not set"))?;
    let memberships = item.memberships.into_iter().enumerate();
    Ok(ItemView {
        key: item.key,
        weight: number::weight(path.then("weight"), item.weight)?,
        embedding: Some(embedding),
        metadata: item.metadata,
        created_ms: milliseconds(path.then("create_time"), item.create_time)?,
        memberships: memberships
            .map(|(index, entry)| membership(path.then_entry("memberships", index), entry))
            .collect::<Result<_>>()?,
    })
}

fn membership(path: Path<'_>, membership: v1::Membership) -> Result<MembershipView> {
    text::key(path.then("category"), &membership.category)?;
    text::text(path.then("actor"), &membership.actor, ACTOR_BYTES)?;
    text::text(path.then("reason"), &membership.reason, REASON_BYTES)?;
    Ok(MembershipView {
        category: membership.category,
        sequence: membership.sequence,
        origin: Origin {
            time_ms: milliseconds(path.then("assign_time"), membership.assign_time)?,
            actor: membership.actor,
            reason: membership.reason,
        },
    })
}

/// A time in milliseconds since the Unix epoch.
fn milliseconds(path: Path<'_>, time: Option<Timestamp>) -> Result<i64> {
    let Timestamp { seconds, nanos } = time.ok_or_else(|| super::required(path, "is not set"))?;
    let fault = || CallError::at(ErrorReason::OutOfRange, path.to_string(), "is not a time");
    let millis = u32::try_from(nanos)
        .ok()
        .filter(|&nanos| nanos < 1_000_000_000)
        .ok_or_else(fault)?
        / 1_000_000;
    seconds
        .checked_mul(1000)
        .and_then(|whole| whole.checked_add(i64::from(millis)))
        .ok_or_else(fault)
}
