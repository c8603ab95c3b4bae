//! A watch: the changes of a namespace from a revision on, as they are made.
//!
//! A watch holds no changes: each message is read from the log when the reader asks for it. So a slow
//! reader costs the service nothing but its stream, and misses nothing; it is told when it falls
//! further behind than it has said it may.

use std::sync::Weak;
use std::time::{Duration, Instant};

use crate::api::ReadContext;
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::clock::check_deadline;
use crate::engine::Engine;
use crate::read::history::{ChangeIndex, HistoryChange, HistoryFilter, HistoryOrder};
use crate::{Error, Result};

/// A watch without news sends a message after this time, so that each side sees that the other
/// is there.
pub const WATCH_HEARTBEAT: Duration = Duration::from_secs(5);

/// Time after which a watch that waits for a write looks whether the engine is being closed.
const CLOSING_CHECK: Duration = Duration::from_millis(250);

/// The most changes of one message.
const BATCH: usize = 1000;

/// Bytes of changes after which a message ends.
const BATCH_BYTES: usize = 1 << 20;

/// Some changes, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchBatch {
    /// The changes; empty: there is no news.
    pub changes: Vec<HistoryChange>,
    /// All matching changes up to this revision have been sent: a watch after it continues here.
    pub revision: u64,
    /// The namespace's revision.
    pub current: u64,
}

/// A watch. After an error it has ended.
pub struct Watch {
    engine: Weak<Engine>,
    namespace: NamespaceHandle,
    filter: HistoryFilter,
    /// How many revisions the reader may be behind once it has caught up.
    max_behind: Option<u64>,
    deadline: Option<Instant>,
    /// The last revision that was sent as a whole.
    sent: u64,
    /// The last change of the next revision that was sent, if it was sent in part.
    after: Option<ChangeIndex>,
    caught_up: bool,
    /// When the last message was made.
    last: Option<Instant>,
    ended: bool,
}

impl Watch {
    /// Watches for changes after a revision, which the namespace must have reached; 0: for all that
    /// are kept. Fails if a change after that revision was trimmed.
    pub fn begin(
        engine: Weak<Engine>,
        namespace: NamespaceHandle,
        filter: HistoryFilter,
        after_revision: u64,
        max_behind: Option<u64>,
        deadline: Option<Instant>,
    ) -> Result<Self> {
        let open = engine.upgrade().ok_or(Error::ShuttingDown)?;
        let size = open.history_size(&namespace, ReadContext::default())?;
        let (actual, first_revision) = (size.revision, size.value.first_revision);
        if after_revision > actual {
            // A reader that has seen more than there is has seen another namespace of this name.
            let expected = after_revision;
            return Err(Error::RevisionNotReached { expected, actual });
        }
        let after_revision = match after_revision {
            0 => first_revision - 1,
            named => named,
        };
        if after_revision + 1 < first_revision {
            let revision = after_revision + 1;
            return Err(Error::HistoryTrimmed {
                revision,
                first_revision,
            });
        }
        Ok(Self {
            engine,
            namespace,
            filter,
            max_behind,
            deadline,
            sent: after_revision,
            after: None,
            caught_up: false,
            last: None,
            ended: false,
        })
    }

    /// The next changes, or a heartbeat; `Ok(None)`: neither is due after about this time.
    pub fn next_within(&mut self, wait: Duration) -> Option<Result<Option<WatchBatch>>> {
        if self.ended {
            return None;
        }
        let batch = self.batch(wait);
        self.ended = batch.is_err();
        Some(batch)
    }

    fn batch(&mut self, wait: Duration) -> Result<Option<WatchBatch>> {
        let until = Instant::now() + wait;
        loop {
            check_deadline(self.deadline)?;
            let engine = self.engine.upgrade().ok_or(Error::ShuttingDown)?;
            engine.shared.health.may_watch()?;
            let batch = self.read(&engine)?;
            let is_due = self
                .last
                .is_none_or(|last| last.elapsed() >= WATCH_HEARTBEAT);
            if is_due || !batch.changes.is_empty() {
                self.last = Some(Instant::now());
                return Ok(Some(batch));
            }
            let now = Instant::now();
            if now >= until {
                return Ok(None);
            }
            if self.sent == batch.current {
                let context = ReadContext {
                    min_revision: self.sent + 1,
                    // Streams have limits of their own.
                    caller: None,
                    at_once: false,
                    deadline: Some(until.min(now + CLOSING_CHECK)),
                };
                match engine.namespace(&self.namespace, context) {
                    Ok(_) | Err(Error::RevisionNotReached { .. } | Error::DeadlineExceeded) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// The changes that follow, as far as they fit into a message.
    fn read(&mut self, engine: &Engine) -> Result<WatchBatch> {
        let filter = HistoryFilter {
            first_revision: Some(self.sent + 1),
            ..self.filter.clone()
        };
        let order = HistoryOrder {
            newest_first: false,
            after: self.after,
            limit: BATCH,
            bytes: BATCH_BYTES,
        };
        let found = engine.history(&self.namespace, &filter, order, ReadContext::default())?;
        let current = found.revision;
        if let (true, Some(limit)) = (self.caught_up, self.max_behind)
            && current - self.sent > limit
        {
            let (sent, behind) = (self.sent, current - self.sent);
            return Err(Error::ReaderTooSlow {
                behind,
                limit,
                sent,
            });
        }
        match found.value.next {
            Some(at) if at.index == u32::MAX => (self.sent, self.after) = (at.revision, None),
            Some(at) => (self.sent, self.after) = (at.revision - 1, Some(at)),
            None => (self.sent, self.after) = (current, None),
        }
        self.caught_up |= self.sent == current;
        Ok(WatchBatch {
            changes: found.value.changes,
            revision: self.sent,
            current,
        })
    }
}
