//! Durable writes: the engine next to bare SQLite inserting the same bytes with the same settings
//! on the same disk, in turn, in one run.
//!
//! ```text
//! cargo bench -p ee-engine --bench writes
//! cargo bench -p ee-engine --bench writes -- batch    # one of them alone, for a profiler
//! ```
//!
//! Prints one JSON object. Each figure is the median of the rounds; ratios are of figures of the
//! same run, since machines and disks are noisy.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use ee_core::command::{Assignment, Command, ItemPut};
use ee_core::settings::RankingSettings;
use ee_engine::{Engine, Options};
use rusqlite::Connection;

mod support;

use support::{create, put_categories, vector, write};

const DIMENSION: usize = 1024;
const BATCH: u64 = 64;
const CATEGORIES: u64 = 100;
const ROUNDS: usize = 7;
const BATCHES: u64 = 16;

static NEXT: AtomicU64 = AtomicU64::new(0);

fn main() {
    let temporary = tempfile::tempdir().unwrap();
    let bare = bare_sqlite(&temporary.path().join("bare.db"));
    let engine = engine(&temporary.path().join("engine"));
    let measured: [(&str, u64, &dyn Fn()); 5] = [
        ("bare", BATCHES * BATCH, &|| insert_bare(&bare, BATCHES)),
        ("batch", BATCHES * BATCH, &|| {
            (0..BATCHES).for_each(|_| assign(&engine, BATCH));
        }),
        ("batches", BATCHES * BATCH, &|| {
            concurrent(&engine, 4, BATCHES / 4, BATCH);
        }),
        ("one", 64, &|| (0..64).for_each(|_| assign(&engine, 1))),
        ("many", 32 * 16, &|| concurrent(&engine, 32, 16, 1)),
    ];
    // For a profiler: one of them alone, for a while.
    if let Some(only) = std::env::args().skip(1).find(|arg| !arg.starts_with('-')) {
        let (name, size, work) = measured.iter().find(|(name, ..)| *name == only).unwrap();
        let rates = (0..40 * ROUNDS).map(|_| rate(*size, work));
        let mut rates: Vec<f64> = rates.collect();
        println!("{name}: {:.0}/s", median(&mut rates));
        return;
    }
    let mut rates = [const { Vec::new() }; 5];
    for round in 0..=ROUNDS {
        // In turn, so that all meet the same mood of the disk.
        for ((_, size, work), rates) in measured.iter().zip(&mut rates) {
            let rate = rate(*size, work);
            if round > 0 {
                rates.push(rate);
            }
        }
    }
    let [bare, batch, batches, one, many] = rates.map(|mut rates| median(&mut rates));
    println!(
        "{{\"dimension\": {DIMENSION}, \"batch\": {BATCH}, \
         \"bare_sqlite_items_per_s\": {bare:.0}, \"assign_batch_items_per_s\": {batch:.0}, \
         \"assign_4_batches_items_per_s\": {batches:.0}, \
         \"batch_over_bare\": {:.2}, \"batches_over_bare\": {:.2}, \
         \"unary_1_thread_per_s\": {one:.0}, \
         \"unary_32_threads_per_s\": {many:.0}, \"group_commit_gain\": {:.1}}}",
        batch / bare,
        batches / bare,
        many / one
    );
}

fn rate(count: u64, work: impl Fn()) -> f64 {
    let start = Instant::now();
    work();
    count as f64 / start.elapsed().as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn bare_sqlite(file: &Path) -> Connection {
    let connection = Connection::open(file).unwrap();
    for (pragma, value) in [
        ("page_size", "4096"),
        ("journal_mode", "WAL"),
        ("synchronous", "FULL"),
        ("wal_autocheckpoint", "16384"),
    ] {
        connection.pragma_update(None, pragma, value).unwrap();
    }
    connection
        .execute_batch(
            "CREATE TABLE items (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, embedding BLOB)",
        )
        .unwrap();
    connection
}

fn insert_bare(connection: &Connection, batches: u64) {
    for _ in 0..batches {
        connection.execute_batch("BEGIN").unwrap();
        let mut insert = connection
            .prepare_cached("INSERT INTO items (key, embedding) VALUES (?1, ?2)")
            .unwrap();
        for _ in 0..BATCH {
            let id = NEXT.fetch_add(1, Ordering::Relaxed);
            let bytes: Vec<u8> = vector(DIMENSION, id)
                .iter()
                .flat_map(|x| x.to_le_bytes())
                .collect();
            insert.execute((format!("item-{id}"), bytes)).unwrap();
        }
        drop(insert);
        connection.execute_batch("COMMIT").unwrap();
    }
}

fn engine(directory: &Path) -> Engine {
    let options = Options {
        // As a service does.
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        ..Options::default()
    };
    let engine = Engine::open(directory, options).unwrap();
    create(&engine, "bench", DIMENSION, RankingSettings::default());
    put_categories(&engine, "bench", CATEGORIES, DIMENSION);
    engine
}

fn assign(engine: &Engine, batch: u64) {
    let assignment = |_| {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Assignment {
            item: ItemPut {
                key: format!("item-{id}"),
                embedding: Some(vector(DIMENSION, id)),
                ..ItemPut::default()
            },
            category: format!("c{}", id % CATEGORIES),
        }
    };
    write(
        engine,
        "bench",
        Command::Assign((0..batch).map(assignment).collect()),
    );
}

fn concurrent(engine: &Engine, threads: usize, each: u64, batch: u64) {
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..each).for_each(|_| assign(engine, batch)));
        }
    });
}
