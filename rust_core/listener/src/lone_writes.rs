//! Writes that a thread of connections executes itself. Handing a write to a worker, and its reply back, takes a
//! tenth to a sixth of a write's time. But the thread serves nothing else until the write is durable.
//!
//! So it executes writes only while it has one connection, whose client makes one call at a time, and the disk
//! is fast. One thread of a listener at a time does, never the one that accepts connections, and that thread is
//! given no new connection meanwhile: a disk that never answers holds up the one connection whose write it is.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::idle_polling::IdlePolling;

/// A write that takes so long waits for a slow disk, next to which a wake-up is nothing.
const LONG: Duration = Duration::from_millis(4);
/// How long the thread executes no write after two in a row took long, or after two calls were under way at
/// once.
const SUSPENSION: Duration = Duration::from_secs(1);

/// What one thread of connections has to do, and whether it may execute a write.
pub(crate) struct LoneWrites {
    /// The thread may execute writes at all.
    allowed: bool,
    /// A thread of the listener executes a write.
    taken: Arc<AtomicBool>,
    polling: Arc<IdlePolling>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connections: usize,
    calls: usize,
    /// The thread executes a write.
    executing: bool,
    /// The last write that the thread executed took long.
    long: bool,
    /// Until when the thread executes no write.
    suspended: Option<Instant>,
}

impl State {
    fn may_begin(&self, now: Instant) -> bool {
        let alone = self.connections == 1 && self.calls == 1;
        alone && self.suspended.is_none_or(|until| now >= until)
    }

    fn suspend(&mut self) {
        self.suspended = Some(Instant::now() + SUSPENSION);
    }
}

impl LoneWrites {
    /// `allowed`: the thread may execute writes at all; `taken` is common to the threads of a listener.
    pub(crate) fn new(
        allowed: bool,
        taken: &Arc<AtomicBool>,
        polling: &Arc<IdlePolling>,
    ) -> Arc<Self> {
        Arc::new(Self {
            allowed,
            taken: Arc::clone(taken),
            polling: Arc::clone(polling),
            state: Mutex::default(),
        })
    }

    /// Connections of the thread.
    pub(crate) fn connections(&self) -> usize {
        self.state.lock().connections
    }

    /// Counts a new connection of the thread; `None`: the thread executes a write, and could not serve it.
    pub(crate) fn connection(self: &Arc<Self>) -> Option<Counted> {
        let mut state = self.state.lock();
        (!state.executing).then(|| Counted::new(self, &mut state, |state| &mut state.connections))
    }

    /// Counts a call of the thread's connections.
    pub(crate) fn call(self: &Arc<Self>) -> Counted {
        let mut state = self.state.lock();
        let counted = Counted::new(self, &mut state, |state| &mut state.calls);
        if state.calls > 1 {
            state.suspend();
        }
        counted
    }

    /// Whether the thread may execute a write now, as far as its own calls show.
    pub(crate) fn may_begin(&self) -> bool {
        self.allowed && self.state.lock().may_begin(Instant::now())
    }

    /// Begins to execute a write, if the thread may do that now.
    pub(crate) fn begin(&self) -> Option<Executing<'_>> {
        let mut state = self.state.lock();
        let now = Instant::now();
        if !self.allowed || !state.may_begin(now) || self.taken.swap(true, Acquire) {
            return None;
        }
        state.executing = true;
        drop(state);
        self.polling.end_pause();
        Some(Executing {
            thread: self,
            begun: now,
        })
    }
}

/// A connection or a call, until this is dropped.
pub(crate) struct Counted {
    thread: Arc<LoneWrites>,
    count: fn(&mut State) -> &mut usize,
}

impl Counted {
    fn new(
        thread: &Arc<LoneWrites>,
        state: &mut State,
        count: fn(&mut State) -> &mut usize,
    ) -> Self {
        *count(state) += 1;
        let thread = Arc::clone(thread);
        Self { thread, count }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        *(self.count)(&mut self.thread.state.lock()) -= 1;
    }
}

/// A write that the thread executes, until this is dropped.
pub(crate) struct Executing<'a> {
    thread: &'a LoneWrites,
    begun: Instant,
}

impl Drop for Executing<'_> {
    fn drop(&mut self) {
        let mut state = self.thread.state.lock();
        state.executing = false;
        let before = mem::replace(&mut state.long, self.begun.elapsed() > LONG);
        if before && state.long {
            state.suspend();
        }
        self.thread.taken.store(false, Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cores::Cores;

    /// A thread with a connection that has a call.
    struct Thread {
        writes: Arc<LoneWrites>,
        _connection: Counted,
        _call: Counted,
    }

    impl Thread {
        fn new(allowed: bool) -> Self {
            Self::beside(allowed, &Arc::default())
        }

        fn beside(allowed: bool, taken: &Arc<AtomicBool>) -> Self {
            let polling = IdlePolling::new(Duration::ZERO, Cores::new(2));
            let writes = LoneWrites::new(allowed, taken, &polling);
            Self {
                _connection: writes.connection().unwrap(),
                _call: writes.call(),
                writes,
            }
        }

        fn executes(&self) -> bool {
            let may = self.writes.may_begin();
            let begun = self.writes.begin().is_some();
            assert!(may || !begun);
            begun
        }
    }

    #[test]
    fn a_thread_with_one_call_executes_one_write_after_the_other() {
        let thread = Thread::new(true);
        assert!((0..3).all(|_| thread.executes()));
    }

    #[test]
    fn one_thread_at_a_time_executes_a_write_and_takes_no_connection_meanwhile() {
        let taken = Arc::default();
        let [first, second] = [(); 2].map(|()| Thread::beside(true, &taken));
        let executing = first.writes.begin();
        assert!(!second.executes());
        assert!(first.writes.connection().is_none());
        assert!(second.writes.connection().is_some());
        drop(executing);
        assert!(second.executes());
        assert!(first.writes.connection().is_some());
    }

    #[test]
    fn the_thread_that_accepts_connections_executes_no_write() {
        assert!(!Thread::new(false).executes());
    }

    #[test]
    fn a_thread_with_two_connections_executes_no_write() {
        let thread = Thread::new(true);
        let second = thread.writes.connection();
        assert_eq!(thread.writes.connections(), 2);
        assert!(!thread.executes());
        drop(second);
        assert!(thread.executes());
    }

    #[test]
    fn calls_under_way_at_once_suspend_it() {
        let thread = Thread::new(true);
        drop(thread.writes.call());
        assert!(!thread.executes());
        thread.writes.state.lock().suspended = Some(Instant::now());
        assert!(thread.executes());
    }

    #[test]
    fn a_slow_disk_suspends_it() {
        let thread = Thread::new(true);
        for _ in 0..2 {
            let executing = thread.writes.begin();
            assert!(executing.is_some());
            std::thread::sleep(LONG + Duration::from_micros(1));
        }
        assert!(!thread.executes());
    }
}
