//! The layer of pages: checksums, write coalescing and fail-stop for the files of a database.
//!
//! Checksums are computed when a page is written to the database, which in WAL mode a checkpoint does. A
//! page in the WAL has no room for one: the checksums of SQLite's frames cover it. SQLite verifies these
//! when it recovers the WAL; from then on the hashes of the pages are kept in memory, so that later reads
//! are verified too.

use std::collections::HashMap;
use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use rusqlite::Connection;
use rusqlite::ffi::{SQLITE_IOERR_SHORT_READ, SQLITE_IOERR_WRITE};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::checksum::{HEADER, RESERVED, checksum, damaged, is_page, verify};
use crate::coalesce::{MAX_BUFFERED, WriteBuffer};
use crate::fail_stop::{FailStop, lock};
use crate::frames::{FRAME_HEADER, Frames};
use crate::{Below, Code, File, Kind, Layer, OK};

/// Reserves room for the checksum in each page of a new database.
pub fn reserve(connection: &Connection) -> Result<(), Code> {
    crate::shim::reserve(connection, RESERVED)
}

/// Bytes of the pages that a connection keeps in its cache.
pub fn cached_bytes(connection: &Connection) -> Result<usize, Code> {
    crate::shim::cached_bytes(connection)
}

/// Frames in a database's WAL, and those of them that are in the database file; -1: not known.
pub fn wal_frames(connection: &Connection) -> Result<(i32, i32), Code> {
    crate::shim::wal_frames(connection)
}

/// Name of the VFS, for the opening of connections.
pub const VFS_NAME: &CStr = c"ee-pages";

/// Registers the layer above the current default VFS. Idempotent.
pub fn install() -> Result<(), Code> {
    static INSTALLED: LazyLock<Code> =
        LazyLock::new(|| crate::shim::register(VFS_NAME, Box::new(Pages::default())));
    match *INSTALLED {
        OK => Ok(()),
        code => Err(code),
    }
}

/// What all open files of a database share.
#[derive(Default)]
struct Common {
    /// Hashes of the pages in the WAL.
    frames: Mutex<Frames>,
    fail_stop: FailStop,
}

#[derive(Default)]
struct Pages {
    databases: Mutex<HashMap<PathBuf, Arc<Common>>>,
}

impl Pages {
    /// What the open files of a database share.
    fn common(&self, database: &Path) -> Arc<Common> {
        let mut databases = lock(&self.databases);
        // Forget databases that no file has open.
        databases.retain(|_, common| Arc::strong_count(common) > 1);
        Arc::clone(databases.entry(database.to_owned()).or_default())
    }
}

/// The database that a WAL belongs to.
fn database_of(wal: &Path) -> PathBuf {
    let name = wal.as_os_str().as_bytes();
    PathBuf::from(OsStr::from_bytes(
        name.strip_suffix(b"-wal").unwrap_or(name),
    ))
}

impl Layer for Pages {
    fn open(&self, path: &Path, kind: Kind) -> Result<Box<dyn File>, Code> {
        Ok(match kind {
            Kind::Database => Box::new(Database {
                common: self.common(path),
                buffer: WriteBuffer::default(),
            }),
            Kind::Wal => Box::new(Wal {
                common: self.common(&database_of(path)),
                buffer: WriteBuffer::default(),
                size: None,
            }),
            Kind::Other => Box::new(Plain),
        })
    }
}

struct Plain;

impl File for Plain {}

struct Database {
    common: Arc<Common>,
    buffer: WriteBuffer,
}

impl File for Database {
    fn read(&mut self, below: &mut Below<'_>, offset: u64, buffer: &mut [u8]) -> Code {
        match self.flush(below) {
            OK => {}
            code => return code,
        }
        let code = below.read(offset, buffer);
        self.common.fail_stop.overlay(offset, buffer);
        let size = buffer.len() as u64;
        let whole = is_page(buffer.len()) && offset.is_multiple_of(size);
        let number = offset / size + 1;
        match code {
            OK if whole => verify(number, buffer),
            // A new database is empty.
            SQLITE_IOERR_SHORT_READ if offset > 0 && whole => {
                damaged(format!("page {number} is beyond the end of the file"))
            }
            OK if buffer.len() >= HEADER => {
                damaged(format!("{size} bytes at byte {offset} are not a page"))
            }
            code => code,
        }
    }

    fn write(&mut self, below: &mut Below<'_>, offset: u64, bytes: &[u8]) -> Code {
        let size = bytes.len();
        if !is_page(size) || !offset.is_multiple_of(size as u64) {
            return SQLITE_IOERR_WRITE;
        }
        match self
            .buffer
            .write(&self.common.fail_stop, below, offset, bytes)
        {
            Ok(page) => {
                let sum = checksum(offset / size as u64 + 1, page);
                page[size - RESERVED..].copy_from_slice(&sum.to_le_bytes());
                OK
            }
            Err(code) => code,
        }
    }

    fn flush(&mut self, below: &mut Below<'_>) -> Code {
        self.buffer.flush(&self.common.fail_stop, below)
    }

    fn checkpointed(&mut self, below: &mut Below<'_>) {
        let (at, bytes) = (self.buffer.at, self.buffer.bytes.clone());
        if self.flush(below) != OK {
            self.common.fail_stop.keep(at, bytes);
        }
    }

    fn truncate(&mut self, below: &mut Below<'_>, size: u64) -> Code {
        match self.flush(below) {
            OK => self.common.fail_stop.change(|| below.truncate(size)),
            code => code,
        }
    }

    fn sync(&mut self, below: &mut Below<'_>, flags: i32) -> Code {
        match self.flush(below) {
            OK => self.common.fail_stop.change(|| below.sync(flags)),
            code => code,
        }
    }
}

/// Bytes by which a WAL becomes longer at a time, in writes of the largest size.
const AHEAD: usize = 4;

struct Wal {
    common: Arc<Common>,
    buffer: WriteBuffer,
    /// The size of the file with the buffer; `None`: not known. SQLite does not write in order within a
    /// long transaction, so the last write need not be at the end.
    size: Option<u64>,
}

impl Wal {
    /// Makes a WAL that ends with what was written to it longer by zeros, over which the next commits are
    /// written. The sync of a file that has become longer, or in which room was only set aside, also has to
    /// write the file system's own data, which takes as long as the sync of a small commit.
    ///
    /// SQLite takes zeros for the end of the log, as it does the frames of an earlier log behind those of a
    /// log that has begun anew.
    fn lengthen(&mut self, below: &mut Below<'_>) -> Code {
        let end = self.buffer.end();
        if end == 0 {
            return OK; // This connection has not written to it.
        }
        let size = match self.size.map_or_else(|| below.size(), Ok) {
            Ok(size) => size,
            Err(code) => return code,
        };
        self.size = Some(size);
        if size == end {
            for piece in 0..AHEAD {
                let at = end + (piece * MAX_BUFFERED) as u64;
                match below.write(at, &[0; MAX_BUFFERED]) {
                    OK => self.size = Some(at + MAX_BUFFERED as u64),
                    code => return code,
                }
            }
        }
        OK
    }

    fn hash(&self, offset: u64, page: &[u8]) {
        let hash = xxh3_64_with_seed(page, offset);
        lock(&self.common.frames).insert(offset, page.len(), hash);
    }
}

impl File for Wal {
    fn read(&mut self, below: &mut Below<'_>, offset: u64, buffer: &mut [u8]) -> Code {
        match self.flush(below) {
            OK => {}
            code => return code,
        }
        let code = below.read(offset, buffer);
        if code != OK {
            return code;
        }
        if is_page(buffer.len()) {
            let written = lock(&self.common.frames).get(offset, buffer.len());
            if written.is_some_and(|hash| hash != xxh3_64_with_seed(buffer, offset)) {
                return damaged(format!(
                    "the write-ahead log: the page at byte {offset} is not the one written"
                ));
            }
        } else if let Some((_, page)) = buffer.split_at_checked(FRAME_HEADER)
            && is_page(page.len())
        {
            // Recovery verifies the frame, and ends at the first that does not verify.
            self.hash(offset + FRAME_HEADER as u64, page);
        }
        code
    }

    fn write(&mut self, below: &mut Below<'_>, offset: u64, bytes: &[u8]) -> Code {
        if is_page(bytes.len()) {
            self.hash(offset, bytes);
        }
        let end = offset + bytes.len() as u64;
        self.size = self.size.map(|size| size.max(end));
        self.buffer
            .write(&self.common.fail_stop, below, offset, bytes)
            .map_or_else(|code| code, |_| OK)
    }

    fn flush(&mut self, below: &mut Below<'_>) -> Code {
        self.buffer.flush(&self.common.fail_stop, below)
    }

    fn truncate(&mut self, below: &mut Below<'_>, size: u64) -> Code {
        match self.flush(below) {
            OK => {}
            code => return code,
        }
        lock(&self.common.frames).truncate(size);
        self.size = None;
        self.common.fail_stop.change(|| below.truncate(size))
    }

    fn sync(&mut self, below: &mut Below<'_>, flags: i32) -> Code {
        match self.flush(below) {
            OK => {}
            code => return code,
        }
        let common = Arc::clone(&self.common);
        common.fail_stop.change(|| match self.lengthen(below) {
            OK => below.sync(flags),
            code => code,
        })
    }
}
