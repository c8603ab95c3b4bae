//! How busy the thread of a connection is: whether calls wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ee_access::limits::MAX_QUEUED_CALLS;

/// Calls between two looks.
const CALLS_BETWEEN_LOOKS: u64 = 16;
/// How long it takes at least to get through a queue that stands.
const LONG: Duration = Duration::from_millis(5);

/// Whether the queue of calls for one thread stands.
#[derive(Debug, Default)]
pub(crate) struct Cycle {
    calls: AtomicU64,
    looking: AtomicBool,
    stands: AtomicBool,
}

impl Cycle {
    /// Notes a call that has come; returns whether more than [`MAX_QUEUED_CALLS`] came in the last
    /// cycle of the thread, and took it long.
    pub(crate) fn arrive(self: &Arc<Self>) -> bool {
        let calls = self.calls.fetch_add(1, Relaxed) + 1;
        if calls >= CALLS_BETWEEN_LOOKS && !self.looking.swap(true, Relaxed) {
            tokio::spawn(Arc::clone(self).look());
        }
        self.stands.load(Relaxed)
    }

    /// Waits for a cycle: until the thread has run all tasks that can run, and has looked at all
    /// connections. While the queue stands one look follows the other: its end is seen without a
    /// call.
    async fn look(self: Arc<Self>) {
        loop {
            self.calls.store(0, Relaxed);
            let begin = Instant::now();
            tokio::task::yield_now().await;
            let many = self.calls.load(Relaxed) > MAX_QUEUED_CALLS;
            let stands = many && begin.elapsed() > LONG;
            self.stands.store(stands, Relaxed);
            if !stands {
                return self.looking.store(false, Relaxed);
            }
        }
    }
}
