//! Writes: one at a time, in groups that share a commit.
//!
//! Whoever holds the pen takes whatever has queued since the last commit, applies it in order
//! inside one transaction, commits (one sync for all of it), publishes, and only then replies. So
//! a write is durable before it is visible, and many writers share the cost of a sync.
//!
//! A caller who finds the pen free and nobody waiting writes with it itself, and with what queues
//! meanwhile: handing the work to another thread and back would take longer than the work. All
//! others queue for the writer's thread, which has the pen next. It also does what is not a write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use ee_core::command::Command;
use parking_lot::Mutex;
use rusqlite::Connection;

use crate::api::{WriteContext, Written};
use crate::catalog::cached_namespace::Loaded;
use crate::shared::Shared;
use crate::store::Head;
use crate::write::oneshot::{Answer, answer};
use crate::write::queue::{Job, Queue, Task, WriteJob};
use crate::write::worker::{PURGE_PAUSE, Worker};
use crate::{Error, Result};

/// The writer, as the rest of the engine sees it.
pub(crate) struct Writer {
    queue: Arc<Queue>,
    /// None: the writer has ended.
    pen: Arc<Mutex<Option<Worker>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    shared: Arc<Shared>,
    /// An eviction waits in the queue.
    evicting: Arc<AtomicBool>,
}

impl Writer {
    pub(crate) fn start(connection: Connection, shared: Arc<Shared>) -> Result<Self> {
        let queue = Arc::new(Queue::default());
        let worker = Worker::new(connection, Arc::clone(&shared), Arc::clone(&queue))?;
        let pen = Arc::new(Mutex::new(Some(worker)));
        let evicting = Arc::new(AtomicBool::new(false));
        let thread = {
            let (queue, pen, evicting) =
                (Arc::clone(&queue), Arc::clone(&pen), Arc::clone(&evicting));
            thread::Builder::new()
                .name("ee-writer".into())
                .spawn(move || run(&queue, &pen, &evicting))
                .map_err(|error| Error::StoreFailed {
                    cause: format!("cannot start the writer: {error}"),
                })?
        };
        Ok(Self {
            queue,
            pen,
            thread: Mutex::new(Some(thread)),
            shared,
            evicting,
        })
    }

    /// Writes, and returns once that is durable and visible.
    pub(crate) fn write(
        &self,
        loaded: Arc<Loaded>,
        command: Command,
        context: WriteContext,
    ) -> Result<Written> {
        self.shared.may_write()?;
        let (reply, answer) = answer();
        let job = WriteJob {
            loaded,
            command,
            context,
            reply,
        };
        if let Some(job) = self.write_at_once(job)? {
            self.queue.push(Job::Write(Box::new(job)))?;
        }
        let written = self.await_answer(answer);
        if self.shared.registry.over_budget() {
            self.evict();
        }
        written
    }

    /// Writes with the pen if nobody has it or waits for it; otherwise gives the job back.
    fn write_at_once(&self, job: WriteJob) -> Result<Option<WriteJob>> {
        let Some(mut pen) = self.pen.try_lock() else {
            return Ok(Some(job));
        };
        if self.queue.len() > 0 {
            return Ok(Some(job));
        }
        let worker = pen.as_mut().ok_or(Error::ShuttingDown)?;
        worker.guarded(|worker| worker.group(job));
        worker.begin_copy();
        Ok(None)
    }

    /// Runs a task in a transaction of its own; `after` runs once it is durable, before anybody
    /// else's next write.
    pub(crate) fn task<T: Send + 'static>(
        &self,
        task: impl FnOnce(&Connection, &mut Head) -> Result<T> + Send + 'static,
        after: impl FnOnce(&Shared, &T) + Send + 'static,
    ) -> Result<T> {
        self.shared.may_write()?;
        let (reply, answer) = answer();
        let refuse = reply.clone();
        let shared = Arc::clone(&self.shared);
        self.queue.push(Job::Task(Task {
            run: Box::new(move |connection, head| {
                let value = task(connection, head)?;
                Ok(Box::new(move |committed: Result<()>| {
                    reply.send(committed.map(|()| {
                        after(&shared, &value);
                        value
                    }));
                }))
            }),
            fail: Box::new(move |error| {
                refuse.send(Err(error));
            }),
        }))?;
        self.await_answer(answer)
    }

    fn await_answer<T>(&self, answer: Answer<Result<T>>) -> Result<T> {
        // No answer: the writer ended, at the end of service or by a defect.
        answer.wait().ok_or_else(|| self.shared.unanswered())?
    }

    /// Lets namespaces leave memory; does not wait. Asked for once at a time: a job between two
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

    /// Finishes what was begun, writes all sums, and ends the thread. Idempotent.
    pub(crate) fn stop(&self) {
        if let Some(thread) = self.thread.lock().take() {
            let _ = self.queue.push(Job::Stop);
            let _ = thread.join();
        }
    }
}

/// The writer's thread.
fn run(queue: &Queue, pen: &Mutex<Option<Worker>>, evicting: &AtomicBool) {
    let mut pause = Some(PURGE_PAUSE);
    loop {
        queue.wait(pause);
        let mut pen = pen.lock();
        let job = queue.pop();
        if matches!(job, Some(Job::Stop)) {
            // Who comes now finds the pen gone, and who waits gets no answer.
            let worker = pen.take();
            queue.close();
            if let Some(worker) = worker {
                worker.close();
            }
            return;
        }
        let Some(worker) = pen.as_mut() else {
            return;
        };
        match job {
            Some(job) => {
                if matches!(job, Job::Evict) {
                    evicting.store(false, Ordering::Release);
                }
                worker.guarded(|worker| worker.work(job));
            }
            // Nobody wants anything, or who wanted it was served by a caller.
            None => worker.guarded(Worker::purge),
        }
        pause = worker.purging.then_some(PURGE_PAUSE);
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
            let waiting = engine.writer.queued();
            go.send(()).unwrap();
            assert_eq!(waiting, 1);
        });
    }
}
