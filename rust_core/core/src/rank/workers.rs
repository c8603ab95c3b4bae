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
