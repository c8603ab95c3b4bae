//! Running one piece of work on several threads.
//!
//! A scan of some hundred microseconds cannot afford to start a thread. So there is one pool for
//! the process, one thread less than there are cores: they look for work for some microseconds
//! after the last, and sleep then. A call takes those that are idle and never waits for one that
//! is not: where every core is busy each call has its own thread, which is the best that there is.

use std::hint::spin_loop;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::available_parallelism;

use rayon_core::{ThreadPool, ThreadPoolBuilder};

/// Turns of looking whether the others are done before going to sleep until they are: for longer
/// than a piece of a scan takes, since to be woken takes longer still.
const TURNS: usize = 2_000;

/// Runs `work` on this thread and on up to `threads - 1` others and returns what each made, in no
/// order. The work must share itself out (every run takes pieces until none are left), so it is
/// done whoever has time for it.
pub(crate) fn run<T: Send>(threads: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    // A small scan does not even ask for the pool: that costs a system call.
    let pool = (threads > 1).then(pool).flatten();
    match pool {
        Some(pool) => pool.run(threads, work),
        None => vec![work()],
    }
}

struct Pool {
    threads: ThreadPool,
    idle: AtomicUsize,
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
            process: process::id(),
        })
    }

    fn run<T: Send>(&self, threads: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
        let others = (1..threads).map_while(|_| Seat::take(&self.idle));
        let others: Vec<_> = others.collect();
        let running = AtomicUsize::new(others.len());
        let made = Mutex::new(Vec::with_capacity(others.len() + 1));
        let put = |result| {
            let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
            made.push(result);
        };
        self.threads.in_place_scope(|scope| {
            for seat in others {
                let (work, put, running) = (&work, &put, &running);
                scope.spawn(move |_| {
                    put(work());
                    drop(seat);
                    running.fetch_sub(1, Relaxed);
                });
            }
            put(work());
            for _ in 0..TURNS {
                if running.load(Relaxed) == 0 {
                    break;
                }
                spin_loop();
            }
        });
        made.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the idle threads, until it is dropped.
struct Seat<'a>(&'a AtomicUsize);

impl<'a> Seat<'a> {
    fn take(idle: &'a AtomicUsize) -> Option<Self> {
        idle.fetch_update(Relaxed, Relaxed, |idle| idle.checked_sub(1))
            .ok()
            .map(|_| Self(idle))
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

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
