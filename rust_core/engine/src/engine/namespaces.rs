//! Namespaces: created, deleted, listed, described.

use super::Engine;
use crate::Result;
use crate::api::{NamespaceView, NewNamespace, ReadContext, WriteContext};
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::clock::check_deadline;
use crate::lifecycle::{self, CreateNamespace, DeleteNamespace, ListedNamespace};

impl Engine {
    /// Creates an empty namespace.
    pub fn create_namespace(
        &self,
        new: NewNamespace,
        context: WriteContext,
    ) -> Result<NamespaceView> {
        check_deadline(context.deadline)?;
        let create = CreateNamespace {
            new,
            context,
            max_namespaces: self.options.max_namespaces,
        };
        if create.context.validate_only {
            let now_ms = self.shared.clock.now_ms();
            return self.reading(|| create.validate(self.shared.backend.view()?.reads(), now_ms));
        }
        self.writer.operation(create)
    }

    /// Deletes a namespace with its content. Its rows are purged step by step afterwards.
    pub fn delete_namespace(
        &self,
        name: &str,
        force: bool,
        context: WriteContext,
    ) -> Result<NamespaceView> {
        check_deadline(context.deadline)?;
        self.writer
            .operation(DeleteNamespace::new(name, force, context))
    }

    /// Up to `limit` namespaces whose names begin with a prefix, by name, after a name. A damaged one
    /// hides no other.
    pub fn list_namespaces(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ListedNamespace>> {
        self.reading(|| lifecycle::list(&self.shared, prefix, after, limit))
    }

    /// Counts, labels and revision of a namespace.
    pub fn namespace(
        &self,
        namespace: &NamespaceHandle,
        context: ReadContext,
    ) -> Result<NamespaceView> {
        Ok(self.at(namespace, context)?.view())
    }
}
