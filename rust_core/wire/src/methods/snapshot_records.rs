//! Records of a snapshot to restore. Every number in them is checked like that of a write; a stored
//! vector of a UNIT namespace has length 1 and stays bit for bit.

use std::sync::Arc;

use ee_core::namespace::{CategoryRecord, Origin};
use ee_core::settings::NamespaceSettings;
use ee_engine::{DismissalView, ItemView, MembershipView, PartView};

use crate::call_error::{Result, Violations, all};
use crate::category_settings;
use crate::decode::path::Path;
use crate::decode::time::required_time;
use crate::decode::{self, number, text, vector};
use crate::limits::{ACTOR_BYTES, REASON_BYTES};
use crate::proto::v1;

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
    let created = required_time(path.then("create_time"), category.create_time);
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
    let created = required_time(path.then("create_time"), item.create_time);
    let memberships = item.memberships.into_iter().enumerate();
    let memberships =
        all(memberships
            .map(|(index, entry)| membership(path.then_entry("memberships", index), entry)));
    let dismissals = item.dismissals.into_iter().enumerate();
    let dismissals = all(
        dismissals.map(|(index, entry)| dismissal(path.then_entry("dismissals", index), entry))
    );
    let parts = item.parts.into_iter().enumerate();
    let parts = all(parts.map(|(index, entry)| part(path.then_entry("parts", index), entry)));
    let view = ItemView {
        key: item.key,
        weight: violations.check(weight),
        embedding: violations.check(embedding),
        metadata: item.metadata,
        created_ms: violations.check(created),
        memberships: violations.check(memberships),
        dismissals: violations.check(dismissals),
        parts: violations.check(parts),
    };
    violations.finish(Ok(view))
}

fn part(path: Path<'_>, part: v1::ItemPart) -> Result<PartView> {
    let mut violations = Violations::default();
    violations.check(text::key(path.then("item"), &part.item));
    let weight = number::weight(path.then("weight"), part.weight.unwrap_or(1.0));
    let view = PartView {
        item: part.item,
        weight: violations.check(weight),
    };
    violations.finish(Ok(view))
}

fn membership(path: Path<'_>, membership: v1::Membership) -> Result<MembershipView> {
    let mut violations = Violations::default();
    violations.check(text::key(path.then("category"), &membership.category));
    let assigned = required_time(path.then("assign_time"), membership.assign_time);
    let origin = origin(path, assigned, membership.actor, membership.reason);
    let view = MembershipView {
        category: membership.category,
        sequence: membership.sequence,
        origin: violations.check(origin),
    };
    violations.finish(Ok(view))
}

fn dismissal(path: Path<'_>, dismissal: v1::Dismissal) -> Result<DismissalView> {
    let mut violations = Violations::default();
    violations.check(text::key(path.then("category"), &dismissal.category));
    let dismissed = required_time(path.then("dismiss_time"), dismissal.dismiss_time);
    let origin = origin(path, dismissed, dismissal.actor, dismissal.reason);
    let view = DismissalView {
        category: dismissal.category,
        origin: violations.check(origin),
    };
    violations.finish(Ok(view))
}

fn origin(path: Path<'_>, time: Result<i64>, actor: String, reason: String) -> Result<Origin> {
    let mut violations = Violations::default();
    violations.check(text::text(path.then("actor"), &actor, ACTOR_BYTES));
    violations.check(text::text(path.then("reason"), &reason, REASON_BYTES));
    let origin = Origin {
        time_ms: violations.check(time),
        actor,
        reason,
    };
    violations.finish(Ok(origin))
}

#[cfg(test)]
mod tests {
    use ee_core::settings::{MembershipMode, Normalization};
    use prost_types::Timestamp;

    use super::*;
    use crate::embedding::Embedding;

    const PATH: Path<'_> = Path::field("item");

    fn settings(normalization: Normalization) -> NamespaceSettings {
        NamespaceSettings {
            dimension: 2,
            embedding_model: String::new(),
            normalization,
            membership: MembershipMode::Single,
        }
    }

    #[test]
    fn a_vector_of_a_unit_namespace_has_length_1() {
        let stored = |normalization, components: &[f32]| {
            let item = v1::Item {
                key: "i".into(),
                embedding: Some(Embedding::of(components.to_vec())),
                weight: 1.0,
                create_time: Some(Timestamp::default()),
                ..v1::Item::default()
            };
            let read = super::item(&settings(normalization), PATH, item);
            read.unwrap().embedding.unwrap()
        };
        assert_eq!(stored(Normalization::Unit, &[3.0, 4.0]), [0.6, 0.8]);
        assert_eq!(stored(Normalization::Unit, &[0.6, 0.8]), [0.6, 0.8]);
        assert_eq!(stored(Normalization::Raw, &[3.0, 4.0]), [3.0, 4.0]);
    }
}
