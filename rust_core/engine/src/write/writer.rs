//! Writes: one at a time, in batches that share a commit.
//!
//! The holder of the write lock takes all writes that have queued since the last commit, applies them
//! in order inside one transaction, commits (one sync for all of them), publishes, and only then
//! replies. So a write is durable before it is visible, and many callers share the cost of a sync.
//!
//! A caller that finds the write lock free, the queue empty and the last commits of one write each writes
//! itself, together with what queues meanwhile: handing the work to another thread and back would take
//! longer than the work. All other writes queue for the writer's thread, which takes the lock next. That
//! thread also does everything that is not a write.
//!
//! A queued write needs no thread that waits for it: what gets its result is part of the job, and is called
//! by the thread that committed, without the lock.

use std::sync::Arc;
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use ee_core::command::{Command, Prepared};
use parking_lot::Mutex;

use crate::api::{UndoScope, UndoSelection, WriteContext, Written};
use crate::catalog::cached_namespace::CachedNamespace;
use crate::shared::Shared;
use crate::write::oneshot::{Receiver, oneshot};
use crate::write::operation::{Operation, Waiting};
use crate::write::pending_reply::PendingReply;
use crate::write::prepare;
use crate::write::queue::{Job, Queue, WriteJob};
use crate::write::reply::{Reply, Then};
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
    thread_id: ThreadId,
    shared: Arc<Shared>,
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
        let thread = {
            let (queue, write_lock) = (Arc::clone(&queue), Arc::clone(&write_lock));
            thread::Builder::new()
                .name("ee-writer".into())
                .spawn(move || run(&queue, &write_lock))
                .map_err(|error| Error::StoreFailed {
                    cause: format!("cannot start the writer: {error}"),
                })?
        };
        Ok(Self {
            queue,
            write_lock,
            thread_id: thread.thread().id(),
            thread: Mutex::new(Some(thread)),
            shared,
        })
    }

    /// Writes; `then` gets the result once the write is durable and visible, or nothing if this panics.
    /// Waits only if this thread commits, or if a write of the namespace must be alone; `waits` is called
    /// before.
    pub(crate) fn write(
        &self,
        loaded: Arc<CachedNamespace>,
        command: Command,
        context: WriteContext,
        waits: &dyn Fn(),
        then: Then,
    ) {
        if let Err(error) = self.shared.health.may_write() {
            return then(Err(error));
        }
        if prepare::is_due(&loaded, &command, waits) {
            waits();
            let written = self.write_alone(&loaded, &command, &context);
            return then(written);
        }
        let beside = match loaded.writing.try_read_arc() {
            Some(beside) => Ok(beside),
            None => {
                waits();
                locked(context.deadline, |until| match until {
                    None => Some(loaded.writing.read_arc()),
                    Some(until) => loaded.writing.try_read_arc_until(until),
                })
            }
        };
        match beside {
            Ok(beside) => {
                let job = WriteJob {
                    loaded,
                    command,
                    context,
                    prepared: Some(Prepared::default()),
                    reply: Reply::new(Arc::clone(&self.shared), then),
                    beside: Some(beside),
                };
                self.submit(Box::new(job), waits);
            }
            Err(error) => then(Err(error)),
        }
    }

    /// Writes what needs many members, while no other caller writes to the namespace.
    fn write_alone(
        &self,
        loaded: &Arc<CachedNamespace>,
        command: &Command,
        context: &WriteContext,
    ) -> Result<Written> {
        let _alone = locked(context.deadline, |until| match until {
            None => Some(loaded.writing.write()),
            Some(until) => loaded.writing.try_write_until(until),
        })?;
        self.write_prepared(loaded, command, context)
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
        let (sender, receiver) = oneshot();
        let then = Box::new(move |written| sender.send(written));
        let job = WriteJob {
            loaded,
            command,
            context,
            prepared,
            reply: Reply::new(Arc::clone(&self.shared), then),
            beside: None,
        };
        self.submit(Box::new(job), &|| {});
        self.receive(receiver)
    }

    /// Writes if no other write is at hand; otherwise queues the job.
    fn submit(&self, job: Box<WriteJob>, waits: &dyn Fn()) {
        if let Some(job) = self.try_write(job, waits) {
            // A closed queue drops the job, which answers it.
            let _ = self.queue.push(Job::Write(job));
        }
    }

    /// Writes if the write lock is free, the queue empty, and no other write expected; otherwise gives the
    /// job back.
    fn try_write(&self, job: Box<WriteJob>, waits: &dyn Fn()) -> Option<Box<WriteJob>> {
        let Some(mut lock) = self.write_lock.try_lock() else {
            return Some(job);
        };
        if self.queue.len() > 0 {
            return Some(job);
        }
        let Some(worker) = lock.as_mut() else {
            return Some(job); // Closed, and so is the queue.
        };
        if worker.expected() > 1 {
            return Some(job);
        }
        waits();
        worker.guarded(|worker| {
            worker.batch(job);
            worker.begin_upkeep();
        });
        let replies = worker.take_replies();
        drop(lock);
        send(replies);
        None
    }

    /// Runs an operation in a transaction of its own, and returns once it is durable.
    pub(crate) fn operation<O: Operation + 'static>(&self, operation: O) -> Result<O::Output> {
        self.shared.health.may_write()?;
        let (reply, receiver) = oneshot();
        let waiting = Waiting::new(operation, reply);
        self.queue.push(Job::Operation(Box::new(waiting)))?;
        self.receive(receiver)
    }

    /// Waits for a result.
    pub(crate) fn receive<T>(&self, receiver: Receiver<Result<T>>) -> Result<T> {
        // No value: the writer was closed, or stopped by a defect.
        receiver
            .receive()
            .ok_or_else(|| self.shared.health.unanswered())?
    }

    /// Evicts namespaces from memory; does not wait.
    pub(crate) fn evict(&self) {
        self.queue.push_eviction();
    }

    /// Number of jobs that wait.
    #[cfg(test)]
    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Finishes what has begun, writes all dirty sums, and ends the thread. Idempotent.
    pub(crate) fn stop(&self) {
        if thread::current().id() == self.thread_id {
            // A reply had the last reference to the engine. The thread ends on its own.
            let _ = self.queue.push(Job::Stop);
            return;
        }
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

fn send(replies: Vec<PendingReply>) {
    for reply in replies {
        reply.send();
    }
}

/// The writer's thread.
fn run(queue: &Queue, write_lock: &Mutex<Option<Worker>>) {
    let mut pause = Some(Duration::ZERO);
    loop {
        queue.wait(pause);
        let mut lock = write_lock.lock();
        if let Some(worker) = lock.as_mut() {
            worker.guarded(Worker::maintain_late);
        }
        let job = queue.pop();
        if matches!(job, Some(Job::Stop)) {
            // New callers see the writer closed.
            let closing = lock.take();
            let queued = queue.close();
            if let Some(worker) = closing {
                worker.close();
            }
            drop(lock);
            drop(queued); // Which answers them.
            return;
        }
        let Some(worker) = lock.as_mut() else {
            return;
        };
        match job {
            Some(job) => worker.guarded(|worker| worker.work(job)),
            // The queue is empty, or a caller has done what was in it.
            None => worker.guarded(Worker::maintain),
        }
        pause = worker.pause();
        let replies = worker.take_replies();
        drop(lock);
        send(replies);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use ee_core::command::{ItemPut, Outcome};
    use ee_store::WriteSession;

    use super::*;
    use crate::{Engine, NewNamespace, Options};

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

    /// An engine in whose namespace "n" the writer is busy until the sender is used or dropped.
    fn busy(directory: &std::path::Path) -> (Arc<Engine>, Sender<()>) {
        let engine = Arc::new(Engine::open(directory, Options::default()).unwrap());
        engine
            .create_namespace(NewNamespace::plain(2), WriteContext::default())
            .unwrap();
        let (begun, has_begun) = channel();
        let (go, may_go) = channel();
        let (reply, receiver) = oneshot();
        let blocking = Waiting::new(Blocking { begun, go: may_go }, reply);
        engine
            .writer
            .queue
            .push(Job::Operation(Box::new(blocking)))
            .unwrap();
        drop(receiver);
        has_begun.recv().unwrap();
        (engine, go)
    }

    fn put_item(key: usize) -> ItemPut {
        ItemPut {
            key: key.to_string(),
            embedding: Some(vec![1.0, 2.0]),
            ..ItemPut::default()
        }
    }

    fn put(key: usize) -> Command {
        Command::PutItems(vec![put_item(key)])
    }

    fn commits(engine: &Engine) -> u64 {
        let buckets = engine.stats().commit_writes.buckets;
        buckets.iter().map(|&(_, count)| count).sum()
    }

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn one_thread_submits_many_writes_and_waits_for_none() {
        let directory = tempfile::tempdir().unwrap();
        let (engine, go) = busy(directory.path());
        let namespace = engine.handle("n").unwrap();
        let (sender, replies) = channel();
        for key in 0..20 {
            let (sender, context) = (sender.clone(), WriteContext::default());
            let waits = || panic!("the submitting thread waits");
            engine.write_then(&namespace, put(key), context, &waits, move |written| {
                sender.send((key, written.unwrap().revision)).unwrap();
            });
        }
        assert_eq!(engine.writer.queued(), 20);
        assert!(replies.try_recv().is_err());
        let before = commits(&engine);
        go.send(()).unwrap();
        for key in 0..20 {
            let reply = replies.recv_timeout(SOON).unwrap();
            assert_eq!(reply, (key, 2 + key as u64));
        }
        assert_eq!(commits(&engine) - before, 1);
    }

    #[test]
    fn a_commit_has_a_bounded_number_of_entries() {
        let directory = tempfile::tempdir().unwrap();
        let (engine, go) = busy(directory.path());
        let namespace = engine.handle("n").unwrap();
        let (sender, replies) = channel();
        for batch in 0..5 {
            let puts = (0..5_000).map(|item| put_item(batch * 5_000 + item));
            let (sender, context) = (sender.clone(), WriteContext::default());
            let command = Command::PutItems(puts.collect());
            engine.write_then(&namespace, command, context, &|| {}, move |written| {
                sender.send(written.is_ok()).unwrap();
            });
        }
        let before = commits(&engine);
        go.send(()).unwrap();
        assert!((0..5).all(|_| replies.recv_timeout(SOON).unwrap()));
        // Two writes each have 10,000 entries together.
        assert_eq!(commits(&engine) - before, 3);
    }

    #[test]
    fn a_write_after_shared_commits_does_not_take_one_for_itself() {
        let directory = tempfile::tempdir().unwrap();
        let (engine, go) = busy(directory.path());
        let namespace = engine.handle("n").unwrap();
        let (sender, replies) = channel();
        let submit = |key| {
            let (sender, context) = (sender.clone(), WriteContext::default());
            engine.write_then(&namespace, put(key), context, &|| {}, move |written| {
                sender
                    .send((written.is_ok(), thread::current().id()))
                    .unwrap();
            });
            replies.try_recv().is_ok()
        };
        assert!(!submit(0) && !submit(1));
        go.send(()).unwrap();
        let writer = replies.recv_timeout(SOON).unwrap();
        assert_eq!(replies.recv_timeout(SOON).unwrap(), writer);
        // Others are expected, so the writer's thread waits for them a moment.
        assert!(!submit(2));
        assert_eq!(replies.recv_timeout(SOON).unwrap(), writer);
        assert!(!submit(3));
        assert_eq!(replies.recv_timeout(SOON).unwrap(), writer);
        // None came: a write is this thread's again, once the writer's thread is idle.
        let begun = Instant::now();
        while !submit(4) {
            assert!(begun.elapsed() < SOON);
            replies.recv_timeout(SOON).unwrap();
        }
    }

    #[test]
    fn a_panic_before_a_write_is_queued_is_not_the_writers() {
        let directory = tempfile::tempdir().unwrap();
        let engine = Arc::new(Engine::open(directory.path(), Options::default()).unwrap());
        engine
            .create_namespace(NewNamespace::plain(2), WriteContext::default())
            .unwrap();
        let namespace = engine.handle("n").unwrap();
        let alone = namespace.0.writing.write();
        let submitted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let (context, waits) = (WriteContext::default(), || panic!("a defect"));
            engine.write_then(&namespace, put(0), context, &waits, |written| {
                panic!("{written:?} of a write that was not made");
            });
        }));
        assert!(submitted.is_err());
        drop(alone);
        assert!(engine.may_write().is_ok());
        let written = engine.write(&namespace, put(1), WriteContext::default());
        assert_eq!(written.unwrap().revision, 2);
    }

    #[test]
    fn an_undo_waits_for_the_writes_that_are_queued_and_for_no_reply() {
        let directory = tempfile::tempdir().unwrap();
        let (engine, go) = busy(directory.path());
        let namespace = engine.handle("n").unwrap();
        let (sender, replies) = channel();
        let (release, held) = channel::<()>();
        let mut held = Some(held);
        for key in 0..3 {
            let (sender, context, held) = (sender.clone(), WriteContext::default(), held.take());
            engine.write_then(&namespace, put(key), context, &|| {}, move |written| {
                // The first reply holds up the others.
                held.map(|held| held.recv_timeout(SOON));
                sender.send(written.unwrap().revision).unwrap();
            });
        }
        go.send(()).unwrap();
        while namespace.revision() < 4 {
            thread::yield_now();
        }
        let scope = UndoScope {
            skip_conflicts: false,
            settings: false,
        };
        let selection = UndoSelection::Revisions { first: 4, last: 4 };
        let context = WriteContext::default();
        thread::scope(|threads| {
            let undo = threads.spawn(|| engine.undo(&namespace, &selection, scope, &context));
            // It has the namespace for itself although no reply was sent.
            let begun = Instant::now();
            while namespace.0.writing.try_read().is_some() && !undo.is_finished() {
                assert!(begun.elapsed() < SOON);
                thread::yield_now();
            }
            release.send(()).unwrap();
            assert_eq!(undo.join().unwrap().unwrap().revision, 5);
        });
        let revisions: Vec<_> = (0..3)
            .map(|_| replies.recv_timeout(SOON).unwrap())
            .collect();
        assert_eq!(revisions, [2, 3, 4]);
    }

    #[test]
    fn a_panic_of_what_takes_a_reply_is_not_the_writers() {
        let directory = tempfile::tempdir().unwrap();
        let (engine, go) = busy(directory.path());
        let namespace = engine.handle("n").unwrap();
        for key in 0..3 {
            let context = WriteContext::default();
            engine.write_then(&namespace, put(key), context, &|| {}, |_| {
                panic!("a defect")
            });
        }
        go.send(()).unwrap();
        let written = engine.write(&namespace, put(3), WriteContext::default());
        assert_eq!(written.unwrap().revision, 5);
        assert!(engine.may_write().is_ok());
    }

    #[test]
    fn a_reply_may_hold_the_last_reference_to_the_engine() {
        let directory = tempfile::tempdir().unwrap();
        let (engine, go) = busy(directory.path());
        let namespace = engine.handle("n").unwrap();
        let (sender, replies) = channel();
        let (own, context) = (Arc::clone(&engine), WriteContext::default());
        engine.write_then(&namespace, put(0), context, &|| {}, move |written| {
            drop(own);
            sender.send(written.map(|written| written.outcome)).unwrap();
        });
        drop((namespace, engine));
        go.send(()).unwrap();
        let outcome = replies.recv_timeout(SOON).unwrap().unwrap();
        assert!(matches!(outcome, Outcome::PutItems(_)));
        // The directory is free once the writer's thread has ended.
        let opened = Instant::now();
        while Engine::open(directory.path(), Options::default()).is_err() {
            assert!(opened.elapsed() < SOON);
            thread::yield_now();
        }
    }

    #[test]
    fn a_write_that_is_never_applied_has_an_answer() {
        let directory = tempfile::tempdir().unwrap();
        let (engine, go) = busy(directory.path());
        let namespace = engine.handle("n").unwrap();
        let (sender, replies) = channel();
        let (own, context) = (sender.clone(), WriteContext::default());
        engine.write_then(&namespace, put(0), context, &|| {}, move |written| {
            own.send(written.map(|written| written.revision)).unwrap();
        });
        drop(engine.writer.queue.pop());
        let stopped = replies.recv_timeout(SOON).unwrap();
        assert!(
            matches!(stopped, Err(Error::StoreFailed { .. })),
            "{stopped:?}"
        );
        drop(go);
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
