//! Threads for the calls that would hold up a connection.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::cores::Cores;

type Job = Box<dyn FnOnce() + Send>;

/// A fixed number of threads that run jobs in the order of submission. How many jobs wait is
/// bounded by the admission of calls.
pub(crate) struct Workers {
    cores: Arc<Cores>,
    queue: Mutex<Queue>,
    arrived: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Workers {
    pub(crate) fn new(cores: Arc<Cores>) -> Arc<Self> {
        Arc::new(Self {
            cores,
            queue: Mutex::default(),
            arrived: Condvar::new(),
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
        self.queue.lock().jobs.push_back(Box::new(job));
        self.arrived.notify_one();
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
        self.queue.lock().closed = true;
        self.arrived.notify_all();
    }

    fn keep_working(&self) {
        while let Some(job) = self.next() {
            let _core = self.cores.occupy();
            // The wire crate turns panics into statuses; a panic beside it ends one call only.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    }

    fn next(&self) -> Option<Job> {
        let mut queue = self.queue.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            if queue.closed {
                return None;
            }
            self.arrived.wait(&mut queue);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_panic_ends_its_job_and_no_thread() {
        let workers = Workers::new(Cores::new(2));
        workers.start(1).unwrap();
        workers.submit(|| panic!("a defect"));
        let (sender, receiver) = mpsc::channel();
        workers.submit(move || sender.send(7).unwrap());
        assert_eq!(receiver.recv(), Ok(7));
        workers.close();
    }
}
