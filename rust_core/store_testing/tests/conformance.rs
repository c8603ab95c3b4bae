//! Every store does what the engine relies on.
#![allow(clippy::unwrap_used, missing_docs)]

use ee_store::sqlite::Sqlite;
use ee_store_testing::{Memory, conformance};

#[test]
fn sqlite_conforms() {
    for (name, check) in conformance::CHECKS {
        println!("{name}");
        let directory = tempfile::tempdir().unwrap();
        check(&Sqlite::open(directory.path()).unwrap());
    }
}

#[test]
fn the_store_in_memory_conforms() {
    for (name, check) in conformance::CHECKS {
        println!("{name}");
        check(&Memory::default());
    }
}
