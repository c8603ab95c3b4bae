//! How many pages a write adds to the write-ahead log: the price of durability, the same on every machine.
// Helpers may unwrap like the tests that call them, and each binary uses a part of them.
#![allow(clippy::unwrap_used, dead_code)]

use ee_core::command::{Assignment, CategoryPut, Command, ItemPut};
use ee_core::settings::MembershipMode;
use ee_engine::{NewNamespace, WriteContext};
use ee_sqlite_vfs::VFS_NAME;
use rusqlite::{Connection, OpenFlags};

use crate::common::*;

#[path = "common/mod.rs"]
mod common;

/// Pages of the WAL per single Assign of a new item.
fn pages_per_assign(dimension: usize) -> f64 {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    let mut new: NewNamespace = new_namespace("n", MembershipMode::Single);
    new.settings.dimension = dimension as u32;
    engine
        .create_namespace(new, WriteContext::default())
        .unwrap();
    let category = |number: usize| CategoryPut {
        key: format!("c{number}"),
        base: Some(Some(vec![1.0; dimension])),
        ..CategoryPut::default()
    };
    write(
        &engine,
        "n",
        Command::PutCategories((0..20).map(category).collect()),
    )
    .unwrap();
    let assign = |number: usize| {
        let mut embedding = vec![0.5; dimension];
        embedding[number % dimension] = 2.0;
        let item = ItemPut {
            key: format!("item-{number:06}"),
            embedding: Some(embedding),
            ..ItemPut::default()
        };
        let category = format!("c{}", number % 20);
        let id = format!("{number:016x}{number:016x}");
        write_as(
            &engine,
            "n",
            Command::Assign(vec![Assignment { item, category }]),
            &id,
        )
        .unwrap();
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let database = directory.path().join("effemb.db");
    let connection = Connection::open_with_flags_and_vfs(database, flags, VFS_NAME).unwrap();
    let frames = || -> i64 {
        connection
            .query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get(1))
            .unwrap()
    };
    (0..200).for_each(assign);
    let before = frames();
    let writes = 600;
    (200..200 + writes).for_each(assign);
    (frames() - before) as f64 / writes as f64
}

#[test]
fn a_single_assign_writes_few_pages() {
    for (dimension, most) in [(64, 10.4), (384, 11.2), (1536, 13.2)] {
        let pages = pages_per_assign(dimension);
        println!("{dimension} components: {pages:.2} pages");
        assert!(pages <= most, "{dimension} components: {pages:.2} pages");
    }
}
