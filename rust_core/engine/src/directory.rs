//! The data directory: its files, its lock and its watermark.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh3::xxh3_64;

use crate::{Error, Result};

/// A data directory that this process alone has.
///
/// Besides the database it holds the watermark: how many log entries have been acknowledged. The
/// end of SQLite's write-ahead log can be lost without an error (a damaged frame ends it); the
/// watermark, in a file of its own, tells. It is written after each commit and not synced, so
/// after a loss of power it may be behind, never ahead.
pub(crate) struct Directory {
    path: PathBuf,
    watermark: File,
    /// Which slot is next.
    turn: AtomicU64,
    /// Locked as long as it is open.
    _lock: File,
}

/// Two slots, written in turn, so that a torn write leaves the one before.
const SLOTS: u64 = 2;
const SLOT_BYTES: usize = 16;

impl Directory {
    /// Takes the directory; makes it if there is none.
    pub(crate) fn take(path: &Path) -> Result<Self> {
        fs::create_dir_all(path).map_err(|error| failed("create", path, &error))?;
        let open = |name: &str| {
            let file = path.join(name);
            OpenOptions::new()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .open(&file)
                .map_err(|error| failed("open", &file, &error))
        };
        let lock = open("lock")?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::DirectoryInUse {
                    directory: path.display().to_string(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", path, &error)),
        }
        Ok(Self {
            path: path.to_owned(),
            watermark: open("watermark")?,
            turn: AtomicU64::new(0),
            _lock: lock,
        })
    }

    /// The database file.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("effemb.db")
    }

    /// Entries known to have been acknowledged: at least as many must be in the log.
    pub(crate) fn watermark(&self) -> Result<u64> {
        let mut newest = 0;
        for slot in 0..SLOTS {
            let mut bytes = [0; SLOT_BYTES];
            match self
                .watermark
                .read_exact_at(&mut bytes, slot * SLOT_BYTES as u64)
            {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
                Err(error) => return Err(failed("read", &self.path.join("watermark"), &error)),
            }
            let ([sequence, checksum], _) = bytes.as_chunks::<8>() else {
                continue;
            };
            if xxh3_64(sequence) == u64::from_le_bytes(*checksum) {
                newest = newest.max(u64::from_le_bytes(*sequence));
            }
        }
        Ok(newest)
    }

    /// Raises the watermark after a commit.
    pub(crate) fn raise_watermark(&self, sequence: u64) -> io::Result<()> {
        let mut bytes = [0; SLOT_BYTES];
        bytes[..8].copy_from_slice(&sequence.to_le_bytes());
        bytes[8..].copy_from_slice(&xxh3_64(&sequence.to_le_bytes()).to_le_bytes());
        let slot = self.turn.fetch_add(1, Ordering::Relaxed) % SLOTS;
        self.watermark
            .write_all_at(&bytes, slot * SLOT_BYTES as u64)
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::StoreFailed {
        cause: format!("cannot {what} {}: {error}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_has_a_directory() {
        let temporary = tempfile::tempdir().unwrap();
        let first = Directory::take(temporary.path()).unwrap();
        assert!(matches!(
            Directory::take(temporary.path()),
            Err(Error::DirectoryInUse { .. })
        ));
        drop(first);
        Directory::take(temporary.path()).unwrap();
    }

    #[test]
    fn a_torn_watermark_leaves_the_one_before() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = Directory::take(temporary.path()).unwrap();
        assert_eq!(directory.watermark(), Ok(0));
        for sequence in 1..=5 {
            directory.raise_watermark(sequence).unwrap();
        }
        assert_eq!(directory.watermark(), Ok(5));
        directory.watermark.write_all_at(&[0xff], 3).unwrap();
        assert_eq!(directory.watermark(), Ok(4));
    }
}
