//! What the writer does with its connection: groups of writes, tasks, and upkeep between them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::catalog::cached_namespace::Loaded;
use crate::clock::now_ms;
use crate::failpoints::{Step, reach};
use crate::shared::Shared;
use crate::store::checkpointer::Copier;
use crate::store::{self, Head, NewMembers, StoreResult, queries};
use crate::write::batch::Group;
use crate::write::queue::{Job, Queue, Task, WriteJob};
use crate::{Error, Result};

/// Writes that share one commit at the most, so that the first of them does not wait for long.
const GROUP: usize = 512;

/// Why nothing is written after a panic.
pub(crate) const DEFECT: &str = "a defect stopped the writer";

/// Longest that a group waits for more writes.
const GATHER: Duration = Duration::from_millis(1);

/// How long nobody writes before some more of what is gone is deleted.
pub(crate) const PURGE_PAUSE: Duration = Duration::from_millis(5);

/// How long it goes without deleting some of it where somebody always writes: a step takes a few
/// milliseconds, which whoever waits to write then waits longer.
const PURGE_LATEST: Duration = Duration::from_millis(100);

/// Bytes of the write-ahead log after which it is copied back.
const LOG_BYTES: i64 = 64 * 1024 * 1024;

/// The connection that writes, and what belongs to it.
pub(crate) struct Worker {
    connection: Connection,
    head: Head,
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    /// Something may be left to delete.
    pub(crate) purging: bool,
    /// When some of it was deleted last.
    purged: Instant,
    /// When somebody wrote last.
    wrote: Instant,
    new_members: NewMembers,
    /// Bytes of a page.
    page_size: i64,
    /// Sizes of the last two groups.
    groups: [usize; 2],
    /// How long the last commit took.
    commit: Duration,
    copier: Copier,
}

impl Worker {
    pub(crate) fn new(
        connection: Connection,
        shared: Arc<Shared>,
        queue: Arc<Queue>,
    ) -> Result<Self> {
        Ok(Self {
            copier: Copier::start(Arc::clone(&shared), Arc::clone(&queue))?,
            head: Head::load(&connection)?,
            page_size: store::page_size(&connection)?,
            connection,
            shared,
            queue,
            purging: true,
            purged: Instant::now(),
            wrote: Instant::now(),
            new_members: NewMembers::default(),
            groups: [0; 2],
            commit: Duration::ZERO,
        })
    }

    /// Does something. A panic is a defect, not a state: what it has left half done is rolled back,
    /// what it may have left half published is read anew by whoever asks, and nothing is
    /// acknowledged after it.
    pub(crate) fn guarded(&mut self, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            self.shared.fail(DEFECT);
            let _ = self.connection.execute_batch("ROLLBACK");
            self.shared.registry.remove_all();
        }
    }

    /// Does a job other than to stop.
    pub(crate) fn work(&mut self, job: Job) {
        match job {
            Job::Write(job) => self.group(*job),
            Job::Task(task) => self.task(task),
            Job::Evict => self.evict(),
            Job::CopyBack => self.complete_copy(),
            Job::Stop => {}
        }
        self.begin_copy();
        if self.purged.elapsed() >= PURGE_LATEST {
            self.purge();
        }
    }

    /// Applies a write and those that wait behind it.
    pub(crate) fn group(&mut self, first: WriteJob) {
        if let Err(error) = self.shared.may_write_queued() {
            first.reply.send(Err(error));
            return;
        }
        let now_ms = self.now();
        let begun = Instant::now();
        self.wrote = begun;
        let before = self.head;
        let mut group = Group::new(
            &self.connection,
            &mut self.head,
            &self.shared,
            now_ms,
            &mut self.new_members,
        );
        // Writers who had their answers together come again together, but for a moment: the first
        // of them does not take a whole commit for itself.
        let expected = self.groups.into_iter().max().unwrap_or(0);
        let mut patience = GATHER.min(self.commit / 2);
        let mut failed = group.begin().err();
        let mut waiting = Some(first);
        while let (None, Some(job)) = (&failed, waiting.take()) {
            failed = group.write(job).err();
            if group.len() < GROUP && failed.is_none() {
                let asked = Instant::now();
                waiting = self.queue.pop_write();
                while waiting.is_none()
                    && group.len() < expected
                    && self.queue.len() == 0
                    && asked.elapsed() < patience
                {
                    thread::yield_now();
                    waiting = self.queue.pop_write();
                }
                patience = patience.saturating_sub(asked.elapsed());
            }
        }
        self.groups = [group.len(), self.groups[0]];
        let committing = Instant::now();
        let ended = match failed {
            None => group.commit(),
            Some(error) => Err(error),
        };
        self.commit = committing.elapsed();
        match ended {
            Ok(finished) => {
                if let Some(writes) = finished.durable() {
                    self.shared.counters.committed(writes, begun.elapsed());
                }
                finished.publish(&self.shared);
            }
            Err(error) => {
                let error = group.abandon(error);
                if let Some(job) = waiting {
                    job.reply.send(Err(error));
                }
                self.head = before;
            }
        }
    }

    fn task(&mut self, task: Task) {
        if let Err(error) = self.shared.may_write_queued() {
            (task.fail)(error);
            return;
        }
        let before = self.head;
        self.head.time_ms = self.now();
        let committed = match self.begin(Step::TaskBegin) {
            Err(error) => Err(error.into()),
            Ok(()) => (task.run)(&self.connection, &mut self.head),
        };
        match committed {
            Ok(committed) => {
                // Each commit that is acknowledged is a step, so that its loss can be seen.
                self.head.sequence = self.head.sequence.max(before.sequence + 1);
                let result = self.commit_task();
                if result.is_err() {
                    self.head = before;
                }
                committed(result);
                self.purging = true;
            }
            Err(error) => {
                let _ = self.connection.execute_batch("ROLLBACK");
                self.head = before;
                if let Error::StoreFailed { cause } = &error {
                    self.shared.fail(cause);
                }
                (task.fail)(error);
            }
        }
    }

    fn commit_task(&mut self) -> Result<()> {
        let ended = self
            .head
            .save(&self.connection)
            .and_then(|()| reach(Step::TaskCommit))
            .and_then(|()| Ok(self.connection.execute_batch("COMMIT")?));
        match ended {
            Ok(()) => {
                let steps = [Step::TaskCommitted, Step::TaskMarked];
                self.shared.acknowledge(self.head.sequence, steps);
                Ok(())
            }
            Err(error) => {
                let _ = self.connection.execute_batch("ROLLBACK");
                let error = Error::from(error);
                self.shared.fail_by(&error);
                Err(error)
            }
        }
    }

    /// Writes the sums of namespaces that were not used for longest, and lets them leave.
    fn evict(&mut self) {
        if self.shared.registry.over_budget() && !self.shared.failed() {
            let leaving = self.shared.registry.to_evict();
            if !leaving.is_empty() && self.save_all(&leaving, Step::EvictSave) {
                if let Err(error) = reach(Step::EvictSaved) {
                    self.shared.fail(&error.to_string());
                }
                for loaded in leaving {
                    self.shared.registry.remove(&loaded.name);
                }
            }
        }
    }

    /// Deletes some more of what is gone, if somebody else's write need not wait for that, or it
    /// has waited long itself.
    pub(crate) fn purge(&mut self) {
        let idle = self.wrote.elapsed() >= PURGE_PAUSE;
        if !self.purging || !(idle || self.purged.elapsed() >= PURGE_LATEST) {
            return;
        }
        self.purged = Instant::now();
        if self.shared.failed() {
            self.purging = false;
            return;
        }
        match self.transaction(Step::Purge, queries::purge_step) {
            Ok(more) => {
                self.purging = more;
                self.begin_copy();
            }
            Err(error) => {
                self.purging = false;
                self.shared.fail_by(&error.into());
            }
        }
    }

    /// Writes all sums that the table lacks. After this a load has nothing to do again.
    fn save_all(&mut self, namespaces: &[Arc<Loaded>], step: Step) -> bool {
        let saved = self.transaction(step, |connection| {
            for loaded in namespaces {
                crate::write::flush_sums::save_all(connection, loaded)?;
            }
            Ok(())
        });
        let saved = saved.map_err(|error| self.shared.fail_by(&error.into()));
        saved.is_ok()
    }

    fn transaction<T>(
        &self,
        step: Step,
        work: impl FnOnce(&Connection) -> StoreResult<T>,
    ) -> StoreResult<T> {
        self.begin(step)?;
        let done = work(&self.connection).and_then(|value| {
            self.connection.execute_batch("COMMIT")?;
            Ok(value)
        });
        if done.is_err() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        done
    }

    fn begin(&self, step: Step) -> StoreResult<()> {
        reach(step)?;
        Ok(self.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    /// Begins to copy the write-ahead log back once it is long, and does not wait for it. One that
    /// could not begin anew, as somebody read from it, is soon tried again.
    pub(crate) fn begin_copy(&self) {
        if self.copier.is_copying() || self.shared.failed() {
            return;
        }
        let most = self.log_pages();
        match store::log_frames(&self.connection) {
            Ok(log) if log.written >= most && log.written - log.copied >= most / 4 => {
                self.copier.begin();
            }
            Ok(_) => {}
            Err(error) => self
                .shared
                .fail(&format!("cannot copy the log back: {error}")),
        }
    }

    fn log_pages(&self) -> i64 {
        #[cfg(feature = "failpoints")]
        if let Some(pages) = crate::failpoints::log_pages() {
            return pages;
        }
        LOG_BYTES / self.page_size
    }

    /// Copies what the copier has left of the log. Whoever wrote has been answered.
    fn complete_copy(&mut self) {
        self.copier.completed();
        if self.shared.failed() {
            return;
        }
        let copied = reach(Step::CopyBack).and_then(|()| {
            store::copy_back(&self.connection)?;
            let frames = store::leave_log(&self.connection)?;
            self.mark_copied(frames.complete())
        });
        if let Err(error) = copied {
            self.shared
                .fail(&format!("cannot copy the log back: {error}"));
        }
    }

    /// Copies everything back and empties the log. If somebody still reads, or the disk fails, the
    /// log stays there for the next start.
    fn copy_back_all(&self) -> StoreResult<()> {
        reach(Step::CloseCopyBack)?;
        let complete = store::copy_back(&self.connection)?.complete();
        self.mark_copied(complete)?;
        if complete && !self.shared.failed() {
            store::empty_log(&self.connection)?;
        }
        Ok(())
    }

    /// Marks the database file as complete, if it is.
    fn mark_copied(&self, complete: bool) -> StoreResult<()> {
        reach(Step::CopiedBack)?;
        if complete && let Err(error) = self.shared.directory.mark_copied(self.head.sequence) {
            self.shared
                .fail(&format!("cannot write the watermark: {error}"));
        }
        Ok(())
    }

    /// Writes what the table of sums lacks, copies the log back, and gives up the connection.
    pub(crate) fn close(self) {
        let shared = Arc::clone(&self.shared);
        if catch_unwind(AssertUnwindSafe(|| self.finish())).is_err() {
            shared.fail(DEFECT);
        }
    }

    fn finish(mut self) {
        self.copier.stop();
        if !self.shared.failed() {
            let loaded = self.shared.registry.loaded();
            self.save_all(&loaded, Step::CloseSave);
        }
        self.shared.readers.close();
        if !self.shared.failed()
            && let Err(error) = self.copy_back_all()
        {
            self.shared
                .fail(&format!("cannot copy the log back: {error}"));
        }
        let _ = self.connection.close();
    }

    /// Time of the next entry: the clock, unless it went backwards.
    fn now(&self) -> i64 {
        now_ms().max(self.head.time_ms)
    }
}
