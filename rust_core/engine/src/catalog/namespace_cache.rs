//! The namespaces in memory, by name: loaded on first use and evicted above a memory budget.

use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicU64, Ordering};

use ee_store::failpoints::{Failpoint, reach};
use ee_store::{Backend, StoreResult};
use parking_lot::RwLock;
use rustc_hash::FxHashMap;

use crate::catalog::cached_namespace::CachedNamespace;
use crate::catalog::load::load;
use crate::metrics::Counters;
use crate::{Error, Result};

/// The place of a namespace in the cache, loaded or not.
#[derive(Default)]
struct Slot {
    loaded: RwLock<SlotState>,
}

#[derive(Default)]
enum SlotState {
    #[default]
    Empty,
    Loaded(Arc<CachedNamespace>),
    /// The slot is no longer in the cache.
    Removed,
}

/// The namespaces in memory.
pub(crate) struct NamespaceCache {
    backend: Arc<dyn Backend>,
    slots: RwLock<FxHashMap<String, Arc<Slot>>>,
    budget: Option<usize>,
    memory: AtomicIsize,
    clock: AtomicU64,
    counters: Arc<Counters>,
}

impl NamespaceCache {
    pub(crate) fn new(backend: Arc<dyn Backend>, budget: Option<usize>) -> Self {
        Self {
            backend,
            slots: RwLock::default(),
            budget,
            memory: AtomicIsize::new(0),
            clock: AtomicU64::new(0),
            counters: Arc::default(),
        }
    }

    /// The namespace with a name, loaded if it was not.
    pub(crate) fn get(&self, name: &str) -> Result<Arc<CachedNamespace>> {
        loop {
            let found = self.slots.read().get(name).map(Arc::clone);
            let slot = found.unwrap_or_else(|| {
                Arc::clone(self.slots.write().entry(name.to_owned()).or_default())
            });
            // Callers that want the same namespace wait here while it is loaded; callers that want
            // another one do not.
            if let Some(loaded) = self.loaded_in(&slot.loaded.read()) {
                return Ok(loaded);
            }
            let mut state = slot.loaded.write();
            match &*state {
                SlotState::Loaded(loaded) => {
                    self.touch(loaded);
                    return Ok(Arc::clone(loaded));
                }
                SlotState::Removed => {}
                SlotState::Empty => match self.load(name) {
                    Ok(Some(loaded)) => {
                        let loaded = Arc::new(loaded);
                        self.grow(loaded.memory.load(Ordering::Relaxed).cast_signed());
                        self.counters.loads.fetch_add(1, Ordering::Relaxed);
                        self.touch(&loaded);
                        *state = SlotState::Loaded(Arc::clone(&loaded));
                        return Ok(loaded);
                    }
                    failed => {
                        *state = SlotState::Removed;
                        drop(state);
                        self.drop_slot(name, &slot);
                        failed?;
                        return Err(Error::NamespaceNotFound {
                            name: name.to_owned(),
                        });
                    }
                },
            }
        }
    }

    /// The namespace with a name, if it is in memory and its entry is not being changed. Callers do not
    /// keep each other from it.
    pub(crate) fn try_get(&self, name: &str) -> Option<Arc<CachedNamespace>> {
        let slot = Arc::clone(self.slots.try_read()?.get(name)?);
        let state = slot.loaded.try_read()?;
        self.loaded_in(&state)
    }

    fn loaded_in(&self, state: &SlotState) -> Option<Arc<CachedNamespace>> {
        let SlotState::Loaded(loaded) = state else {
            return None;
        };
        self.touch(loaded);
        Some(Arc::clone(loaded))
    }

    fn load(&self, name: &str) -> StoreResult<Option<CachedNamespace>> {
        reach(Failpoint::Load)?;
        let loaded = load(self.backend.view()?.reads(), name)?;
        reach(Failpoint::Loaded)?;
        Ok(loaded)
    }

    /// Removes a namespace from memory. Only the writer does, between two batches or before the first
    /// write of a namespace.
    pub(crate) fn remove(&self, name: &str) {
        let Some(slot) = self.slots.write().remove(name) else {
            return;
        };
        let state = std::mem::replace(&mut *slot.loaded.write(), SlotState::Removed);
        if let SlotState::Loaded(loaded) = state {
            loaded.retire();
            self.counters.evictions.fetch_add(1, Ordering::Relaxed);
            self.grow(-loaded.memory.load(Ordering::Relaxed).cast_signed());
        }
    }

    /// Removes all namespaces from memory, since any of them may be half changed.
    pub(crate) fn remove_all(&self) {
        let names: Vec<String> = self.slots.read().keys().cloned().collect();
        names.iter().for_each(|name| self.remove(name));
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.slots.read().len()
    }

    /// The counters.
    pub(crate) fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Bytes held.
    pub(crate) fn memory(&self) -> usize {
        usize::try_from(self.memory.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// Accounts for bytes that a namespace has allocated or freed.
    pub(crate) fn grow(&self, bytes: isize) {
        self.memory.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The bytes by which `more` bytes would exceed the budget; `None`: they fit.
    pub(crate) fn over_budget_by(&self, more: usize) -> Option<usize> {
        let over = (self.memory() + more).checked_sub(self.budget?)?;
        (over > 0).then_some(over)
    }

    /// Whether namespaces should be evicted.
    pub(crate) fn over_budget(&self) -> bool {
        self.budget.is_some_and(|budget| self.memory() > budget)
    }

    /// The loaded namespaces.
    pub(crate) fn loaded(&self) -> Vec<Arc<CachedNamespace>> {
        let slots: Vec<_> = self.slots.read().values().map(Arc::clone).collect();
        let loaded = |slot: &Arc<Slot>| match &*slot.loaded.try_read()? {
            SlotState::Loaded(loaded) => Some(Arc::clone(loaded)),
            _ => None,
        };
        slots.iter().filter_map(loaded).collect()
    }

    /// The least recently used namespaces, enough of them to bring memory a tenth below the budget.
    pub(crate) fn to_evict(&self) -> Vec<Arc<CachedNamespace>> {
        let Some(budget) = self.budget else {
            return Vec::new();
        };
        let mut loaded = self.loaded();
        loaded.sort_by_key(|loaded| loaded.last_used.load(Ordering::Relaxed));
        let mut memory = self.memory();
        // The most recently used namespace stays, whatever its size: a caller is using it.
        loaded.pop();
        loaded
            .into_iter()
            .take_while(|loaded| {
                let over = memory > budget - budget / 10;
                memory = memory.saturating_sub(loaded.memory.load(Ordering::Relaxed));
                over
            })
            .collect()
    }

    fn touch(&self, loaded: &CachedNamespace) {
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        loaded.last_used.store(now, Ordering::Relaxed);
    }

    fn drop_slot(&self, name: &str, slot: &Arc<Slot>) {
        let mut slots = self.slots.write();
        if slots
            .get(name)
            .is_some_and(|found| Arc::ptr_eq(found, slot))
        {
            slots.remove(name);
        }
    }
}
