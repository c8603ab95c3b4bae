//! Checksums on pages: what is read is what was written, to the bit and to the place.
//!
//! The last eight bytes of each page of a database are reserved, and hold XXH3 of the rest with
//! the page's number as seed. They are computed when a page is written to the database, which in
//! WAL mode a checkpoint does. A page in the write-ahead log has no room of its own, as SQLite's
//! frame checksums cover it before it gets here; these are verified when the log is recovered, and
//! the hashes of its pages are then kept in memory, so that later reads are verified too.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use rusqlite::ffi::{SQLITE_IOERR_DATA, SQLITE_IOERR_SHORT_READ, SQLITE_IOERR_WRITE};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::{Below, Code, File, Kind, Layer, OK};

pub use crate::shim::reserve;

/// Size of a page.
pub const PAGE_SIZE: usize = 16_384;

/// Name that connections open their database with.
pub const VFS_NAME: &CStr = c"ee-pages";

/// Bytes at the end of a page that hold its checksum.
pub(crate) const RESERVED: usize = 8;

/// Bytes before a page in a log frame.
const FRAME_HEADER: usize = 24;

/// SQLite reads less than this only of a database's header.
const HEADER: usize = 512;

/// Registers the layer, above the VFS that is the default by then. Idempotent.
pub fn install() -> Result<(), Code> {
    static INSTALLED: LazyLock<Code> =
        LazyLock::new(|| crate::shim::register(VFS_NAME, Box::new(Pages::default())));
    match *INSTALLED {
        OK => Ok(()),
        code => Err(code),
    }
}

thread_local! {
    static DAMAGE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Says, once, what the last read of this thread that failed its checksum was of.
pub fn take_damage() -> Option<String> {
    DAMAGE.take()
}

fn damaged(what: String) -> Code {
    DAMAGE.set(Some(what));
    SQLITE_IOERR_DATA
}

/// Hashes of the pages in a log, by offset.
type Hashes = Arc<Mutex<HashMap<u64, u64>>>;

#[derive(Default)]
struct Pages {
    logs: Mutex<HashMap<PathBuf, Hashes>>,
}

impl Layer for Pages {
    fn open(&self, path: &Path, kind: Kind) -> Result<Box<dyn File>, Code> {
        Ok(match kind {
            Kind::Database => Box::new(Database { page: Vec::new() }),
            Kind::Log => {
                let mut logs = lock(&self.logs);
                // Logs of databases that are no longer open are nobody's.
                logs.retain(|_, hashes| Arc::strong_count(hashes) > 1);
                Box::new(Log(Arc::clone(logs.entry(path.to_owned()).or_default())))
            }
            Kind::Other => Box::new(Plain),
        })
    }
}

struct Plain;

impl File for Plain {}

struct Database {
    page: Vec<u8>,
}

impl File for Database {
    fn read(&mut self, below: &mut Below<'_>, offset: u64, buffer: &mut [u8]) -> Code {
        let code = below.read(offset, buffer);
        let whole = buffer.len() == PAGE_SIZE && offset.is_multiple_of(PAGE_SIZE as u64);
        let number = offset / PAGE_SIZE as u64 + 1;
        match code {
            OK if whole => verify(number, buffer),
            // A database that was just made is empty.
            SQLITE_IOERR_SHORT_READ if offset > 0 && whole => {
                damaged(format!("page {number} is beyond the end of the file"))
            }
            OK if buffer.len() >= HEADER => damaged(format!(
                "the header speaks of pages of {} bytes, they have {PAGE_SIZE}",
                buffer.len()
            )),
            code => code,
        }
    }

    fn write(&mut self, below: &mut Below<'_>, offset: u64, bytes: &[u8]) -> Code {
        if bytes.len() != PAGE_SIZE || !offset.is_multiple_of(PAGE_SIZE as u64) {
            return SQLITE_IOERR_WRITE;
        }
        self.page.clear();
        self.page.extend_from_slice(bytes);
        let sum = checksum(offset / PAGE_SIZE as u64 + 1, &self.page);
        self.page[PAGE_SIZE - RESERVED..].copy_from_slice(&sum.to_le_bytes());
        below.write(offset, &self.page)
    }
}

fn checksum(number: u64, page: &[u8]) -> u64 {
    xxh3_64_with_seed(&page[..PAGE_SIZE - RESERVED], number)
}

fn verify(number: u64, page: &[u8]) -> Code {
    let stored = page[PAGE_SIZE - RESERVED..].as_chunks::<8>().0;
    // A page that was allocated and never used is a hole. As a node of a tree it would be
    // refused by SQLite, so that a page that was zeroed is not taken for an empty one.
    if stored.first() == Some(&checksum(number, page).to_le_bytes())
        || page.iter().all(|byte| *byte == 0)
    {
        OK
    } else {
        let offset = (number - 1) * PAGE_SIZE as u64;
        damaged(format!(
            "page {number} (at byte {offset}): its checksum does not match"
        ))
    }
}

struct Log(Hashes);

impl File for Log {
    fn read(&mut self, below: &mut Below<'_>, offset: u64, buffer: &mut [u8]) -> Code {
        let code = below.read(offset, buffer);
        if code != OK {
            return code;
        }
        if buffer.len() == PAGE_SIZE {
            let written = lock(&self.0).get(&offset).copied();
            if written.is_some_and(|written| written != xxh3_64_with_seed(buffer, offset)) {
                return damaged(format!(
                    "the write-ahead log: the page at byte {offset} is not the one written"
                ));
            }
        } else if buffer.len() == FRAME_HEADER + PAGE_SIZE {
            // Recovery, which verifies the frame and ends where that fails.
            let at = offset + FRAME_HEADER as u64;
            let hash = xxh3_64_with_seed(&buffer[FRAME_HEADER..], at);
            lock(&self.0).insert(at, hash);
        }
        code
    }

    fn write(&mut self, below: &mut Below<'_>, offset: u64, bytes: &[u8]) -> Code {
        if bytes.len() == PAGE_SIZE {
            let hash = xxh3_64_with_seed(bytes, offset);
            lock(&self.0).insert(offset, hash);
        }
        below.write(offset, bytes)
    }

    fn truncate(&mut self, below: &mut Below<'_>, size: u64) -> Code {
        lock(&self.0).retain(|offset, _| *offset < size);
        below.truncate(size)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
