//! A directory of each format is kept; every later version must open it.
//!
//! `cargo test -p ee-engine --test faults -- --ignored write_the_fixture` writes that of the
//! current format anew; only a new format needs that.

use std::fs;
use std::path::{Path, PathBuf};

use ee_engine::Engine;

use crate::common::*;
use crate::workload::{extend, prepare};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1")
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
fn format_1_opens() {
    let directory = tempdir().unwrap();
    for file in ["effemb.db", "watermark"] {
        fs::copy(fixture().join(file), directory.path().join(file)).unwrap();
    }
    let engine = open(directory.path());
    let expected = fs::read_to_string(fixture().join("expected")).unwrap();
    assert_eq!(digest(&engine), expected);
    assert_verified(&engine, "n");
    assert_eq!(engine.check_files(), Ok(Vec::new()));
    assign(&engine, "n", 99, 0);
    assert_verified(&engine, "n");
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
    fs::create_dir_all(fixture()).unwrap();
    for file in ["effemb.db", "watermark"] {
        fs::copy(directory.path().join(file), fixture().join(file)).unwrap();
    }
    fs::write(fixture().join("expected"), expected).unwrap();
}
