//! Stored records: what older versions wrote is read, and what newer versions write is refused by name.
//!
//! `tests/fixtures/records.txt` has a record of each kind, in hexadecimal. A body never changes, so an
//! encoder that writes other bytes is at fault, not the fixture. `cargo test -p ee-store --test records --
//! --ignored write_the_fixtures` appends the kinds that are missing.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};
use std::fs;
use std::path::PathBuf;

use ee_core::command::Outcome;
use ee_core::command::record::{Change, Effect, Entry, ItemImage};
use ee_core::namespace::{CategoryRecord, Header, MemberStats, Origin, Profile};
use ee_core::settings::{
    CategorySettings, MembershipMode, Metadata, NamespaceSettings, Normalization,
};
use ee_store::StoreError;
use ee_store::codec::{Answer, NamespaceAnswer, Record, StoredStats, TrimAnswer, decode, encode};

/// What a test does with a sample of a kind.
trait Visit {
    fn visit<R: Record + PartialEq + Debug>(&mut self, name: &str, sample: R);
}

fn samples(visitor: &mut impl Visit) {
    let metadata = Metadata::from([("colour".into(), "red".into())]);
    let category = CategoryRecord {
        key: "billing".into(),
        settings: CategorySettings {
            base_weight: 2.0,
            window: 100,
            min_base_share: 0.25,
            ..CategorySettings::default()
        },
        base: Some(vec![0.5, -1.0]),
        metadata: metadata.clone(),
        anchor: 7,
        created_ms: 1_700_000_000_000,
    };
    let origin = Origin {
        time_ms: 1_700_000_000_001,
        actor: "alice".into(),
        reason: "moved".into(),
    };
    let settings = NamespaceSettings {
        dimension: 2,
        embedding_model: "model".into(),
        normalization: Normalization::Unit,
        membership: MembershipMode::Single,
    };
    let profile = Profile {
        description: "tickets".into(),
        labels: metadata.clone(),
        created_ms: 1_700_000_000_000,
        ..Profile::default()
    };
    let header = Header {
        revision: 9,
        next_sequence: 8,
        categories: 2,
        items: 3,
        memberships: 1,
        ..Header::default()
    };
    visitor.visit("category record", category.clone());
    visitor.visit(
        "log entry",
        Entry {
            revision: 9,
            origin: origin.clone(),
            request_id: "id".into(),
            changes: vec![
                Change::CategoryUpdated { before: category },
                Change::Left {
                    item: "item".into(),
                    category: "billing".into(),
                    sequence: 3,
                    origin,
                },
            ],
            effects: vec![Effect {
                category: 4,
                item: 5,
                members: -1,
                counting: -1,
                before: true,
                actor: None,
            }],
            undone: Vec::new(),
            images: vec![ItemImage {
                item: 5,
                weight: 0.5,
                embedding: vec![1.0, 2.0],
            }],
        },
    );
    visitor.visit(
        "log entry of a rename",
        Entry {
            revision: 10,
            origin: Origin::default(),
            request_id: String::new(),
            changes: vec![Change::CategoryRenamed {
                from: "billing".into(),
                to: "invoices".into(),
            }],
            effects: Vec::new(),
            undone: Vec::new(),
            images: Vec::new(),
        },
    );
    visitor.visit(
        "log entry of dismissals",
        Entry {
            revision: 11,
            origin: Origin::default(),
            request_id: String::new(),
            changes: vec![
                Change::Dismissed {
                    item: "item".into(),
                    category: "billing".into(),
                },
                Change::DismissalEnded {
                    item: "item".into(),
                    category: "billing".into(),
                    origin: Origin {
                        time_ms: 1_700_000_000_002,
                        actor: "bob".into(),
                        reason: "not that".into(),
                    },
                },
            ],
            effects: Vec::new(),
            undone: Vec::new(),
            images: Vec::new(),
        },
    );
    visitor.visit(
        "log entry of parts",
        Entry {
            revision: 12,
            origin: Origin::default(),
            request_id: String::new(),
            changes: vec![
                Change::CompositeUpdated {
                    key: "project".into(),
                    id: 11,
                    metadata: metadata.clone(),
                    followed: true,
                },
                Change::Composed {
                    key: "plan".into(),
                    id: 12,
                    metadata: Metadata::new(),
                },
                Change::PartRemoved {
                    item: "project".into(),
                    part: "item".into(),
                    weight: 1.0,
                },
                Change::PartAdded {
                    item: "project".into(),
                    part: "item".into(),
                    weight: 2.5,
                },
            ],
            effects: Vec::new(),
            undone: Vec::new(),
            images: Vec::new(),
        },
    );
    visitor.visit(
        "member statistics",
        StoredStats {
            stats: MemberStats {
                members: 3,
                counting: 2,
                ..MemberStats::default()
            },
            ..StoredStats::default()
        },
    );
    visitor.visit("namespace header", header);
    visitor.visit("namespace settings", settings.clone());
    visitor.visit("namespace profile", profile.clone());
    visitor.visit("item metadata", metadata);
    visitor.visit(
        "stored answer to a command",
        Answer::Command(Outcome::DeleteItems { deleted: 4 }, 9),
    );
    visitor.visit(
        "stored answer to a creation",
        Answer::Namespace(Box::new(NamespaceAnswer {
            name: "n".into(),
            settings,
            profile,
            header,
        })),
    );
    visitor.visit(
        "stored answer to a trim",
        Answer::Trim(TrimAnswer {
            entries: 4,
            bytes: 100,
            first_revision: 5,
            revision: 9,
        }),
    );
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/records.txt")
}

fn fixtures() -> BTreeMap<String, Vec<u8>> {
    let text = fs::read_to_string(path()).unwrap_or_default();
    let line = |line: &str| {
        let (name, hex) = line.split_once(": ").unwrap();
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (
            name.to_owned(),
            (0..hex.len()).step_by(2).map(byte).collect(),
        )
    };
    text.lines().map(line).collect()
}

struct Read(BTreeMap<String, Vec<u8>>);

impl Visit for Read {
    fn visit<R: Record + PartialEq + Debug>(&mut self, name: &str, sample: R) {
        let bytes = self.0.remove(name).unwrap();
        assert_eq!(decode::<R>(&bytes, "row 1").unwrap(), sample, "{name}");
        assert_eq!(encode(&sample), bytes, "{name}: the body has changed");
    }
}

#[test]
fn records_of_the_first_version_are_read_and_written_as_they_were() {
    let mut read = Read(fixtures());
    samples(&mut read);
    let others = read.0.into_keys().filter(|name| !name.contains("newer"));
    assert_eq!(others.collect::<Vec<_>>(), [""; 0], "a kind without a test");
}

#[test]
fn a_least_score_is_an_extension_of_the_record_that_has_it() {
    let with = |min_score| CategoryRecord {
        key: "billing".into(),
        settings: CategorySettings {
            min_score,
            ..CategorySettings::default()
        },
        base: None,
        metadata: Metadata::new(),
        anchor: 0,
        created_ms: 1,
    };
    let (plain, strict) = (encode(&with(None)), encode(&with(Some(0.5))));
    assert_eq!(strict[..plain.len()], plain, "the body is the same");
    assert_eq!(strict[plain.len()..][..2], [1, 8], "field 1, eight bytes");
    assert_eq!(
        decode::<CategoryRecord>(&strict, "row 1").unwrap(),
        with(Some(0.5))
    );
    let beyond = [&plain[..], &[1, 8], &2.0_f64.to_le_bytes()].concat();
    let refused = decode::<CategoryRecord>(&beyond, "row 1").unwrap_err();
    assert!(
        refused.to_string().contains("field 1 cannot be decoded"),
        "{refused}"
    );

    let entry = Entry {
        revision: 9,
        origin: Origin::default(),
        request_id: String::new(),
        changes: vec![
            Change::NamespaceCreated,
            Change::CategoryUpdated { before: with(None) },
            Change::CategoryDeleted {
                before: with(Some(-0.25)),
            },
        ],
        effects: Vec::new(),
        undone: Vec::new(),
        images: Vec::new(),
    };
    assert_eq!(decode::<Entry>(&encode(&entry), "row 1").unwrap(), entry);
}

struct RefuseNewer;

impl Visit for RefuseNewer {
    fn visit<R: Record + PartialEq + Debug>(&mut self, name: &str, sample: R) {
        let newer = |bytes: &[u8]| match decode::<R>(bytes, "row 1") {
            Err(StoreError::Newer { place, what }) => {
                assert_eq!(place, "row 1");
                what
            }
            other => panic!("{name}: {other:?}"),
        };
        let tag = u8::try_from(R::FIELDS).unwrap() + 1;
        let mut field = encode(&sample);
        field.extend([tag, 2, 0xab, 0xcd]);
        assert!(newer(&field).starts_with(&format!(
            "{}: field {tag} was written by a newer version of the software",
            R::NAME
        )));
        let mut version = encode(&sample);
        version[0] = R::VERSION + 1;
        assert_eq!(
            newer(&version),
            format!(
                "{}: version {} was written by a newer version of the software; this version reads \
                 up to {}",
                R::NAME,
                R::VERSION + 1,
                R::VERSION
            )
        );
    }
}

#[test]
fn newer_records_are_refused_by_name() {
    samples(&mut RefuseNewer);
}

#[test]
fn the_fixture_of_a_newer_category_record_is_refused_by_name() {
    let bytes = &fixtures()["category record with a newer field 7"];
    let refused = decode::<CategoryRecord>(bytes, "categories, row 4").unwrap_err();
    let text = refused.to_string();
    assert!(
        text.starts_with(
            "categories, row 4: category record: field 7 was written by a newer version of the \
             software; this version knows "
        ),
        "{text}"
    );
}

struct Damage;

impl Visit for Damage {
    fn visit<R: Record + PartialEq + Debug>(&mut self, name: &str, sample: R) {
        let whole = encode(&sample);
        for end in 0..whole.len() {
            let cut = decode::<R>(&whole[..end], "row 1");
            assert!(
                cut.is_err_and(|error| error.to_string().contains(R::NAME)),
                "{name}"
            );
        }
    }
}

#[test]
fn records_that_are_cut_off_are_refused_by_name() {
    samples(&mut Damage);
}

struct Write(BTreeMap<String, Vec<u8>>);

impl Visit for Write {
    fn visit<R: Record + PartialEq + Debug>(&mut self, name: &str, sample: R) {
        let bytes = encode(&sample);
        if R::NAME == "category record" {
            let mut newer = bytes.clone();
            newer.extend([7, 2, 0xab, 0xcd]);
            let name = format!("{name} with a newer field 7");
            self.0.entry(name).or_insert(newer);
        }
        self.0.entry(name.to_owned()).or_insert(bytes);
    }
}

#[test]
#[ignore = "it writes the fixtures"]
fn write_the_fixtures() {
    let mut write = Write(fixtures());
    samples(&mut write);
    let mut text = String::new();
    for (name, bytes) in write.0 {
        write!(text, "{name}: ").unwrap();
        for byte in bytes {
            write!(text, "{byte:02x}").unwrap();
        }
        text.push('\n');
    }
    fs::write(path(), text).unwrap();
}
