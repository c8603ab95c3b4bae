//! When a thread without work polls for more before it sleeps. To wake a thread whose core sleeps takes
//! longer than a short Match, most of all in a virtual machine.
//!
//! A thread polls for a limited time, and only if the pause before was shorter than that, a core is
//! spare, and no other process wants the core. So neither an idle nor an overloaded server polls.

use std::time::{Duration, Instant};

/// For a client on the same machine, and for the kernel's work on its behalf.
const CORES_FOR_OTHERS: usize = 1;
/// A process that keeps a core for so long is no client that is about to call again.
const LONG_YIELD: Duration = Duration::from_micros(500);
/// How long a thread does not poll after such a process had its core.
const SUSPENSION: Duration = Duration::from_secs(1);

/// The time from the end of some work to the begin of the next.
pub(crate) struct Pause {
    longest: Duration,
    began: Option<Instant>,
    /// Whether the pause before was shorter than the longest.
    short: bool,
    /// Until when the thread does not poll.
    suspended: Option<Instant>,
}

impl Pause {
    /// `longest` is the time without work after which a thread sleeps; zero: it never polls.
    pub(crate) fn new(longest: Duration) -> Self {
        Self {
            longest,
            began: None,
            short: false,
            suspended: None,
        }
    }

    /// The thread has nothing to do.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.began = Some(now);
    }

    /// There is work.
    pub(crate) fn end(&mut self, now: Instant) {
        if let Some(began) = self.began.take() {
            self.short = self.lasts(began, now);
        }
    }

    /// Whether to poll, with so many cores spare beside the thread's own.
    pub(crate) fn polls(&self, now: Instant, spare: usize) -> bool {
        self.short
            && may_poll(spare)
            && self.began.is_some_and(|began| self.lasts(began, now))
            && self.suspended.is_none_or(|until| now >= until)
    }

    /// Notes how long other processes had the core while the thread polled.
    pub(crate) fn note_yield(&mut self, now: Instant, taken: Duration) {
        if taken > LONG_YIELD {
            self.suspended = Some(now + SUSPENSION);
        }
    }

    fn lasts(&self, began: Instant, now: Instant) -> bool {
        now.saturating_duration_since(began) < self.longest
    }
}

/// Whether the cores that are spare beside a thread's own are enough for it to poll.
pub(crate) fn may_poll(spare: usize) -> bool {
    spare >= CORES_FOR_OTHERS
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_micros(200);

    /// A thread at times that a test sets; its work takes no time.
    struct Thread {
        pause: Pause,
        spare: usize,
        now: Instant,
    }

    impl Thread {
        fn new(longest: Duration, spare: usize) -> Self {
            let (pause, now) = (Pause::new(longest), Instant::now());
            Self { pause, spare, now }
        }

        fn work_after(&mut self, micros: u64) -> bool {
            self.now += Duration::from_micros(micros);
            self.pause.end(self.now);
            self.pause.begin(self.now);
            self.pause.polls(self.now, self.spare)
        }

        fn nothing_for(&mut self, micros: u64) -> bool {
            self.now += Duration::from_micros(micros);
            self.pause.polls(self.now, self.spare)
        }
    }

    #[test]
    fn polls_after_a_short_pause_until_the_time_is_over() {
        let mut thread = Thread::new(LONGEST, 1);
        assert!(!thread.work_after(0));
        assert!(thread.work_after(50));
        assert!(thread.nothing_for(199));
        assert!(!thread.nothing_for(1));
        // This came too late: the next pause is expected to be as long.
        assert!(!thread.work_after(1));
        assert!(thread.work_after(199));
    }

    #[test]
    fn work_at_long_intervals_is_not_polled_for() {
        let mut thread = Thread::new(LONGEST, 1);
        for _ in 0..100 {
            assert!(!thread.work_after(201));
            assert!(!thread.nothing_for(1));
        }
    }

    #[test]
    fn zero_never_polls() {
        let mut thread = Thread::new(Duration::ZERO, 7);
        assert!((0..10).all(|_| !thread.work_after(0)));
    }

    #[test]
    fn leaves_a_core_to_others() {
        let mut thread = Thread::new(LONGEST, 0);
        assert!((0..10).all(|_| !thread.work_after(1)));
        thread.spare = 1;
        assert!(thread.work_after(1));
    }

    #[test]
    fn is_suspended_while_another_process_wants_the_core() {
        let mut thread = Thread::new(LONGEST, 1);
        thread.work_after(0);
        thread.work_after(1);
        thread.pause.note_yield(thread.now, LONG_YIELD);
        assert!(thread.work_after(1));
        let long = LONG_YIELD + Duration::from_nanos(1);
        thread.pause.note_yield(thread.now, long);
        assert!(!thread.work_after(1));
        thread.now += SUSPENSION;
        assert!(!thread.work_after(0));
        assert!(thread.work_after(1));
    }
}
