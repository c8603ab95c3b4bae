//! A namespace as it was at an earlier revision, as far back as its history is kept.
//!
//! The log has the inverse of each change. So a namespace is read anew from a view, and the changes
//! since the revision are taken back in memory, the newest first, by the state machine that made
//! them. What results is the state at the revision, bit by bit: sums are integers, and each
//! membership has its place in the order of assignment again. Nothing is written, and no other call
//! waits.

mod items;

use std::ops::ControlFlow;

use ee_core::command::record::{Change, Entry};
use ee_core::command::undo::{Reversal, UndoPlan};
use ee_core::command::{Command, CommandContext, WriteError, execute};
use ee_core::namespace::{Draft, Namespace, Origin};
use ee_store::{ItemReads, LogRange, NamespaceRow};

use crate::api::ReadContext;
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::catalog::load;
use crate::clock::check_deadline;
use crate::read::consistent::pinned;
use crate::read::history::{is_kept, missing};
use crate::read::past::items::PastItems;
use crate::shared::Shared;
use crate::{Error, Result};

/// The most changes that are taken back for a read of the past: about a second of work.
pub const PAST_CHANGES: usize = 100_000;

/// Changes that are taken back at a time, about.
const STEP_CHANGES: usize = 1024;

/// Bytes of log entries that are taken back at a time, about.
const STEP_BYTES: usize = 8 << 20;

/// A namespace at an earlier revision.
pub(crate) struct PastNamespace {
    /// Its categories.
    pub(crate) published: Namespace,
    items: PastItems,
}

impl PastNamespace {
    /// Its items.
    pub(crate) fn items(&self) -> &dyn ItemReads {
        &self.items
    }
}

impl Shared {
    /// A namespace at a revision. `context.min_revision` is waited for before.
    pub(crate) fn past(
        &self,
        namespace: &NamespaceHandle,
        revision: u64,
        context: ReadContext,
    ) -> Result<PastNamespace> {
        let loaded = self.at(&namespace.0, context)?;
        let view = self.backend.view()?;
        let row = pinned(view.reads(), &loaded)?;
        let newest = row.header.revision;
        if revision > newest {
            return Err(Error::RevisionNotReached {
                expected: revision,
                actual: newest,
            });
        }
        // The state before a change is known where the change is kept.
        is_kept(revision + 1, view.history_start(row.id)?)?;
        let published = load::read_namespace(view.reads(), &row)?.0;
        let mut draft = Draft::new(*published.header());
        let mut items = PastItems::new(view, row.id);
        let mut rewind = Rewind {
            published: &published,
            draft: &mut draft,
            reversals: Vec::new(),
            bytes: 0,
            left: PAST_CHANGES,
        };
        let mut next = newest;
        while next > revision {
            check_deadline(context.deadline)?;
            next = rewind.read(&items, &row, revision + 1, next)?;
            rewind.take_back(&mut items)?;
        }
        draft.header.revision = revision;
        draft.finalize_hashes(self.threads, || {});
        Draft::compute_directions(std::iter::once(&mut draft), self.threads, || {});
        let mut published = published;
        published.publish(draft);
        Ok(PastNamespace { published, items })
    }
}

/// Changes on their way back.
struct Rewind<'a> {
    published: &'a Namespace,
    draft: &'a mut Draft,
    reversals: Vec<Reversal>,
    bytes: usize,
    /// The changes that may still be taken back.
    left: usize,
}

impl Rewind<'_> {
    /// Reads the entries of a range, the newest first, until there is enough for one step. Returns the
    /// last revision that was not read.
    fn read(
        &mut self,
        items: &PastItems,
        row: &NamespaceRow,
        first: u64,
        last: u64,
    ) -> Result<u64> {
        self.reversals.clear();
        self.bytes = 0;
        let range = LogRange {
            first,
            last,
            newest_first: true,
            containing: &[],
        };
        let (mut next, mut refused) = (last, None);
        items.reads().entries_in(row.id, &range, &mut |found| {
            let Some(entry) = found.entry.filter(|entry| entry.revision == next) else {
                return Ok(ControlFlow::Break(()));
            };
            if entry.changes.len() > self.left {
                refused = Some(Error::PastTooFar {
                    limit: PAST_CHANGES as u64,
                });
                return Ok(ControlFlow::Break(()));
            }
            self.left -= entry.changes.len();
            self.bytes += found.bytes;
            next -= 1;
            self.reversals.extend(reversals(entry));
            let is_enough = self.reversals.len() >= STEP_CHANGES || self.bytes >= STEP_BYTES;
            Ok(if is_enough {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        if let Some(refused) = refused {
            return Err(refused);
        }
        if next == last {
            return Err(missing(row.id, last));
        }
        Ok(next)
    }

    /// Takes the changes back that were read.
    fn take_back(&mut self, items: &mut PastItems) -> Result<()> {
        let plan = UndoPlan {
            revision: self.draft.header.revision,
            reversals: std::mem::take(&mut self.reversals),
            ..UndoPlan::default()
        };
        let command = Command::Undo(plan.into());
        let context = CommandContext {
            origin: &Origin::default(),
            request_id: "",
            number: 0,
            prepared: None,
        };
        let applied = execute(self.published, self.draft, items, &command, context);
        let applied = applied.map_err(|error| match error {
            WriteError::Rejected(rejection) => rejection.into(),
            WriteError::Store(error) => Error::from(error),
            WriteError::Unprepared => Error::Unprepared,
        })?;
        if let Some((draft, _)) = applied.change {
            self.draft.merge(draft);
        }
        Ok(())
    }
}

/// The changes of an entry, the newest first, each with what it takes to take it back.
fn reversals(entry: Entry) -> impl Iterator<Item = Reversal> {
    let Entry {
        revision,
        changes,
        images,
        ..
    } = entry;
    changes.into_iter().rev().map(move |change| {
        let image = match &change {
            // The first image is the state before the entry.
            Change::ItemUpdated { id, .. } | Change::ItemDeleted { id, .. } => {
                images.iter().find(|image| image.item == *id).cloned()
            }
            _ => None,
        };
        Reversal {
            revision,
            change,
            image,
        }
    })
}
