//! A namespace as a whole: snapshots and restores.

use std::sync::Arc;

use super::Engine;
use crate::Result;
use crate::api::{NamespaceView, NewNamespace, ReadContext, SnapshotView, WriteContext};
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::clock::check_deadline;
use crate::transfer::restore::Restore;
use crate::transfer::snapshot::Snapshot;
use crate::write::idempotency;

impl Engine {
    /// Everything at one revision.
    pub fn snapshot(
        &self,
        namespace: &NamespaceHandle,
        view: SnapshotView,
        context: ReadContext,
    ) -> Result<Snapshot> {
        let loaded = self.at(namespace, context)?;
        match view {
            SnapshotView::Full => {
                self.reading(|| Snapshot::full(&self.shared, &loaded, self.shared.clock.now_ms()))
            }
            SnapshotView::Effective => Ok(Snapshot::effective(
                &self.shared,
                &loaded,
                self.shared.clock.now_ms(),
            )),
        }
    }

    /// The first answer to a restore with this id into a namespace of this name, if it was finished
    /// in the last day.
    pub fn restored(&self, name: &str, context: &WriteContext) -> Result<Option<NamespaceView>> {
        self.reading(|| {
            let view = self.shared.backend.view()?;
            idempotency::namespace(view.reads(), name, context, self.shared.clock.now_ms())
        })
    }

    /// Begins to restore a full snapshot into a new namespace.
    pub fn restore(&self, new: NewNamespace, context: WriteContext) -> Result<Restore> {
        check_deadline(context.deadline)?;
        Restore::begin(
            Arc::clone(&self.shared),
            Arc::clone(&self.writer),
            new,
            context,
            self.options.max_namespaces,
        )
    }
}
