//! Polling for the next call before a thread of connections sleeps.

use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::cores::{Cores, Occupied};
use crate::pause::{Pause, may_poll};

/// The polling of one thread.
pub(crate) struct IdlePolling {
    cores: Arc<Cores>,
    /// Whether bytes came or left since the thread last had nothing to do.
    active: AtomicBool,
    pause: Mutex<Pause>,
    /// The core of the thread while it does not sleep.
    core: Mutex<Option<Occupied>>,
    /// Wakes a task that does nothing: the runtime then looks at its connections and does not sleep.
    awake: OnceLock<Waker>,
}

impl IdlePolling {
    /// `longest` is the time without calls after which the thread sleeps; zero: it never polls.
    pub(crate) fn new(longest: Duration, cores: Arc<Cores>) -> Arc<Self> {
        Arc::new(Self {
            cores,
            active: AtomicBool::new(false),
            pause: Mutex::new(Pause::new(longest)),
            core: Mutex::new(None),
            awake: OnceLock::new(),
        })
    }

    /// Notes that bytes of a connection came or left.
    pub(crate) fn note_activity(&self) {
        self.active.store(true, Relaxed);
    }

    /// Notes that the call has come for which the thread polled, before work that takes long.
    pub(crate) fn end_pause(&self) {
        self.pause.lock().end(Instant::now());
    }

    /// Keeps the thread awake while polling is worth it; the runtime calls it whenever the thread is
    /// about to sleep.
    pub(crate) fn before_sleep(&self) {
        let active = self.active.swap(false, Relaxed);
        let mut pause = self.pause.lock();
        let now = Instant::now();
        let spare = self.cores.spare();
        if active {
            pause.end(now);
            // While workers are busy, what comes next may be a reply of theirs, whose time says nothing
            // about the client's next call.
            if may_poll(spare) {
                pause.begin(now);
            }
        }
        if !pause.polls(now, spare) {
            *self.core.lock() = None;
            return;
        }
        // A client that waits for this core runs now, and so does any other process.
        thread::yield_now();
        pause.note_yield(now, now.elapsed());
        if let Some(awake) = self.awake.get() {
            awake.wake_by_ref();
        }
    }

    /// The runtime calls it when the thread has slept, and when it did not sleep after all.
    pub(crate) fn after_sleep(&self) {
        let mut core = self.core.lock();
        core.get_or_insert_with(|| self.cores.occupy());
    }

    /// The task that does nothing.
    pub(crate) async fn run(self: Arc<Self>) {
        poll_fn(|context| {
            self.awake.get_or_init(|| context.waker().clone());
            Poll::Ready(())
        })
        .await;
        pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a thread stays awake after some work.
    fn stays_awake(thread: &IdlePolling) -> bool {
        thread.after_sleep();
        thread.note_activity();
        thread.before_sleep();
        thread.core.lock().is_some()
    }

    #[test]
    fn of_two_threads_on_two_cores_one_polls() {
        let cores = Cores::new(2);
        let thread = || IdlePolling::new(Duration::from_secs(60), Arc::clone(&cores));
        let (first, second) = (thread(), thread());
        assert!(!stays_awake(&first), "no pause was short yet");
        assert!(stays_awake(&first));
        assert!(!(0..10).any(|_| stays_awake(&second)));
        // Once the first has let go of its core, it is spare.
        drop(first);
        assert!(!stays_awake(&second), "no pause was short yet");
        assert!(stays_awake(&second));
    }
}
