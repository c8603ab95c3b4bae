//! A namespace as it was at an earlier revision, as far back as its history is kept.
//!
//! The log has the inverse of each change. So the changes since the revision are taken back, the
//! newest first, on an overlay. What results is the state at the revision, bit by bit: sums are
//! integers, and each membership has its place in the order of assignment again.

use std::ops::ControlFlow;

use ee_core::command::undo::Reversal;
use ee_store::{LogRange, NamespaceRow};

use crate::api::ReadContext;
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::clock::check_deadline;
use crate::read::consistent::pinned;
use crate::read::history::log::{is_kept, missing};
use crate::read::overlay::{OverlayNamespace, reversals};
use crate::shared::Shared;
use crate::{Error, Result};

/// The most changes that are taken back for a read of the past: about a second of work.
pub const PAST_CHANGES: usize = 100_000;

/// Changes that are taken back at a time, about.
const STEP_CHANGES: usize = 1024;

/// Bytes of log entries that are taken back at a time, about.
const STEP_BYTES: usize = 8 << 20;

impl Shared {
    /// A namespace at a revision; `None`: the newest. `context.min_revision` is waited for before.
    pub(crate) fn overlay(
        &self,
        namespace: &NamespaceHandle,
        revision: Option<u64>,
        context: ReadContext,
    ) -> Result<OverlayNamespace> {
        let loaded = self.at(&namespace.0, context)?;
        let view = self.backend.view()?;
        let row = pinned(view.reads(), &loaded)?;
        let newest = row.header.revision;
        // No later read returns an earlier revision.
        self.published(&loaded, newest)?;
        let revision = revision.unwrap_or(newest);
        if revision > newest {
            return Err(Error::RevisionNotReached {
                expected: revision,
                actual: newest,
            });
        }
        // The state before a change is known where the change is kept.
        is_kept(revision + 1, view.history_start(row.id)?)?;
        let mut overlay = OverlayNamespace::load(view, &row, &self.copies, self.threads)?;
        let (mut reached, mut left) = (newest, PAST_CHANGES);
        while reached > revision {
            check_deadline(context.deadline)?;
            let (found, next) = read(&overlay, &row, revision + 1, reached, &mut left)?;
            overlay.take_back(found, next)?;
            reached = next;
        }
        Ok(overlay)
    }
}

/// Reads the changes of a range, the newest first, until there are enough for one step. Returns the
/// last revision before them too. `left`: the changes that may still be read.
fn read(
    overlay: &OverlayNamespace,
    row: &NamespaceRow,
    first: u64,
    last: u64,
    left: &mut usize,
) -> Result<(Vec<Reversal>, u64)> {
    let range = LogRange {
        first,
        last,
        newest_first: true,
        containing: &[],
    };
    let (mut found, mut bytes) = (Vec::new(), 0);
    let (mut next, mut is_too_far) = (last, false);
    overlay.view().entries_in(row.id, &range, &mut |log_row| {
        let Some(entry) = log_row.entry.filter(|entry| entry.revision == next) else {
            return Ok(ControlFlow::Break(()));
        };
        let Some(rest) = left.checked_sub(entry.changes.len()) else {
            is_too_far = true;
            return Ok(ControlFlow::Break(()));
        };
        *left = rest;
        bytes += log_row.bytes;
        next -= 1;
        found.extend(reversals(entry));
        let is_enough = found.len() >= STEP_CHANGES || bytes >= STEP_BYTES;
        Ok(if is_enough {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    })?;
    if is_too_far {
        let limit = PAST_CHANGES as u64;
        let what = "changes were made";
        return Err(Error::PastTooFar { limit, what });
    }
    if next == last {
        return Err(missing(row.id, last));
    }
    Ok((found, next))
}
