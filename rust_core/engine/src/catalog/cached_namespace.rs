//! A namespace in memory, shared by its readers and its one writer.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use ee_core::namespace::{Draft, Namespace};
use ee_core::settings::NamespaceSettings;
use ee_store::NamespaceRow;
use ee_store::failpoints::{Failpoint, reach};
use parking_lot::{Condvar, Mutex, RwLock, RwLockReadGuard};

use crate::api::NamespaceView;
use crate::catalog::dirty_sums::DirtySums;
use crate::catalog::inbox_cache::InboxCache;
use crate::catalog::scan_sharing::SharedScan;
use crate::{Error, Result};

/// A namespace, found by its name once per call.
///
/// A handle stands for the namespace that had the name when the call began: once that is deleted,
/// calls with the handle fail with `NamespaceNotFound`, even if another namespace has the name.
#[derive(Clone)]
pub struct NamespaceHandle(pub(crate) Arc<CachedNamespace>);

impl NamespaceHandle {
    /// The namespace's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether both stand for the same namespace.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The revision that is published now.
    pub fn revision(&self) -> u64 {
        self.0.revision()
    }

    /// The settings that were fixed at the namespace's creation.
    pub fn settings(&self) -> &NamespaceSettings {
        &self.0.settings
    }
}

impl fmt::Debug for NamespaceHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NamespaceHandle")
            .field(&self.0.name)
            .finish()
    }
}

/// A namespace in memory.
pub(crate) struct CachedNamespace {
    /// Its identity: a name can be given to another namespace later, an id cannot.
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) settings: NamespaceSettings,
    state: RwLock<Namespace>,
    /// A change is being copied in. A reader that sees `true` under the lock knows that a panic ended
    /// the copying half way.
    changing: AtomicBool,
    revision: Mutex<u64>,
    reached: Condvar,
    /// The namespace left memory or was deleted: writes go to another object, or to none.
    pub(crate) retired: AtomicBool,
    pub(crate) memory: AtomicUsize,
    pub(crate) last_used: AtomicU64,
    pub(crate) scans: SharedScan,
    /// The items in no category, as far as suggestions have needed them.
    pub(crate) inbox: InboxCache,
    /// Held by each write until it is published, and by one that takes long alone: others wait for it before
    /// they queue.
    pub(crate) writing: Arc<RwLock<()>>,
    /// The sums that are newer in memory than in the store. Only the writer uses it.
    pub(crate) dirty_sums: Mutex<DirtySums>,
}

impl CachedNamespace {
    pub(crate) fn new(row: &NamespaceRow, namespace: Namespace, dirty_sums: DirtySums) -> Self {
        let memory = namespace.memory_bytes();
        Self {
            id: row.id,
            name: row.name.clone(),
            settings: row.settings.clone(),
            revision: Mutex::new(namespace.header().revision),
            reached: Condvar::new(),
            state: RwLock::new(namespace),
            changing: AtomicBool::new(false),
            retired: AtomicBool::new(false),
            memory: AtomicUsize::new(memory),
            last_used: AtomicU64::new(0),
            scans: SharedScan::default(),
            inbox: InboxCache::default(),
            writing: Arc::default(),
            dirty_sums: Mutex::new(dirty_sums),
        }
    }

    /// The published state.
    ///
    /// Panics if a defect has left the state half changed: no caller may see that.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Namespace> {
        let state = self.state.read();
        let whole = !self.changing.load(Ordering::Relaxed);
        assert!(whole, "{:?} was left half changed", self.name);
        state
    }

    /// The published state; `waits` is called if this waits for a change that is being copied in, and for the
    /// readers before it.
    pub(crate) fn read_after(&self, waits: &dyn Fn()) -> RwLockReadGuard<'_, Namespace> {
        self.try_read().unwrap_or_else(|| {
            waits();
            self.read()
        })
    }

    /// The published state, unless a change is being copied in or waits to be.
    pub(crate) fn try_read(&self) -> Option<RwLockReadGuard<'_, Namespace>> {
        let state = self.state.try_read()?;
        (!self.changing.load(Ordering::Relaxed)).then_some(state)
    }

    /// Copies in the changes of a durable write, and wakes the readers that wait for the revision.
    /// Returns by how many bytes the namespace grew.
    pub(crate) fn publish(&self, draft: Draft) -> isize {
        let (revision, memory) = {
            let mut state = self.state.write();
            // The lock orders this before every reader.
            self.changing.store(true, Ordering::Relaxed);
            state.publish(draft);
            // An error has no meaning here: the write is durable. A test can panic or end the process.
            let _ = reach(Failpoint::WritePublishing);
            self.changing.store(false, Ordering::Relaxed);
            (state.header().revision, state.memory_bytes())
        };
        *self.revision.lock() = revision;
        self.reached.notify_all();
        self.account(memory)
    }

    /// Bytes of the namespace, without the inbox.
    pub(crate) fn namespace_bytes(&self) -> usize {
        let all = self.memory.load(Ordering::Relaxed);
        all.saturating_sub(self.inbox.memory_bytes())
    }

    /// Accounts for the memory of the namespace, `namespace` bytes, and of the inbox. Returns by how
    /// many bytes they have grown.
    pub(crate) fn account(&self, namespace: usize) -> isize {
        let memory = namespace + self.inbox.memory_bytes();
        let before = self.memory.swap(memory, Ordering::Relaxed);
        memory.cast_signed() - before.cast_signed()
    }

    /// The published revision.
    pub(crate) fn revision(&self) -> u64 {
        *self.revision.lock()
    }

    /// Waits until a revision is published.
    pub(crate) fn wait(&self, expected: u64, deadline: Instant) -> Result<()> {
        let mut revision = self.revision.lock();
        while *revision < expected {
            // The revision of a retired object stands still: the caller looks for the new object.
            let retired = self.retired.load(Ordering::Acquire);
            if retired || self.reached.wait_until(&mut revision, deadline).timed_out() {
                return Err(Error::RevisionNotReached {
                    expected,
                    actual: *revision,
                });
            }
        }
        Ok(())
    }

    /// Marks the object as no longer in use, and wakes the readers that wait on it.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
        let _revision = self.revision.lock();
        self.reached.notify_all();
    }

    pub(crate) fn view(&self) -> NamespaceView {
        let state = self.read();
        NamespaceView::new(
            &self.name,
            state.settings(),
            state.profile(),
            state.header(),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use ee_core::command::{CategoryPut, Command};
    use ee_core::namespace::Draft;

    use crate::{Engine, NewNamespace, Options, ReadContext, WriteContext};

    #[test]
    fn a_namespace_that_a_panic_left_half_changed_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::open(directory.path(), Options::default()).unwrap();
        engine
            .create_namespace(NewNamespace::plain(2), WriteContext::default())
            .unwrap();
        let put = |key: &str| CategoryPut {
            key: key.into(),
            base: Some(Some(vec![1.0, 2.0])),
            ..CategoryPut::default()
        };
        let command = Command::PutCategories(["a", "b", "c"].map(put).into());
        let namespace = engine.handle("n").unwrap();
        engine
            .write(&namespace, command, WriteContext::default())
            .unwrap();
        let before = engine
            .namespace(&namespace, ReadContext::default())
            .unwrap();

        let loaded = engine.shared.cache.get("n").unwrap();
        let mut draft = Draft::new(*loaded.read().header());
        draft.header.revision += 1;
        for key in ["a", "b", "c"] {
            let mut category = loaded.read().draft_of(key).unwrap();
            category.touch();
            draft.categories.insert(key.into(), Some(category));
        }
        draft.finalize_hashes(1, || {});
        Draft::compute_directions([&mut draft].into_iter(), 1, || {});
        let broken = draft.categories.get_mut("b").unwrap().as_mut().unwrap();
        broken.sum.clear();
        let read = || {
            catch_unwind(AssertUnwindSafe(|| {
                let namespace = engine.handle("n").unwrap();
                engine.namespace(&namespace, Default::default())
            }))
        };
        assert!(catch_unwind(AssertUnwindSafe(|| loaded.publish(draft))).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| loaded.read().header().revision)).is_err());
        assert!(read().is_err());
        // As the writer does after a panic.
        engine.shared.cache.remove_all();
        assert_eq!(read().unwrap(), Ok(before));
    }
}
