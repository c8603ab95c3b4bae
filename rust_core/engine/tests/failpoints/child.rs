//! A process for each fault at a failpoint, since a crash ends the process.
//!
//! The child executes a script of operations, records each begun and each acknowledged operation in a
//! journal, and stops at the first error.

use std::fs::{self, File};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ee_engine::failpoints::{
    Failpoint, Fault, arm, fired, set_new_members, set_shrink_eagerly, set_wal_pages,
};
use ee_engine::{Engine, Error, Health, Options};

use crate::common::NEW_MEMBERS;
use crate::model::compare;
use crate::workload::{Op, extend, prepare, world_after};

/// Bytes of memory that hold one of the namespaces, so that they take turns.
const BUDGET: usize = 3000;

const NAMES: [&str; 3] = ["a", "b", "n"];

/// Operations before the fault.
pub(crate) fn first_ops() -> Vec<Op> {
    let mut ops = prepare(&NAMES);
    // Its deletion leaves free pages.
    extend(&mut ops, &["a"], 150, 4);
    extend(&mut ops, &NAMES, 12, 1);
    ops
}

/// Operations during which a failpoint fails.
pub(crate) fn script() -> Vec<Op> {
    let mut ops = first_ops();
    let first = ops.len();
    extend(&mut ops, &NAMES, 12, 2);
    ops.push(Op::Copy("n".into(), "copy".into()));
    ops.push(Op::Trim("b".into(), 3));
    ops.push(Op::Create("made".into()));
    ops.push(Op::Delete("a".into()));
    extend(&mut ops, &["n", "b", "copy"], 6, 3);
    ops.push(Op::Trim("n".into(), 1));
    ops.split_off(first)
}

pub(crate) fn options() -> Options {
    Options {
        memory_budget: Some(BUDGET),
        ..Options::default()
    }
}

/// What became of a child.
#[derive(Debug)]
pub(crate) struct Report {
    /// Operations acknowledged.
    pub(crate) acknowledged: usize,
    /// Operations begun.
    pub(crate) begun: usize,
    pub(crate) fired: bool,
    pub(crate) crashed: bool,
}

/// Runs the script in a child, with a fault at a failpoint after it was passed `after` times.
pub(crate) fn run(directory: &Path, failpoint: Failpoint, mode: &str, after: u64) -> Report {
    let journal = directory.with_extension("journal");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child::the_child", "--ignored", "--nocapture"])
        .env("EE_FAULT_DIRECTORY", directory)
        .env("EE_FAULT_POINT", format!("{failpoint:?}"))
        .env("EE_FAULT_MODE", mode)
        .env("EE_FAULT_AFTER", after.to_string())
        .output()
        .unwrap();
    let journal = fs::read_to_string(journal).unwrap();
    let count = |word: &str| journal.lines().filter(|line| *line == word).count();
    let crashed = !output.status.success();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(crashed, mode == "crash" && count("end") == 0, "{text}");
    Report {
        acknowledged: count("ok"),
        begun: count("try"),
        fired: crashed || count("fired") > 0,
        crashed,
    }
}

#[test]
#[ignore = "it is started by the tests of failpoints"]
fn the_child() {
    let Ok(directory) = std::env::var("EE_FAULT_DIRECTORY") else {
        return;
    };
    let var = |name| std::env::var(name).unwrap();
    let directory = Path::new(&directory);
    let name = var("EE_FAULT_POINT");
    let failpoint = Failpoint::ALL
        .iter()
        .find(|failpoint| format!("{failpoint:?}") == name);
    let fault = match var("EE_FAULT_MODE").as_str() {
        "crash" => Fault::Crash,
        "error" => Fault::Error,
        "panic" => Fault::Panic,
        _ => Fault::Delay(Duration::from_millis(20)),
    };
    let mut journal = File::create(directory.with_extension("journal")).unwrap();
    set_wal_pages(12);
    set_new_members(NEW_MEMBERS);
    set_shrink_eagerly(true);
    arm(
        *failpoint.unwrap(),
        fault,
        var("EE_FAULT_AFTER").parse().unwrap(),
    );
    // A process that is being started by another test has our files for a moment.
    let opened = loop {
        match catch_unwind(|| Engine::open(directory, options())) {
            Ok(Err(Error::DirectoryInUse { .. })) => std::thread::sleep(Duration::from_millis(5)),
            Ok(opened) => break opened.ok(),
            // While it opens: nobody is served, and the lock is let go.
            Err(_) => break Engine::open(directory, options()).ok(),
        }
    };
    if let Some(engine) = opened {
        let mut done = first_ops();
        for (index, op) in script().iter().enumerate() {
            journal.write_all(b"try\n").unwrap();
            if let Err(panicked) = attempt(op, &engine, index as u64, &done) {
                if panicked {
                    journal.write_all(b"panic\n").unwrap();
                }
                break;
            }
            done.push(op.clone());
            journal.write_all(b"ok\n").unwrap();
        }
        // Time for rows of what was deleted to be purged.
        std::thread::sleep(Duration::from_millis(40));
        let begun = Instant::now();
        while matches!(failpoint, Some(Failpoint::Purge | Failpoint::Shrink))
            && fired() == 0
            && engine.health() == Health::Serving
            && begun.elapsed() < Duration::from_secs(2)
        {
            std::thread::sleep(Duration::from_millis(5));
        }
        engine.close();
    }
    if fired() > 0 {
        journal.write_all(b"fired\n").unwrap();
    }
    journal.write_all(b"end\n").unwrap();
}

/// Does an operation. One that panics is a defect of that call alone: the next one goes well. One
/// that fails because of a panic of the writer ends all writing, and says so; what is read then is
/// right, or refused.
fn attempt(op: &Op, engine: &Engine, id: u64, done: &[Op]) -> Result<(), bool> {
    let Ok(result) = catch_unwind(AssertUnwindSafe(|| op.run(engine, id))) else {
        assert_eq!(engine.health(), Health::Serving);
        op.run(engine, id).unwrap();
        return Ok(());
    };
    let Err(error) = result else {
        return Ok(());
    };
    if matches!(error, Error::ReadFailed { .. }) {
        assert_eq!(engine.health(), Health::Serving);
        return Err(false);
    }
    let Health::NotServing(reason) = engine.health() else {
        panic!("{op:?} failed by {error:?}, and writing goes on");
    };
    assert!(matches!(error, Error::StoreFailed { .. }), "{error:?}");
    let without = world_after(done);
    let mut with = without.clone();
    op.apply(&mut with);
    let refused = |seen: &Result<Option<String>, Error>| {
        matches!(
            seen,
            Err(Error::StoreFailed { .. } | Error::ReadFailed { .. })
        )
    };
    let before = compare(engine, &without);
    if before != Ok(None) && !refused(&before) {
        let after = compare(engine, &with);
        assert!(
            after == Ok(None) || refused(&after),
            "{before:?}, {after:?}"
        );
    }
    let again = op.run(engine, id);
    assert!(matches!(again, Err(Error::StoreFailed { .. })), "{again:?}");
    Err(reason.contains("defect"))
}
