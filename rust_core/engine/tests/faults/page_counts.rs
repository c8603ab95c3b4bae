//! How many pages a write adds to the write-ahead log: the price of durability, the same on every machine.

use std::fs;

use ee_core::command::{Assignment, CategoryPut, Command, ItemPut};
use ee_core::settings::MembershipMode;
use ee_engine::{NewNamespace, WriteContext};

use crate::common::*;

/// Bytes of a page in the WAL: with its header.
const FRAME: u64 = 4096 + 24;

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
    let wal = || {
        fs::metadata(directory.path().join("effemb.db-wal"))
            .unwrap()
            .len()
    };
    (0..200).for_each(assign);
    let before = wal();
    let writes = 600;
    (200..200 + writes).for_each(assign);
    ((wal() - before) / FRAME) as f64 / writes as f64
}

#[test]
fn a_single_assign_writes_few_pages() {
    for (dimension, most) in [(64, 12.6), (384, 13.4), (1536, 15.4)] {
        let pages = pages_per_assign(dimension);
        println!("{dimension} components: {pages:.2} pages");
        assert!(pages <= most, "{dimension} components: {pages:.2} pages");
    }
}
