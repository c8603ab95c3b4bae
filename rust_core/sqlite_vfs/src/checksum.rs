//! The checksum of a page, which covers its bytes and its position.
//!
//! The last eight bytes of each page of a database are reserved, and hold XXH3 of the rest with the
//! page's number as seed.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::ffi::SQLITE_IOERR_DATA;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::{Code, OK};

/// Bytes at the end of a page that hold its checksum.
pub(crate) const RESERVED: usize = 8;

/// How often `check_pages` reads a page that does not verify, and the pause in between.
const LOOKS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(20);

/// SQLite reads fewer bytes than this only of a database's header.
pub(crate) const HEADER: usize = 512;

/// Whether these bytes can be a page of a database with any page size.
pub(crate) fn is_page(length: usize) -> bool {
    length.is_power_of_two() && (HEADER..=65_536).contains(&length)
}

thread_local! {
    static DAMAGE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Returns and clears the description of this thread's last read with a wrong checksum.
pub fn take_damage() -> Option<String> {
    DAMAGE.take()
}

pub(crate) fn damaged(what: String) -> Code {
    DAMAGE.set(Some(what));
    SQLITE_IOERR_DATA
}

/// The checksum of a page.
pub(crate) fn checksum(number: u64, page: &[u8]) -> u64 {
    xxh3_64_with_seed(&page[..page.len() - RESERVED], number)
}

/// Verifies the checksum of a page.
pub(crate) fn verify(number: u64, page: &[u8]) -> Code {
    let stored = page[page.len() - RESERVED..].as_chunks::<8>().0;
    // A page that was allocated and never used is a hole in the file. SQLite refuses a zeroed page as a
    // node of a tree, so a used page that was zeroed is not taken for an empty one.
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

/// Verifies each page of a database file, of `size` bytes each, and calls `damaged` with a description
/// of each that does not verify. Returns the number of pages. The file may be in use: a page that is
/// being written is read again.
pub fn check_pages(
    file: &fs::File,
    size: usize,
    mut damaged: impl FnMut(String),
) -> io::Result<u64> {
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

/// Writes the checksum of each page of a database file with pages of `size` bytes, whatever the page
/// holds. Returns the number of pages with a wrong checksum before.
pub fn renew_checksums(path: &Path, size: usize) -> io::Result<u64> {
    let file = fs::File::options().read(true).write(true).open(path)?;
    let mut page = vec![0; size];
    let mut renewed = 0;
    for number in 1..=file.metadata()?.len() / size as u64 {
        let offset = (number - 1) * size as u64;
        file.read_exact_at(&mut page, offset)?;
        if verify(number, &page) != OK {
            take_damage();
            let sum = checksum(number, &page).to_le_bytes();
            file.write_all_at(&sum, offset + (size - RESERVED) as u64)?;
            renewed += 1;
        }
    }
    Ok(renewed)
}
