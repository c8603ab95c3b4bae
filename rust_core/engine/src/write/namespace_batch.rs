//! A namespace of a batch.

use std::sync::Arc;

use ee_core::namespace::Draft;

use crate::catalog::cached_namespace::CachedNamespace;

/// A namespace and what the batch has changed in it.
pub(crate) struct NamespaceBatch {
    pub(crate) loaded: Arc<CachedNamespace>,
    pub(crate) draft: Draft,
    /// (category, revision) of each effect.
    pub(crate) effects: Vec<(i64, u64)>,
}

impl NamespaceBatch {
    /// Each change makes a revision; a namespace without one was only read.
    pub(crate) fn changed(&self) -> bool {
        self.draft.header.revision != self.loaded.read().header().revision
    }
}
