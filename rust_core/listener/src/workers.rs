//! Threads for the calls that would hold up a connection.

use std::cell::Cell;
use std::collections::VecDeque;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;

use crate::cores::Cores;
use crate::pause::Pause;

type Job = Box<dyn FnOnce(&Turn<'_>) + Send>;

/// A job that has waited for so long is behind one that takes longer than it says: another thread is woken.
const LATE: Duration = Duration::from_millis(1);

/// A fixed number of threads that run jobs in the order of submission. How many jobs wait is
/// bounded by the admission of calls.
pub(crate) struct Workers {
    cores: Arc<Cores>,
    queue: Mutex<Queue>,
}

struct Queue {
    /// Each with the time of its submission.
    jobs: VecDeque<(Instant, Job)>,
    /// Threads with a job that has not said that it waits: each is free soon.
    brief: usize,
    /// Threads that sleep, the one that worked last at the end: what it needs is in the caches.
    asleep: Vec<Thread>,
    pause: Pause,
    /// A thread polls for the next job.
    polled: bool,
    closed: bool,
}

impl Workers {
    /// A thread without a job polls for at most `idle_poll` before it sleeps.
    pub(crate) fn new(cores: Arc<Cores>, idle_poll: Duration) -> Arc<Self> {
        let queue = Queue {
            jobs: VecDeque::new(),
            brief: 0,
            asleep: Vec::new(),
            pause: Pause::new(idle_poll),
            polled: false,
            closed: false,
        };
        Arc::new(Self {
            cores,
            queue: Mutex::new(queue),
        })
    }

    /// Starts the threads. They end after [`Workers::close`], once the queue is empty; nobody waits
    /// for that, since a call may wait for a disk that never answers.
    pub(crate) fn start(self: &Arc<Self>, count: usize) -> std::io::Result<()> {
        for number in 0..count {
            let workers = Arc::clone(self);
            let name = format!("effemb-worker-{number}");
            thread::Builder::new()
                .name(name)
                .spawn(move || workers.keep_working())?;
        }
        Ok(())
    }

    /// Queues a job for the next free thread. A job says by [`Turn::waits`] that it is going to wait, or to
    /// take long: until then, no other thread is woken for the jobs behind it unless a core is spare.
    pub(crate) fn submit(&self, job: impl FnOnce(&Turn<'_>) + Send + 'static) {
        let mut queue = self.queue.lock();
        let now = Instant::now();
        queue.jobs.push_back((now, Box::new(job)));
        if mem::take(&mut queue.polled) {
            return; // The thread that polls takes this job, and another one the next.
        }
        let first = queue.jobs.front().map_or(now, |&(submitted, _)| submitted);
        if queue.brief == 0 || self.cores.spare() > 0 || now - first > LATE {
            wake_one(queue);
        }
    }

    /// Runs a step of a call that may wait in a thread of the pool; `None` if it panicked or the pool is
    /// closed.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        step: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        // If the call is dropped meanwhile, what the step returns is dropped here too, in a thread
        // that may wait.
        self.submit(move |turn| {
            turn.waits();
            drop(sender.send(step()));
        });
        receiver.await.ok()
    }

    /// Lets the threads end after the jobs that are queued already.
    pub(crate) fn close(&self) {
        let mut queue = self.queue.lock();
        queue.closed = true;
        queue.asleep.drain(..).for_each(|thread| thread.unpark());
    }

    fn keep_working(&self) {
        while let Some(job) = self.next() {
            let _core = self.cores.occupy();
            let turn = Turn {
                workers: self,
                brief: Cell::new(true),
            };
            // The wire crate turns panics into statuses; a panic beside it ends one call only.
            let _ = catch_unwind(AssertUnwindSafe(|| job(&turn)));
        }
    }

    fn next(&self) -> Option<Job> {
        let own = thread::current();
        let mut queue = self.queue.lock();
        let mut idle = false;
        loop {
            if let Some((_, job)) = queue.jobs.pop_front() {
                if idle {
                    queue.pause.end(Instant::now());
                }
                queue.brief += 1;
                return Some(job);
            }
            if queue.closed {
                return None;
            }
            if !idle {
                idle = true;
                queue.pause.begin(Instant::now());
                if !mem::replace(&mut queue.polled, true) {
                    self.poll(&mut queue);
                    queue.polled = false;
                    continue;
                }
            }
            queue.asleep.push(own.clone());
            MutexGuard::unlocked(&mut queue, thread::park);
            // It may have woken for no reason.
            queue.asleep.retain(|asleep| asleep.id() != own.id());
        }
    }

    /// Waits for a job without sleeping, while that is worth it.
    fn poll(&self, queue: &mut MutexGuard<'_, Queue>) {
        let _core = self.cores.occupy();
        let mut now = Instant::now();
        while queue.pause.polls(now, self.cores.spare()) && queue.polled {
            let begin = now;
            MutexGuard::unlocked(queue, thread::yield_now);
            now = Instant::now();
            queue.pause.note_yield(now, now - begin);
        }
    }
}

/// Wakes the thread that worked last of those that sleep.
fn wake_one(mut queue: MutexGuard<'_, Queue>) {
    let next = queue.asleep.pop();
    drop(queue);
    if let Some(next) = next {
        next.unpark();
    }
}

/// A job's use of its thread.
pub(crate) struct Turn<'a> {
    workers: &'a Workers,
    brief: Cell<bool>,
}

impl Turn<'_> {
    fn end_brief(&self) -> Option<MutexGuard<'_, Queue>> {
        self.brief.replace(false).then(|| {
            let mut queue = self.workers.queue.lock();
            queue.brief -= 1;
            queue
        })
    }

    /// The job is going to wait, or to take long: another thread is woken for the jobs behind it.
    pub(crate) fn waits(&self) {
        if let Some(queue) = self.end_brief()
            && !queue.jobs.is_empty()
            && (queue.brief == 0 || self.workers.cores.spare() > 0)
        {
            wake_one(queue);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.end_brief();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_panic_ends_its_job_and_no_thread() {
        let workers = Workers::new(Cores::new(2), Duration::ZERO);
        workers.start(1).unwrap();
        workers.submit(|_| panic!("a defect"));
        let (sender, receiver) = mpsc::channel();
        workers.submit(move |_| sender.send(7).unwrap());
        assert_eq!(receiver.recv(), Ok(7));
        workers.close();
    }

    #[test]
    fn a_job_that_waits_has_another_thread_woken_for_the_next() {
        // No core is spare, so that no thread is woken just because there is a job.
        let workers = Workers::new(Cores::new(0), Duration::ZERO);
        workers.start(2).unwrap();
        for _ in 0..500 {
            let (sender, receiver) = mpsc::channel();
            let (done, has_done) = mpsc::channel();
            workers.submit(move |turn| {
                turn.waits();
                turn.waits();
                done.send(receiver.recv_timeout(Duration::from_secs(10)))
                    .unwrap();
            });
            workers.submit(move |_| sender.send(7).unwrap());
            assert_eq!(has_done.recv().unwrap(), Ok(7));
        }
        workers.close();
    }

    #[test]
    fn a_job_that_waits_and_does_not_say_so_holds_up_the_others_for_a_moment_only() {
        let workers = Workers::new(Cores::new(0), Duration::ZERO);
        workers.start(2).unwrap();
        let (sender, receiver) = mpsc::channel();
        let (done, has_done) = mpsc::channel();
        workers.submit(move |_| {
            done.send(receiver.recv_timeout(Duration::from_secs(10)))
                .unwrap();
        });
        while workers.queue.lock().brief == 0 {
            thread::yield_now();
        }
        workers.submit(move |_| sender.send(7).unwrap());
        thread::sleep(2 * LATE);
        workers.submit(|_| {});
        assert_eq!(has_done.recv().unwrap(), Ok(7));
        workers.close();
    }

    #[test]
    fn jobs_that_do_not_wait_take_one_thread_if_no_core_is_spare() {
        let workers = Workers::new(Cores::new(0), Duration::ZERO);
        workers.start(4).unwrap();
        let (go, may_go) = mpsc::channel::<()>();
        let (sender, receiver) = mpsc::channel();
        // A panic does not count for ever.
        workers.submit(|_| panic!("a defect"));
        let own = sender.clone();
        workers.submit(move |_| {
            may_go.recv().unwrap();
            own.send(thread::current().id()).unwrap();
        });
        let others_sleep = || {
            let queue = workers.queue.lock();
            queue.asleep.len() == 3 && queue.brief == 1 && queue.jobs.is_empty()
        };
        while !others_sleep() {
            thread::yield_now();
        }
        for _ in 0..10 {
            let own = sender.clone();
            workers.submit(move |_| own.send(thread::current().id()).unwrap());
        }
        go.send(()).unwrap();
        let first = receiver.recv().unwrap();
        for _ in 0..10 {
            assert_eq!(receiver.recv().unwrap(), first);
        }
        workers.close();
    }

    #[test]
    fn as_many_threads_work_as_there_are_jobs_also_if_one_polls() {
        let workers = Workers::new(Cores::new(8), Duration::from_secs(1));
        workers.start(3).unwrap();
        let (sender, receiver) = mpsc::channel();
        for _ in 0..500 {
            let all = Arc::new(std::sync::Barrier::new(3));
            for _ in 0..3 {
                let (all, sender) = (Arc::clone(&all), sender.clone());
                workers.submit(move |turn| {
                    turn.waits();
                    all.wait();
                    sender.send(()).unwrap();
                });
            }
            for _ in 0..3 {
                receiver.recv_timeout(Duration::from_secs(10)).unwrap();
            }
        }
        workers.close();
    }
}
