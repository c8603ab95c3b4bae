//! A batch after its commit: published and acknowledged.

use std::thread;

use ee_core::settings::HistoryKeep;
use ee_store::WriteSession;
use ee_store::failpoints::{Failpoint, reach};

use crate::health::DEFECT;
use crate::shared::Shared;
use crate::write::namespace_batch::NamespaceBatch;
use crate::write::pending_reply::PendingReply;

/// A batch that is durable, or had nothing to write.
pub(crate) struct CommittedBatch {
    pub(crate) namespaces: Vec<NamespaceBatch>,
    pub(crate) replies: Vec<PendingReply>,
    /// Whether anything was written.
    pub(crate) durable: bool,
}

impl CommittedBatch {
    /// Number of writes that shared the commit; `None`: nothing was committed.
    pub(crate) fn writes(&self) -> Option<usize> {
        self.durable.then_some(self.replies.len())
    }

    /// Whether a namespace may keep less of its history than before.
    pub(crate) fn retention_changed(&self) -> bool {
        let keeps_less = |batch: &NamespaceBatch| {
            let profile = batch.draft.profile.as_ref();
            profile.is_some_and(|profile| profile.history_keep != HistoryKeep::ALL)
        };
        self.namespaces.iter().any(keeps_less)
    }

    /// Makes the batch visible and records its acknowledgement; then the replies may be sent.
    pub(crate) fn publish(
        self,
        session: &mut dyn WriteSession,
        shared: &Shared,
    ) -> Vec<PendingReply> {
        // Dropped before the replies: no caller learns of a panic while memory is half changed.
        let _half_changed = ForgetOnPanic(shared);
        for batch in self.namespaces {
            let grown = batch.loaded.publish(batch.draft);
            shared.cache.grow(grown);
        }
        if self.durable {
            let points = [Failpoint::WritePublished, Failpoint::WriteAcknowledged];
            acknowledge(session, shared, points);
        }
        self.replies
    }
}

/// Ends writing and empties the cache if a panic passes: what was half copied in is read anew.
struct ForgetOnPanic<'a>(&'a Shared);

impl Drop for ForgetOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.health.fail(DEFECT);
            self.0.cache.remove_all();
        }
    }
}

/// Records that the last transaction is acknowledged. If that fails nothing more is written: the loss
/// of later transactions could go unseen.
pub(crate) fn acknowledge(
    session: &mut dyn WriteSession,
    shared: &Shared,
    [before, after]: [Failpoint; 2],
) {
    let recorded = reach(before)
        .and_then(|()| session.acknowledge())
        .and_then(|()| reach(after));
    if let Err(error) = recorded {
        shared.health.fail_by_store(error);
    }
}
