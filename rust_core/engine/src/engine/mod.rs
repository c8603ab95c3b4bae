//! The engine: one data directory and the operations on it.

mod history;
mod maintenance;
mod namespaces;
mod rankings;
mod records;
mod reviews;
mod transfer;
mod writes;

use std::mem;
use std::path::Path;
use std::sync::Arc;

use ee_core::kernels::Kernel;
use ee_core::namespace::Namespace;
use ee_store::sqlite::Sqlite;
use ee_store::{Backend, NamespaceRow, Reads, View};

use crate::Result;
use crate::api::{At, Health, Options, ReadContext};
use crate::catalog::cached_namespace::{CachedNamespace, NamespaceHandle};
use crate::shared::Shared;
use crate::write::writer::Writer;

/// An odd number, so that no two namespaces of a store have the same epoch: 2^64 divided by the golden
/// ratio, so that those of neighbours differ in most digits.
const EPOCH_STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// An open data directory. All methods may be called from any thread, and may block.
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    pub(crate) writer: Arc<Writer>,
    pub(crate) options: Options,
}

impl Engine {
    /// Opens a data directory, or creates it. Fails if another process has it open, if it was written
    /// by another version's format, or if an acknowledged write is missing.
    pub fn open(directory: &Path, options: Options) -> Result<Self> {
        Self::with_backend(Arc::new(Sqlite::open(directory)?), options)
    }

    /// An engine over a store.
    pub fn with_backend(backend: Arc<dyn Backend>, options: Options) -> Result<Self> {
        let shared = Arc::new(Shared::new(backend, options.memory_budget, options.threads));
        let writer = Arc::new(Writer::start(Arc::clone(&shared))?);
        Ok(Self {
            shared,
            writer,
            options,
        })
    }

    /// The namespace with a name, loaded if it is not in memory. If that takes more memory than the
    /// budget allows, other namespaces are evicted.
    pub fn handle(&self, name: &str) -> Result<NamespaceHandle> {
        let loaded = self.reading(|| self.shared.cache.get(name))?;
        if self.shared.cache.over_budget() {
            self.writer.evict();
        }
        Ok(NamespaceHandle(loaded))
    }

    /// [`Engine::handle`] without waiting: `None` if the namespace is not in memory, or if its
    /// entry there is locked.
    pub fn try_handle(&self, name: &str) -> Option<NamespaceHandle> {
        self.shared.health.own_process().ok()?;
        self.shared.cache.try_get(name).map(NamespaceHandle)
    }

    /// The epoch of a namespace's revisions, never 0. It changes where they may go back: when the store
    /// is replaced by a backup, and when the namespace is deleted and created or restored again.
    pub fn epoch(&self, namespace: &NamespaceHandle) -> u64 {
        // Identifiers are never used again within a store.
        let own = namespace.0.id.cast_unsigned().wrapping_mul(EPOCH_STEP);
        self.shared.backend.epoch().wrapping_add(own).max(1)
    }

    /// Returns the error that a write would get now, if the engine refuses writes.
    pub fn may_write(&self) -> Result<()> {
        self.shared.health.may_write()
    }

    /// Whether the engine accepts writes.
    pub fn health(&self) -> Health {
        self.shared.health.report()
    }

    /// Ends watches, which have no end of their own, with [`Error::ShuttingDown`]; other calls go on.
    pub fn end_watches(&self) {
        self.shared.health.end_watches();
    }

    /// Refuses new writes; those that have begun are finished.
    pub fn stop_writes(&self) {
        self.shared.health.stop();
    }

    /// Finishes the calls that have begun, writes dirty sums, checkpoints, and releases the directory
    /// after the last read. Idempotent. In a forked process it does nothing.
    pub fn close(&self) {
        if self.shared.health.own_process().is_err() {
            return;
        }
        self.shared.health.stop();
        self.writer.stop();
    }

    /// Reads; an error is reported as one of reading.
    fn reading<T>(&self, read: impl FnOnce() -> Result<T>) -> Result<T> {
        self.shared.reading(read)
    }

    fn read_store<T>(
        &self,
        loaded: &Arc<CachedNamespace>,
        read: impl FnOnce(&dyn Reads, &NamespaceRow) -> Result<T>,
    ) -> Result<At<T>> {
        self.reading(|| self.shared.read_store(loaded, read))
    }

    pub(crate) fn read_both<T>(
        &self,
        loaded: &Arc<CachedNamespace>,
        read: impl FnOnce(&Namespace, Box<dyn View>) -> Result<T>,
    ) -> Result<At<T>> {
        self.reading(|| self.shared.read_both(loaded, read))
    }

    pub(crate) fn kernel(&self) -> Kernel {
        self.options.kernel.unwrap_or_else(Kernel::best)
    }

    /// The namespace, at the revision that the caller asks for or a later one.
    pub(crate) fn at(
        &self,
        namespace: &NamespaceHandle,
        context: ReadContext,
    ) -> Result<Arc<CachedNamespace>> {
        self.reading(|| self.shared.at(&namespace.0, context))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if self.shared.health.own_process().is_err() {
            // The destructors would wait for threads that only the parent has, and close files
            // that the parent has locked.
            mem::forget((Arc::clone(&self.shared), Arc::clone(&self.writer)));
        }
        self.close();
    }
}
