//! Running one piece of work on several threads.
//!
//! A scan of some hundred microseconds cannot afford to start a thread. So there is one pool for
//! the process, one thread less than there are cores. A call takes those that are idle and never
//! waits for one that is not: where every core is busy each call has its own thread, which is the
//! best that there is.
//!
//! To wake a thread takes as long as half of a small scan, so nobody goes to sleep at once: a
//! helper looks out for the next call for as long as that, and a caller for the end of its helpers.
//! They make way for other threads while they do.

use std::hint::spin_loop;
use std::process;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, available_parallelism};
use std::time::{Duration, Instant};

use rayon_core::{ThreadPool, ThreadPoolBuilder};

/// How long a thread looks out for what it waits for before it sleeps: about as long as it takes to
/// be woken, so that it never does more than twice what is needed.
const PATIENCE: Duration = Duration::from_micros(50);

/// Runs `work` on this thread and on up to `threads - 1` others and returns what each made, in no
/// order. The work must share itself out (every run takes pieces until none are left), so it is
/// done whoever has time for it.
pub(crate) fn run<T: Send>(threads: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    run_alongside(threads, work, || {})
}

/// As [`run`], but this thread does something of its own first, while the others work already.
pub(crate) fn run_alongside<T: Send>(
    threads: usize,
    work: impl Fn() -> T + Sync,
    own: impl FnOnce(),
) -> Vec<T> {
    // A small scan does not even ask for the pool: that costs a system call.
    let pool = (threads > 1).then(pool).flatten();
    match pool {
        Some(pool) => pool.run(threads, work, own),
        None => {
            own();
            vec![work()]
        }
    }
}

struct Pool {
    threads: ThreadPool,
    idle: AtomicUsize,
    /// Counts the calls, for those who look out for the next one.
    calls: AtomicUsize,
    /// The process that has these threads: one that was forked from it has none of them.
    process: u32,
}

fn pool() -> Option<&'static Pool> {
    static POOL: OnceLock<Option<Pool>> = OnceLock::new();
    let pool = POOL.get_or_init(Pool::start).as_ref()?;
    (pool.process == process::id()).then_some(pool)
}

impl Pool {
    /// None where there is one core, or the system refuses threads.
    fn start() -> Option<Self> {
        let others = available_parallelism().map_or(1, usize::from) - 1;
        let builder = ThreadPoolBuilder::new()
            .num_threads(others)
            .thread_name(|number| format!("scan-{number}"));
        let threads = (others > 0).then(|| builder.build().ok()).flatten()?;
        Some(Self {
            threads,
            idle: AtomicUsize::new(others),
            calls: AtomicUsize::new(0),
            process: process::id(),
        })
    }

    fn run<T: Send>(
        &'static self,
        threads: usize,
        work: impl Fn() -> T + Sync,
        own: impl FnOnce(),
    ) -> Vec<T> {
        let others = (1..threads).map_while(|_| Seat::take(&self.idle));
        let others: Vec<_> = others.collect();
        let begun = AtomicUsize::new(0);
        let running = AtomicUsize::new(others.len());
        let made = Mutex::new(Vec::with_capacity(others.len() + 1));
        let put = |result| {
            let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
            made.push(result);
        };
        let count = others.len();
        self.threads.in_place_scope(|scope| {
            for seat in others {
                let (work, put, begun, running) = (&work, &put, &begun, &running);
                scope.spawn(move |_| {
                    begun.fetch_add(1, Relaxed);
                    put(work());
                    // Before the seat is free: whoever takes it calls after that.
                    let calls = self.calls.load(Acquire);
                    drop(seat);
                    self.threads.spawn(move || self.look_out(calls));
                    running.fetch_sub(1, Relaxed);
                });
            }
            self.calls.fetch_add(1, Release);
            own();
            put(work());
            wait_until(|| {
                // One that has begun is at its last piece. One that has not may be waiting for
                // this very core.
                if begun.load(Relaxed) < count {
                    thread::yield_now();
                }
                running.load(Relaxed) == 0
            });
        });
        made.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the thread that runs this awake until there is another call than the first `calls`,
    /// if it comes soon.
    fn look_out(&self, calls: usize) {
        wait_until(|| {
            thread::yield_now();
            self.calls.load(Acquire) != calls
        });
    }
}

/// Looks whether it is `done` until it is, or there is no patience left.
fn wait_until(done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() && begin.elapsed() < PATIENCE {
        spin_loop();
    }
}

/// One of the idle threads, until it is dropped.
struct Seat<'a>(&'a AtomicUsize);

impl<'a> Seat<'a> {
    fn take(idle: &'a AtomicUsize) -> Option<Self> {
        idle.fetch_update(AcqRel, Relaxed, |idle| idle.checked_sub(1))
            .ok()
            .map(|_| Self(idle))
    }
}

impl Drop for Seat<'_> {
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
    fn all_work_is_done_once_however_many_ask_at_the_same_time() {
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
    fn a_panic_of_any_thread_is_the_callers() {
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
                    // So that another thread has its turn, if one is idle.
                    while started.load(Relaxed) < 2 && begin.elapsed() < Duration::from_millis(50) {
                        thread::yield_now();
                    }
                })
            }));
            assert_eq!(caught.is_err(), failed.into_inner() > 0);
        }
        // None of them is lost.
        if let Some(pool) = pool() {
            while pool.idle.load(Relaxed) < pool.threads.current_num_threads() {
                thread::yield_now();
            }
        }
        assert_eq!(sum(4, 100), 4950);
    }
}
