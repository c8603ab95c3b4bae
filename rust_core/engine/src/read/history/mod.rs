//! The history of a namespace: pages of changes, read from its log.
//!
//! A page reads at most [`HISTORY_ENTRIES`] entries, or [`HISTORY_BYTES`] of them, whether they
//! match the filter or not, so that no call reads a long log as a whole; the next page continues
//! where this one ended. Entries are in order of time, so the ends of a period are found by
//! bisection.

pub(crate) mod change;
mod filter;
pub(crate) mod log;

use std::ops::ControlFlow;

use ee_store::{LogRange, NamespaceRow, Reads};

use self::change::changes;
pub use self::change::{ChangeIndex, HistoryChange};
pub use self::filter::HistoryFilter;
use self::log::{is_kept, missing};
use crate::Result;

/// Entries of the log that one page reads.
pub const HISTORY_ENTRIES: u64 = 20_000;

/// Bytes of entries after which a page ends.
pub const HISTORY_BYTES: usize = 32 << 20;

/// Where a listing of changes starts, in which direction it goes, and how long it may get.
#[derive(Clone, Copy, Debug)]
pub struct HistoryOrder {
    /// Whether the newest change comes first.
    pub newest_first: bool,
    /// The place of the last change before the page; `None`: the first page.
    pub after: Option<ChangeIndex>,
    /// The most changes of a page, at least 1.
    pub limit: usize,
    /// Bytes after which a page ends, as [`HistoryChange::bytes`] counts them.
    pub bytes: usize,
}

/// A page of changes.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryPage {
    /// The changes.
    pub changes: Vec<HistoryChange>,
    /// Where the next page continues; `None`: this is the last.
    pub next: Option<ChangeIndex>,
    /// The first revision that is kept.
    pub first_revision: u64,
}

/// What one page may read.
#[derive(Clone, Copy)]
struct Bound {
    entries: u64,
    bytes: usize,
}

/// A page of the history.
pub(crate) fn page(
    reads: &dyn Reads,
    row: &NamespaceRow,
    filter: &HistoryFilter,
    order: HistoryOrder,
) -> Result<HistoryPage> {
    let bound = Bound {
        entries: HISTORY_ENTRIES,
        bytes: HISTORY_BYTES,
    };
    page_within(reads, row, filter, order, bound)
}

fn page_within(
    reads: &dyn Reads,
    row: &NamespaceRow,
    filter: &HistoryFilter,
    order: HistoryOrder,
    bound: Bound,
) -> Result<HistoryPage> {
    let HistoryOrder {
        newest_first,
        after,
        limit,
        bytes: most,
    } = order;
    let start = reads.history_start(row.id)?;
    let (mut first, mut last) = filter.revisions(reads, row, start)?;
    // The rest of a revision, or the next one if it has none: each page gets further.
    match after {
        Some(after) if newest_first => {
            let is_over = after.index == 0;
            last = last.min(after.revision.saturating_sub(u64::from(is_over)));
        }
        Some(after) => {
            let is_over = after.index == u32::MAX;
            let next = after.revision.saturating_add(u64::from(is_over));
            // What would follow may have been trimmed since the page before.
            is_kept(next, start)?;
            first = first.max(next);
        }
        None => {}
    }
    let mut page = HistoryPage {
        changes: Vec::new(),
        next: None,
        first_revision: start.first_revision,
    };
    if first > last {
        return Ok(page);
    }
    let texts = filter.texts();
    let range = LogRange {
        first,
        last,
        newest_first,
        containing: &texts,
    };
    let (start, end) = if newest_first {
        (last, first)
    } else {
        (first, last)
    };
    let (mut entries, mut bytes, mut size) = (0, 0, 0);
    let mut is_complete = false;
    reads.entries_in(row.id, &range, &mut |found| {
        // A gap ends the page: `is_complete` stays false.
        if found.revision.abs_diff(start) != entries {
            return Ok(ControlFlow::Break(()));
        }
        let at_end = found.revision == end;
        let matching = found.entry.filter(|entry| filter.accepts_entry(entry));
        let mut listed = matching.map(changes).unwrap_or_default();
        if newest_first {
            listed.reverse();
        }
        let is_new = |change: &HistoryChange| match after {
            None => true,
            Some(after) if newest_first => change.at < after,
            Some(after) => change.at > after,
        };
        let mut wanted = listed
            .into_iter()
            .filter(|change| is_new(change) && filter.accepts(change));
        for change in wanted.by_ref() {
            let at = change.at;
            size += change.bytes();
            page.changes.push(change);
            if page.changes.len() == limit || size >= most {
                let more = !at_end || wanted.next().is_some();
                page.next = more.then_some(at);
                is_complete = true;
                return Ok(ControlFlow::Break(()));
            }
        }
        entries += 1;
        bytes += found.bytes;
        is_complete = at_end;
        if !at_end && (entries >= bound.entries || bytes >= bound.bytes) {
            // Behind the last change of this revision.
            let index = if newest_first { 0 } else { u32::MAX };
            let revision = found.revision;
            page.next = Some(ChangeIndex { revision, index });
            is_complete = true;
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if is_complete {
        return Ok(page);
    }
    Err(missing(
        row.id,
        if newest_first {
            start - entries
        } else {
            start + entries
        },
    ))
}

#[cfg(test)]
mod tests;
