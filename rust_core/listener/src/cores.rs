//! How many cores the threads of a listener occupy.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Counts the threads that need a core now, so that polling, and work that can be shared, take only cores
/// that no other thread needs.
#[derive(Debug)]
pub(crate) struct Cores {
    all: usize,
    occupied: AtomicUsize,
    writes: AtomicUsize,
}

impl Cores {
    /// Of a machine, or of the part of it that the process may use.
    pub(crate) fn new(all: usize) -> Arc<Self> {
        Arc::new(Self {
            all,
            occupied: AtomicUsize::new(0),
            writes: AtomicUsize::new(0),
        })
    }

    /// How many are left beside those that are occupied.
    pub(crate) fn spare(&self) -> usize {
        self.all.saturating_sub(self.occupied.load(Relaxed))
    }

    /// Notes a write that another thread may commit: while there are any, that thread occupies a core.
    pub(crate) fn write(self: &Arc<Self>) -> Writing {
        if self.writes.fetch_add(1, Relaxed) == 0 {
            self.occupied.fetch_add(1, Relaxed);
        }
        Writing(Arc::clone(self))
    }

    /// Occupies a core, whether or not one is spare.
    pub(crate) fn occupy(self: &Arc<Self>) -> Occupied {
        self.occupied.fetch_add(1, Relaxed);
        Occupied(Arc::clone(self))
    }
}

/// A core that a thread occupies until this is dropped.
#[derive(Debug)]
pub(crate) struct Occupied(Arc<Cores>);

impl Drop for Occupied {
    fn drop(&mut self) {
        self.0.occupied.fetch_sub(1, Relaxed);
    }
}

/// A write under way, until this is dropped.
#[derive(Debug)]
pub(crate) struct Writing(Arc<Cores>);

impl Drop for Writing {
    fn drop(&mut self) {
        if self.0.writes.fetch_sub(1, Relaxed) == 1 {
            self.0.occupied.fetch_sub(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_under_way_occupy_one_core_together() {
        let cores = Cores::new(3);
        let worker = cores.occupy();
        let writes = [(); 3].map(|()| cores.write());
        assert_eq!(cores.spare(), 1);
        drop(worker);
        assert_eq!(cores.spare(), 2);
        drop(writes);
        assert_eq!(cores.spare(), 3);
        drop(cores.write());
        assert_eq!(cores.spare(), 3);
    }
}
