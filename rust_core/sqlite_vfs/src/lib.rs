//! Layers between SQLite and the disk: they see each read and write of a file.
//!
//! SQLite has no checksum on a page. A flipped bit in an index can hide a row, or show another one, and no
//! check of rows can tell: the missing row is not read. So [`install`] puts a layer under SQLite that
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
mod pages;
mod shim;

use std::path::Path;

pub use below::Below;
pub use checksum::{check_pages, renew_checksums, take_damage};
pub use pages::{VFS_NAME, install, reserve};
pub use shim::{register, register_as_default};

/// A result code of SQLite; 0 is success.
pub type Code = i32;

/// Success.
pub const OK: Code = rusqlite::ffi::SQLITE_OK;

/// What a file is to SQLite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A database.
    Database,
    /// A WAL.
    Wal,
    /// A rollback journal or a temporary file.
    Other,
}

/// A layer: it is asked for each file that SQLite opens.
pub trait Layer: Send + Sync + 'static {
    /// Called before a file is opened; refuses by a code, or gives what sees the file's calls.
    fn open(&self, path: &Path, kind: Kind) -> Result<Box<dyn File>, Code>;

    /// Called before a file is deleted; a code other than [`OK`] refuses.
    fn delete(&self, _path: &Path) -> Code {
        OK
    }
}

/// A layer's part in one open file. Each call goes on to the file `below`, or does not.
pub trait File: Send {
    /// Reads; what lies beyond the end is zero, and the code then says so.
    fn read(&mut self, below: &mut Below<'_>, offset: u64, buffer: &mut [u8]) -> Code {
        below.read(offset, buffer)
    }

    /// Writes.
    fn write(&mut self, below: &mut Below<'_>, offset: u64, bytes: &[u8]) -> Code {
        below.write(offset, bytes)
    }

    /// Writes out what was held back, before the file is used by itself.
    fn flush(&mut self, _below: &mut Below<'_>) -> Code {
        OK
    }

    /// Called after a checkpoint of a part of the WAL, which other connections read here from then on.
    /// SQLite asks for no result, and syncs only after a checkpoint of the whole WAL.
    fn checkpointed(&mut self, _below: &mut Below<'_>) {}

    /// Truncates.
    fn truncate(&mut self, below: &mut Below<'_>, size: u64) -> Code {
        below.truncate(size)
    }

    /// Makes durable.
    fn sync(&mut self, below: &mut Below<'_>, flags: i32) -> Code {
        below.sync(flags)
    }
}
