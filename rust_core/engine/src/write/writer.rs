//! Writes: one at a time, in batches that share a commit.
//!
//! The holder of the write lock takes all writes that have queued since the last commit, applies them
//! in order inside one transaction, commits (one sync for all of them), publishes, and only then
//! replies. So a write is durable before it is visible, and many callers share the cost of a sync.
//!
//! A caller that finds the write lock free and the queue empty writes itself, together with what queues
//! meanwhile: handing the work to another thread and back would take longer than the work. All other
//! callers queue for the writer's thread, which takes the lock next. That thread also does everything
//! that is not a write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ee_core::command::{Command, Prepared};
use parking_lot::Mutex;

use crate::api::{UndoScope, UndoSelection, WriteContext, Written};
use crate::catalog::cached_namespace::CachedNamespace;
use crate::shared::Shared;
use crate::write::oneshot::{Receiver, oneshot};
use crate::write::operation::{Operation, Waiting};
use crate::write::prepare;
use crate::write::queue::{Job, Queue, WriteJob};
use crate::write::undo::{self, Planned};
use crate::write::worker::Worker;
use crate::{Error, Result};

/// How often sums are built beside other writes for one write, at most.
const PREPARATIONS: usize = 8;

/// The writer, as the rest of the engine sees it.
pub(crate) struct Writer {
    queue: Arc<Queue>,
    /// `None`: closed.
    write_lock: Arc<Mutex<Option<Worker>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    shared: Arc<Shared>,
    /// An eviction waits in the queue.
    evicting: Arc<AtomicBool>,
}

impl Writer {
    pub(crate) fn start(shared: Arc<Shared>) -> Result<Self> {
        let queue = Arc::new(Queue::default());
        let wake = {
            let queue = Arc::clone(&queue);
            // Once the queue is closed, closing the session finishes the upkeep.
            move || drop(queue.push(Job::Upkeep))
        };
        let session = shared.backend.write_session(Arc::new(wake))?;
        let worker = Worker::new(session, Arc::clone(&shared), Arc::clone(&queue));
        let write_lock = Arc::new(Mutex::new(Some(worker)));
        let evicting = Arc::new(AtomicBool::new(false));
        let thread = {
            let (queue, write_lock, evicting) = (
                Arc::clone(&queue),
                Arc::clone(&write_lock),
                Arc::clone(&evicting),
            );
            thread::Builder::new()
                .name("ee-writer".into())
                .spawn(move || run(&queue, &write_lock, &evicting))
                .map_err(|error| Error::StoreFailed {
                    cause: format!("cannot start the writer: {error}"),
                })?
        };
        Ok(Self {
            queue,
            write_lock,
            thread: Mutex::new(Some(thread)),
            shared,
            evicting,
        })
    }

    /// Writes, and returns once the write is durable and visible.
    pub(crate) fn write(
        &self,
        loaded: Arc<CachedNamespace>,
        command: Command,
        context: WriteContext,
    ) -> Result<Written> {
        self.shared.health.may_write()?;
        if prepare::is_due(&loaded, &command) {
            let alone = Arc::clone(&loaded);
            let _alone = locked(context.deadline, |until| match until {
                None => Some(alone.writing.write()),
                Some(until) => alone.writing.try_write_until(until),
            })?;
            return self.write_prepared(&loaded, &command, &context);
        }
        let shared = Arc::clone(&loaded);
        let _shared = locked(context.deadline, |until| match until {
            None => Some(shared.writing.read()),
            Some(until) => shared.writing.try_read_until(until),
        })?;
        self.enqueue(loaded, command, context, Some(Prepared::default()))
    }

    /// Writes with sums that are built beside the writes of other namespaces.
    fn write_prepared(
        &self,
        loaded: &Arc<CachedNamespace>,
        command: &Command,
        context: &WriteContext,
    ) -> Result<Written> {
        for attempt in 1.. {
            // At last the writer builds them itself, which nothing can come between.
            let prepared = (attempt <= PREPARATIONS).then(|| {
                let prepare = || prepare::prepare(&self.shared, loaded, command, context.deadline);
                self.shared.reading(prepare)
            });
            let (command, context) = (command.clone(), context.clone());
            match self.enqueue(Arc::clone(loaded), command, context, prepared.transpose()?) {
                Err(Error::Unprepared) => {}
                written => return written,
            }
        }
        Err(Error::Unprepared)
    }

    /// Takes changes back, with a plan that is made beside the writes of other namespaces.
    pub(crate) fn undo(
        &self,
        loaded: &Arc<CachedNamespace>,
        selection: &UndoSelection,
        scope: UndoScope,
        context: &WriteContext,
    ) -> Result<Written> {
        self.shared.health.may_write()?;
        let _alone = locked(context.deadline, |until| match until {
            None => Some(loaded.writing.write()),
            Some(until) => loaded.writing.try_write_until(until),
        })?;
        for _ in 0..PREPARATIONS {
            let plan = || undo::plan(&self.shared, loaded, selection, scope, context);
            let plan = match self.shared.reading(plan)? {
                Planned::Answered(written) => return Ok(written),
                Planned::Plan(plan) => plan,
            };
            let (command, context) = (Command::Undo(Arc::new(plan)), context.clone());
            let prepared = Some(Prepared::default());
            match self.enqueue(Arc::clone(loaded), command, context, prepared) {
                // Another process came between.
                Err(Error::Unprepared) => {}
                written => return written,
            }
        }
        Err(Error::Unprepared)
    }

    fn enqueue(
        &self,
        loaded: Arc<CachedNamespace>,
        command: Command,
        context: WriteContext,
        prepared: Option<Prepared>,
    ) -> Result<Written> {
        let (reply, receiver) = oneshot();
        let job = Box::new(WriteJob {
            loaded,
            command,
            context,
            prepared,
            reply,
        });
        if let Some(job) = self.try_write(job)? {
            self.queue.push(Job::Write(job))?;
        }
        let written = self.receive(receiver);
        if self.shared.cache.over_budget() {
            self.evict();
        }
        written
    }

    /// Writes if the write lock is free and the queue empty; otherwise gives the job back.
    fn try_write(&self, job: Box<WriteJob>) -> Result<Option<Box<WriteJob>>> {
        let Some(mut worker) = self.write_lock.try_lock() else {
            return Ok(Some(job));
        };
        if self.queue.len() > 0 {
            return Ok(Some(job));
        }
        let worker = worker.as_mut().ok_or(Error::ShuttingDown)?;
        worker.guarded(|worker| worker.batch(job));
        worker.begin_upkeep();
        Ok(None)
    }

    /// Runs an operation in a transaction of its own, and returns once it is durable.
    pub(crate) fn operation<O: Operation + 'static>(&self, operation: O) -> Result<O::Output> {
        self.shared.health.may_write()?;
        let (reply, receiver) = oneshot();
        let waiting = Waiting::new(operation, reply);
        self.queue.push(Job::Operation(Box::new(waiting)))?;
        self.receive(receiver)
    }

    fn receive<T>(&self, receiver: Receiver<Result<T>>) -> Result<T> {
        // No value: the writer was closed, or stopped by a defect.
        receiver
            .receive()
            .ok_or_else(|| self.shared.health.unanswered())?
    }

    /// Evicts namespaces from memory; does not wait. At most one eviction queues: a job between two
    /// writes keeps them from sharing a commit.
    pub(crate) fn evict(&self) {
        if !self.evicting.swap(true, Ordering::AcqRel) && self.queue.push(Job::Evict).is_err() {
            self.evicting.store(false, Ordering::Release);
        }
    }

    /// Number of jobs that wait.
    #[cfg(test)]
    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Finishes what has begun, writes all dirty sums, and ends the thread. Idempotent.
    pub(crate) fn stop(&self) {
        if let Some(thread) = self.thread.lock().take() {
            let _ = self.queue.push(Job::Stop);
            let _ = thread.join();
        }
    }
}

/// A lock, waited for until the caller's deadline.
fn locked<L>(
    deadline: Option<Instant>,
    lock: impl FnOnce(Option<Instant>) -> Option<L>,
) -> Result<L> {
    lock(deadline).ok_or(Error::DeadlineExceeded)
}

/// The writer's thread.
fn run(queue: &Queue, write_lock: &Mutex<Option<Worker>>, evicting: &AtomicBool) {
    let mut pause = Some(Duration::ZERO);
    loop {
        queue.wait(pause);
        let mut worker = write_lock.lock();
        let job = queue.pop();
        if matches!(job, Some(Job::Stop)) {
            // New callers see the writer closed; queued callers get no answer.
            let closing = worker.take();
            queue.close();
            if let Some(worker) = closing {
                worker.close();
            }
            return;
        }
        let Some(worker) = worker.as_mut() else {
            return;
        };
        match job {
            Some(job) => {
                if matches!(job, Job::Evict) {
                    evicting.store(false, Ordering::Release);
                }
                worker.guarded(|worker| worker.work(job));
            }
            // The queue is empty, or a caller has done what was in it.
            None => worker.guarded(Worker::maintain),
        }
        pause = worker.pause();
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use ee_store::WriteSession;

    use super::*;
    use crate::{Engine, Options};

    /// An operation that keeps the writer busy until it is told to go on.
    pub(crate) struct Blocking {
        pub(crate) begun: Sender<()>,
        pub(crate) go: Receiver<()>,
    }

    impl Operation for Blocking {
        type Output = ();

        fn apply(&mut self, _session: &mut dyn WriteSession) -> Result<()> {
            self.begun.send(()).unwrap();
            self.go.recv().unwrap();
            Ok(())
        }
    }

    #[test]
    fn repeated_requests_queue_an_eviction_once() {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::open(directory.path(), Options::default()).unwrap();
        let (begun, has_begun) = channel();
        let (go, may_go) = channel();
        std::thread::scope(|scope| {
            let engine = &engine;
            scope.spawn(move || {
                let blocking = Blocking { begun, go: may_go };
                engine.writer.operation(blocking).unwrap();
            });
            has_begun.recv().unwrap();
            for _ in 0..100 {
                engine.writer.evict();
            }
            let waiting = engine.writer.queued();
            go.send(()).unwrap();
            assert_eq!(waiting, 1);
        });
    }
}
