//! Scans of a large namespace that single queries share.
//!
//! A scan of rows that do not fit the caches takes as long as memory needs to deliver them, for
//! one query as for a few. So while one runs, the queries that arrive wait for it to end, and the
//! next scan takes all of them in one pass. A query that arrives while nothing runs starts at once
//! and alone: no query waits for others to share its scan.
//!
//! The queries of a scan have the same options, so an answer is the one of a scan of its own, and of one
//! revision: the queries are taken before the state is, which then has every write that was
//! acknowledged before any of them came.

use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;

use ee_core::namespace::{MatchOptions, Ranking};
use ee_core::scoring::Query;
use parking_lot::{Condvar, Mutex};

use crate::api::At;

/// Bytes of a namespace from which its scans are shared: its sketches, about a seventeenth, are
/// then 15 MiB, and a scan takes several times as long as waking the queries that waited for it.
pub(crate) const MIN_BYTES: usize = 256 << 20;

/// Queries in one scan, at most, so that the first of them does not wait for long.
const MAX_QUERIES: usize = 64;

/// The scans of a namespace that run, and the queries that wait for one.
#[derive(Debug, Default)]
pub(crate) struct SharedScan {
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    running: usize,
    waiting: Vec<Arc<WaitingQuery>>,
}

/// A query that waits.
#[derive(Debug)]
struct WaitingQuery {
    query: Query,
    options: MatchOptions,
    turn: Mutex<Turn>,
    changed: Condvar,
}

/// What a waiting query does next.
#[derive(Debug)]
enum Turn {
    Wait,
    /// Scan, for all queries that wait with the same options.
    Lead,
    /// Return the answer that another query's scan has found.
    Answered(At<Ranking>),
    /// Scan alone, since the scan of another query failed.
    Alone,
}

/// The number of scans, of so many threads each, that keep the processor busy.
pub(crate) fn max_running(threads: usize) -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    let cores = *CORES.get_or_init(|| available_parallelism().map_or(1, usize::from));
    (cores / threads.max(1)).max(1)
}

impl SharedScan {
    /// The answer of `scan` for one query; `scan` may be called with others as well.
    /// At most `max_running` scans run at the same time; other queries wait and share. Where a scan
    /// fails, each query that shared it scans alone.
    pub(crate) fn rank<E>(
        &self,
        query: Query,
        options: MatchOptions,
        max_running: usize,
        scan: impl Fn(&[Query], &MatchOptions) -> Result<At<Vec<Ranking>>, E>,
    ) -> Result<At<Ranking>, E> {
        let waiting = Arc::new(WaitingQuery {
            query,
            options,
            turn: Mutex::new(Turn::Lead),
            changed: Condvar::new(),
        });
        {
            let mut queue = self.queue.lock();
            if queue.running < max_running {
                queue.running += 1;
            } else {
                *waiting.turn.lock() = Turn::Wait;
                queue.waiting.push(Arc::clone(&waiting));
            }
        }
        match waiting.wait() {
            Turn::Answered(answer) => Ok(answer),
            Turn::Lead => self.lead(&waiting, scan),
            Turn::Alone | Turn::Wait => {
                scan(std::slice::from_ref(&waiting.query), &waiting.options).map(only)
            }
        }
    }

    /// Scans for this query and for those that wait with the same options.
    fn lead<E>(
        &self,
        own: &WaitingQuery,
        scan: impl Fn(&[Query], &MatchOptions) -> Result<At<Vec<Ranking>>, E>,
    ) -> Result<At<Ranking>, E> {
        let mut scanning = Scanning {
            shared: self,
            others: self.others(own),
        };
        if scanning.others.is_empty() {
            return scan(std::slice::from_ref(&own.query), &own.options).map(only);
        }
        let others = scanning.others.iter().map(|waiting| waiting.query.clone());
        let queries: Vec<Query> = std::iter::once(own.query.clone()).chain(others).collect();
        let At { value, revision } = scan(&queries, &own.options)?;
        let mut rankings = value.into_iter();
        let first = rankings.next().expect("a ranking for each query");
        for (waiting, value) in scanning.others.drain(..).zip(rankings) {
            waiting.set(Turn::Answered(At { value, revision }));
        }
        Ok(At {
            value: first,
            revision,
        })
    }

    /// Takes the queries from the queue that can share this query's scan.
    fn others(&self, own: &WaitingQuery) -> Vec<Arc<WaitingQuery>> {
        let mut queue = self.queue.lock();
        let mut left = MAX_QUERIES - 1;
        let shares = |waiting: &mut Arc<WaitingQuery>| {
            let shares = left > 0 && waiting.options == own.options;
            left -= usize::from(shares);
            shares
        };
        queue.waiting.extract_if(.., shares).collect()
    }

    /// A scan has ended: the query that has waited longest has the next.
    fn next(&self) {
        let mut queue = self.queue.lock();
        if queue.waiting.is_empty() {
            queue.running -= 1;
        } else {
            queue.waiting.remove(0).set(Turn::Lead);
        }
    }
}

impl WaitingQuery {
    fn wait(&self) -> Turn {
        let mut turn = self.turn.lock();
        while matches!(*turn, Turn::Wait) {
            self.changed.wait(&mut turn);
        }
        std::mem::replace(&mut *turn, Turn::Wait)
    }

    fn set(&self, turn: Turn) {
        *self.turn.lock() = turn;
        self.changed.notify_one();
    }
}

/// A scan that runs. However it ends, another query has the next turn, and no query waits for ever.
struct Scanning<'a> {
    shared: &'a SharedScan,
    others: Vec<Arc<WaitingQuery>>,
}

impl Drop for Scanning<'_> {
    fn drop(&mut self) {
        for waiting in self.others.drain(..) {
            waiting.set(Turn::Alone);
        }
        self.shared.next();
    }
}

fn only(answer: At<Vec<Ranking>>) -> At<Ranking> {
    let At {
        mut value,
        revision,
    } = answer;
    At {
        value: value.swap_remove(0),
        revision,
    }
}

#[cfg(test)]
mod tests {
    use ee_core::scoring::Scorer;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn query(value: f32) -> Query {
        Scorer::Cosine.query(&[value, 1.0]).expect("a direction")
    }

    fn options(limit: usize) -> MatchOptions {
        MatchOptions {
            limit,
            threads: 1,
            ..MatchOptions::default()
        }
    }

    /// Tells query and options apart, so that an answer shows whose it is.
    fn scan(queries: &[Query], options: &MatchOptions) -> At<Vec<Ranking>> {
        thread::sleep(Duration::from_millis(5));
        let ranking = |query: &Query| Ranking {
            matches: Vec::new(),
            margin: Some(query.norm() + options.limit as f64 * 1e6),
        };
        At {
            value: queries.iter().map(ranking).collect(),
            revision: 7,
        }
    }

    #[test]
    fn each_gets_its_own_answer_and_many_share_a_scan() {
        let shared = SharedScan::default();
        let scans = AtomicUsize::new(0);
        thread::scope(|scope| {
            for number in 0..48_u8 {
                let (shared, scans) = (&shared, &scans);
                scope.spawn(move || {
                    let limit = usize::from(number % 3);
                    let asked = query(f32::from(number));
                    let expected = scan(std::slice::from_ref(&asked), &options(limit));
                    let found = shared.rank(asked, options(limit), 1, |queries, options| {
                        scans.fetch_add(1, Ordering::Relaxed);
                        Ok::<_, ()>(scan(queries, options))
                    });
                    let found = found.unwrap();
                    assert_eq!(found.value, expected.value[0]);
                    assert_eq!(found.revision, 7);
                });
            }
        });
        assert!(scans.load(Ordering::Relaxed) < 30);
        let queue = shared.queue.lock();
        assert_eq!((queue.running, queue.waiting.len()), (0, 0));
    }

    #[test]
    fn a_scan_that_panics_fails_no_other_query() {
        let shared = SharedScan::default();
        let panics = AtomicUsize::new(0);
        thread::scope(|scope| {
            for number in 0..16_u8 {
                let (shared, panics) = (&shared, &panics);
                scope.spawn(move || {
                    let asked = query(f32::from(number));
                    let expected = scan(std::slice::from_ref(&asked), &options(1));
                    let found = catch_unwind(AssertUnwindSafe(|| {
                        shared.rank(asked, options(1), 1, |queries, options| {
                            let found = scan(queries, options);
                            assert!(
                                queries.len() == 1 || panics.fetch_add(1, Ordering::Relaxed) > 2
                            );
                            Ok::<_, ()>(found)
                        })
                    }));
                    if let Ok(found) = found {
                        assert_eq!(found.unwrap().value, expected.value[0]);
                    }
                });
            }
        });
        let queue = shared.queue.lock();
        assert_eq!((queue.running, queue.waiting.len()), (0, 0));
    }

    #[test]
    fn queries_that_shared_a_scan_which_failed_scan_alone() {
        let shared = SharedScan::default();
        thread::scope(|scope| {
            for number in 0..16_u8 {
                let shared = &shared;
                scope.spawn(move || {
                    let asked = query(f32::from(number));
                    let expected = scan(std::slice::from_ref(&asked), &options(1));
                    let found = shared.rank(asked, options(1), 1, |queries, options| {
                        let found = scan(queries, options);
                        (queries.len() == 1).then_some(found).ok_or(queries.len())
                    });
                    match found {
                        Ok(found) => assert_eq!(found.value, expected.value[0]),
                        Err(shared_by) => assert!(shared_by > 1),
                    }
                });
            }
        });
        let queue = shared.queue.lock();
        assert_eq!((queue.running, queue.waiting.len()), (0, 0));
    }
}
