//! Running one piece of work on several threads.

use std::panic::resume_unwind;
use std::thread;

/// Runs `work` on this thread and on `threads - 1` others and returns what each made, in no
/// order. The work must share itself out (every run takes pieces until none are left), so it is
/// done even where the system refuses a thread.
pub(super) fn run<T: Send>(threads: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    if threads <= 1 {
        return vec![work()];
    }
    thread::scope(|scope| {
        let spawn = |_| thread::Builder::new().spawn_scoped(scope, &work).ok();
        let others: Vec<_> = (1..threads).filter_map(spawn).collect();
        let mut made = vec![work()];
        for other in others {
            made.push(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        made
    })
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_panic_of_any_thread_is_the_callers() {
        for at_fault in 0..4 {
            let started = AtomicUsize::new(0);
            let work = || assert_ne!(started.fetch_add(1, Ordering::Relaxed), at_fault);
            assert!(catch_unwind(AssertUnwindSafe(|| run(4, work))).is_err());
            assert_eq!(started.into_inner(), 4);
        }
    }
}
