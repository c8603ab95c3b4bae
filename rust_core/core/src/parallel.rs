//! Running one piece of work on several threads.
//!
//! A scan of some hundred microseconds cannot afford to start a thread. So the process has one pool
//! of helper threads, one fewer than cores. A call takes the helpers that are idle and never waits
//! for a busy one: when every core is busy, each call runs on its own thread, which is optimal.
//!
//! Waking a thread takes half as long as a small scan, so threads spin before they sleep: a helper
//! until the next call, a caller until its helpers have finished. They yield to other threads
//! meanwhile.
//!
//! The clock bounds the time spent spinning. No result depends on it.

use std::hint::spin_loop;
use std::process;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, available_parallelism};
use std::time::{Duration, Instant};

use rayon_core::{ThreadPool, ThreadPoolBuilder};

/// How long a thread spins before it sleeps: about the time that waking it takes, so that spinning
/// at most doubles the cost.
const SPIN_TIME: Duration = Duration::from_micros(50);

/// Runs `work` on this thread and on up to `threads - 1` helpers and returns the results, in no
/// order. The work must divide itself: each run takes pieces until no piece is left, so that all of
/// it is done by the threads that run, however many.
pub fn run<T: Send>(threads: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    run_alongside(threads, work, || {})
}

/// As [`run`], but this thread runs `meanwhile` first, while helpers already work.
pub(crate) fn run_alongside<T: Send>(
    threads: usize,
    work: impl Fn() -> T + Sync,
    meanwhile: impl FnOnce(),
) -> Vec<T> {
    // A small scan does not even look up the pool: that costs a system call.
    let pool = (threads > 1).then(pool).flatten();
    match pool {
        Some(pool) => pool.run(threads, work, meanwhile),
        None => {
            meanwhile();
            vec![work()]
        }
    }
}

struct Pool {
    threads: ThreadPool,
    idle: AtomicUsize,
    /// Number of calls so far: a spinning helper sees the next one by it.
    calls: AtomicUsize,
    /// The process that has these threads: a process that was forked from it does not have them.
    process: u32,
}

fn pool() -> Option<&'static Pool> {
    static POOL: OnceLock<Option<Pool>> = OnceLock::new();
    let pool = POOL.get_or_init(Pool::start).as_ref()?;
    (pool.process == process::id()).then_some(pool)
}

impl Pool {
    /// `None` if the machine has one core, or if the system refuses threads.
    fn start() -> Option<Self> {
        let helpers = available_parallelism().map_or(1, usize::from) - 1;
        let builder = ThreadPoolBuilder::new()
            .num_threads(helpers)
            .thread_name(|number| format!("scan-{number}"));
        let threads = (helpers > 0).then(|| builder.build().ok()).flatten()?;
        Some(Self {
            threads,
            idle: AtomicUsize::new(helpers),
            calls: AtomicUsize::new(0),
            process: process::id(),
        })
    }

    fn run<T: Send>(
        &'static self,
        threads: usize,
        work: impl Fn() -> T + Sync,
        meanwhile: impl FnOnce(),
    ) -> Vec<T> {
        let slots = (1..threads).map_while(|_| HelperSlot::acquire(&self.idle));
        let slots: Vec<_> = slots.collect();
        let count = slots.len();
        let begun = AtomicUsize::new(0);
        let running = AtomicUsize::new(count);
        let results = Mutex::new(Vec::with_capacity(count + 1));
        let put = |result| {
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            results.push(result);
        };
        self.threads.in_place_scope(|scope| {
            for slot in slots {
                let (work, put, begun, running) = (&work, &put, &begun, &running);
                scope.spawn(move |_| {
                    begun.fetch_add(1, Relaxed);
                    put(work());
                    // Read before the slot is free: the next holder of the slot counts its call
                    // after that.
                    let calls = self.calls.load(Acquire);
                    drop(slot);
                    self.threads.spawn(move || self.spin_until_next_call(calls));
                    running.fetch_sub(1, Relaxed);
                });
            }
            self.calls.fetch_add(1, Release);
            meanwhile();
            put(work());
            spin_until(|| {
                // A helper that has begun is at its last piece. One that has not may be waiting for
                // this very core.
                if begun.load(Relaxed) < count {
                    thread::yield_now();
                }
                running.load(Relaxed) == 0
            });
        });
        results.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a helper thread awake until a call after the first `calls`, if it comes soon.
    fn spin_until_next_call(&self, calls: usize) {
        spin_until(|| {
            thread::yield_now();
            self.calls.load(Acquire) != calls
        });
    }
}

/// Waits until `done`, at most for [`SPIN_TIME`].
fn spin_until(done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() && begin.elapsed() < SPIN_TIME {
        spin_loop();
    }
}

/// The use of one idle helper thread, until it is dropped.
struct HelperSlot<'a>(&'a AtomicUsize);

impl<'a> HelperSlot<'a> {
    fn acquire(idle: &'a AtomicUsize) -> Option<Self> {
        idle.fetch_update(AcqRel, Relaxed, |idle| idle.checked_sub(1))
            .ok()
            .map(|_| Self(idle))
    }
}

impl Drop for HelperSlot<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    fn sum(threads: usize, end: usize) -> usize {
        let next = AtomicUsize::new(0);
        let parts = run(threads, || {
            std::iter::from_fn(|| Some(next.fetch_add(1, Relaxed)))
                .take_while(|&number| number < end)
                .sum::<usize>()
        });
        parts.into_iter().sum()
    }

    #[test]
    fn all_work_is_done_once_by_any_number_of_concurrent_callers() {
        thread::scope(|scope| {
            for threads in 1..=8 {
                scope.spawn(move || {
                    for end in 0..300 {
                        assert_eq!(sum(threads, end), end * end.saturating_sub(1) / 2);
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_of_any_thread_reaches_the_caller() {
        let caller = thread::current().id();
        for at_fault in 0..20 {
            let (started, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let begin = Instant::now();
            let caught = catch_unwind(AssertUnwindSafe(|| {
                run(4, || {
                    started.fetch_add(1, Relaxed);
                    if (thread::current().id() == caller) == (at_fault % 2 == 0) {
                        failed.fetch_add(1, Relaxed);
                        panic!("as planned");
                    }
                    // Gives another thread the time to start, if one is idle.
                    while started.load(Relaxed) < 2 && begin.elapsed() < Duration::from_millis(50) {
                        thread::yield_now();
                    }
                })
            }));
            assert_eq!(caught.is_err(), failed.into_inner() > 0);
        }
        // Every helper is idle again.
        if let Some(pool) = pool() {
            while pool.idle.load(Relaxed) < pool.threads.current_num_threads() {
                thread::yield_now();
            }
        }
        assert_eq!(sum(4, 100), 4950);
    }
}
