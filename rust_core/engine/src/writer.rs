//! The one thread that writes.
//!
//! It takes whatever has queued since the last commit, applies it in order inside one
//! transaction, commits (one sync for all of it), publishes, and only then replies. So a write is
//! durable before it is visible, and many writers share the cost of a sync.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};
use ee_core::command::Command;
use rusqlite::Connection;

use crate::api::{WriteContext, Written};
use crate::clock::now_ms;
use crate::failpoints::{Step, reach};
use crate::group::Group;
use crate::loaded::{Loaded, Target};
use crate::shared::Shared;
use crate::store::{self, Head, StoreResult, queries};
use crate::{Error, Result};

/// Writes that may wait for the writer: more than any server's threads.
const QUEUE: usize = 4096;

/// Writes that share one commit at the most, so that the first of them does not wait for long.
const GROUP: usize = 512;

/// Pages of the write-ahead log after which it is copied back: 64 MiB.
const LOG_PAGES: i64 = 4096;

/// How long the writer is idle before it deletes some more of what is gone.
const PURGE_PAUSE: Duration = Duration::from_millis(5);

/// How long it goes without deleting some of it where it is never idle: a step takes a few
/// milliseconds, which whoever waits to write then waits longer.
const PURGE_LATEST: Duration = Duration::from_millis(100);

fn log_pages() -> i64 {
    #[cfg(feature = "failpoints")]
    if let Some(pages) = crate::failpoints::log_pages() {
        return pages;
    }
    LOG_PAGES
}

/// Why nothing is written after a panic.
pub(crate) const DEFECT: &str = "a defect stopped the writer";

/// A write that waits for its turn.
pub(crate) struct WriteJob {
    pub(crate) loaded: Arc<Loaded>,
    pub(crate) target: Target,
    pub(crate) command: Command,
    pub(crate) context: WriteContext,
    pub(crate) reply: Sender<Result<Written>>,
}

/// What a task is told once its transaction has ended.
type Committed = Box<dyn FnOnce(Result<()>) + Send>;

/// What a task does in its transaction.
type Run = Box<dyn FnOnce(&Connection, &mut Head) -> Result<Committed> + Send>;

/// Work in a transaction of its own, for what is not a command.
struct Task {
    run: Run,
    fail: Box<dyn FnOnce(Error) + Send>,
}

enum Job {
    Write(Box<WriteJob>),
    Task(Task),
    Evict,
    Stop,
}

/// The writer, as the rest of the engine sees it.
pub(crate) struct Writer {
    jobs: Sender<Job>,
    thread: parking_lot::Mutex<Option<JoinHandle<()>>>,
    shared: Arc<Shared>,
    /// An eviction waits in the queue.
    evicting: Arc<AtomicBool>,
}

impl Writer {
    pub(crate) fn start(connection: Connection, shared: Arc<Shared>) -> Result<Self> {
        let (jobs, queue) = bounded(QUEUE);
        let head = Head::load(&connection)?;
        let evicting = Arc::new(AtomicBool::new(false));
        let worker = Worker {
            evicting: Arc::clone(&evicting),
            connection,
            head,
            queue,
            shared: Arc::clone(&shared),
            purging: true,
            turn: 0,
            purged: Instant::now(),
        };
        let thread = thread::Builder::new()
            .name("ee-writer".into())
            .spawn(move || worker.run())
            .map_err(|error| Error::StoreFailed {
                cause: format!("cannot start the writer: {error}"),
            })?;
        Ok(Self {
            jobs,
            thread: parking_lot::Mutex::new(Some(thread)),
            shared,
            evicting,
        })
    }

    /// Writes, and returns once that is durable and visible.
    pub(crate) fn write(
        &self,
        loaded: Arc<Loaded>,
        target: Target,
        command: Command,
        context: WriteContext,
    ) -> Result<Written> {
        self.shared.may_write()?;
        let (reply, answer) = bounded(1);
        self.send(Job::Write(Box::new(WriteJob {
            loaded,
            target,
            command,
            context,
            reply,
        })))?;
        self.await_answer(&answer)
    }

    /// Runs a task in a transaction of its own; `after` runs once it is durable, before anybody
    /// else's next write.
    pub(crate) fn task<T: Send + 'static>(
        &self,
        task: impl FnOnce(&Connection, &mut Head) -> Result<T> + Send + 'static,
        after: impl FnOnce(&Shared, &T) + Send + 'static,
    ) -> Result<T> {
        self.shared.may_write()?;
        let (reply, answer) = bounded(1);
        let refuse = reply.clone();
        let shared = Arc::clone(&self.shared);
        self.send(Job::Task(Task {
            run: Box::new(move |connection, head| {
                let value = task(connection, head)?;
                Ok(Box::new(move |committed: Result<()>| {
                    let _ = reply.send(committed.map(|()| {
                        after(&shared, &value);
                        value
                    }));
                }))
            }),
            fail: Box::new(move |error| {
                let _ = refuse.send(Err(error));
            }),
        }))?;
        self.await_answer(&answer)
    }

    fn await_answer<T>(&self, answer: &Receiver<Result<T>>) -> Result<T> {
        // No answer: the writer ended, at the end of service or by a defect.
        answer.recv().map_err(|_| self.shared.unanswered())?
    }

    /// Lets namespaces leave memory; does not wait. Asked for once at a time: a job between two
    /// writes keeps them from sharing a commit.
    pub(crate) fn evict(&self) {
        if !self.evicting.swap(true, Ordering::AcqRel) && self.jobs.try_send(Job::Evict).is_err() {
            self.evicting.store(false, Ordering::Release);
        }
    }

    /// Finishes what was begun, writes all sums, and ends the thread. Idempotent.
    pub(crate) fn stop(&self) {
        if let Some(thread) = self.thread.lock().take() {
            let _ = self.jobs.send(Job::Stop);
            let _ = thread.join();
        }
    }

    fn send(&self, job: Job) -> Result<()> {
        self.jobs.send(job).map_err(|_| Error::ShuttingDown)
    }
}

/// The writer's thread.
struct Worker {
    connection: Connection,
    head: Head,
    queue: Receiver<Job>,
    shared: Arc<Shared>,
    evicting: Arc<AtomicBool>,
    /// Something may be left to delete.
    purging: bool,
    /// The category whose new members were last moved on.
    turn: i64,
    /// When some of it was deleted last.
    purged: Instant,
}

/// What the writer does after a turn.
enum Then {
    /// Goes on, with a job that was taken from the queue on the way.
    GoOn(Option<Job>),
    Stop,
}

impl Worker {
    fn run(mut self) {
        let mut next = None;
        loop {
            match catch_unwind(AssertUnwindSafe(|| self.take_turn(next.take()))) {
                Ok(Then::GoOn(other)) => next = other,
                Ok(Then::Stop) => break,
                Err(_) => self.defect(),
            }
        }
        let shared = Arc::clone(&self.shared);
        if catch_unwind(AssertUnwindSafe(|| self.close())).is_err() {
            shared.fail(DEFECT);
        }
    }

    /// A panic is a defect, not a state: what it has left half done is rolled back, what it may
    /// have left half published is read anew by whoever asks, and nothing is acknowledged after it.
    fn defect(&mut self) {
        self.shared.fail(DEFECT);
        let _ = self.connection.execute_batch("ROLLBACK");
        self.shared.registry.remove_all();
    }

    /// Takes a job, or uses the time for something else.
    fn take_turn(&mut self, next: Option<Job>) -> Then {
        let Some(job) = next.or_else(|| self.receive()) else {
            return Then::GoOn(None);
        };
        if matches!(job, Job::Stop) {
            return Then::Stop;
        }
        let other = self.work(job);
        if self.purging && self.purged.elapsed() >= PURGE_LATEST {
            self.purge();
        }
        Then::GoOn(other)
    }

    /// Does a job; returns another one that was taken from the queue on the way.
    fn work(&mut self, job: Job) -> Option<Job> {
        match job {
            Job::Write(job) => {
                let other = self.group(*job);
                self.copy_back();
                return other;
            }
            Job::Task(task) => self.task(task),
            Job::Evict => {
                self.evicting.store(false, Ordering::Release);
                self.evict();
            }
            Job::Stop => {}
        }
        self.copy_back();
        None
    }

    /// The next job; none if the time was used for something else.
    fn receive(&mut self) -> Option<Job> {
        if !self.purging {
            return Some(self.queue.recv().unwrap_or(Job::Stop));
        }
        match self.queue.recv_timeout(PURGE_PAUSE) {
            Ok(job) => Some(job),
            Err(RecvTimeoutError::Disconnected) => Some(Job::Stop),
            Err(RecvTimeoutError::Timeout) => {
                self.purge();
                None
            }
        }
    }

    /// Applies a write and those that wait behind it; returns a job that is not one of them.
    fn group(&mut self, first: WriteJob) -> Option<Job> {
        if let Err(error) = self.shared.may_write_queued() {
            let _ = first.reply.send(Err(error));
            return None;
        }
        let now_ms = self.now();
        let begun = Instant::now();
        let mut other = None;
        let before = self.head;
        let mut group = Group::new(
            &self.connection,
            &mut self.head,
            &self.shared,
            now_ms,
            &mut self.turn,
        );
        let mut failed = group.begin().err();
        let mut waiting = Some(first);
        while let (None, Some(job)) = (&failed, waiting.take()) {
            failed = group.write(job).err();
            if group.len() >= GROUP || failed.is_some() {
                break;
            }
            match self.queue.try_recv() {
                Ok(Job::Write(job)) => waiting = Some(*job),
                Ok(job) => other = Some(job),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
            }
        }
        let ended = match failed {
            None => group.commit(),
            Some(error) => Err(error),
        };
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
                    let _ = job.reply.send(Err(error));
                }
                self.head = before;
            }
        }
        if self.shared.registry.over_budget() {
            self.evict();
        }
        other
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
                    self.shared.registry.remove(&loaded.target.name);
                }
            }
        }
    }

    fn purge(&mut self) {
        self.purged = Instant::now();
        if self.shared.failed() {
            self.purging = false;
            return;
        }
        match self.transaction(Step::Purge, queries::purge_step) {
            Ok(more) => {
                self.purging = more;
                self.copy_back();
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
                crate::sums::save_all(connection, loaded)?;
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

    /// Copies the write-ahead log back once it is long. Whoever wrote has been answered.
    fn copy_back(&mut self) {
        if self.shared.failed() {
            return;
        }
        let copied = store::log_frames(&self.connection).and_then(|frames| {
            // A log that could not begin anew, as somebody read from it, is soon tried again.
            let long = frames.written >= log_pages();
            if !long || frames.written - frames.copied < log_pages() / 4 {
                return Ok(());
            }
            reach(Step::CopyBack)?;
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

    fn close(mut self) {
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

#[cfg(test)]
mod tests {
    use crate::{Engine, Options};

    #[test]
    fn an_eviction_waits_in_the_queue_once_however_often_it_is_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::open(directory.path(), Options::default()).unwrap();
        let (begun, has_begun) = std::sync::mpsc::channel();
        let (go, may_go) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let wait = move |_: &_, _: &mut _| {
                    begun.send(()).unwrap();
                    may_go.recv().unwrap();
                    Ok(())
                };
                engine.writer.task(wait, |_, ()| {}).unwrap();
            });
            has_begun.recv().unwrap();
            for _ in 0..100 {
                engine.writer.evict();
            }
            let waiting = engine.writer.jobs.len();
            go.send(()).unwrap();
            assert_eq!(waiting, 1);
        });
    }
}
