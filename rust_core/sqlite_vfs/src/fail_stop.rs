//! Fail-stop: after a write or a sync has failed, none of the database's files is written or synced again.
//!
//! All connections stop together: several may be writing, and the kernel may have dropped the bytes that
//! it could not write.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Code, OK};

/// The latch that all open files of a database share.
#[derive(Default)]
pub(crate) struct FailStop {
    /// The code of the first write or sync that failed.
    failed: AtomicI32,
    /// Checkpointed pages that could not be written, by offset: other connections no longer look for
    /// them in the WAL.
    unwritten: Mutex<Vec<(u64, Vec<u8>)>>,
}

impl FailStop {
    /// Writes or syncs, unless an earlier write or sync has failed.
    pub(crate) fn change(&self, call: impl FnOnce() -> Code) -> Code {
        let failed = self.failed.load(Ordering::Acquire);
        if failed != OK {
            return failed;
        }
        let code = call();
        if code != OK {
            // The first code stays: later errors follow from it.
            let (set, seen) = (Ordering::AcqRel, Ordering::Acquire);
            let _ = self.failed.compare_exchange(OK, code, set, seen);
        }
        code
    }

    /// Replaces bytes that were read at an offset by those of pages that could not be written.
    pub(crate) fn overlay(&self, offset: u64, buffer: &mut [u8]) {
        if self.failed.load(Ordering::Acquire) == OK {
            return;
        }
        for (at, bytes) in lock(&self.unwritten).iter() {
            let from = offset
                .checked_sub(*at)
                .and_then(|from| usize::try_from(from).ok());
            let kept = from.and_then(|from| bytes.get(from..from + buffer.len()));
            if let Some(kept) = kept {
                buffer.copy_from_slice(kept);
            }
        }
    }

    /// Keeps checkpointed pages that could not be written.
    pub(crate) fn keep(&self, offset: u64, bytes: Vec<u8>) {
        lock(&self.unwritten).push((offset, bytes));
    }
}

/// Locks a mutex, also after a panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
