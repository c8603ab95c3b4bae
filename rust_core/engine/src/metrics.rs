//! The metrics of the engine: a few atomic additions per call.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use ee_core::command::Outcome;
use ee_core::ranking::Tally;
use ee_store::Trimmed;

/// Upper bounds of the times of commits, in microseconds; the last bucket has none.
const COMMIT_MICROS: [u64; 12] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
];
/// Upper bounds of the writes in a commit; the last bucket has none.
const COMMIT_WRITES: [u64; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];
/// Upper bounds of drifts, in millionths; the last bucket has none.
const DRIFT: [u64; 10] = [
    10_000, 20_000, 50_000, 100_000, 200_000, 300_000, 400_000, 500_000, 750_000, 1_000_000,
];

/// Counts of values by size, and their sum.
#[derive(Debug)]
pub(crate) struct Buckets<const N: usize> {
    bounds: [u64; N],
    counts: [AtomicU64; N],
    beyond: AtomicU64,
    sum: AtomicU64,
}

impl<const N: usize> Buckets<N> {
    const fn new(bounds: [u64; N]) -> Self {
        Self {
            bounds,
            counts: [const { AtomicU64::new(0) }; N],
            beyond: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }
    }

    fn add(&self, value: u64) {
        let bucket = self.bounds.iter().position(|&bound| value <= bound);
        let count = bucket.map_or(&self.beyond, |bucket| &self.counts[bucket]);
        count.fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
    }

    fn read(&self, unit: f64) -> Distribution {
        let counts = self.bounds.iter().zip(&self.counts);
        let mut buckets: Vec<_> = counts
            .map(|(&bound, count)| (bound as f64 / unit, count.load(Relaxed)))
            .collect();
        buckets.push((f64::INFINITY, self.beyond.load(Relaxed)));
        Distribution {
            sum: self.sum.load(Relaxed) as f64 / unit,
            buckets,
        }
    }
}

/// The counters behind the metrics.
#[derive(Debug)]
pub(crate) struct Counters {
    matches: AtomicU64,
    queries: AtomicU64,
    rows: AtomicU64,
    suggests: AtomicU64,
    suggested_items: AtomicU64,
    assignments: AtomicU64,
    moves: AtomicU64,
    unassignments: AtomicU64,
    accepted: AtomicU64,
    corrected: AtomicU64,
    /// The budget that the entries of Assigns have had so far for probing predictions, in components.
    probe_budget: AtomicU64,
    pub(crate) tally: Tally,
    pub(crate) read_failures: AtomicU64,
    pub(crate) loads: AtomicU64,
    members_read: AtomicU64,
    members_dropped: AtomicU64,
    pub(crate) evictions: AtomicU64,
    trimmed_entries: AtomicU64,
    trimmed_bytes: AtomicU64,
    commit_micros: Buckets<12>,
    commit_writes: Buckets<9>,
    drift: Buckets<10>,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            matches: AtomicU64::new(0),
            queries: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            suggests: AtomicU64::new(0),
            suggested_items: AtomicU64::new(0),
            assignments: AtomicU64::new(0),
            moves: AtomicU64::new(0),
            unassignments: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            corrected: AtomicU64::new(0),
            probe_budget: AtomicU64::new(0),
            tally: Tally::default(),
            read_failures: AtomicU64::new(0),
            loads: AtomicU64::new(0),
            members_read: AtomicU64::new(0),
            members_dropped: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
            trimmed_entries: AtomicU64::new(0),
            trimmed_bytes: AtomicU64::new(0),
            commit_micros: Buckets::new(COMMIT_MICROS),
            commit_writes: Buckets::new(COMMIT_WRITES),
            drift: Buckets::new(DRIFT),
        }
    }
}

impl Counters {
    /// Queries were ranked against all categories of a namespace.
    pub(crate) fn ranked(&self, queries: usize, categories: u64) {
        self.matches.fetch_add(1, Relaxed);
        self.queries.fetch_add(queries as u64, Relaxed);
        self.rows
            .fetch_add(categories.saturating_mul(queries as u64), Relaxed);
    }

    /// Items of the inbox were ranked.
    pub(crate) fn ranked_inbox(&self, items: usize) {
        self.suggested_items.fetch_add(items as u64, Relaxed);
    }

    /// A Suggest was answered.
    pub(crate) fn suggested(&self) {
        self.suggests.fetch_add(1, Relaxed);
    }

    /// Members of a category were read for LOCAL.
    pub(crate) fn members_read(&self, members: usize) {
        self.members_read.fetch_add(members as u64, Relaxed);
    }

    /// Members of so many categories left memory for want of room.
    pub(crate) fn members_dropped(&self, categories: usize) {
        self.members_dropped.fetch_add(categories as u64, Relaxed);
    }

    /// A write was acknowledged.
    pub(crate) fn learned(&self, outcome: &Outcome) {
        match outcome {
            Outcome::Assign(results) => {
                let changed = results.iter().filter(|result| result.changed);
                let moved = changed.clone().filter(|result| result.previous.is_some());
                self.assignments.fetch_add(changed.count() as u64, Relaxed);
                self.moves.fetch_add(moved.count() as u64, Relaxed);
                for drift in results.iter().filter_map(|result| result.category_drift) {
                    self.drift.add((drift.max(0.0) * 1e6) as u64);
                }
            }
            Outcome::Unassign(results) => {
                let changed = results.iter().filter(|result| result.changed);
                self.unassignments
                    .fetch_add(changed.count() as u64, Relaxed);
            }
            _ => {}
        }
    }

    /// A step of trimming was committed.
    pub(crate) fn trimmed(&self, trimmed: Trimmed) {
        self.trimmed_entries.fetch_add(trimmed.entries, Relaxed);
        self.trimmed_bytes.fetch_add(trimmed.bytes, Relaxed);
    }

    /// Whether an entry may probe a prediction of this cost, if each entry has this share.
    pub(crate) fn may_probe(&self, share: u64, cost: u64) -> bool {
        let before = self.probe_budget.fetch_add(share, Relaxed);
        cost <= share || before / cost != before.wrapping_add(share) / cost
    }

    /// Predictions were probed.
    pub(crate) fn predicted(&self, predictions: Predictions) {
        self.accepted.fetch_add(predictions.accepted, Relaxed);
        self.corrected.fetch_add(predictions.corrected, Relaxed);
    }

    /// A batch of writes was committed.
    pub(crate) fn committed(&self, writes: usize, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.commit_micros.add(micros);
        self.commit_writes.add(writes as u64);
    }

    pub(crate) fn read(&self) -> Stats {
        Stats {
            matches: self.matches.load(Relaxed),
            queries: self.queries.load(Relaxed),
            rows: self.rows.load(Relaxed),
            suggests: self.suggests.load(Relaxed),
            suggested_items: self.suggested_items.load(Relaxed),
            assignments: self.assignments.load(Relaxed),
            moves: self.moves.load(Relaxed),
            unassignments: self.unassignments.load(Relaxed),
            predictions_accepted: self.accepted.load(Relaxed),
            predictions_corrected: self.corrected.load(Relaxed),
            sketch_rows: self.tally.sketched(),
            sketch_survivors: self.tally.survivors(),
            log_entries: 0,
            read_failures: self.read_failures.load(Relaxed),
            namespaces_loads: self.loads.load(Relaxed),
            namespaces_evictions: self.evictions.load(Relaxed),
            members_read: self.members_read.load(Relaxed),
            members_dropped: self.members_dropped.load(Relaxed),
            history_trimmed_entries: self.trimmed_entries.load(Relaxed),
            history_trimmed_bytes: self.trimmed_bytes.load(Relaxed),
            history_entries: 0,
            history_bytes: 0,
            database_bytes: 0,
            database_free_bytes: 0,
            clock_ahead_seconds: 0,
            members_loaded: 0,
            members_bytes: 0,
            namespaces_loaded: 0,
            memory_bytes: 0,
            copied_bytes: 0,
            serving: true,
            commit_seconds: self.commit_micros.read(1e6),
            commit_writes: self.commit_writes.read(1.0),
            drift: self.drift.read(1e6),
        }
    }
}

/// How often a prediction was accepted and corrected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Predictions {
    pub(crate) accepted: u64,
    pub(crate) corrected: u64,
}

/// Counts of values by size.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// The values' sum.
    pub sum: f64,
    /// (upper bound, values in this bucket alone), the last bound infinite.
    pub buckets: Vec<(f64, u64)>,
}

/// How a metric behaves over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counts values by size.
    Histogram,
}

/// A metric of the engine.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name, without a prefix.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// Its meaning, in a sentence.
    pub help: &'static str,
}

/// The value of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Of a counter or a gauge.
    Number(u64),
    /// Of a histogram.
    Distribution(&'a Distribution),
}

impl From<&u64> for Value<'_> {
    fn from(number: &u64) -> Self {
        Self::Number(*number)
    }
}

impl From<&bool> for Value<'_> {
    fn from(is: &bool) -> Self {
        Self::Number(u64::from(*is))
    }
}

impl<'a> From<&'a Distribution> for Value<'a> {
    fn from(distribution: &'a Distribution) -> Self {
        Self::Distribution(distribution)
    }
}

/// Defines the metrics, their table and their values in one place, so that none lacks a part.
macro_rules! metrics {
    ($(#[doc = $help:literal] $kind:ident $name:ident: $type:ty,)+) => {
        /// The metrics of an engine since it was opened.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Stats {
            $(#[doc = $help] pub $name: $type,)+
        }

        /// Every metric, in the order of `Stats::values`.
        pub const METRICS: &[Metric] = &[
            $(Metric {
                name: stringify!($name),
                kind: Kind::$kind,
                help: $help.trim_ascii_start(),
            },)+
        ];

        impl Stats {
            /// Returns each metric with its value.
            pub fn values(&self) -> impl Iterator<Item = (&'static Metric, Value<'_>)> {
                METRICS.iter().zip([$(Value::from(&self.$name)),+])
            }
        }
    };
}

metrics! {
    /// Match calls that were answered.
    Counter matches: u64,
    /// Queries of these calls.
    Counter queries: u64,
    /// Categories ranked for these queries: one for each query and category.
    Counter rows: u64,
    /// Suggest calls that were answered.
    Counter suggests: u64,
    /// Items of the inbox that these calls ranked, and did not know from the page before.
    Counter suggested_items: u64,
    /// Rows that were judged by their sketches first.
    Counter sketch_rows: u64,
    /// Rows that their sketches could not rule out; these were scored exactly.
    Counter sketch_survivors: u64,
    /// Assignments that changed something.
    Counter assignments: u64,
    /// Assignments that took an item out of another category: corrections.
    Counter moves: u64,
    /// Unassignments that changed something.
    Counter unassignments: u64,
    /// Probed first assignments to the category that Match ranked first.
    Counter predictions_accepted: u64,
    /// Probed first assignments to another category than Match ranked first.
    Counter predictions_corrected: u64,
    /// Log entries of all namespaces: one for each write that changed something.
    Counter log_entries: u64,
    /// Reads that failed: the disk failed, or returned damaged data.
    Counter read_failures: u64,
    /// Namespaces that were loaded into memory.
    Counter namespaces_loads: u64,
    /// Namespaces that were evicted from memory.
    Counter namespaces_evictions: u64,
    /// Members that LOCAL has read because they were not in memory.
    Counter members_read: u64,
    /// Categories whose members left memory for want of room; LOCAL reads them again.
    Counter members_dropped: u64,
    /// Log entries that were trimmed from histories.
    Counter history_trimmed_entries: u64,
    /// Bytes of these entries.
    Counter history_trimmed_bytes: u64,
    /// Log entries of all namespaces that are stored.
    Gauge history_entries: u64,
    /// Bytes of these entries.
    Gauge history_bytes: u64,
    /// Bytes that the database file takes on the disk, without its write-ahead log.
    Gauge database_bytes: u64,
    /// Bytes of these that are free for new rows.
    Gauge database_free_bytes: u64,
    /// Seconds that the clock has jumped ahead and is not followed; 0: it is.
    Gauge clock_ahead_seconds: u64,
    /// Members in memory for LOCAL.
    Gauge members_loaded: u64,
    /// Bytes of memory that these members take; they are part of memory_bytes.
    Gauge members_bytes: u64,
    /// Namespaces in memory.
    Gauge namespaces_loaded: u64,
    /// Bytes of memory that the loaded namespaces take.
    Gauge memory_bytes: u64,
    /// Bytes that reviews, reads of the past and what_if have copied and hold.
    Gauge copied_bytes: u64,
    /// 1 if the engine accepts writes, otherwise 0.
    Gauge serving: bool,
    /// Seconds of a commit, from its first write to its sync.
    Histogram commit_seconds: Distribution,
    /// Writes that shared a commit.
    Histogram commit_writes: Distribution,
    /// 1 - cos(base, effective) of a category, at each assignment to it.
    Histogram drift: Distribution,
}
