//! What the writes of other namespaces wait for, while one namespace has its longest writes.
//!
//! ```text
//! cargo bench -p ee-engine --bench long_writes
//! cargo bench -p ee-engine --bench long_writes -- 1000000    # members
//! ```
//!
//! Prints one line for each write: how long it took, and quantiles of the latency of single Assigns
//! into another namespace meanwhile.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ee_core::command::{Assignment, CategoryPut, Command, ItemPut, MAX_MEMBERSHIPS};
use ee_core::settings::RankingSettings;
use ee_engine::{Engine, Options};

mod support;

use support::{create, write};

const DIMENSION: usize = 64;
const BATCH: u64 = 10_000;

fn main() {
    let count = std::env::args().skip(1).find_map(|arg| arg.parse().ok());
    let members: u64 = count.unwrap_or(300_000);
    let temporary = tempfile::tempdir().unwrap();
    let engine = Engine::open(temporary.path(), Options::default()).unwrap();
    for name in ["large", "other"] {
        fresh(&engine, name);
    }
    fill(&engine, "all", members);
    fill(&engine, "limit", MAX_MEMBERSHIPS);
    let put = |window, frozen| {
        Command::PutCategories(vec![CategoryPut {
            key: "all".into(),
            window,
            frozen,
            ..CategoryPut::default()
        }])
    };
    let entries = |first: u64| {
        (first..first + BATCH)
            .map(|n| assignment(n, "all"))
            .collect()
    };
    let delete = Command::DeleteCategories {
        keys: vec!["limit".into()],
        allow_missing: false,
    };
    let reanchor = Command::Reanchor {
        key: "all".into(),
        keep_last: u32::MAX,
    };
    let half = u32::try_from(members / 2).unwrap();
    for (name, command) in [
        (
            "an Assign of 10,000 new items",
            Command::Assign(entries(1 << 40)),
        ),
        ("window = half of the members", put(Some(half), None)),
        ("window = 0", put(Some(0), None)),
        ("frozen", put(None, Some(true))),
        ("not frozen", put(None, Some(false))),
        ("reanchor", reanchor),
        ("deletion of the largest category", delete),
    ] {
        let (took, mut waits) = beside(&engine, command);
        waits.sort_unstable();
        let quantile = |q: f64| waits[((waits.len() - 1) as f64 * q) as usize].as_secs_f64() * 1e3;
        println!(
            "{name}: {:.0} ms; others ({} writes): median {:.2} ms, p99 {:.1} ms, longest {:.0} ms",
            took.as_secs_f64() * 1e3,
            waits.len(),
            quantile(0.5),
            quantile(0.99),
            quantile(1.0),
        );
    }
}

/// Runs a command, and measures the writes of the other namespace from half a second before it to
/// half a second after it.
fn beside(engine: &Engine, command: Command) -> (Duration, Vec<Duration>) {
    let over = AtomicBool::new(false);
    // Each item is new: a write that changes nothing would wait for no disk.
    static NEXT: AtomicU64 = AtomicU64::new(1 << 50);
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut waits = Vec::new();
            loop {
                let begun = Instant::now();
                write(
                    engine,
                    "other",
                    Command::Assign(vec![assignment(
                        NEXT.fetch_add(1, Ordering::Relaxed),
                        "limit",
                    )]),
                );
                waits.push(begun.elapsed());
                if over.load(Ordering::Relaxed) {
                    break;
                }
            }
            waits
        });
        thread::sleep(Duration::from_millis(500));
        let begun = Instant::now();
        write(engine, "large", command);
        let took = begun.elapsed();
        thread::sleep(Duration::from_millis(500));
        over.store(true, Ordering::Relaxed);
        (took, other.join().unwrap())
    })
}

fn fresh(engine: &Engine, name: &str) {
    create(engine, name, DIMENSION, RankingSettings::default());
    let put = |key: &str| CategoryPut {
        key: key.into(),
        ..CategoryPut::default()
    };
    write(
        engine,
        name,
        Command::PutCategories(vec![put("all"), put("limit")]),
    );
}

fn fill(engine: &Engine, category: &str, members: u64) {
    let first = category.len() as u64 * 10_000_000;
    for begin in (first..first + members).step_by(BATCH as usize) {
        let end = (begin + BATCH).min(first + members);
        let entries = (begin..end).map(|n| assignment(n, category));
        write(engine, "large", Command::Assign(entries.collect()));
    }
}

fn assignment(number: u64, category: &str) -> Assignment {
    let component = |c: usize| ((number as usize * 31 + c * 7) % 101) as f32 / 101.0 - 0.4;
    Assignment {
        item: ItemPut {
            key: format!("item {number}"),
            embedding: Some((0..DIMENSION).map(component).collect()),
            ..ItemPut::default()
        },
        category: category.into(),
    }
}
