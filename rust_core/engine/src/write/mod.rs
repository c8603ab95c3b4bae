//! The write path: a queue, one writer, batches that share a commit.

pub(crate) mod batch;
pub(crate) mod committed_batch;
pub(crate) mod flush_sums;
pub(crate) mod idempotency;
pub(crate) mod namespace_batch;
pub(crate) mod oneshot;
pub(crate) mod operation;
pub(crate) mod pending_reply;
pub(crate) mod prediction_probe;
pub(crate) mod prepare;
pub(crate) mod queue;
pub(crate) mod reply;
pub(crate) mod retention;
pub(crate) mod trim;
pub(crate) mod undo;
pub(crate) mod worker;
pub(crate) mod writer;
