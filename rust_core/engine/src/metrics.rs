//! Figures for whoever watches the engine: counted as it works, a few atomic additions a call.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use ee_core::command::Outcome;
use ee_core::ranking::Tally;

use crate::write::prediction_probe::Taken;

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

/// What is counted.
#[derive(Debug)]
pub(crate) struct Counters {
    matches: AtomicU64,
    queries: AtomicU64,
    rows: AtomicU64,
    assignments: AtomicU64,
    moves: AtomicU64,
    unassignments: AtomicU64,
    accepted: AtomicU64,
    corrected: AtomicU64,
    /// Components that entries of an Assign have had to look for suggestions.
    turns: AtomicU64,
    /// The last step that was acknowledged.
    pub(crate) steps: AtomicU64,
    pub(crate) tally: Tally,
    pub(crate) read_failures: AtomicU64,
    pub(crate) loads: AtomicU64,
    pub(crate) evictions: AtomicU64,
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
            assignments: AtomicU64::new(0),
            moves: AtomicU64::new(0),
            unassignments: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            corrected: AtomicU64::new(0),
            turns: AtomicU64::new(0),
            steps: AtomicU64::new(0),
            tally: Tally::default(),
            read_failures: AtomicU64::new(0),
            loads: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
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

    /// Whether an entry may look for a suggestion that costs so much, if each may have a share.
    pub(crate) fn takes_turn(&self, share: u64, cost: u64) -> bool {
        let before = self.turns.fetch_add(share, Relaxed);
        cost <= share || before / cost != before.wrapping_add(share) / cost
    }

    /// What became of suggestions.
    pub(crate) fn suggested(&self, taken: Taken) {
        self.accepted.fetch_add(taken.accepted, Relaxed);
        self.corrected.fetch_add(taken.corrected, Relaxed);
    }

    /// A group of writes was committed.
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
            assignments: self.assignments.load(Relaxed),
            moves: self.moves.load(Relaxed),
            unassignments: self.unassignments.load(Relaxed),
            suggestions_accepted: self.accepted.load(Relaxed),
            suggestions_corrected: self.corrected.load(Relaxed),
            sketch_rows: self.tally.sketched(),
            sketch_survivors: self.tally.survivors(),
            log_steps: self.steps.load(Relaxed),
            read_failures: self.read_failures.load(Relaxed),
            namespaces_loads: self.loads.load(Relaxed),
            namespaces_evictions: self.evictions.load(Relaxed),
            namespaces_loaded: 0,
            memory_bytes: 0,
            serving: true,
            commit_seconds: self.commit_micros.read(1e6),
            commit_writes: self.commit_writes.read(1.0),
            drift: self.drift.read(1e6),
        }
    }
}

/// Counts of values by size.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// The values' sum.
    pub sum: f64,
    /// (upper bound, values in this bucket alone), the last bound infinite.
    pub buckets: Vec<(f64, u64)>,
}

/// What an engine has done since it was opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    /// Rankings that were answered.
    pub matches: u64,
    /// Queries in them.
    pub queries: u64,
    /// Categories that were ranked for these, added up.
    pub rows: u64,
    /// Assignments that changed something.
    pub assignments: u64,
    /// Those that took an item out of another category.
    pub moves: u64,
    /// Unassignments that changed something.
    pub unassignments: u64,
    /// First assignments of an item to the category that Match ranked first for it, of those that
    /// were looked at.
    pub suggestions_accepted: u64,
    /// First assignments to another one, of those that were looked at.
    pub suggestions_corrected: u64,
    /// Rows that queries judged by their sketches, added up.
    pub sketch_rows: u64,
    /// Those of these that the sketches could not rule out: they were scored exactly.
    pub sketch_survivors: u64,
    /// Steps of the log so far, all namespaces together.
    pub log_steps: u64,
    /// Reads that failed: the disk did, or what it gave was damaged.
    pub read_failures: u64,
    /// Namespaces that were read into memory.
    pub namespaces_loads: u64,
    /// Namespaces that left memory.
    pub namespaces_evictions: u64,
    /// Namespaces in memory now.
    pub namespaces_loaded: u64,
    /// Bytes that these take.
    pub memory_bytes: u64,
    /// Whether writes are taken.
    pub serving: bool,
    /// Times of commits, from the first write of a group to its end.
    pub commit_seconds: Distribution,
    /// Writes that shared a commit.
    pub commit_writes: Distribution,
    /// How far categories have moved from their bases, each time something was assigned to one.
    pub drift: Distribution,
}
