//! Changes of a namespace.

use std::sync::Arc;

use ee_core::command::Command;

use super::Engine;
use crate::Result;
use crate::api::{UndoScope, UndoSelection, WriteContext, Written};
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::clock::check_deadline;
use crate::write::prediction_probe;

impl Engine {
    /// Executes a command; returns once its effect is durable and visible.
    pub fn write(
        &self,
        namespace: &NamespaceHandle,
        command: Command,
        context: WriteContext,
    ) -> Result<Written> {
        check_deadline(context.deadline)?;
        let loaded = Arc::clone(&namespace.0);
        let rehearsal = context.validate_only;
        let predictions = match &command {
            Command::Assign(assignments) if !rehearsal => {
                prediction_probe::predict(&self.shared, &loaded, assignments, self.kernel())
            }
            _ => Vec::new(),
        };
        let written = self.writer.write(loaded, command, context)?;
        if !rehearsal && !written.replayed {
            let counters = &self.shared.counters;
            counters.learned(&written.outcome);
            counters.predicted(prediction_probe::compare(
                namespace.settings(),
                &predictions,
                &written.outcome,
            ));
        }
        Ok(written)
    }

    /// Takes changes back; returns once that is durable and visible. A change that later ones depend on
    /// is a conflict.
    pub fn undo(
        &self,
        namespace: &NamespaceHandle,
        selection: &UndoSelection,
        scope: UndoScope,
        context: &WriteContext,
    ) -> Result<Written> {
        check_deadline(context.deadline)?;
        let loaded = Arc::clone(&namespace.0);
        self.writer.undo(&loaded, selection, scope, context)
    }
}
