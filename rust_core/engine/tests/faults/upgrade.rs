//! A directory of each format is kept; every later version must open it.
//!
//! `cargo test -p ee-engine --test faults -- --ignored write_the_fixture` writes that of the
//! current format anew; only a new format needs that.

use std::fs;
use std::path::{Path, PathBuf};

use ee_engine::Engine;

use crate::common::*;
use crate::workload::{extend, prepare};

/// The formats that were, and the one that is.
const FORMATS: std::ops::RangeInclusive<u32> = 1..=2;

fn fixture(format: u32) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fixtures.join(format!("format-{format}"))
}

fn digest(engine: &Engine) -> String {
    let view = view(engine, "n");
    let digest: String = view
        .digest
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("revision {} digest {digest}\n", view.revision)
}

#[test]
fn each_format_opens_and_is_the_same_afterwards() {
    for format in FORMATS {
        let directory = tempdir().unwrap();
        for file in ["effemb.db", "watermark"] {
            let from = fixture(format).join(file);
            fs::copy(from, directory.path().join(file)).unwrap();
        }
        let expected = fs::read_to_string(fixture(format).join("expected")).unwrap();
        for number in 0..2 {
            let engine = open(directory.path());
            if number == 0 {
                assert_eq!(digest(&engine), expected, "format {format}");
            }
            assert_verified(&engine, "n");
            assert_eq!(engine.check_files().unwrap().findings, [""; 0]);
            assign(&engine, "n", 99 + number, 0);
            assert_verified(&engine, "n");
        }
    }
}

#[test]
fn an_upgrade_that_a_crash_cuts_off_begins_again() {
    let directory = tempdir().unwrap();
    for file in ["effemb.db", "watermark"] {
        fs::copy(fixture(1).join(file), directory.path().join(file)).unwrap();
    }
    let expected = fs::read_to_string(fixture(1).join("expected")).unwrap();
    let engine = open(directory.path());
    let upgraded = tempdir().unwrap();
    crash_copy(directory.path(), upgraded.path());
    drop(engine);
    // The upgrade is in the log by now, and is cut off at each of its pages.
    let log = fs::read(upgraded.path().join("effemb.db-wal")).unwrap();
    for length in (0..=log.len()).step_by(8192 + 24) {
        let cut = tempdir().unwrap();
        crash_copy(upgraded.path(), cut.path());
        fs::write(cut.path().join("effemb.db-wal"), &log[..length]).unwrap();
        let engine = open(cut.path());
        assert_eq!(digest(&engine), expected, "{length}");
        assert_verified(&engine, "n");
    }
}

#[test]
#[ignore = "it writes the fixture"]
fn write_the_fixture() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    let mut ops = prepare(&["n"]);
    extend(&mut ops, &["n"], 40, 11);
    for (index, op) in ops.iter().enumerate() {
        op.run(&engine, index as u64).unwrap();
    }
    let expected = digest(&engine);
    drop(engine);
    fs::create_dir_all(fixture(*FORMATS.end())).unwrap();
    for file in ["effemb.db", "watermark"] {
        fs::copy(
            directory.path().join(file),
            fixture(*FORMATS.end()).join(file),
        )
        .unwrap();
    }
    fs::write(fixture(*FORMATS.end()).join("expected"), expected).unwrap();
}
