//! Repair after random damage: what is said to be recovered is what was there, and everything else
//! is listed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use ee_core::command::{Command, ItemPut, PartPut};
use ee_core::settings::MembershipMode;
use ee_engine::{
    Engine, Error, Frame, ItemView, Lost, Options, RepairReport, SnapshotView, WriteContext, repair,
};

use crate::common::*;
use crate::random::Random;
use crate::rounds;

/// Bytes of a page of a new directory.
const PAGE: u64 = 4096;
const NAMES: [&str; 3] = ["a", "b", "tags"];

/// What a namespace holds, by key: the bits of each category's record, and each item.
#[derive(Clone, Debug, Default, PartialEq)]
struct Content {
    categories: BTreeMap<String, String>,
    items: BTreeMap<String, ItemView>,
}

fn content(engine: &Engine, name: &str) -> Content {
    let mut content = Content::default();
    let snapshot = engine.snapshot(
        &engine.handle(name).unwrap(),
        SnapshotView::Full,
        Default::default(),
    );
    for frame in snapshot.unwrap() {
        match frame.unwrap() {
            Frame::Records(records) => {
                let said = records.iter().map(|record| {
                    let text = format!("{record:?}");
                    (record.key.to_string(), text)
                });
                content.categories.extend(said);
            }
            Frame::Items(items) => {
                let keyed = items.into_iter().map(|item| (item.key.clone(), item));
                content.items.extend(keyed);
            }
            _ => {}
        }
    }
    content
}

/// A directory of some hundred pages: three namespaces, and one that is deleted.
fn prepared(directory: &Path) -> BTreeMap<String, Content> {
    let engine = open(directory);
    for name in NAMES {
        let mode = match name {
            "tags" => MembershipMode::Multiple,
            _ => MembershipMode::Single,
        };
        let new = new_namespace(name, mode);
        engine
            .create_namespace(new, WriteContext::default())
            .unwrap();
        categories(&engine, name, 40);
        for run in 0..6 {
            let assigned = (run * 100..run * 100 + 100).map(|item| {
                let mut assigned = assignment(item, item % 40);
                assigned.item.metadata = Some([("text".into(), "x".repeat(400))].into());
                assigned
            });
            write(&engine, name, Command::Assign(assigned.collect())).unwrap();
        }
        if name == "tags" {
            let more = (0..100).map(|item| {
                let mut more = assignment(item, (item + 1) % 40);
                more.item.embedding = None;
                more
            });
            write(&engine, name, Command::Assign(more.collect())).unwrap();
        }
        for item in 0..20 {
            unassign(&engine, name, item, item % 2 == 0);
        }
        let part = |item: u64| PartPut {
            item: format!("i{item}"),
            weight: 2.0,
        };
        let composite = |number: u64| ItemPut {
            key: format!("p{number}"),
            parts: Some((number..number + 5).map(part).collect()),
            ..ItemPut::default()
        };
        let composites = (30..130).map(composite).collect();
        write(&engine, name, Command::PutItems(composites)).unwrap();
    }
    create(&engine, "gone");
    categories(&engine, "gone", 3);
    engine
        .delete_namespace("gone", true, WriteContext::default())
        .unwrap();
    let content = |name: &&str| ((*name).to_owned(), content(&engine, name));
    NAMES.iter().map(content).collect()
}

/// Compares what is there after a repair with what was there before and what is said of it.
fn judge(to: &Path, before: &BTreeMap<String, Content>, report: &RepairReport, said: &str) -> bool {
    let engine = open(to);
    let mut named = BTreeSet::new();
    for namespace in &report.namespaces {
        let name = &namespace.name;
        named.insert(name.clone());
        let was = &before[name];
        let Some(view) = &namespace.recovered else {
            assert_ne!(namespace.lost, Lost::default(), "{said}: {name}");
            continue;
        };
        assert_eq!(&crate::common::view(&engine, name), view, "{said}: {name}");
        assert_verified(&engine, name);
        let is = content(&engine, name);
        let lost = &namespace.lost;
        if *lost == Lost::default() {
            assert_eq!(&is, was, "{said}: {name} is said to be whole");
        }
        // Nothing that was not there, or that was otherwise.
        for (key, record) in &is.categories {
            assert_eq!(
                was.categories.get(key),
                Some(record),
                "{said}: {name} {key}"
            );
        }
        let incomplete: BTreeSet<&String> = lost.memberships.iter().collect();
        for (key, item) in &is.items {
            let mut must = was.items[key].clone();
            if lost.parts.contains(key) {
                must.parts.clear();
            }
            if incomplete.contains(key) {
                must.memberships
                    .retain(|each| item.memberships.contains(each));
            }
            assert_eq!(item, &must, "{said}: {name} {key}");
        }
        // Nothing missing that is not listed, by its key or by its number.
        let unlisted = |was: Vec<&String>, is: &dyn Fn(&String) -> bool, lost: &[String]| {
            let missing = was
                .into_iter()
                .filter(|key| !is(key) && !lost.contains(key));
            missing.count() as u64
        };
        let categories = unlisted(
            was.categories.keys().collect(),
            &|key| is.categories.contains_key(key),
            &lost.categories,
        );
        assert_eq!(categories, lost.unnamed_categories, "{said}: {name}");
        let items = unlisted(
            was.items.keys().collect(),
            &|key| is.items.contains_key(key),
            &lost.items,
        );
        assert_eq!(items, lost.unnamed_items, "{said}: {name}");
        for key in &lost.items {
            assert!(
                was.items.contains_key(key) && !is.items.contains_key(key),
                "{said}"
            );
        }
    }
    let unnamed = before.keys().filter(|name| !named.contains(*name)).count();
    assert!(
        unnamed == 0 || !report.lost.is_empty(),
        "{said}: {unnamed} namespaces"
    );
    report.whole()
}

fn bytes_of(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(directory).unwrap().map(|file| {
        let file = file.unwrap();
        let name = file.file_name().to_string_lossy().into_owned();
        (name, fs::read(file.path()).unwrap())
    });
    files.collect()
}

#[test]
fn recovered_rows_equal_the_originals_and_lost_ones_are_listed() {
    let (intact, copies) = (tempdir().unwrap(), tempdir().unwrap());
    let before = prepared(intact.path());
    let length = fs::metadata(intact.path().join("effemb.db")).unwrap().len();
    let (mut whole, mut part, mut nothing) = (0, 0, 0);
    for round in 0..rounds(15) {
        let mut random = Random::new(round);
        let from = copies.path().join(format!("from-{round}"));
        let to = copies.path().join(format!("to-{round}"));
        crash_copy(intact.path(), &from);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(from.join("effemb.db"))
            .unwrap();
        let mut pages = Vec::new();
        for _ in 0..random.below(4) {
            // The first page has the schema: it is damaged now and then.
            let page = random.below(length / PAGE - 1) + u64::from(random.below(12) > 0);
            pages.push(page + 1);
            let at = page * PAGE + random.below(PAGE);
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            file.write_all_at(&[byte[0] ^ (1 << random.below(8))], at)
                .unwrap();
        }
        let damaged = bytes_of(&from);
        let said = format!("round {round}: pages {pages:?}");
        match repair(&from, &to) {
            Ok(report) => match judge(&to, &before, &report, &said) {
                true => whole += 1,
                false => part += 1,
            },
            Err(Error::Corrupted { .. }) => {
                // Only where the file cannot even be opened.
                assert!(Engine::open(&from, Options::default()).is_err(), "{said}");
                fs::remove_dir_all(&from).unwrap();
                nothing += 1;
                continue;
            }
            Err(error) => panic!("{said}: {error}"),
        }
        assert_eq!(
            bytes_of(&from),
            damaged,
            "{said}: the old directory changed"
        );
    }
    println!("whole {whole}, in part {part}, nothing {nothing}");
    assert!(whole > 0 && part > 0);
}

#[test]
fn a_directory_without_damage_is_repaired_to_the_same() {
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    let before = prepared(from.path());
    let to = to.path().join("new");
    let report = repair(from.path(), &to).unwrap();
    assert!(judge(&to, &before, &report, "intact"), "{report:?}");
    assert!(matches!(
        repair(from.path(), &to),
        Err(Error::DirectoryNotEmpty { .. })
    ));
}

#[test]
fn the_lost_end_of_the_log_is_listed_by_a_repair() {
    let (directory, to) = (tempdir().unwrap(), tempdir().unwrap());
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 1);
    let crashed = directory.path().join("crashed");
    crash_copy(directory.path(), &crashed);
    assign(&engine, "n", 0, 0);
    let watermark = "watermark";
    fs::copy(directory.path().join(watermark), crashed.join(watermark)).unwrap();
    drop(engine);
    let report = repair(&crashed, &to.path().join("new")).unwrap();
    assert_eq!(report.lost.len(), 1, "{report:?}");
    assert!(report.lost[0].contains("the last 1 entries"), "{report:?}");
}

#[test]
fn every_damaged_page_is_named() {
    let directory = tempdir().unwrap();
    prepared(directory.path());
    let path = directory.path().join("effemb.db");
    let length = fs::metadata(&path).unwrap().len();
    let engine = open(directory.path());
    assert_eq!(engine.check_files().unwrap().findings, [""; 0]);
    assert_eq!(engine.check_files().unwrap().pages, length / PAGE);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    let mut random = Random::new(1);
    let mut flip = |page: u64| {
        let at = page * PAGE + random.below(PAGE);
        let (bit, mut byte) = (1 << random.below(8), [0]);
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ bit], at).unwrap();
        (at, byte)
    };
    // Each by itself, then three at once.
    for page in 0..length / PAGE {
        let (at, byte) = flip(page);
        let findings = engine.check_files().unwrap().findings;
        let name = format!("page {} ", page + 1);
        assert!(
            findings.iter().any(|each| each.starts_with(&name)),
            "{name}: {findings:?}"
        );
        file.write_all_at(&byte, at).unwrap();
        if page > 12 {
            break;
        }
    }
    assert_eq!(engine.check_files().unwrap().findings, [""; 0]);
    let pages = [2, 5, length / PAGE - 1];
    let _ = pages.map(&mut flip);
    let findings = engine.check_files().unwrap().findings;
    for page in pages {
        let name = format!("page {} ", page + 1);
        assert!(
            findings.iter().any(|each| each.starts_with(&name)),
            "{findings:?}"
        );
    }
}
