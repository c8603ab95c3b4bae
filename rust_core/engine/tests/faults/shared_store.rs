//! The engine over the store in memory: what SQLite never does, conflicts and commits of unknown end,
//! and several engines that write to one store.

use std::sync::Arc;
use std::thread;

use ee_engine::{Engine, Options};
use ee_store_testing::{InjectedEnd, Memory};

use crate::common::*;
use crate::model::compare;
use crate::random::Random;
use crate::rounds;
use crate::workload::{Op, extend, prepare, world_after};

fn over(store: &Memory) -> Engine {
    Engine::with_backend(Arc::new(store.another_process()), Options::default()).unwrap()
}

/// Operations on two namespaces, with some whole namespaces in between.
fn operations(seed: u64) -> Vec<Op> {
    let mut ops = prepare(&["n", "m"]);
    extend(&mut ops, &["n", "m"], 30, seed);
    ops.push(Op::Copy("n".into(), "copy".into()));
    ops.push(Op::Create("made".into()));
    extend(&mut ops, &["n", "m", "copy"], 30, 1000 + seed);
    ops.push(Op::Delete("made".into()));
    ops.push(Op::Delete("m".into()));
    extend(&mut ops, &["n", "copy"], 10, 2000 + seed);
    ops
}

#[test]
fn each_write_is_applied_once_however_its_commit_ends() {
    for seed in 0..rounds(3) {
        let store = Memory::default();
        let engine = over(&store);
        let ops = operations(seed);
        let mut random = Random::new(seed);
        for (index, op) in ops.iter().enumerate() {
            let ends = [
                InjectedEnd::Conflict,
                InjectedEnd::UnknownCommitted,
                InjectedEnd::UnknownLost,
                InjectedEnd::Failed,
            ];
            let count = random.below(3);
            let ends: Vec<_> = (0..count).map(|_| random.pick(&ends)).collect();
            store.inject(ends);
            let said = format!("seed {seed}, operation {index} ({op:?})");
            op.run(&engine, index as u64).expect(&said);
            let world = world_after(&ops[..=index]);
            assert_eq!(compare(&engine, &world), Ok(None), "{said}");
        }
        let world = world_after(&ops);
        for engine in [engine, over(&store)] {
            assert_eq!(compare(&engine, &world), Ok(None), "seed {seed}");
            for name in world.keys() {
                assert_verified(&engine, name);
            }
            // Closing writes the dirty sums, which the next engine loads.
            drop(engine);
        }
    }
}

#[test]
fn engines_that_share_a_store_lose_no_write() {
    const ENGINES: u64 = 3;
    const THREADS: u64 = 2;
    const WRITES: u64 = 20;
    let store = Memory::default();
    let first = over(&store);
    create(&first, "n");
    categories(&first, "n", 2);
    let before = view(&first, "n").revision;
    let engines: Vec<Engine> = (0..ENGINES).map(|_| over(&store)).collect();
    thread::scope(|scope| {
        for (number, engine) in (0..).zip(&engines) {
            for thread in 0..THREADS {
                scope.spawn(move || {
                    for write in 0..WRITES {
                        let item = (number * THREADS + thread) * WRITES + write;
                        let written = assign(engine, "n", item, write % 2);
                        assert!(!written.replayed);
                    }
                });
            }
        }
    });
    drop(engines);
    let fresh = over(&store);
    let found = view(&fresh, "n");
    let writes = ENGINES * THREADS * WRITES;
    assert_eq!(found.items, writes);
    assert_eq!(found.revision, before + writes, "each write is a revision");
    assert_verified(&fresh, "n");
    // The engine that has written nothing meanwhile is out of date, and finds out when it writes.
    let last = assign(&first, "n", writes, 0);
    assert_eq!(last.revision, before + writes + 1);
    assert_verified(&first, "n");
}

/// With a budget for fewer namespaces than are used, of which another engine changes one.
#[test]
fn a_namespace_that_another_engine_has_changed_keeps_no_other_one_in_memory() {
    let store = Memory::default();
    let options = Options {
        memory_budget: Some(1),
        ..Options::default()
    };
    let engine = Engine::with_backend(Arc::new(store.another_process()), options).unwrap();
    let other = over(&store);
    create(&engine, "changed");
    categories(&engine, "changed", 1);
    // Its sums are dirty in the memory of this engine, and out of date there.
    assign(&other, "changed", 1, 0);
    for number in 0..8 {
        let name = format!("n{number}");
        create(&engine, &name);
        categories(&engine, &name, 1);
        assign(&engine, &name, 1, 0);
    }
    // An eviction that was asked for comes before the next operation.
    create(&engine, "last");
    let loaded = engine.stats().namespaces_loaded;
    assert!(loaded <= 2, "{loaded} of 9 are in memory");
    for name in ["changed", "n0", "n7"] {
        assert_verified(&engine, name);
        assert_eq!(view(&engine, name), view(&over(&store), name));
    }
}

#[test]
fn a_write_that_another_engine_has_done_is_answered_by_its_request_id() {
    let store = Memory::default();
    let engines = [over(&store), over(&store)];
    create(&engines[0], "n");
    categories(&engines[0], "n", 1);
    let command = || ee_core::command::Command::Assign(vec![assignment(1, 0)]);
    let first = write_as(&engines[0], "n", command(), "id").unwrap();
    let again = write_as(&engines[1], "n", command(), "id").unwrap();
    assert_eq!(again, replayed(first));
}

#[test]
fn a_namespace_that_another_engine_has_deleted_is_not_written_to() {
    let store = Memory::default();
    let engines = [over(&store), over(&store)];
    create(&engines[0], "n");
    categories(&engines[1], "n", 1);
    let context = ee_engine::WriteContext::default();
    engines[0].delete_namespace("n", true, context).unwrap();
    let command = ee_core::command::Command::Assign(vec![assignment(1, 0)]);
    let refused = write(&engines[1], "n", command).unwrap_err();
    assert!(
        matches!(refused, ee_engine::Error::NamespaceNotFound { .. }),
        "{refused:?}"
    );
}
