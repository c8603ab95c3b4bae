//! Shrinking: the room of free pages is given back to the file system, step by step, while others read
//! and write.
//!
//! A page that the last complete checkpoint left free, and that has no content, can become a hole in the
//! file: nothing reads it until a later checkpoint writes it. No page moves, so the file stays as long as it
//! is and takes less room. What SQLite offers instead costs more: pointer maps (`auto_vacuum`) make every
//! write that needs a new page write one more, and `VACUUM` stops writes while it copies everything.
//!
//! Some free pages keep their room for the writes to come: those that SQLite takes first.

use std::collections::VecDeque;
use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;

use ee_sqlite_vfs::{disk_bytes, empty_pages, punch};
use rusqlite::Connection;

use crate::failpoints::{Failpoint, reach};
use crate::{StoreError, StoreResult};

/// Longest run of pages that is given back at once: 1 MiB.
const RUN: u32 = 256;

/// Runs of a step: about a millisecond.
const RUNS_OF_A_STEP: usize = 64;

/// Free pages that keep their room in any case: 1 MiB.
const KEEP_PAGES: u64 = 256;

/// Pages with content for each further free page that keeps its room.
const PAGES_PER_KEPT: u64 = 8;

/// Pages beyond these for which it is worth to begin: 256 KiB.
const WORTH_PAGES: u64 = 64;

/// What follows a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing is left to give back, or cannot be for now.
    Done,
    /// Another step.
    More,
    /// A checkpoint of the whole WAL, then another step.
    Checkpoint,
}

/// The shrinking of a file.
#[derive(Default)]
pub(super) struct Shrink {
    /// Runs of pages to give back; `None`: not known.
    runs: Option<VecDeque<Range<u32>>>,
    /// A checkpoint was asked for.
    asked: bool,
    /// The file system makes no holes.
    unsupported: bool,
}

impl Shrink {
    /// Forgets which pages are free: a checkpoint begins.
    pub(super) fn forget(&mut self) {
        self.runs = None;
    }

    /// The checkpoint has ended, and the file has every page: finds the pages to give back, if the
    /// checkpoint was asked for.
    pub(super) fn checkpointed(
        &mut self,
        connection: &Connection,
        file: &File,
        page_size: usize,
    ) -> StoreResult<()> {
        if std::mem::take(&mut self.asked)
            && let Some(keep) = to_keep(connection, file)?
        {
            let pages = empty_pages(file, page_size).map_err(unreadable)?;
            self.runs = Some(into_runs(pages, keep));
        }
        Ok(())
    }

    /// Takes a step, while no checkpoint runs.
    pub(super) fn step(
        &mut self,
        connection: &Connection,
        file: &File,
        page_size: usize,
    ) -> StoreResult<Step> {
        if self.unsupported {
            return Ok(Step::Done);
        }
        let Some(mut runs) = self.runs.take() else {
            let wanted = to_keep(connection, file)?.is_some();
            // Once: a reader that holds the checkpoint up may go on for long.
            self.asked = wanted && !self.asked;
            return Ok(if self.asked {
                Step::Checkpoint
            } else {
                Step::Done
            });
        };
        reach(Failpoint::Shrink)?;
        for run in runs.drain(..runs.len().min(RUNS_OF_A_STEP)) {
            if punch(file, page_size, run).is_err() {
                // The pages are used again all the same.
                self.unsupported = true;
                return Ok(Step::Done);
            }
        }
        if runs.is_empty() {
            return Ok(Step::Done);
        }
        self.runs = Some(runs);
        Ok(Step::More)
    }
}

/// Bytes of the file that are free and take room.
pub(super) fn free_bytes(connection: &Connection, file: &File) -> StoreResult<u64> {
    let length = file.metadata().map_err(unreadable)?.len();
    let holes = length - disk_bytes(file).map_err(unreadable)?.min(length);
    let [free, size] = ["freelist_count", "page_size"].map(|name| pragma(connection, name));
    Ok((free? * size?).saturating_sub(holes))
}

/// How many free pages keep their room; `None`: it is not worth to give others back.
fn to_keep(connection: &Connection, file: &File) -> StoreResult<Option<usize>> {
    let [pages, free, size] =
        ["page_count", "freelist_count", "page_size"].map(|name| pragma(connection, name));
    let (pages, free, size) = (pages?, free?, size?);
    #[cfg(feature = "failpoints")]
    if crate::failpoints::shrink_eagerly() {
        let lists = free.min(1);
        return Ok((free_bytes(connection, file)? / size > lists).then_some(0));
    }
    let keep = KEEP_PAGES.max((pages - free) / PAGES_PER_KEPT);
    // One in so many pages holds the numbers of the others.
    let lists = free / (size / 4) + 1;
    let with_room = free_bytes(connection, file)? / size;
    let worth = with_room > lists + keep + WORTH_PAGES;
    Ok(worth.then(|| usize::try_from(keep).unwrap_or(usize::MAX)))
}

fn pragma(connection: &Connection, name: &str) -> StoreResult<u64> {
    let count: i64 = connection.pragma_query_value(None, name, |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

/// The pages after the first `keep` of them, as runs.
fn into_runs(mut pages: Vec<u32>, keep: usize) -> VecDeque<Range<u32>> {
    pages.drain(..keep.min(pages.len()));
    pages.sort_unstable();
    let mut runs: VecDeque<Range<u32>> = VecDeque::new();
    for page in pages {
        match runs.back_mut() {
            Some(run) if run.end == page && run.len() < RUN as usize => run.end += 1,
            _ => runs.push_back(page..page + 1),
        }
    }
    runs
}

fn unreadable(error: std::io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::InvalidData => StoreError::corrupted("the database file", error.to_string()),
        _ => StoreError::failed(format!("cannot read the database file: {error}")),
    }
}
