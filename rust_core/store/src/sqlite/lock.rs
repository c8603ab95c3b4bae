//! Locks of files, so that one process owns a data directory.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process;

use parking_lot::Mutex;

use crate::{Owner, StoreError, StoreResult};

/// A file that this process has locked, until this is dropped.
///
/// The lock is of the kind `flock`, which does not meet SQLite's own locks. SQLite's locks end when
/// the process closes any descriptor of the database file, so a file that this process has locked
/// already is not opened again.
pub(super) struct Lock {
    pub(super) file: File,
    key: Key,
}

/// A locked file: the process that locked it, its device and its number there.
type Key = (u32, u64, u64);

/// The paths that this process has locked, and the processes that it was forked from.
static LOCKED: Mutex<Vec<Key>> = Mutex::new(Vec::new());

impl Lock {
    /// Locks a file, or a directory, of a data directory, and opens it for reading.
    pub(super) fn take(file: &Path, directory: &Path) -> StoreResult<Self> {
        Self::open(file, directory, OpenOptions::new().read(true))
    }

    /// Locks a file of a data directory, and opens it for reading and writing.
    pub(super) fn take_to_write(file: &Path, directory: &Path) -> StoreResult<Self> {
        Self::open(file, directory, OpenOptions::new().read(true).write(true))
    }

    fn open(file: &Path, directory: &Path, how: &OpenOptions) -> StoreResult<Self> {
        let in_use = |by| StoreError::InUse {
            directory: directory.display().to_string(),
            by,
        };
        let mut locked = LOCKED.lock();
        let metadata = fs::metadata(file).map_err(|error| failed("lock", file, &error))?;
        let key = (process::id(), metadata.dev(), metadata.ino());
        if locked.contains(&key) {
            return Err(in_use(Owner::ThisProcess));
        }
        let opened = how
            .open(file)
            .map_err(|error| failed("lock", file, &error))?;
        match opened.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(Owner::AnotherProcess)),
            Err(TryLockError::Error(error)) => return Err(failed("lock", file, &error)),
        }
        locked.push(key);
        Ok(Self { file: opened, key })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A forked process shares the lock, which is the parent's. The parent, in turn, gives the
        // lock up by name, since the descriptor of a living child would keep it.
        if self.key.0 == process::id() {
            let _ = self.file.unlock();
            LOCKED.lock().retain(|key| *key != self.key);
        }
    }
}

/// The error of an operation on a file or directory.
pub(super) fn failed(what: &str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::failed(format!("cannot {what} {}: {error}", path.display()))
}
