//! Frames of a snapshot to restore. Vectors were normalized when they were first stored: they are
//! checked, and kept bit for bit.

use std::sync::Arc;

use ee_core::namespace::{CategoryRecord, Origin};
use ee_core::settings::{NamespaceSettings, Normalization};
use ee_engine::{ItemView, MembershipView};
use prost_types::Timestamp;

use crate::call_error::{CallError, Result, Violations, all};
use crate::category_settings;
use crate::decode::path::Path;
use crate::decode::{self, number, text, vector};
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
    let mut violations = Violations::default();
    violations.check(text::key(path.then("key"), &category.key));
    violations.check(text::metadata(path.then("metadata"), &category.metadata));
    let own = category_settings::decode(path, &category, &mut violations);
    let base = vector::optional(settings, path.then("base"), category.base);
    let created = milliseconds(path.then("create_time"), category.create_time);
    let record = CategoryRecord {
        key: Arc::from(category.key),
        settings: own,
        base: violations.check(base),
        metadata: category.metadata,
        anchor: category.anchor,
        created_ms: violations.check(created),
    };
    violations.finish(Ok(record))
}

/// An item of a full snapshot.
pub(crate) fn item(
    settings: &NamespaceSettings,
    path: Path<'_>,
    item: v1::Item,
) -> Result<ItemView> {
    let mut violations = Violations::default();
    violations.check(text::key(path.then("key"), &item.key));
    violations.check(text::metadata(path.then("metadata"), &item.metadata));
    let embedding =
        vector::optional(settings, path.then("embedding"), item.embedding).and_then(|vector| {
            let missing = || decode::required(path.then("embedding"), "is not set");
            vector.ok_or_else(missing).map(Some)
        });
    let weight = number::weight(path.then("weight"), item.weight);
    let created = milliseconds(path.then("create_time"), item.create_time);
    let memberships = item.memberships.into_iter().enumerate();
    let memberships =
        all(memberships
            .map(|(index, entry)| membership(path.then_entry("memberships", index), entry)));
    let view = ItemView {
        key: item.key,
        weight: violations.check(weight),
        embedding: violations.check(embedding),
        metadata: item.metadata,
        created_ms: violations.check(created),
        memberships: violations.check(memberships),
    };
    violations.finish(Ok(view))
}

fn membership(path: Path<'_>, membership: v1::Membership) -> Result<MembershipView> {
    let mut violations = Violations::default();
    violations.check(text::key(path.then("category"), &membership.category));
    violations.check(text::text(
        path.then("actor"),
        &membership.actor,
        ACTOR_BYTES,
    ));
    violations.check(text::text(
        path.then("reason"),
        &membership.reason,
        REASON_BYTES,
    ));
    let assigned = milliseconds(path.then("assign_time"), membership.assign_time);
    let view = MembershipView {
        category: membership.category,
        sequence: membership.sequence,
        origin: Origin {
            time_ms: violations.check(assigned),
            actor: membership.actor,
            reason: membership.reason,
        },
    };
    violations.finish(Ok(view))
}

/// A time in milliseconds since the Unix epoch.
fn milliseconds(path: Path<'_>, time: Option<Timestamp>) -> Result<i64> {
    let Timestamp { seconds, nanos } = time.ok_or_else(|| decode::required(path, "is not set"))?;
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
