//! Shrinking: free pages are given back to the file system step by step, between writes.
//!
//! The database has pointer maps (`auto_vacuum = INCREMENTAL`), with which a step moves the last pages of
//! the file into free ones. The file gets shorter at the next checkpoint of the whole WAL. Some free pages
//! stay for the writes to come: a file that shrinks and grows in turn would write each page twice.

use rusqlite::Connection;

use super::pending::statement;
use crate::StoreResult;

/// Free pages that one step gives back: a few milliseconds.
const STEP: u32 = 128;

/// Free pages that stay in any case: 1 MiB.
const KEEP_PAGES: i64 = 256;

/// The part of the file that may be free.
const KEEP_PART: i64 = 8;

/// Pages of the file, and how many of them are free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pages {
    pub(crate) all: i64,
    pub(crate) free: i64,
}

impl Pages {
    pub(crate) fn of(connection: &Connection) -> StoreResult<Self> {
        let count = |pragma| connection.pragma_query_value(None, pragma, |row| row.get(0));
        Ok(Self {
            all: count("page_count")?,
            free: count("freelist_count")?,
        })
    }

    fn excess(self) -> i64 {
        self.free - KEEP_PAGES.max(self.all / KEEP_PART)
    }
}

/// Gives back some free pages in a transaction of its own. Returns whether more are left to give back.
pub(crate) fn shrink_step(connection: &Connection) -> StoreResult<bool> {
    if Pages::of(connection)?.excess() <= 0 {
        return Ok(false);
    }
    statement(connection, "BEGIN IMMEDIATE")?;
    // One row for each page.
    let mut vacuum = connection.prepare_cached(&format!("PRAGMA incremental_vacuum({STEP})"))?;
    let mut rows = vacuum.query([])?;
    while rows.next()?.is_some() {}
    drop(rows);
    statement(connection, "COMMIT")?;
    Ok(true)
}
