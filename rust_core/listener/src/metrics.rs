//! Counts of calls, by method.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;

use crate::codes::GrpcCode;

/// Upper bounds of the buckets of durations, in seconds, inclusive; one more bucket has the rest.
pub const BOUNDS: [f64; 17] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0,
];

/// The counts of one method.
#[derive(Debug, Default)]
pub(crate) struct MethodMetrics {
    started: AtomicU64,
    codes: [AtomicU64; GrpcCode::COUNT],
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

/// The counts of one method, as they are now.
#[derive(Clone, Debug)]
pub struct MethodCounts {
    /// Calls that began.
    pub started: u64,
    /// Calls that ended, by the names of status codes; without the codes that did not occur.
    pub handled: Vec<(&'static str, u64)>,
    /// Calls that ended, by bucket of [`BOUNDS`].
    pub buckets: Vec<u64>,
    /// Seconds that all calls took.
    pub seconds: f64,
}

impl MethodMetrics {
    /// Counts a call that begins.
    pub(crate) fn begin(&self) {
        self.started.fetch_add(1, Relaxed);
    }

    /// Counts a call that ends.
    pub(crate) fn end(&self, code: GrpcCode, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = BOUNDS.partition_point(|bound| *bound < seconds);
        self.buckets[bucket].fetch_add(1, Relaxed);
        self.codes[code.number()].fetch_add(1, Relaxed);
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Relaxed);
    }

    /// The counts.
    pub(crate) fn read(&self) -> MethodCounts {
        let handled = GrpcCode::all()
            .zip(&self.codes)
            .map(|((code, name), count)| (code, name, count.load(Relaxed)));
        // A method that was never called shows that, too.
        let occurred = handled.filter(|(code, _, count)| *code == GrpcCode::OK || *count > 0);
        MethodCounts {
            started: self.started.load(Relaxed),
            handled: occurred.map(|(_, name, count)| (name, count)).collect(),
            buckets: self.buckets.iter().map(|each| each.load(Relaxed)).collect(),
            seconds: Duration::from_nanos(self.nanos.load(Relaxed)).as_secs_f64(),
        }
    }
}

/// The counts of refused calls, by reason.
#[derive(Debug, Default)]
pub(crate) struct Refused(Mutex<BTreeMap<&'static str, u64>>);

impl Refused {
    /// Counts a refused call.
    pub(crate) fn count(&self, reason: &'static str) {
        *self.0.lock().entry(reason).or_default() += 1;
    }

    /// The counts.
    pub(crate) fn read(&self) -> Vec<(&'static str, u64)> {
        self.0
            .lock()
            .iter()
            .map(|(reason, count)| (*reason, *count))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_on_a_bound_is_in_its_bucket() {
        let metrics = MethodMetrics::default();
        metrics.begin();
        metrics.end(GrpcCode::OK, Duration::from_micros(100));
        metrics.end(GrpcCode::CANCELLED, Duration::from_secs(31));
        let counts = metrics.read();
        assert_eq!((counts.buckets[0], counts.buckets[BOUNDS.len()]), (1, 1));
        assert_eq!(counts.handled, [("OK", 1), ("CANCELLED", 1)]);
        assert_eq!(counts.started, 1);
    }
}
