//! Replies that wait for the end of their batch.

use crate::Result;
use crate::api::Written;
use crate::write::queue::WriteJob;

/// A write of a batch and its result, which the caller gets once the batch has ended. The write itself
/// is kept to be applied again after a conflict.
pub(crate) struct PendingReply {
    pub(crate) job: Box<WriteJob>,
    pub(crate) result: Result<Written>,
}

impl PendingReply {
    pub(crate) fn new(job: Box<WriteJob>, result: Result<Written>) -> Self {
        Self { job, result }
    }

    /// The write is applied, or never will be: one that must be alone may begin.
    pub(crate) fn release(&mut self) {
        self.job.beside = None;
    }

    /// Gives the result to the caller.
    pub(crate) fn send(self) {
        self.job.reply.send(self.result);
    }
}

/// An answer to store for a retry, once it is complete.
pub(crate) struct PendingAnswer {
    pub(crate) namespace: i64,
    /// Place of the reply in the batch.
    pub(crate) reply: usize,
}
