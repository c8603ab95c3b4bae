//! The n-th call to the disk fails, for n = 1, 2, 3, … until a run is through: a clear error, no
//! acknowledgement, reads that are right or refused, no more writes, no sync after a failed one,
//! and all that was acknowledged once the disk is well.

use std::path::Path;
use std::time::Duration;

use crate::common::tempdir;
use ee_engine::failpoints::set_wal_pages;
use ee_engine::{Engine, Error, Health, Options};
use rusqlite::ffi;

use crate::common::crash_copy;
use crate::layer::{Call, Disk, How, Plan};
use crate::model::{World, compare};
use crate::rounds;
use crate::workload::{Op, extend, prepare, world_after};

/// Operations before anything fails, and those in whose course it does.
fn script() -> (Vec<Op>, Vec<Op>) {
    let mut ops = prepare(&["n", "g0", "g1", "g2", "g3"]);
    extend(&mut ops, &["n"], 12, 5);
    // Their rows are being purged while things fail.
    ops.extend((0..4).map(|n| Op::Delete(format!("g{n}"))));
    let first = ops.len();
    extend(&mut ops, &["n"], 5, 6);
    ops.push(Op::Create("made".into()));
    ops.push(Op::Delete("made".into()));
    let then = ops.split_off(first);
    (ops, then)
}

/// Reads everything: right, or refused.
fn right_or_refused(engine: &Engine, world: &World, said: &str) {
    match compare(engine, world) {
        Ok(None)
        | Err(
            Error::StoreFailed { .. }
            | Error::ReadFailed { .. }
            | Error::Corrupted { .. }
            | Error::ShuttingDown,
        ) => {}
        other => panic!("{said}: {other:?}"),
    }
}

/// One run. Returns whether the fault was met.
fn run(prepared: &Path, plan: Plan) -> bool {
    let temporary = tempdir().unwrap();
    crash_copy(prepared, temporary.path());
    let disk = Disk::watch(temporary.path());
    disk.plan(Some(plan));
    let (first, then) = script();
    let mut acknowledged = 0;
    let said = format!("{plan:?}");
    if let Ok(engine) = Engine::open(temporary.path(), Options::default()) {
        let mut done = first.clone();
        let mut failed = None;
        for op in &then {
            match op.run(&engine, acknowledged as u64) {
                Ok(()) => acknowledged += 1,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        done.extend_from_slice(&then[..acknowledged]);
        let world = world_after(&done);
        let said = format!("{said}: {failed:?} after {acknowledged} operations");
        match &failed {
            None
            | Some(
                Error::StoreFailed { .. } | Error::ReadFailed { .. } | Error::Corrupted { .. },
            ) => {}
            Some(_) => panic!("{said}"),
        }
        // The cause, not what came of it.
        let text = failed.as_ref().map_or_else(String::new, Error::to_string);
        assert!(
            !text.contains("savepoint") && !text.contains("transaction"),
            "{said}"
        );
        if let (Some(error), How::Fail(ffi::SQLITE_FULL)) = (&failed, plan.how) {
            assert!(error.to_string().contains("full"), "{said}");
        }
        right_or_refused(&engine, &world, &said);
        let wrote = matches!(plan.call, Call::Write | Call::Sync | Call::Truncate);
        if failed.is_some() && wrote {
            assert!(matches!(engine.health(), Health::NotServing(_)), "{said}");
            let again = then[acknowledged].run(&engine, acknowledged as u64);
            assert!(matches!(again, Err(Error::StoreFailed { .. })), "{said}");
            // Time for the purge to come by, which must leave the disk alone.
            std::thread::sleep(Duration::from_millis(15));
        }
        engine.close();
        right_or_refused(&engine, &world, &said);
    }
    let state = disk.state.lock().unwrap();
    assert_eq!(state.syncs_after_failure, 0, "{said}");
    let fired = state.fired;
    drop(state);

    // The disk is well again.
    disk.plan(None);
    let engine = Engine::open(temporary.path(), Options::default()).expect(&said);
    let mut done = first;
    done.extend_from_slice(&then[..acknowledged]);
    let without = world_after(&done);
    let Some(op) = then.get(acknowledged) else {
        assert_eq!(compare(&engine, &without), Ok(None), "{said}");
        return fired;
    };
    done.push(op.clone());
    let with = world_after(&done);
    if compare(&engine, &with) != Ok(None) {
        assert_eq!(compare(&engine, &without), Ok(None), "{said}");
    }
    op.run(&engine, acknowledged as u64).expect(&said);
    assert_eq!(compare(&engine, &with), Ok(None), "{said}");
    fired
}

fn until_a_run_is_through(call: Call, how: How, lasting: bool, stride: u64) {
    let directory = tempdir().unwrap();
    // Before the first database is opened.
    let _disk = Disk::watch(directory.path());
    set_wal_pages(24);
    let engine = Engine::open(directory.path(), Options::default()).unwrap();
    for (index, op) in script().0.iter().enumerate() {
        op.run(&engine, 1_000_000 + index as u64).unwrap();
    }
    let prepared = tempdir().unwrap();
    crash_copy(directory.path(), prepared.path());
    drop(engine);
    let (mut after, mut runs) = (0, 0);
    loop {
        let plan = Plan {
            call,
            after,
            how,
            lasting,
        };
        if !run(prepared.path(), plan) {
            break;
        }
        runs += 1;
        after += if rounds(1) > 1 { 1 } else { stride };
    }
    println!("{call:?} {how:?}: {runs} runs, the last call was about the {after}th");
    assert!(runs > 0, "{call:?} was never met");
}

#[test]
fn a_write_fails() {
    until_a_run_is_through(Call::Write, How::Fail(ffi::SQLITE_IOERR_WRITE), false, 5);
}

#[test]
fn a_write_is_cut_short() {
    until_a_run_is_through(Call::Write, How::Short, false, 7);
}

#[test]
fn the_disk_is_full() {
    until_a_run_is_through(Call::Write, How::Fail(ffi::SQLITE_FULL), true, 7);
}

#[test]
fn the_disk_can_only_be_read() {
    until_a_run_is_through(Call::Write, How::Fail(ffi::SQLITE_READONLY), true, 11);
}

#[test]
fn a_sync_fails_and_is_never_tried_again() {
    until_a_run_is_through(Call::Sync, How::Fail(ffi::SQLITE_IOERR_FSYNC), false, 1);
}

#[test]
fn a_truncation_fails() {
    until_a_run_is_through(
        Call::Truncate,
        How::Fail(ffi::SQLITE_IOERR_TRUNCATE),
        false,
        1,
    );
}

#[test]
fn an_open_fails() {
    until_a_run_is_through(Call::Open, How::Fail(ffi::SQLITE_CANTOPEN), false, 1);
}

#[test]
fn a_read_fails() {
    until_a_run_is_through(Call::Read, How::Fail(ffi::SQLITE_IOERR_READ), false, 5);
}

#[test]
fn a_failed_read_is_reported_as_one_and_the_service_continues() {
    let directory = tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap();
    let disk = Disk::watch(&path);
    let mut ops = prepare(&["n"]);
    extend(&mut ops, &["n"], 12, 5);
    let world = world_after(&ops);
    let engine = Engine::open(&path, Options::default()).unwrap();
    for (index, op) in ops.iter().enumerate() {
        op.run(&engine, index as u64).unwrap();
    }
    drop(engine);
    let engine = Engine::open(&path, Options::default()).unwrap();
    let mut failures = 0;
    for after in 0.. {
        disk.plan(Some(Plan {
            call: Call::Read,
            after,
            how: How::Fail(ffi::SQLITE_IOERR_READ),
            lasting: false,
        }));
        let seen = compare(&engine, &world);
        if !std::mem::take(&mut disk.state.lock().unwrap().fired) {
            assert_eq!(seen, Ok(None));
            disk.plan(None);
            break;
        }
        // `verify` names it among what it found; every other read fails by it.
        match seen {
            Err(Error::ReadFailed { cause }) => assert!(cause.contains("I/O"), "{cause}"),
            Ok(Some(said)) => assert!(said.contains("verify") && said.contains("I/O"), "{said}"),
            other => panic!("after {after}: {other:?}"),
        }
        failures += 1;
        assert_eq!(engine.health(), Health::Serving);
        disk.plan(None);
        assert_eq!(compare(&engine, &world), Ok(None));
    }
    assert!(failures > 0);
    assert!(engine.stats().read_failures > 0);
    let mut world = world;
    extend(&mut ops, &["n"], 1, 9);
    let op = ops.last().unwrap();
    op.run(&engine, 1_000).unwrap();
    op.apply(&mut world);
    assert_eq!(compare(&engine, &world), Ok(None));
}
