//! Places in the log: which are kept, and which are of a time.

use std::ops::ControlFlow;

use ee_core::command::record::Entry;
use ee_store::{HistoryStart, LogRange, NamespaceRow, Reads};

use crate::{Error, Result};

/// Refuses a revision that was trimmed.
pub(crate) fn is_kept(revision: u64, start: HistoryStart) -> Result<()> {
    let first_revision = start.first_revision;
    // 0 is before every revision, and names none.
    if revision.max(1) < first_revision {
        return Err(Error::HistoryTrimmed {
            revision,
            first_revision,
        });
    }
    Ok(())
}

/// The bytes of the entries of a history, counted one by one.
pub(crate) fn bytes(reads: &dyn Reads, row: &NamespaceRow, start: HistoryStart) -> Result<u64> {
    let mut sum = 0;
    reads.entry_sizes(
        row.id,
        start.first_revision,
        row.header.revision,
        &mut |bytes| {
            sum += bytes;
            true
        },
    )?;
    Ok(sum)
}

/// The first kept revision at a time or later; one past the newest if there is none.
pub(crate) fn first_at(
    reads: &dyn Reads,
    row: &NamespaceRow,
    start: HistoryStart,
    time_ms: i64,
) -> Result<u64> {
    let (mut low, mut high) = (start.first_revision, row.header.revision + 1);
    while low < high {
        let middle = low.midpoint(high);
        if entry(reads, row, middle)?.origin.time_ms < time_ms {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// The entry of a revision.
pub(crate) fn entry(reads: &dyn Reads, row: &NamespaceRow, revision: u64) -> Result<Entry> {
    let range = LogRange {
        first: revision,
        last: revision,
        newest_first: false,
        containing: &[],
    };
    let mut found = None;
    reads.entries_in(row.id, &range, &mut |row| {
        found = row.entry;
        Ok(ControlFlow::Break(()))
    })?;
    found.ok_or_else(|| missing(row.id, revision))
}

/// Revisions have no gaps.
#[cold]
pub(crate) fn missing(namespace: i64, revision: u64) -> Error {
    Error::Corrupted {
        place: format!("log, namespace {namespace}, revision {revision}"),
        what: "the entry is missing".into(),
    }
}
