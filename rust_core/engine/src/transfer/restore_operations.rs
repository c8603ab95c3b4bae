//! What a restore writes, each part in a transaction of its own.

use std::sync::Arc;

use ee_core::arithmetic::digest::SetDigest;
use ee_core::namespace::{CategoryDraft, CategoryRecord, Part, PartsMean, part_hash};
use ee_core::settings::NamespaceSettings;
use ee_store::{NamespaceRow, NamespaceState, Reads, Restored, RestoredItem, WriteSession};

use crate::api::{NamespaceView, NewNamespace, PartView, WriteContext};
use crate::lifecycle::{append_created, check_limit, check_new_name, new_row};
use crate::write::idempotency;
use crate::write::operation::Operation;
use crate::{Error, Result};

/// Creates the namespace that the restore fills; no reader sees it.
pub(crate) struct BeginRestore {
    pub(crate) new: NewNamespace,
    pub(crate) max_namespaces: Option<u64>,
}

impl Operation for BeginRestore {
    type Output = NamespaceRow;

    fn apply(&mut self, session: &mut dyn WriteSession) -> Result<NamespaceRow> {
        check_new_name(session.reads(), &self.new.name)?;
        check_limit(session.namespace_count()?, self.max_namespaces)?;
        let mut row = new_row(&self.new, NamespaceState::Restoring, session.time_ms());
        row.id = session.create_namespace(&row)?;
        Ok(row)
    }
}

/// Stores categories, and returns their identifiers.
pub(crate) struct RestoreCategories {
    pub(crate) namespace: i64,
    pub(crate) records: Arc<[CategoryRecord]>,
}

impl Operation for RestoreCategories {
    type Output = Vec<i64>;

    fn apply(&mut self, session: &mut dyn WriteSession) -> Result<Vec<i64>> {
        Ok(session.restore_categories(self.namespace, &self.records)?)
    }
}

/// Stores items with their memberships and dismissals.
pub(crate) struct RestoreItems {
    pub(crate) namespace: i64,
    pub(crate) items: Vec<RestoredItem>,
}

impl Operation for RestoreItems {
    type Output = ();

    fn apply(&mut self, session: &mut dyn WriteSession) -> Result<()> {
        match session.restore_items(self.namespace, &self.items)? {
            Restored::Stored => Ok(()),
            Restored::ItemTwice(key) => Err(invalid(format!("item {key:?} comes twice"))),
            Restored::MembershipTwice => Err(invalid(
                "two memberships of a category have the same sequence, or an item is in a category \
                 twice",
            )),
        }
    }
}

/// Stores the parts of composite items.
pub(crate) struct RestoreParts {
    pub(crate) namespace: i64,
    pub(crate) settings: NamespaceSettings,
    /// By key, each with its parts.
    pub(crate) composites: Vec<(String, Vec<PartView>)>,
    /// Whether a composite whose parts do not fit it is left as a plain item.
    pub(crate) lenient: bool,
}

/// What was stored of the parts of composite items.
#[derive(Default)]
pub(crate) struct RestoredParts {
    pub(crate) parts: u64,
    pub(crate) records: SetDigest,
    /// The keys of those that were left as plain items.
    pub(crate) plain: Vec<String>,
}

impl Operation for RestoreParts {
    type Output = RestoredParts;

    fn apply(&mut self, session: &mut dyn WriteSession) -> Result<RestoredParts> {
        let mut restored = RestoredParts::default();
        for (key, views) in &self.composites {
            match self.find(session.reads(), key, views)? {
                Ok(parts) => {
                    session.restore_parts(self.namespace, &parts)?;
                    restored.parts += parts.len() as u64;
                    for part in views {
                        let hash = part_hash(key, &part.item, part.weight);
                        restored.records.insert(&hash);
                    }
                }
                Err(_) if self.lenient => restored.plain.push(key.clone()),
                Err(reason) => return Err(invalid(format!("item {key:?}: {reason}"))),
            }
        }
        Ok(restored)
    }
}

impl RestoreParts {
    /// The parts of a composite item; the inner error: why they are not.
    fn find(
        &self,
        reads: &dyn Reads,
        key: &str,
        views: &[PartView],
    ) -> Result<std::result::Result<Vec<Part>, String>> {
        let Some(composite) = reads.item_by_key(self.namespace, key)? else {
            return Ok(Err("it did not come".to_owned()));
        };
        let mut mean = PartsMean::new(&self.settings);
        let mut parts = Vec::with_capacity(views.len());
        for view in views {
            let Some(item) = reads.item_by_key(self.namespace, &view.item)? else {
                return Ok(Err(format!("{:?}, a part of it, did not come", view.item)));
            };
            mean.add(view.weight, &item.embedding);
            parts.push(Part {
                composite: composite.id,
                item: item.id,
                weight: view.weight,
            });
        }
        Ok(match mean.embedding(&self.settings) {
            Ok(mean) if mean == composite.embedding => Ok(parts),
            Ok(_) => Err("its embedding is not the mean of its parts".to_owned()),
            Err(error) => Err(format!("its parts have no mean: {error}")),
        })
    }
}

/// Stores what categories have absorbed.
pub(crate) struct RestoreSums {
    pub(crate) namespace: i64,
    pub(crate) drafts: Vec<CategoryDraft>,
}

impl Operation for RestoreSums {
    type Output = ();

    fn apply(&mut self, session: &mut dyn WriteSession) -> Result<()> {
        for draft in &self.drafts {
            session.save_sum(self.namespace, 1, draft)?;
        }
        Ok(())
    }
}

/// Makes the namespace visible. Returns the answer, and whether it is the first.
pub(crate) struct FinishRestore {
    pub(crate) row: NamespaceRow,
    pub(crate) context: WriteContext,
    pub(crate) max_namespaces: Option<u64>,
}

impl Operation for FinishRestore {
    type Output = (NamespaceView, bool);

    fn apply(&mut self, session: &mut dyn WriteSession) -> Result<(NamespaceView, bool)> {
        let Self { row, context, .. } = self;
        let time_ms = session.time_ms();
        if let Some(view) = idempotency::namespace(session.reads(), &row.name, context, time_ms)? {
            return Ok((view, false));
        }
        check_new_name(session.reads(), &row.name)?;
        check_limit(session.namespace_count()?, self.max_namespaces)?;
        row.header.log_bytes = Some(append_created(session, row.id, context)?);
        session.finish_restore(row)?;
        idempotency::put_namespace(session, context, row)?;
        Ok((NamespaceView::of(row), true))
    }
}

/// Gives the restore up. Its rows are purged step by step.
pub(crate) struct AbandonRestore {
    pub(crate) row: NamespaceRow,
}

impl Operation for AbandonRestore {
    type Output = ();

    fn apply(&mut self, session: &mut dyn WriteSession) -> Result<()> {
        Ok(session.delete_namespace(&self.row)?)
    }
}

/// The snapshot is at fault.
pub(crate) fn invalid(reason: impl Into<String>) -> Error {
    Error::InvalidSnapshot {
        reason: reason.into(),
    }
}
