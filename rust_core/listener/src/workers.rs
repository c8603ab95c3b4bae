//! Threads for the calls that would hold up a connection.

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

type Job = Box<dyn FnOnce() + Send>;

/// A fixed number of threads that run jobs in the order of submission. How many jobs wait is
/// bounded by the admission of calls.
pub(crate) struct Workers {
    cores: Arc<Cores>,
    queue: Mutex<Queue>,
}

struct Queue {
    jobs: VecDeque<Job>,
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

    /// Queues a job for the next free thread.
    pub(crate) fn submit(&self, job: impl FnOnce() + Send + 'static) {
        let mut queue = self.queue.lock();
        queue.jobs.push_back(Box::new(job));
        if mem::take(&mut queue.polled) {
            return; // The thread that polls takes this job, and another one the next.
        }
        let next = queue.asleep.pop();
        drop(queue);
        if let Some(next) = next {
            next.unpark();
        }
    }

    /// Runs a step of a call in a thread of the pool; `None` if it panicked or the pool is closed.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        step: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        // If the call is dropped meanwhile, what the step returns is dropped here too, in a thread
        // that may wait.
        self.submit(move || drop(sender.send(step())));
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
            // The wire crate turns panics into statuses; a panic beside it ends one call only.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    }

    fn next(&self) -> Option<Job> {
        let own = thread::current();
        let mut queue = self.queue.lock();
        let mut idle = false;
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                if idle {
                    queue.pause.end(Instant::now());
                }
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_panic_ends_its_job_and_no_thread() {
        let workers = Workers::new(Cores::new(2), Duration::ZERO);
        workers.start(1).unwrap();
        workers.submit(|| panic!("a defect"));
        let (sender, receiver) = mpsc::channel();
        workers.submit(move || sender.send(7).unwrap());
        assert_eq!(receiver.recv(), Ok(7));
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
                workers.submit(move || {
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
