//! What the holder of the write lock does: batches, operations, and upkeep between them.

use std::collections::VecDeque;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ee_store::failpoints::{Failpoint, reach};
use ee_store::{Commit, Enlisted, StoreResult, WriteSession};

use crate::Error;
use crate::catalog::cached_namespace::CachedNamespace;
use crate::health::DEFECT;
use crate::shared::Shared;
use crate::write::batch::{Batch, Interrupted};
use crate::write::committed_batch::acknowledge;
use crate::write::flush_sums;
use crate::write::oneshot::oneshot;
use crate::write::operation::{QueuedOperation, Waiting};
use crate::write::pending_reply::PendingReply;
use crate::write::queue::{Job, Queue, WriteJob};
use crate::write::retention::Retention;
use crate::write::trim::{TrimHistory, TrimProgress};

/// Longest wait of a batch for more writes.
const GATHER: Duration = Duration::from_millis(1);

/// How long after a commit of several writes more are expected to come together.
const COMPANY: Duration = Duration::from_millis(10);

/// How long no write must have come before a step of maintenance.
const MAINTENANCE_PAUSE: Duration = Duration::from_millis(5);

/// Longest time without a step of maintenance that is due, under constant writes: a step takes a few
/// milliseconds, which the next write waits longer.
const MAINTENANCE_LATEST: Duration = Duration::from_millis(100);

/// How long the session must not have written before it gives memory back.
const MEMORY_PAUSE: Duration = Duration::from_secs(1);

/// How long the store does not shrink after it has begun to have room to give back.
const SHRINK_DELAY: Duration = Duration::from_secs(1);

/// The session that writes, and what belongs to it.
pub(crate) struct Worker {
    session: Box<dyn WriteSession>,
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    /// Rows of deleted namespaces may be left.
    purging: bool,
    /// When the next step of shrinking the store is due; `None`: it has no room to give back.
    shrink: Option<Instant>,
    /// When the session gives memory back, unless it writes before; `None`: it holds none to give.
    release: Option<Instant>,
    retention: Retention,
    /// When the last step of maintenance began.
    maintained: Instant,
    /// When the last write began.
    wrote: Instant,
    /// Sizes of the last two batches.
    sizes: [usize; 2],
    /// How long the last commit took.
    commit: Duration,
    /// Replies that may be sent.
    replies: Vec<PendingReply>,
}

impl Worker {
    pub(crate) fn new(
        session: Box<dyn WriteSession>,
        shared: Arc<Shared>,
        queue: Arc<Queue>,
    ) -> Self {
        Self {
            session,
            shared,
            queue,
            purging: true,
            shrink: None,
            release: None,
            retention: Retention::new(),
            maintained: Instant::now(),
            wrote: Instant::now(),
            sizes: [0; 2],
            commit: Duration::ZERO,
            replies: Vec::new(),
        }
    }

    /// Does some work. A panic is a defect, not a state: the transaction is rolled back, memory that
    /// may be half changed is read anew from the store, and nothing is acknowledged afterwards.
    pub(crate) fn guarded(&mut self, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            self.shared.health.fail(DEFECT);
            self.session.rollback();
            self.shared.cache.remove_all();
        }
    }

    /// Writes that a commit now is likely to have: as many as the larger of the last two, if these were a
    /// moment ago.
    pub(crate) fn expected(&self) -> usize {
        match self.wrote.elapsed() < COMPANY {
            true => self.sizes.into_iter().max().unwrap_or(0),
            false => 0,
        }
    }

    /// Has the replies sent once the write lock is free.
    fn answer(&mut self, replies: impl IntoIterator<Item = PendingReply>) {
        self.replies.extend(replies);
        self.replies.iter_mut().for_each(PendingReply::release);
    }

    /// Takes the replies that may be sent. What takes a reply is not the writer's, so that is done without
    /// the write lock.
    pub(crate) fn take_replies(&mut self) -> Vec<PendingReply> {
        mem::take(&mut self.replies)
    }

    /// Does a job other than to stop.
    pub(crate) fn work(&mut self, job: Job) {
        match job {
            Job::Write(job) => self.batch(job),
            Job::Operation(operation) => self.operation(operation),
            Job::Evict => self.evict(),
            Job::Upkeep => self.session.upkeep(),
            Job::Wake | Job::Stop => {}
        }
        self.begin_upkeep();
    }

    /// Takes a step of maintenance if it has waited for long.
    pub(crate) fn maintain_late(&mut self) {
        if self.maintained.elapsed() >= MAINTENANCE_LATEST {
            self.maintain();
        }
    }

    /// Starts upkeep of the store, if any is due. Takes no time.
    pub(crate) fn begin_upkeep(&mut self) {
        self.session.begin_upkeep();
    }

    /// Applies a write and those that wait behind it.
    pub(crate) fn batch(&mut self, first: Box<WriteJob>) {
        let mut again = VecDeque::new();
        let mut first = Some(first);
        // Each conflict means that another process has committed a write, so this ends.
        while first.is_some() {
            first = self.try_batch(first, &mut again);
        }
        if self.release.is_none() {
            // If a caller's thread writes, the writer's thread waits for something later.
            let _ = self.queue.push(Job::Wake);
        }
        self.release_later();
        if self.shared.cache.over_budget() {
            self.queue.push_eviction();
        }
    }

    /// One attempt: `first`, then `again`, then the queue. After a conflict, returns the first of the
    /// writes to apply again, and leaves the others in `again`.
    fn try_batch(
        &mut self,
        first: Option<Box<WriteJob>>,
        again: &mut VecDeque<Box<WriteJob>>,
    ) -> Option<Box<WriteJob>> {
        let mut waiting = first;
        if let Err(error) = self.shared.health.may_write_queued() {
            let jobs = waiting.take().into_iter().chain(again.drain(..));
            self.answer(jobs.map(|job| PendingReply::new(job, Err(error.clone()))));
            return None;
        }
        let begun = Instant::now();
        // Callers that were answered together write again together, a moment later: the first of them
        // does not take a whole commit for itself.
        let expected = self.expected();
        self.wrote = begun;
        let mut batch = Batch::new(&mut *self.session, &self.shared);
        let mut wait_left = GATHER.min(self.commit / 2);
        let mut interrupted = batch
            .begin(self.shared.clock.now_ms())
            .err()
            .map(Interrupted::Failed);
        while let (None, Some(job)) = (&interrupted, waiting.take()) {
            interrupted = batch.write(job).err();
            if !batch.is_full() && interrupted.is_none() {
                waiting = again.pop_front();
                let asked = Instant::now();
                if waiting.is_none() {
                    waiting = self.queue.pop_write();
                }
                while waiting.is_none()
                    && batch.len() < expected
                    && self.queue.len() == 0
                    && asked.elapsed() < wait_left
                {
                    thread::yield_now();
                    waiting = self.queue.pop_write();
                }
                wait_left = wait_left.saturating_sub(asked.elapsed());
            }
        }
        self.sizes = [batch.len(), self.sizes[0]];
        let committing = Instant::now();
        let ended = match interrupted {
            None => batch.commit(),
            Some(Interrupted::Failed(error)) => Commit::Unknown(error),
            Some(Interrupted::Conflict) => Commit::Conflict,
        };
        let ended = batch.resolve(ended);
        self.commit = committing.elapsed();
        match ended {
            Commit::Committed => {
                let committed = batch.committed();
                if let Some(writes) = committed.writes() {
                    self.shared.counters.committed(writes, begun.elapsed());
                }
                let retention_changed = committed.retention_changed();
                let replies = committed.publish(&mut *self.session, &self.shared);
                self.answer(replies);
                if retention_changed {
                    self.retention.request();
                    let _ = self.queue.push(Job::Wake);
                }
                again.pop_front()
            }
            Commit::Conflict => {
                let jobs = batch.rolled_back().chain(waiting);
                let jobs: Vec<_> = jobs.chain(again.drain(..)).collect();
                again.extend(jobs);
                again.pop_front()
            }
            Commit::Unknown(error) => {
                let (error, failed) = batch.failed(error);
                let jobs = waiting.into_iter().chain(again.drain(..));
                let rest = jobs.map(|job| PendingReply::new(job, Err(error.clone())));
                self.answer(failed.into_iter().chain(rest));
                None
            }
        }
    }

    fn operation(&mut self, mut operation: Box<dyn QueuedOperation>) {
        if let Err(error) = self.shared.health.may_write_queued() {
            operation.answer(&self.shared, Err(error));
            return;
        }
        let ended = loop {
            match self.try_operation(&mut *operation) {
                Ok(Commit::Conflict) => self.session.rollback(),
                Ok(Commit::Committed) => {
                    let points = [
                        Failpoint::OperationCommitted,
                        Failpoint::OperationAcknowledged,
                    ];
                    acknowledge(&mut *self.session, &self.shared, points);
                    self.purging = true;
                    self.shrink_soon();
                    self.release_later();
                    break Ok(());
                }
                Ok(Commit::Unknown(error)) => {
                    self.session.rollback();
                    let error = Error::from(error);
                    self.shared.health.fail_by(&error);
                    break Err(error);
                }
                Err(error) => {
                    self.session.rollback();
                    if let Error::StoreFailed { cause } = &error {
                        self.shared.health.fail(cause);
                    }
                    break Err(error);
                }
            }
        };
        operation.answer(&self.shared, ended);
    }

    /// One attempt; an error refuses the operation.
    fn try_operation(&mut self, operation: &mut dyn QueuedOperation) -> crate::Result<Commit> {
        self.begin(Failpoint::OperationBegin)?;
        operation.apply(&mut *self.session)?;
        if let Err(error) = reach(Failpoint::OperationCommit) {
            return Ok(Commit::Unknown(error));
        }
        Ok(match self.session.commit() {
            Commit::Unknown(cause) => self.session.resolve(cause),
            ended => ended,
        })
    }

    /// Writes the sums of the namespaces that were not used for longest, and evicts these.
    fn evict(&mut self) {
        if self.shared.cache.over_budget() && !self.shared.health.failed() {
            let leaving = self.shared.cache.to_evict();
            if !leaving.is_empty() && self.write_sums(&leaving, Failpoint::EvictSave) {
                if let Err(error) = reach(Failpoint::EvictSaved) {
                    self.shared.health.fail(&error.to_string());
                }
                for loaded in leaving {
                    self.shared.cache.remove(&loaded.name);
                }
            }
        }
    }

    /// How long the worker may wait for a job before the next step of maintenance; `None`: until there
    /// is one.
    pub(crate) fn pause(&self) -> Option<Duration> {
        if self.shared.health.failed() {
            return None;
        }
        let pause = if self.purging {
            Duration::ZERO
        } else {
            let due = self.shrink.into_iter().chain(self.release).map(until);
            due.fold(self.retention.pause(), Duration::min)
        };
        Some(pause.max(MAINTENANCE_PAUSE))
    }

    /// Takes a step of the maintenance that is due, if no write need wait for that or maintenance has
    /// waited for long: purges rows of deleted namespaces, trims histories, shrinks the store, gives
    /// memory back.
    pub(crate) fn maintain(&mut self) {
        let idle = self.wrote.elapsed() >= MAINTENANCE_PAUSE;
        if !idle && self.maintained.elapsed() < MAINTENANCE_LATEST || self.shared.health.failed() {
            return;
        }
        self.maintained = Instant::now();
        if self.purging {
            let purged = self.session.purge();
            self.purging = purged == Ok(true);
            if self.purging {
                self.shrink_soon();
            }
            self.maintained_store(purged);
        } else if self.retention.pause().is_zero() {
            if let Some(step) = self.retention.step(&self.shared) {
                self.trim(step);
            }
            // Also after writes have freed pages, once a pass.
            self.shrink_soon();
        } else if self.shrink.is_some_and(|due| until(due).is_zero()) {
            let shrunk = self.session.shrink();
            self.shrink = (shrunk == Ok(true)).then(Instant::now);
            self.maintained_store(shrunk);
        } else if self.release.is_some_and(|due| until(due).is_zero()) {
            self.release = None;
            self.session.release_memory();
        }
    }

    fn release_later(&mut self) {
        self.release = Some(Instant::now() + MEMORY_PAUSE);
    }

    /// Some room may have become free. Shrinking needs a checkpoint, so it waits for more.
    fn shrink_soon(&mut self) {
        self.shrink
            .get_or_insert_with(|| Instant::now() + shrink_delay());
    }

    fn maintained_store(&mut self, step: StoreResult<bool>) {
        match step {
            Ok(_) => self.begin_upkeep(),
            Err(error) => self.shared.health.fail_by_store(error),
        }
    }

    fn trim(&mut self, step: TrimHistory) {
        let (reply, receiver) = oneshot();
        self.operation(Box::new(Waiting::new(step, reply)));
        let more = matches!(
            receiver.receive(),
            Some(Ok(TrimProgress { more: true, .. }))
        );
        if !more {
            self.retention.done();
        }
        self.begin_upkeep();
    }

    /// Writes all dirty sums of some namespaces: a load after this replays nothing. Those that another
    /// process has changed are passed over: what is in memory of them is out of date. Returns whether
    /// the others were written.
    fn write_sums(&mut self, namespaces: &[Arc<CachedNamespace>], point: Failpoint) -> bool {
        let ended = self.try_write_sums(namespaces, point);
        let committed = ended == Ok(Commit::Committed);
        for loaded in namespaces {
            let mut dirty = loaded.dirty_sums.lock();
            if committed {
                dirty.commit();
            } else {
                dirty.rollback();
            }
        }
        if !committed {
            self.session.rollback();
        }
        match ended {
            // Another process has written: the sums are written at the next occasion.
            Ok(Commit::Committed | Commit::Conflict) => {}
            Ok(Commit::Unknown(error)) | Err(error) => self.shared.health.fail_by_store(error),
        }
        committed
    }

    fn try_write_sums(
        &mut self,
        namespaces: &[Arc<CachedNamespace>],
        point: Failpoint,
    ) -> StoreResult<Commit> {
        self.begin(point)?;
        for loaded in namespaces {
            let revision = loaded.read().header().revision;
            if self.session.enlist(loaded.id, revision)? == Enlisted::Current {
                flush_sums::write_all(&mut *self.session, loaded)?;
            }
        }
        Ok(match self.session.commit() {
            Commit::Unknown(cause) => self.session.resolve(cause),
            ended => ended,
        })
    }

    fn begin(&mut self, point: Failpoint) -> StoreResult<()> {
        reach(point)?;
        self.session.begin(self.shared.clock.now_ms())
    }

    /// Writes the dirty sums, and closes the store.
    pub(crate) fn close(self) {
        let shared = Arc::clone(&self.shared);
        if catch_unwind(AssertUnwindSafe(|| self.finish())).is_err() {
            shared.health.fail(DEFECT);
        }
    }

    fn finish(mut self) {
        if !self.shared.health.failed() {
            let loaded = self.shared.cache.loaded();
            self.write_sums(&loaded, Failpoint::CloseSave);
        }
        self.session.close();
    }
}

fn shrink_delay() -> Duration {
    #[cfg(feature = "failpoints")]
    if ee_store::failpoints::shrink_eagerly() {
        return Duration::ZERO;
    }
    SHRINK_DELAY
}

fn until(time: Instant) -> Duration {
    time.saturating_duration_since(Instant::now())
}
