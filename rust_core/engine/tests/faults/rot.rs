//! Bits rot: one bit is flipped, a sector zeroed, a file cut off or replaced by an old copy, at
//! random places of every file. Then opening or reading reports it, or what is read is right.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::common::{create, open, tempdir};
use ee_engine::failpoints::set_wal_pages;
use ee_engine::{Engine, Error, Options};
use tempfile::TempDir;

use crate::common::crash_copy;
use crate::model::{World, compare};
use crate::random::Random;
use crate::rounds;
use crate::workload::{extend, prepare, world_after};

const FILES: [&str; 3] = ["effemb.db", "effemb.db-wal", "watermark"];

/// Directories as they were one after the other, some while the engine ran and some after it was
/// closed, each with what is in it.
fn history() -> Vec<(TempDir, World)> {
    set_wal_pages(12);
    let directory = tempdir().unwrap();
    let mut ops = prepare(&["a", "b"]);
    extend(&mut ops, &["a", "b"], 60, 7);
    let mut history = Vec::new();
    let mut keep = |done: usize| {
        let kept = tempdir().unwrap();
        crash_copy(directory.path(), kept.path());
        history.push((kept, world_after(&ops[..done])));
    };
    let mut engine = None;
    for (index, op) in ops.iter().enumerate() {
        let open = || Engine::open(directory.path(), Options::default()).unwrap();
        op.run(engine.get_or_insert_with(open), index as u64)
            .unwrap();
        if index % 16 == 9 {
            keep(index + 1);
        }
        if index % 16 == 13 {
            drop(engine.take());
            keep(index + 1);
        }
    }
    history
}

/// What became of damage.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Outcome {
    /// What is read is right.
    Right,
    /// Opening says what and where.
    NotOpened,
    /// A read, or verify, says what and where.
    Reported,
}

/// A place in a file, rather where something is: most of a page is empty.
fn somewhere(random: &mut Random, file: &File, length: u64) -> u64 {
    let mut at = random.below(length);
    for _ in 0..random.pick(&[0, 50]) {
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        if byte[0] != 0 {
            break;
        }
        at = random.below(length);
    }
    at
}

fn damage(random: &mut Random, path: &Path, old: &Path) -> String {
    let length = fs::metadata(path).map_or(0, |metadata| metadata.len());
    let file = OpenOptions::new().read(true).write(true).open(path);
    let Some(file) = file.ok().filter(|_| length > 0) else {
        fs::copy(old, path).unwrap();
        return "replaced by an old copy".into();
    };
    let at = somewhere(random, &file, length);
    match random.below(8) {
        0 => {
            file.set_len(at).unwrap();
            format!("cut off at {at}")
        }
        1 => {
            drop(file);
            fs::copy(old, path).unwrap();
            "replaced by an old copy".into()
        }
        2 | 3 => {
            let sector = at / 512 * 512;
            let zeros = vec![0; 512.min((length - sector) as usize)];
            file.write_all_at(&zeros, sector).unwrap();
            format!("zeroed at {sector}")
        }
        _ => {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            byte[0] ^= 1 << random.below(8);
            file.write_all_at(&byte, at).unwrap();
            format!("a bit flipped at {at}")
        }
    }
}

/// Reads everything. Panics if anything is silently wrong.
fn read(directory: &Path, world: &World, said: &str) -> Outcome {
    match Engine::open(directory, Options::default()) {
        Ok(engine) => read_open(&engine, world, said),
        Err(Error::Corrupted { .. } | Error::StoreFailed { .. }) => Outcome::NotOpened,
        Err(error) => panic!("{said}: {error:?}"),
    }
}

fn read_open(engine: &Engine, world: &World, said: &str) -> Outcome {
    match compare(engine, world) {
        Ok(None) => Outcome::Right,
        Err(Error::Corrupted { place, what }) => {
            let findings = engine.check_files();
            let found = !matches!(&findings, Ok(report) if report.findings.is_empty());
            let verified = world.keys().any(|name| {
                let report = engine.handle(name).and_then(|n| engine.verify(&n));
                !report.is_ok_and(|report| report.value.findings.is_empty())
            });
            assert!(
                found || verified,
                "{said}: {place}: {what}: nothing finds it"
            );
            Outcome::Reported
        }
        Err(Error::ReadFailed { .. }) => Outcome::Reported,
        Ok(Some(difference)) if difference.contains("verify:") => Outcome::Reported,
        other => panic!("{said}: silently wrong: {other:?}"),
    }
}

#[test]
fn damage_is_reported_or_does_no_harm() {
    let history = history();
    let mut outcomes: BTreeMap<(&str, Outcome), u64> = BTreeMap::new();
    for round in 0..rounds(300) {
        let mut random = Random::new(round);
        let newest = random.below(history.len() as u64 - 1) as usize + 1;
        let older = random.below(newest as u64) as usize;
        let directory = tempdir().unwrap();
        crash_copy(history[newest].0.path(), directory.path());
        let file = random.pick(&[FILES[0], FILES[0], FILES[1], FILES[2]]);
        let old = history[older].0.path().join(file);
        let done = damage(&mut random, &directory.path().join(file), &old);
        let said = format!("round {round}: state {newest}, {file} {done} (of {older})");
        let outcome = read(directory.path(), &history[newest].1, &said);
        *outcomes.entry((file, outcome)).or_default() += 1;
    }
    println!("{outcomes:?}");
    assert!(
        outcomes
            .keys()
            .any(|(_, outcome)| *outcome == Outcome::Reported)
    );
    assert!(
        outcomes
            .keys()
            .any(|(_, outcome)| *outcome == Outcome::NotOpened)
    );
}

#[test]
fn damage_to_files_in_use_is_reported_or_does_no_harm() {
    let history = history();
    let mut outcomes: BTreeMap<(&str, Outcome), u64> = BTreeMap::new();
    for round in 0..rounds(400) {
        let mut random = Random::new(1_000_000 + round);
        let state = random.below(history.len() as u64) as usize;
        let (kept, world) = &history[state];
        let directory = tempdir().unwrap();
        crash_copy(kept.path(), directory.path());
        let engine = Engine::open(directory.path(), Options::default()).unwrap();
        let file = random.pick(&[FILES[0], FILES[1]]);
        let path = directory.path().join(file);
        let length = fs::metadata(&path).unwrap().len();
        if length > 0 {
            let opened = OpenOptions::new().read(true).write(true).open(&path);
            let (opened, mut byte) = (opened.unwrap(), [0]);
            let at = somewhere(&mut random, &opened, length);
            opened.read_exact_at(&mut byte, at).unwrap();
            byte[0] ^= 1 << random.below(8);
            opened.write_all_at(&byte, at).unwrap();
        }
        let said = format!("round {round}: state {state}, {file}");
        let outcome = read_open(&engine, world, &said);
        *outcomes.entry((file, outcome)).or_default() += 1;
        // The damage must not get a valid checksum on the way back from the log.
        drop(engine);
        let outcome = read(directory.path(), world, &said);
        *outcomes.entry((file, outcome)).or_default() += 1;
    }
    println!("{outcomes:?}");
}

#[test]
fn a_damaged_namespace_hides_no_other_from_a_list() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    for name in ["a", "b", "c"] {
        create(&engine, name);
    }
    drop(engine);
    let database = directory.path().join("effemb.db");
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    let connection =
        rusqlite::Connection::open_with_flags_and_vfs(&database, flags, ee_sqlite_vfs::VFS_NAME)
            .unwrap();
    let damage = "UPDATE namespaces SET profile = x'00' WHERE name = 'b'";
    assert_eq!(connection.execute(damage, []).unwrap(), 1);
    connection.close().unwrap();
    let engine = open(directory.path());
    let listed = engine.list_namespaces("", None, 9).unwrap();
    let names = listed.iter().map(|each| match each {
        Ok(view) => (view.name.as_str(), true),
        Err(damaged) => {
            assert!(matches!(damaged.error, Error::Corrupted { .. }));
            (damaged.name.as_str(), false)
        }
    });
    let names: Vec<_> = names.collect();
    assert_eq!(names, [("a", true), ("b", false), ("c", true)]);
    assert_eq!(engine.list_namespaces("", Some("b"), 9).unwrap().len(), 1);
}
