//! A namespace in memory, shared by its readers and its one writer.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use ee_core::namespace::{Draft, Namespace};
use ee_core::settings::NamespaceSettings;
use parking_lot::{Condvar, Mutex, RwLock, RwLockReadGuard};
use rustc_hash::FxHashSet;

use crate::api::NamespaceView;
use crate::failpoints::{Step, reach};
use crate::read::scan_sharing::SharedScan;
use crate::store::{NamespaceRow, StoreResult};
use crate::{Error, Result};

/// A namespace, found by its name once per call.
///
/// A handle means the namespace that had the name when the call began: if that is deleted and
/// another one takes the name, calls with the handle fail with `NamespaceNotFound`.
#[derive(Clone)]
pub struct NamespaceHandle(pub(crate) Arc<Loaded>);

impl NamespaceHandle {
    /// The namespace's name.
    pub fn name(&self) -> &str {
        &self.0.name
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
pub(crate) struct Loaded {
    /// Its identity: a name can be given to another namespace later, an id cannot.
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) settings: NamespaceSettings,
    state: RwLock<Namespace>,
    /// A change is being copied in. Seen under the lock: that ended half way.
    changing: AtomicBool,
    revision: Mutex<u64>,
    reached: Condvar,
    /// It left memory, or was deleted: this object is no longer the one that is written to.
    pub(crate) retired: AtomicBool,
    pub(crate) memory: AtomicUsize,
    pub(crate) last_used: AtomicU64,
    pub(crate) scans: SharedScan,
    /// What the table of sums lacks. Only the writer looks at it.
    pub(crate) unsaved: Mutex<Unsaved>,
}

impl Loaded {
    pub(crate) fn new(row: &NamespaceRow, namespace: Namespace, unsaved: Unsaved) -> Self {
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
            unsaved: Mutex::new(unsaved),
        }
    }

    /// The published state.
    ///
    /// Panics if a defect has left it half changed: then it is nobody's answer.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Namespace> {
        let state = self.state.read();
        let whole = !self.changing.load(Ordering::Relaxed);
        assert!(whole, "{:?} was left half changed", self.name);
        state
    }

    /// The published state, unless a change is being copied in or waits to be.
    pub(crate) fn try_read(&self) -> Option<RwLockReadGuard<'_, Namespace>> {
        let state = self.state.try_read()?;
        (!self.changing.load(Ordering::Relaxed)).then_some(state)
    }

    /// Copies in what a durable write has changed, and wakes who waits for it. Returns by how
    /// much its memory grew.
    pub(crate) fn publish(&self, draft: Draft) -> isize {
        let (revision, memory) = {
            let mut state = self.state.write();
            // The lock orders this before whoever reads.
            self.changing.store(true, Ordering::Relaxed);
            state.publish(draft);
            // It cannot fail any more; a test can make it panic, or end the process.
            let _ = reach(Step::WritePublishing);
            self.changing.store(false, Ordering::Relaxed);
            (state.header().revision, state.memory_bytes())
        };
        *self.revision.lock() = revision;
        self.reached.notify_all();
        let before = self.memory.swap(memory, Ordering::Relaxed);
        memory.cast_signed() - before.cast_signed()
    }

    /// Waits until a revision is published.
    pub(crate) fn wait(&self, expected: u64, deadline: Instant) -> Result<()> {
        let mut revision = self.revision.lock();
        while *revision < expected {
            // A retired object's revision stands still: the caller looks for the new one.
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

    /// Marks it as no longer the one to use, and wakes who waits on it.
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

/// The categories whose sums in the table are older than in memory, the longest first.
///
/// Writing each touched sum with each commit would cost twice the bytes of the items themselves.
/// Instead a few of the oldest are written along with later commits, so that the cost is spread
/// and what a restart has to do again stays bounded.
#[derive(Debug, Default)]
pub(crate) struct Unsaved {
    /// Category, the revision that made it differ, and `effects` at that time.
    queue: VecDeque<(i64, u64, u64)>,
    members: FxHashSet<i64>,
    effects: u64,
    /// What is due, as far as it is less than a sum: in parts of [`EFFECTS_PER_ROUND`].
    part: u64,
}

/// Effects that a restart does again in a few tens of milliseconds: below this nothing is written.
const CHEAP_TO_REPLAY: u64 = 8_192;

/// Effects in which each sum is written once, if there are few enough of them.
const EFFECTS_PER_ROUND: u64 = 65_536;

/// Effects for each sum that is written along, at least: a sum is about twice the bytes of an
/// item.
const EFFECTS_PER_SUM: u64 = 8;

/// Effects beyond which sums are written faster than they can come: a second of replay.
const DEAR_TO_REPLAY: u64 = 200_000;

impl Unsaved {
    /// A revision has changed a category's sum by some effects.
    pub(crate) fn touch(&mut self, category: i64, revision: u64) {
        if self.members.insert(category) {
            self.queue.push_back((category, revision, self.effects));
        }
    }

    /// Counts effects.
    pub(crate) fn count(&mut self, effects: u64) {
        self.effects += effects;
    }

    /// How many of the oldest to write along with a commit of so many effects.
    pub(crate) fn due(&mut self, effects: u64) -> usize {
        let Some((_, _, since)) = self.queue.front() else {
            return 0;
        };
        let waiting = self.queue.len() as u64;
        let due = match self.effects - since {
            ..CHEAP_TO_REPLAY => 0,
            CHEAP_TO_REPLAY..DEAR_TO_REPLAY => {
                let parts = self.part + effects * waiting;
                self.part = parts % EFFECTS_PER_ROUND;
                (parts / EFFECTS_PER_ROUND).min(effects.div_ceil(EFFECTS_PER_SUM))
            }
            _ => 2 * effects,
        };
        due.min(waiting) as usize
    }

    /// The number of categories in it.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Takes the oldest.
    pub(crate) fn pop(&mut self) -> Option<i64> {
        while let Some((category, _, _)) = self.queue.pop_front() {
            if self.members.remove(&category) {
                return Some(category);
            }
        }
        None
    }

    /// A category's sum was written otherwise, or the category is gone.
    pub(crate) fn forget(&mut self, category: i64) {
        if self.members.remove(&category) {
            self.queue.retain(|(queued, _, _)| *queued != category);
        }
    }

    /// The revision up to which the table has everything.
    pub(crate) fn checkpoint(&self, revision: u64) -> u64 {
        self.queue
            .front()
            .map_or(revision, |(_, first, _)| first - 1)
    }
}

/// Result of reading a namespace back.
pub(crate) type LoadResult = StoreResult<Option<Loaded>>;

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use ee_core::command::{CategoryPut, Command};
    use ee_core::namespace::Draft;

    use crate::{Engine, NewNamespace, Options, ReadContext, WriteContext};

    #[test]
    fn what_a_defect_left_half_changed_is_nobodys_answer() {
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

        let loaded = engine.shared.registry.get("n").unwrap();
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
        engine.shared.registry.remove_all();
        assert_eq!(read().unwrap(), Ok(before));
    }
}
