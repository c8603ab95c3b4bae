//! The cost of a durable commit: one Assign of a vector of 384 at a time, or one of each of 16 callers.
//!
//! ```text
//! cargo bench -p ee-engine --bench commits -- 1 2000           # callers, commits of each
//! cargo bench -p ee-engine --bench commits -- 16 500 ids       # with request ids
//! ```
//!
//! Prints one JSON object: the latency of an Assign, calls per second, and for each call the CPU time of the
//! process and the bytes and writes of its system calls.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs};

use ee_core::command::{Assignment, Command, ItemPut};
use ee_core::settings::RankingSettings;
use ee_engine::{Engine, Options, WriteContext};

mod support;

use support::{create, put_categories, vector};

const DIMENSION: usize = 384;
const CATEGORIES: u64 = 100;

static NEXT: AtomicU64 = AtomicU64::new(0);

fn main() {
    let arguments: Vec<String> = env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let number = |at: usize, default| {
        let given = arguments.get(at).map(|given| given.parse().unwrap());
        given.unwrap_or(default)
    };
    let (callers, each) = (number(0, 1_u64), number(1, 1000_u64));
    let ids = arguments.iter().any(|argument| argument == "ids");
    let temporary = tempfile::tempdir().unwrap();
    let engine = engine(temporary.path());
    (0..200).for_each(|_| {
        assign(&engine, ids);
    });

    let before = Usage::now();
    let start = Instant::now();
    let mut times = concurrent(&engine, callers, each, ids);
    let elapsed = start.elapsed();
    let after = Usage::now();
    times.sort();
    let calls = callers * each;
    let of = |part: f64| times[(part * (times.len() - 1) as f64) as usize].as_micros();
    let per_call = |after: u64, before: u64| (after - before) as f64 / calls as f64;
    println!(
        "{{\"callers\": {callers}, \"calls\": {calls}, \"p50_us\": {}, \"p99_us\": {}, \"calls_per_s\": {:.0}, \
         \"cpu_us_per_call\": {:.0}, \"bytes_per_call\": {:.0}, \"writes_per_call\": {:.2}}}",
        of(0.5),
        of(0.99),
        calls as f64 / elapsed.as_secs_f64(),
        per_call(after.cpu_us, before.cpu_us),
        per_call(after.bytes, before.bytes),
        per_call(after.writes, before.writes),
    );
}

/// What the process has used so far.
struct Usage {
    cpu_us: u64,
    bytes: u64,
    writes: u64,
}

impl Usage {
    fn now() -> Self {
        let io = fs::read_to_string("/proc/self/io").unwrap_or_default();
        let of = |name: &str| {
            let value = io.lines().find_map(|line| line.strip_prefix(name));
            value.map_or(0, |value| value.trim().parse().unwrap())
        };
        // Clock ticks of 10 ms.
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let ticks = fields.split_whitespace().skip(11).take(2);
        Self {
            cpu_us: ticks
                .map(|ticks| ticks.parse::<u64>().unwrap())
                .sum::<u64>()
                * 10_000,
            bytes: of("wchar:"),
            writes: of("syscw:"),
        }
    }
}

fn engine(directory: &std::path::Path) -> Engine {
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

/// A new item with a key in no order, to one of the categories.
fn assign(engine: &Engine, ids: bool) -> Duration {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let assignment = Assignment {
        item: ItemPut {
            key: format!("item-{mixed:016x}"),
            embedding: Some(vector(DIMENSION, number)),
            ..ItemPut::default()
        },
        category: format!("c{}", number % CATEGORIES),
    };
    let context = WriteContext {
        request_id: if ids {
            format!("{:032x}", u128::from(mixed) << 64 | u128::from(number))
        } else {
            String::new()
        },
        ..WriteContext::default()
    };
    let start = Instant::now();
    let namespace = engine.handle("bench").unwrap();
    engine
        .write(&namespace, Command::Assign(vec![assignment]), context)
        .unwrap();
    start.elapsed()
}

fn concurrent(engine: &Engine, callers: u64, each: u64, ids: bool) -> Vec<Duration> {
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..callers)
            .map(|_| scope.spawn(|| (0..each).map(|_| assign(engine, ids)).collect::<Vec<_>>()))
            .collect();
        all.into_iter()
            .flat_map(|one| one.join().unwrap())
            .collect()
    })
}
