//! Holes: free pages of a database file, given back to the file system where they are.
//!
//! SQLite keeps the pages that it has freed in a list, and takes them from there for new content. Most of
//! them are leaves of that list: pages without content, which it never reads. So their room can be given
//! back while the database is in use, and no page has to move. The length of the file stays.

use std::fs;
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};

use crate::OK;
use crate::checksum::{RESERVED, take_damage, verify};

/// Place, in the first page, of the number of the first page of the list.
const FIRST_TRUNK: usize = 32;

/// Unit of the count of blocks that a file has.
const BLOCK: u64 = 512;

/// Pages of a database file without content, in the order in which SQLite uses them again.
///
/// The file is read as it is, without a WAL. A page of the list that cannot be one is an error of the kind
/// `InvalidData`.
pub fn empty_pages(file: &fs::File, size: usize) -> io::Result<Vec<u32>> {
    let pages = file.metadata()?.len() / size as u64;
    let most = (size - RESERVED) / 4 - 2;
    let mut page = vec![0; size];
    let mut empty = Vec::new();
    read(file, 1, &mut page)?;
    let mut trunk = number(&page, FIRST_TRUNK);
    let mut trunks = 0;
    while trunk != 0 {
        read(file, trunk, &mut page)?;
        let leaves = number(&page, 4) as usize;
        trunks += 1;
        // A damaged list could go in a circle.
        if leaves > most || trunks + empty.len() as u64 > pages {
            return Err(damaged(format!("page {trunk} is not one of free pages")));
        }
        for leaf in 0..leaves {
            let leaf = number(&page, 8 + 4 * leaf);
            if leaf < 2 || u64::from(leaf) > pages {
                return Err(damaged(format!("page {trunk} has page {leaf} as free")));
            }
            empty.push(leaf);
        }
        trunk = number(&page, 0);
    }
    Ok(empty)
}

/// Gives the room of some pages back to the file system; they read as zeros afterwards, if at all. An
/// error of the kind `Unsupported`: the file system cannot.
pub fn punch(file: &fs::File, size: usize, pages: Range<u32>) -> io::Result<()> {
    let size = size as u64;
    let offset = u64::from(pages.start - 1) * size;
    let length = u64::from(pages.end - pages.start) * size;
    punch_bytes(file, offset, length)
}

#[cfg(target_os = "linux")]
fn punch_bytes(file: &fs::File, offset: u64, length: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    Ok(fallocate(file, hole, offset, length)?)
}

#[cfg(not(target_os = "linux"))]
fn punch_bytes(_file: &fs::File, _offset: u64, _length: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Bytes that a file takes on the disk: its length, without its holes.
pub fn disk_bytes(file: &fs::File) -> io::Result<u64> {
    let metadata = file.metadata()?;
    Ok(metadata.len().min(metadata.blocks() * BLOCK))
}

fn read(file: &fs::File, number: u32, page: &mut [u8]) -> io::Result<()> {
    let offset = u64::from(number - 1) * page.len() as u64;
    file.read_exact_at(page, offset)?;
    match verify(u64::from(number), page) {
        OK => Ok(()),
        _ => Err(damaged(take_damage().unwrap_or_default())),
    }
}

fn number(page: &[u8], at: usize) -> u32 {
    let bytes = page[at..].first_chunk().copied();
    u32::from_be_bytes(bytes.unwrap_or_default())
}

fn damaged(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
