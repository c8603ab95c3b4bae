//! Changes of a namespace.

use std::sync::Arc;

use ee_core::command::Command;

use super::Engine;
use crate::Result;
use crate::api::{UndoScope, UndoSelection, WriteContext, Written};
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::clock::check_deadline;
use crate::write::oneshot::oneshot;
use crate::write::prediction_probe;

impl Engine {
    /// Executes a command; returns once its effect is durable and visible.
    pub fn write(
        &self,
        namespace: &NamespaceHandle,
        command: Command,
        context: WriteContext,
    ) -> Result<Written> {
        let (sender, receiver) = oneshot();
        let then = |written| sender.send(written);
        self.write_then(namespace, command, context, &|| {}, then);
        self.writer.receive(receiver)
    }

    /// Executes a command. `then` gets the result once the effect is durable and visible: before this
    /// returns, or later in the thread that commits: it must not hold that thread up for long, nor wait for
    /// this engine. `waits` is called before this waits, for the disk or for another write, or computes for
    /// long. A caller that does not wait for its results bounds how many writes it has under way.
    pub fn write_then(
        &self,
        namespace: &NamespaceHandle,
        command: Command,
        context: WriteContext,
        waits: &dyn Fn(),
        then: impl FnOnce(Result<Written>) + Send + 'static,
    ) {
        if let Err(error) = check_deadline(context.deadline) {
            return then(Err(error));
        }
        let loaded = Arc::clone(&namespace.0);
        let rehearsal = context.validate_only;
        let predictions = match &command {
            Command::Assign(assignments) if !rehearsal => {
                let kernel = self.kernel();
                prediction_probe::predict(&self.shared, &loaded, assignments, kernel, waits)
            }
            _ => Vec::new(),
        };
        let (counters, written_to) = (Arc::clone(&self.shared.counters), Arc::clone(&loaded));
        let then = Box::new(move |result: Result<Written>| {
            if let Ok(written) = &result
                && !rehearsal
                && !written.replayed
            {
                counters.learned(&written.outcome);
                counters.predicted(prediction_probe::compare(
                    &written_to.settings,
                    &predictions,
                    &written.outcome,
                ));
            }
            then(result);
        });
        self.writer.write(loaded, command, context, waits, then);
    }

    /// Whether a write of a namespace would begin at once: the namespace is in memory, and no write that must be
    /// alone holds or awaits it.
    pub fn begins_writes(&self, namespace: &str) -> bool {
        let namespace = self.try_handle(namespace);
        namespace.is_some_and(|NamespaceHandle(loaded)| loaded.writing.try_read().is_some())
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
