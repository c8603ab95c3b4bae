//! Polling for the next call before a thread of connections sleeps. To wake a thread whose core sleeps
//! takes longer than a short Match, most of all in a virtual machine.
//!
//! A thread polls for a limited time, and only if the pause before was shorter than that, a core is
//! spare, and no other process wants the core. So neither an idle nor an overloaded server polls.

use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::cores::{Cores, Occupied};

/// For a client on the same machine, and for the kernel's work on its behalf.
const CORES_FOR_OTHERS: usize = 1;
/// A process that keeps a core for so long is no client that is about to call again.
const LONG_YIELD: Duration = Duration::from_micros(500);
/// How long a thread does not poll after such a process had its core.
const SUSPENSION: Duration = Duration::from_secs(1);

/// The polling of one thread.
pub(crate) struct IdlePolling {
    cores: Arc<Cores>,
    /// Whether bytes came or left since the thread last had nothing to do.
    active: AtomicBool,
    pause: Mutex<Pause>,
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
            awake: OnceLock::new(),
        })
    }

    /// Notes that bytes of a connection came or left.
    pub(crate) fn note_activity(&self) {
        self.active.store(true, Relaxed);
    }

    /// Keeps the thread awake while polling is worth it; the runtime calls it whenever the thread is
    /// about to sleep.
    pub(crate) fn before_sleep(&self) {
        let active = self.active.swap(false, Relaxed);
        let mut pause = self.pause.lock();
        let now = Instant::now();
        if pause.polls(active, now, &self.cores) {
            // A client that waits for this core runs now, and so does any other process.
            thread::yield_now();
            pause.note_yield(now, now.elapsed());
            if let Some(awake) = self.awake.get() {
                awake.wake_by_ref();
            }
        }
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

/// The time since a thread had something to do.
struct Pause {
    longest: Duration,
    /// `None`: a worker was busy, so that the next thing to do may be its reply.
    began: Option<Instant>,
    /// Whether the pause before was shorter than the longest.
    short: bool,
    /// Until when the thread does not poll.
    suspended: Option<Instant>,
    /// The core that the polling takes.
    core: Option<Occupied>,
}

impl Pause {
    fn new(longest: Duration) -> Self {
        Self {
            longest,
            began: None,
            short: false,
            suspended: None,
            core: None,
        }
    }

    /// Whether to poll; `active`: there was something to do since the last time.
    fn polls(&mut self, active: bool, now: Instant, cores: &Arc<Cores>) -> bool {
        let own = usize::from(self.core.is_some());
        let spare = cores.spare() + own > CORES_FOR_OTHERS;
        if active {
            if let Some(began) = self.began.take() {
                self.short = self.lasts(began, now);
            }
            self.began = spare.then_some(now);
        }
        let polls = spare
            && self.short
            && self.began.is_some_and(|began| self.lasts(began, now))
            && self.suspended.is_none_or(|until| now >= until);
        if !polls {
            self.core = None;
        } else if self.core.is_none() {
            self.core = Some(cores.occupy());
        }
        polls
    }

    fn lasts(&self, began: Instant, now: Instant) -> bool {
        now.saturating_duration_since(began) < self.longest
    }

    /// Notes how long other processes had the core while the thread polled.
    fn note_yield(&mut self, now: Instant, taken: Duration) {
        if taken > LONG_YIELD {
            self.suspended = Some(now + SUSPENSION);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_micros(200);

    /// A thread's pauses on a machine, at times that a test sets.
    struct Thread {
        pause: Pause,
        cores: Arc<Cores>,
        now: Instant,
    }

    impl Thread {
        fn new(longest: Duration, cores: usize) -> Self {
            let (pause, cores) = (Pause::new(longest), Cores::new(cores));
            let now = Instant::now();
            Self { pause, cores, now }
        }

        /// Something comes after a time.
        fn call_after(&mut self, micros: u64) -> bool {
            self.now += Duration::from_micros(micros);
            self.pause.polls(true, self.now, &self.cores)
        }

        /// Nothing comes for a time.
        fn nothing_for(&mut self, micros: u64) -> bool {
            self.now += Duration::from_micros(micros);
            self.pause.polls(false, self.now, &self.cores)
        }
    }

    #[test]
    fn polls_after_a_short_pause_until_the_time_is_over() {
        let mut thread = Thread::new(LONGEST, 2);
        assert!(!thread.call_after(0));
        assert!(thread.call_after(50));
        assert!(thread.nothing_for(199));
        assert!(!thread.nothing_for(1));
        // The next call was too late: the pause after it is expected to be as long.
        assert!(!thread.call_after(1));
        assert!(thread.call_after(199));
    }

    #[test]
    fn calls_at_long_intervals_are_not_polled_for() {
        let mut thread = Thread::new(LONGEST, 2);
        for _ in 0..100 {
            assert!(!thread.call_after(201));
            assert!(!thread.nothing_for(1));
        }
    }

    #[test]
    fn zero_never_polls() {
        let mut thread = Thread::new(Duration::ZERO, 8);
        assert!((0..10).all(|_| !thread.call_after(0)));
    }

    #[test]
    fn leaves_a_core_to_others() {
        let mut alone = Thread::new(LONGEST, 1);
        assert!((0..10).all(|_| !alone.call_after(1)));

        let mut first = Thread::new(LONGEST, 2);
        let mut second = Thread::new(LONGEST, 2);
        second.cores = Arc::clone(&first.cores);
        first.call_after(0);
        second.call_after(0);
        assert!(first.call_after(1));
        assert!(!second.call_after(1));
        // Once the first sleeps, its core is spare.
        assert!(!first.nothing_for(200));
        second.call_after(1);
        assert!(second.call_after(1));
    }

    #[test]
    fn a_worker_comes_first_and_its_reply_ends_no_pause() {
        let mut thread = Thread::new(LONGEST, 2);
        thread.call_after(0);
        assert!(thread.call_after(50));
        let worker = thread.cores.occupy();
        assert!(!thread.call_after(50));
        drop(worker);
        // The reply, after a time that says nothing about the client's next call.
        assert!(thread.call_after(5_000));
        assert!(thread.call_after(50));
    }

    #[test]
    fn is_suspended_while_another_process_wants_the_core() {
        let mut thread = Thread::new(LONGEST, 2);
        thread.call_after(0);
        thread.call_after(1);
        thread.pause.note_yield(thread.now, LONG_YIELD);
        assert!(thread.call_after(1));
        thread
            .pause
            .note_yield(thread.now, Duration::from_millis(3));
        assert!(!thread.call_after(1));
        thread.now += SUSPENSION;
        assert!(!thread.call_after(0));
        assert!(thread.call_after(1));
    }
}
