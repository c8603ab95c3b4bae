//! What lies between SQLite and the disk: layers that see each read and write of a file.
//!
//! SQLite has no checksum on a page. A flipped bit in an index can hide a row, or show another
//! one, and no check of rows can tell: the row that is missing is not there to be checked. So
//! [`pages`] puts a checksum on each page and verifies it on each read. The same shim carries the
//! faults that the engine's tests inject.
//!
//! Invariants: `unsafe` stays in [`shim`], which only passes pointers on; a layer is safe code.

#![allow(clippy::missing_errors_doc)]

mod below;
mod frames;
mod pages;
mod shim;

use std::path::Path;

pub use below::Below;
pub use pages::{VFS_NAME, check_pages, install, reserve, take_damage};
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
    /// A write-ahead log.
    Log,
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

    /// Hands on what it has kept back, before something looks at the file by itself.
    fn flush(&mut self, _below: &mut Below<'_>) -> Code {
        OK
    }

    /// Called when some of the log has been copied back, which others read here from then on. SQLite
    /// asks for no result, and does not sync unless it was all of the log.
    fn copied(&mut self, _below: &mut Below<'_>) {}

    /// Truncates.
    fn truncate(&mut self, below: &mut Below<'_>, size: u64) -> Code {
        below.truncate(size)
    }

    /// Makes durable.
    fn sync(&mut self, below: &mut Below<'_>, flags: i32) -> Code {
        below.sync(flags)
    }
}
