//! The format on disk: a directory of each format is kept, which every later version must open; a
//! directory of a foreign format is refused and left as it is.
//!
//! `cargo test -p ee-engine --test faults -- --ignored write_the_fixture` writes the directory of the
//! current format anew; only a new format needs that.

use std::fs;
use std::path::{Path, PathBuf};

use ee_core::command::{Command, ItemPut, PartPut};
use ee_engine::{Engine, Error, Options};
use ee_sqlite_vfs::VFS_NAME;
use rusqlite::{Connection, OpenFlags};

use crate::common::*;
use crate::workload::{extend, prepare};

/// The formats so far.
const FORMATS: std::ops::RangeInclusive<u32> = 1..=1;

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
            // The table of parts is newer than the first directories.
            let composite = ItemPut {
                key: format!("p{number}"),
                parts: Some(vec![PartPut {
                    item: format!("i{}", 99 + number),
                    weight: 2.0,
                }]),
                ..ItemPut::default()
            };
            write(&engine, "n", Command::PutItems(vec![composite])).unwrap();
            assert_verified(&engine, "n");
        }
    }
}

#[test]
fn a_foreign_format_is_refused_and_left_as_it_is() {
    for (pragma, value, expected) in [
        (
            "user_version",
            2,
            "has format 2, this version reads format 1",
        ),
        ("application_id", 1, "is not a database of this service"),
    ] {
        let directory = tempdir().unwrap();
        drop(open(directory.path()));
        let database = directory.path().join("effemb.db");
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let connection = Connection::open_with_flags_and_vfs(&database, flags, VFS_NAME).unwrap();
        connection.pragma_update(None, pragma, value).unwrap();
        connection.close().unwrap();
        let before = fs::read(&database).unwrap();
        match Engine::open(directory.path(), Options::default()).map(drop) {
            Err(Error::Corrupted { place, what }) => {
                assert_eq!((&*place, &*what), ("database file", expected));
            }
            other => panic!("{pragma}: {other:?}"),
        }
        assert_eq!(fs::read(&database).unwrap(), before, "{pragma}");
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
