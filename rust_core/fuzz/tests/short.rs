//! The short form of fuzzing: the kept corpus, the seeds, and mutations that are the same in each run.
//! `EE_FUZZ_CASES=<n>` runs that many cases; `make fuzz` is the long form.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ee_fuzz::{Case, World, decoders, listener, mutate_bytes, mutate_case, mutate_message};
use ee_wire::METHODS;
use fastrand::Rng;

/// Memory is counted for the whole process, so one test at a time.
static TURN: Mutex<()> = Mutex::new(());

fn cases() -> u64 {
    let cases = std::env::var("EE_FUZZ_CASES").ok();
    cases.and_then(|cases| cases.parse().ok()).unwrap_or(4_000)
}

/// The corpus that a target's long runs left.
fn kept(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let files = fs::read_dir(directory.join(target)).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Runs cases, unchanged and mutated, and counts the results by method.
fn play(mut world: World, from: &[Case], seed: u64) -> BTreeMap<&'static str, [u64; 2]> {
    let mut counts = BTreeMap::<_, [u64; 2]>::new();
    let mut count = |case: &Case, world: &mut World| {
        let codes = world.play(case);
        for (call, code) in case.calls.iter().zip(codes) {
            counts.entry(call.method).or_default()[usize::from(code.is_some())] += 1;
        }
    };
    for case in from {
        count(case, &mut world);
    }
    let mut random = Rng::with_seed(seed);
    for _ in 0..cases() {
        let mut case = from[random.usize(..from.len())].clone();
        for _ in 0..random.u8(1..6) {
            mutate_case(&mut random, &mut case);
        }
        count(&case, &mut world);
    }
    println!("accepted and refused: {counts:?}");
    counts
}

#[test]
fn no_sequence_of_calls_violates_an_invariant() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let world = World::new();
    let mut from = ee_fuzz::calls(&world);
    from.extend(kept("calls").iter().map(|bytes| Case::from_bytes(bytes)));
    let counts = play(world, &from, 1);
    // A run in which a method was never answered, or never refused, would prove nothing.
    for method in METHODS {
        let [accepted, refused] = counts[method.name];
        assert!(accepted > 0, "{}", method.name);
        assert!(
            refused > 0 || method.name == "GetServiceInfo",
            "{}",
            method.name
        );
    }
}

#[test]
fn no_restored_stream_violates_an_invariant() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let world = World::new();
    let mut from = ee_fuzz::restores(&world);
    from.extend(kept("restore").iter().map(|bytes| Case::from_bytes(bytes)));
    let counts = play(world, &from, 2);
    let [accepted, refused] = counts["Restore"];
    assert!(accepted > 10 && refused > 10);
}

#[test]
fn no_decoded_bytes_violate_an_invariant() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut from = ee_fuzz::decodable(&World::new());
    from.extend(kept("decoders"));
    from.iter().for_each(|bytes| decoders::decode(bytes));
    let mut random = Rng::with_seed(3);
    for _ in 0..10 * cases() {
        let bytes = &from[random.usize(..from.len())];
        let Some((which, rest)) = bytes.split_first() else {
            continue;
        };
        let mut changed = vec![*which];
        changed.extend(mutate_message(&mut random, rest));
        decoders::decode(&changed);
    }
}

#[test]
fn no_call_and_no_bytes_on_a_connection_violate_an_invariant_of_the_listener() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let remote = listener::Remote::new();
    let from = listener::seeds();
    let mut statuses = BTreeMap::<_, u64>::new();
    let mut play = |bytes: &[u8]| *statuses.entry(remote.play(bytes)).or_default() += 1;
    from.iter().for_each(|bytes| play(bytes));
    let mut random = Rng::with_seed(4);
    for _ in 0..cases() {
        let bytes = &from[random.usize(..from.len())];
        play(&mutate_bytes(&mut random, bytes));
    }
    println!("by status: {statuses:?}");
    // Answered, and refused for each reason that the protocol has: otherwise nothing would be shown.
    for status in [0, 8, 12, 13] {
        assert!(statuses.contains_key(&Some(status)), "{status}");
    }
    assert!(statuses.contains_key(&None));
}
