//! Checksums on pages: what is read is what was written, to the bit and to the place.
//!
//! The last eight bytes of each page of a database are reserved, and hold XXH3 of the rest with
//! the page's number as seed. They are computed when a page is written to the database, which in
//! WAL mode a checkpoint does. A page in the write-ahead log has no room of its own, as SQLite's
//! frame checksums cover it before it gets here; these are verified when the log is recovered, and
//! the hashes of its pages are then kept in memory, so that later reads are verified too.
//!
//! SQLite writes a log frame by frame, and each frame in two parts; and it copies a log back page by
//! page. What it writes in a row goes to the disk in one piece here, at the latest when it is to be
//! durable or to be read.
//!
//! After a write or a sync has failed, none of the database's files is written or synced again, by
//! whichever connection: several may be at it at the same time, and the kernel may have dropped
//! what it could not write.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, OsStr};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rusqlite::ffi::{SQLITE_IOERR_DATA, SQLITE_IOERR_SHORT_READ, SQLITE_IOERR_WRITE};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::frames::{FRAME_HEADER, Frames};
use crate::{Below, Code, File, Kind, Layer, OK};

pub use crate::shim::reserve;

/// Name that connections open their database with.
pub const VFS_NAME: &CStr = c"ee-pages";

/// Bytes at the end of a page that hold its checksum.
pub(crate) const RESERVED: usize = 8;

/// How often a page that does not verify is looked at, and the pause between.
const LOOKS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(20);

/// SQLite reads less than this only of a database's header.
const HEADER: usize = 512;

/// Bytes that are gathered at the most before they are written: SQLite's own layer takes less than
/// 128 KiB at a time, and calls more a full disk.
const GATHERED: usize = 124 * 1024;

/// Whether these bytes are a page of a database, whatever the size of its pages.
fn is_page(length: usize) -> bool {
    length.is_power_of_two() && (HEADER..=65_536).contains(&length)
}

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

/// What all open files of a database share.
#[derive(Default)]
struct Common {
    /// Hashes of the pages in the log.
    frames: Mutex<Frames>,
    /// How the first write or sync that failed did so.
    failed: AtomicI32,
    /// Pages that were copied back and could not be written, by offset: others no longer look for
    /// them in the log.
    unwritten: Mutex<Vec<(u64, Vec<u8>)>>,
}

impl Common {
    /// Writes or syncs, unless that has failed before.
    fn change(&self, call: impl FnOnce() -> Code) -> Code {
        let failed = self.failed.load(Ordering::Acquire);
        if failed != OK {
            return failed;
        }
        let code = call();
        if code != OK {
            // The first stays: it is the cause of all others.
            let (set, seen) = (Ordering::AcqRel, Ordering::Acquire);
            let _ = self.failed.compare_exchange(OK, code, set, seen);
        }
        code
    }

    /// Puts what could not be written over what was read at an offset.
    fn overlay(&self, offset: u64, buffer: &mut [u8]) {
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
}

#[derive(Default)]
struct Pages {
    databases: Mutex<HashMap<PathBuf, Arc<Common>>>,
}

impl Pages {
    /// What the open files of a database share.
    fn common(&self, database: &Path) -> Arc<Common> {
        let mut databases = lock(&self.databases);
        // What is no longer open is nobody's.
        databases.retain(|_, common| Arc::strong_count(common) > 1);
        Arc::clone(databases.entry(database.to_owned()).or_default())
    }
}

/// The database that a log belongs to.
fn database_of(log: &Path) -> PathBuf {
    let name = log.as_os_str().as_bytes();
    PathBuf::from(OsStr::from_bytes(
        name.strip_suffix(b"-wal").unwrap_or(name),
    ))
}

impl Layer for Pages {
    fn open(&self, path: &Path, kind: Kind) -> Result<Box<dyn File>, Code> {
        Ok(match kind {
            Kind::Database => Box::new(Database {
                common: self.common(path),
                gathered: Gathered::default(),
            }),
            Kind::Log => Box::new(Log {
                common: self.common(&database_of(path)),
                gathered: Gathered::default(),
            }),
            Kind::Other => Box::new(Plain),
        })
    }
}

struct Plain;

impl File for Plain {}

/// What was written last and is not on its way to the disk yet.
#[derive(Default)]
struct Gathered {
    bytes: Vec<u8>,
    /// Where that begins.
    at: u64,
}

impl Gathered {
    /// Takes in what is written next, and returns where it is kept until it goes to the disk.
    fn write(
        &mut self,
        common: &Common,
        below: &mut Below<'_>,
        offset: u64,
        bytes: &[u8],
    ) -> Result<&mut [u8], Code> {
        let goes_on = offset == self.at + self.bytes.len() as u64;
        if !goes_on || self.bytes.len() + bytes.len() > GATHERED {
            match self.flush(common, below) {
                OK => self.at = offset,
                code => return Err(code),
            }
        }
        let kept = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        Ok(&mut self.bytes[kept..])
    }

    fn flush(&mut self, common: &Common, below: &mut Below<'_>) -> Code {
        if self.bytes.is_empty() {
            return OK;
        }
        let code = common.change(|| below.write(self.at, &self.bytes));
        self.bytes.clear();
        code
    }
}

struct Database {
    common: Arc<Common>,
    gathered: Gathered,
}

impl File for Database {
    fn read(&mut self, below: &mut Below<'_>, offset: u64, buffer: &mut [u8]) -> Code {
        match self.flush(below) {
            OK => {}
            code => return code,
        }
        let code = below.read(offset, buffer);
        self.common.overlay(offset, buffer);
        let size = buffer.len() as u64;
        let whole = is_page(buffer.len()) && offset.is_multiple_of(size);
        let number = offset / size + 1;
        match code {
            OK if whole => verify(number, buffer),
            // A database that was just made is empty.
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
        match self.gathered.write(&self.common, below, offset, bytes) {
            Ok(page) => {
                let sum = checksum(offset / size as u64 + 1, page);
                page[size - RESERVED..].copy_from_slice(&sum.to_le_bytes());
                OK
            }
            Err(code) => code,
        }
    }

    fn flush(&mut self, below: &mut Below<'_>) -> Code {
        self.gathered.flush(&self.common, below)
    }

    fn copied(&mut self, below: &mut Below<'_>) {
        let pages = (self.gathered.at, self.gathered.bytes.clone());
        if self.flush(below) != OK {
            lock(&self.common.unwritten).push(pages);
        }
    }

    fn truncate(&mut self, below: &mut Below<'_>, size: u64) -> Code {
        match self.flush(below) {
            OK => self.common.change(|| below.truncate(size)),
            code => code,
        }
    }

    fn sync(&mut self, below: &mut Below<'_>, flags: i32) -> Code {
        match self.flush(below) {
            OK => self.common.change(|| below.sync(flags)),
            code => code,
        }
    }
}

fn checksum(number: u64, page: &[u8]) -> u64 {
    xxh3_64_with_seed(&page[..page.len() - RESERVED], number)
}

fn verify(number: u64, page: &[u8]) -> Code {
    let stored = page[page.len() - RESERVED..].as_chunks::<8>().0;
    // A page that was allocated and never used is a hole. As a node of a tree it would be
    // refused by SQLite, so that a page that was zeroed is not taken for an empty one.
    if stored.first() == Some(&checksum(number, page).to_le_bytes())
        || page.iter().all(|byte| *byte == 0)
    {
        OK
    } else {
        let offset = (number - 1) * page.len() as u64;
        damaged(format!(
            "page {number} (at byte {offset}): its checksum does not match"
        ))
    }
}

/// Verifies each page of a database file, whose pages have a size, and calls `damaged` with what is wrong with one. Returns
/// the number of pages. The file may be in use: a page that is just being written is looked at
/// again.
pub fn check_pages(path: &Path, size: usize, mut damaged: impl FnMut(String)) -> io::Result<u64> {
    let file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    let mut page = vec![0; size];
    let pages = length / size as u64;
    for number in 1..=pages {
        let mut looks = 0..LOOKS;
        while looks.next().is_some() {
            file.read_exact_at(&mut page, (number - 1) * size as u64)?;
            if verify(number, &page) == OK {
                break;
            }
            if looks.is_empty() {
                damaged(take_damage().unwrap_or_default());
            } else {
                thread::sleep(PAUSE);
            }
        }
    }
    if !length.is_multiple_of(size as u64) {
        damaged(format!("page {} is cut short", pages + 1));
    }
    Ok(pages)
}

struct Log {
    common: Arc<Common>,
    gathered: Gathered,
}

impl Log {
    fn hash(&self, offset: u64, page: &[u8]) {
        let hash = xxh3_64_with_seed(page, offset);
        lock(&self.common.frames).insert(offset, page.len(), hash);
    }
}

impl File for Log {
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
            // Recovery, which verifies the frame and ends where that fails.
            self.hash(offset + FRAME_HEADER as u64, page);
        }
        code
    }

    fn write(&mut self, below: &mut Below<'_>, offset: u64, bytes: &[u8]) -> Code {
        if is_page(bytes.len()) {
            self.hash(offset, bytes);
        }
        self.gathered
            .write(&self.common, below, offset, bytes)
            .map_or_else(|code| code, |_| OK)
    }

    fn flush(&mut self, below: &mut Below<'_>) -> Code {
        self.gathered.flush(&self.common, below)
    }

    fn truncate(&mut self, below: &mut Below<'_>, size: u64) -> Code {
        match self.flush(below) {
            OK => {}
            code => return code,
        }
        lock(&self.common.frames).truncate(size);
        self.common.change(|| below.truncate(size))
    }

    fn sync(&mut self, below: &mut Below<'_>, flags: i32) -> Code {
        match self.flush(below) {
            OK => self.common.change(|| below.sync(flags)),
            code => code,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
