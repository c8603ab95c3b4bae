//! Planning an undo: the log is read back to the first change that is to be taken back.
//!
//! A plan is of one revision of the namespace, so its other writes wait from the plan to the write.
//! Those of other namespaces go on: the log is read in the caller's thread, in pages, each from a view
//! of its own.

use std::ops::ControlFlow;
use std::sync::Arc;

use ee_core::command::record::{Change, Entry};
use ee_core::command::undo::{MAX_UNDO_CHANGES, UndoPlan, UndoPlanner};
use ee_store::{LogRange, LogRow, NamespaceRow, Reads};

use crate::api::{At, UndoScope, UndoSelection, WriteContext, Written};
use crate::catalog::cached_namespace::CachedNamespace;
use crate::clock::check_deadline;
use crate::read::history::log::{first_at, is_kept, missing};
use crate::shared::Shared;
use crate::write::idempotency::{self, Replay};
use crate::{Error, Result};

/// Bytes of the log entries that one undo may select.
pub const UNDO_BYTES: usize = 256 << 20;

/// Entries of a page.
const PAGE_ENTRIES: usize = 4096;

/// Bytes of entries after which a page ends.
const PAGE_BYTES: usize = 8 << 20;

/// A plan, or the answer that a request with this id had before.
pub(crate) enum Planned {
    Answered(Written),
    Plan(UndoPlan),
}

/// Plans an undo. The caller holds the namespace's lock for one writer alone.
pub(crate) fn plan(
    shared: &Shared,
    loaded: &Arc<CachedNamespace>,
    selection: &UndoSelection,
    scope: UndoScope,
    context: &WriteContext,
) -> Result<Planned> {
    // A retry may select what its first request has taken back.
    let At { value, revision } = shared.read_store(loaded, |reads, row| {
        if !context.request_id.is_empty() {
            match idempotency::command(reads, row.id, context, shared.clock.now_ms())? {
                Replay::New => {}
                Replay::Answer(written) => return Ok(Err(written)),
                Replay::Reused => {
                    let request_id = context.request_id.clone();
                    return Err(Error::RequestIdReused { request_id });
                }
            }
        }
        Ok(Ok(revisions(reads, row, selection, context)?))
    })?;
    let (first, last) = match value {
        Err(written) => return Ok(Planned::Answered(written)),
        Ok(range) => range,
    };
    let log = Log {
        shared,
        loaded,
        context,
    };
    let selected = log.select(selection, first, last)?;
    let mut planner = UndoPlanner::new(loaded.settings.membership, selected);
    if let Some(first) = planner.first() {
        log.read(first, revision, &[], &mut |row| {
            let entry = row.entry.ok_or_else(|| missing(loaded.id, row.revision))?;
            planner.entry(&entry);
            Ok(())
        })?;
    }
    let plan = planner.finish(revision, scope.skip_conflicts);
    let of_namespace = |change: &Change| matches!(change, Change::ProfileUpdated { .. });
    let mut reversals = plan.reversals.iter();
    if let Some(own) = reversals.find(|own| !scope.settings && of_namespace(&own.change)) {
        let revision = own.revision;
        return Err(Error::UndoOfSettings { revision });
    }
    Ok(Planned::Plan(plan))
}

/// The first and the last revision that may be selected.
fn revisions(
    reads: &dyn Reads,
    row: &NamespaceRow,
    selection: &UndoSelection,
    context: &WriteContext,
) -> Result<(u64, u64)> {
    let actual = row.header.revision;
    if let Some(expected) = context.if_revision.filter(|&expected| expected != actual) {
        return Err(Error::RevisionMismatch { expected, actual });
    }
    let start = reads.history_start(row.id)?;
    match *selection {
        UndoSelection::Revisions { last, .. } if last > actual => Err(Error::RevisionNotReached {
            expected: last,
            actual,
        }),
        UndoSelection::Revisions { first, last } => {
            is_kept(first, start)?;
            Ok((first, last))
        }
        UndoSelection::Actor { since_ms, .. } => {
            let first = first_at(reads, row, start, since_ms)?;
            if first == start.first_revision {
                // Trimmed revisions may be of that time too.
                is_kept(first - 1, start)?;
            }
            // The creation of the namespace cannot be taken back.
            Ok((first.max(2), actual))
        }
    }
}

/// The log of a namespace, read until a deadline.
struct Log<'a> {
    shared: &'a Shared,
    loaded: &'a Arc<CachedNamespace>,
    context: &'a WriteContext,
}

impl Log<'_> {
    /// The selected entries.
    fn select(&self, selection: &UndoSelection, first: u64, last: u64) -> Result<Vec<Entry>> {
        let actor = match selection {
            UndoSelection::Revisions { .. } => None,
            UndoSelection::Actor { actor, .. } => Some(actor.as_str()),
        };
        let (mut selected, mut changes, mut bytes) = (Vec::new(), 0, 0);
        let texts: Vec<&str> = actor.into_iter().collect();
        self.read(first, last, &texts, &mut |row| {
            let is_wanted = |entry: &Entry| actor.is_none_or(|own| own == entry.origin.actor);
            let Some(mut entry) = row.entry.filter(is_wanted) else {
                return Ok(());
            };
            changes += entry.changes.len();
            bytes += row.bytes;
            for (found, limit, what) in [
                (changes, MAX_UNDO_CHANGES, "changes"),
                (bytes, UNDO_BYTES, "bytes of log entries"),
            ] {
                if found > limit {
                    let limit = limit as u64;
                    return Err(Error::UndoTooLarge { limit, what });
                }
            }
            // The plan takes from them what it needs, as it reads them again.
            (entry.effects, entry.images) = (Vec::new(), Vec::new());
            selected.push(entry);
            Ok(())
        })?;
        Ok(selected)
    }

    /// Hands over each row of a range, the newest first.
    fn read(
        &self,
        first: u64,
        last: u64,
        containing: &[&str],
        each: &mut dyn FnMut(LogRow) -> Result<()>,
    ) -> Result<()> {
        let mut last = last;
        while first <= last {
            check_deadline(self.context.deadline)?;
            let range = LogRange {
                first,
                last,
                newest_first: true,
                containing,
            };
            let (mut entries, mut bytes, mut failed) = (0, 0, None);
            let page = |reads: &dyn Reads, row: &NamespaceRow| {
                // A trim may have come between two pages.
                is_kept(first, reads.history_start(row.id)?)?;
                reads.entries_in(row.id, &range, &mut |row| {
                    // Behind a gap the rest of the log says too little.
                    if row.revision != last {
                        return Ok(ControlFlow::Break(()));
                    }
                    last -= 1;
                    entries += 1;
                    bytes += row.bytes;
                    failed = each(row).err();
                    let is_full = entries >= PAGE_ENTRIES || bytes >= PAGE_BYTES;
                    Ok(if failed.is_some() || is_full {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    })
                })?;
                Ok(())
            };
            self.shared.read_store(self.loaded, page)?;
            if let Some(error) = failed {
                return Err(error);
            }
            if entries == 0 {
                return Err(missing(self.loaded.id, last));
            }
        }
        Ok(())
    }
}
