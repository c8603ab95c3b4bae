//! Every failpoint × crash, error, panic, delay: each acknowledged operation has taken effect once, the
//! operation under way wholly or not at all, and a retry completes it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::common::tempdir;
use ee_engine::failpoints::Failpoint;
use ee_engine::{Engine, Error, Options, WriteContext};

use crate::child::{Report, first_ops, options, run, script};
use crate::common::new_namespace;
use crate::model::compare;
use crate::rounds;
use crate::workload::{Op, world_after};

/// A directory from which the script starts, with an unfinished restore.
fn prepared(directory: &std::path::Path) {
    let engine = Engine::open(directory, options()).unwrap();
    for (index, op) in first_ops().iter().enumerate() {
        op.run(&engine, 1_000_000 + index as u64).unwrap();
    }
    let new = new_namespace("half", ee_core::settings::MembershipMode::Single);
    let restore = engine.restore(new, WriteContext::default()).unwrap();
    engine.close();
    drop(restore);
}

/// Runs one fault and checks the state after it. Returns whether the fault happened.
fn check(failpoint: Failpoint, mode: &str, after: u64) -> bool {
    let parent = tempdir().unwrap();
    let directory = parent.path().join("data");
    prepared(&directory);
    let report = run(&directory, failpoint, mode, after);
    let said = format!("{failpoint:?} {mode} after {after}: {report:?}");
    let Report {
        acknowledged,
        begun,
        ..
    } = report;
    let script = script();
    if mode == "delay" || !report.fired {
        assert_eq!(acknowledged, script.len(), "{said}");
    }
    let mut ops = first_ops();
    ops.extend_from_slice(&script[..acknowledged]);
    let without = world_after(&ops);
    let engine = Engine::open(&directory, Options::default()).expect(&said);
    if begun == acknowledged {
        assert_eq!(compare(&engine, &without), Ok(None), "{said}");
        return report.fired;
    }
    let op = &script[acknowledged];
    ops.push(op.clone());
    let with = world_after(&ops);
    if compare(&engine, &with) != Ok(None) {
        assert_eq!(compare(&engine, &without), Ok(None), "{said}");
    }
    // The client tries again.
    match op.run(&engine, acknowledged as u64) {
        Ok(()) => {}
        Err(Error::NamespaceExists { .. }) if matches!(op, Op::Copy(..)) => {}
        Err(error) => panic!("{said}: again: {error}"),
    }
    assert_eq!(compare(&engine, &with), Ok(None), "{said}");
    report.fired
}

#[test]
fn every_failpoint_fails_in_every_way_and_nothing_acknowledged_is_lost() {
    let mut cases = Vec::new();
    for failpoint in Failpoint::ALL {
        for mode in ["crash", "error", "panic", "delay"] {
            for after in 0..rounds(1) {
                cases.push((*failpoint, mode, after));
            }
        }
    }
    let (next, silent) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(&(failpoint, mode, after)) =
                    cases.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    // The failpoint need not be reached that often.
                    if !check(failpoint, mode, after) && after == 0 {
                        silent.lock().unwrap().push((failpoint, mode));
                    }
                }
            });
        }
    });
    assert_eq!(*silent.lock().unwrap(), []);
}
