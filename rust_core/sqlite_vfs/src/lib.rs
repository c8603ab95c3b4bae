//! Layers between SQLite and the disk: they see each read and write of a file.
//!
//! SQLite has no page checksums. A flipped bit in an index can hide a row or show another one, and no
//! check of rows finds that: a hidden row is never read. So [`install`] puts a layer under SQLite that
//! checksums each page and verifies it on each read, coalesces writes, and stops at the first failed
//! write or sync. The same shim carries the faults that the engine's tests inject.
//!
//! Why not SQLite's own `cksumvfs`: it is not in the amalgamation that `libsqlite3-sys` bundles; it
//! attaches to the database file only, so the pages of a recovered WAL are not verified; its sum does not
//! include the page number, so a page that was written to the wrong place passes; and it does not say
//! which page is damaged. Why not a crate: `sqlite-vfs` does not support WAL, and `sqlite-plugin` has its
//! user implement locking and shared memory instead of passing them through.
//!
//! Invariants: `unsafe` stays in `shim` and `below`, which only pass pointers on; a layer is safe code.

#![allow(clippy::missing_errors_doc)]

mod below;
mod checksum;
mod coalesce;
mod fail_stop;
mod frames;
mod holes;
mod pages;
mod shim;

use std::path::Path;

pub use below::Below;
pub use checksum::{check_pages, renew_checksums, take_damage};
pub use holes::{disk_bytes, empty_pages, punch};
pub use pages::{VFS_NAME, cached_bytes, install, reserve, wal_frames};
pub use shim::{register, register_as_default};

/// A result code of SQLite; 0 is success.
pub type Code = i32;

/// Success.
pub const OK: Code = rusqlite::ffi::SQLITE_OK;

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A database.
    Database,
    /// A WAL.
    Wal,
    /// A rollback journal or a temporary file.
    Other,
}

/// A layer: it sees each file that SQLite opens.
pub trait Layer: Send + Sync + 'static {
    /// Called before a file is opened; returns the layer's part in the file, or a code that refuses it.
    fn open(&self, path: &Path, kind: Kind) -> Result<Box<dyn File>, Code>;

    /// Called before a file is deleted; a code other than [`OK`] refuses.
    fn delete(&self, _path: &Path) -> Code {
        OK
    }
}

/// A layer's part in one open file, which passes calls on to the file `below`.
pub trait File: Send {
    /// Reads. Bytes beyond the end of the file are zero, and the result is then `SQLITE_IOERR_SHORT_READ`.
    fn read(&mut self, below: &mut Below<'_>, offset: u64, buffer: &mut [u8]) -> Code {
        below.read(offset, buffer)
    }

    /// Writes.
    fn write(&mut self, below: &mut Below<'_>, offset: u64, bytes: &[u8]) -> Code {
        below.write(offset, bytes)
    }

    /// Flushes buffered writes, before a call goes to the file below directly.
    fn flush(&mut self, _below: &mut Below<'_>) -> Code {
        OK
    }

    /// Called after a checkpoint of a part of the WAL, whose pages other connections read here from then on.
    /// SQLite ignores a result, and syncs only after a checkpoint of the whole WAL.
    fn checkpointed(&mut self, _below: &mut Below<'_>) {}

    /// Truncates.
    fn truncate(&mut self, below: &mut Below<'_>, size: u64) -> Code {
        below.truncate(size)
    }

    /// Syncs.
    fn sync(&mut self, below: &mut Below<'_>, flags: i32) -> Code {
        below.sync(flags)
    }
}
