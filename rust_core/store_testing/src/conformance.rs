//! What every store must do. A store runs the suite from a test of its own:
//!
//! ```text
//! for (name, check) in conformance::CHECKS {
//!     check(&*open_an_empty_store());
//! }
//! ```

use std::ops::ControlFlow;
use std::sync::Arc;

use ee_core::command::record::{Change, Entry};
use ee_core::namespace::{
    CategoryDraft, CategoryRecord, Header, Item, MemberStats, Membership, Origin, Profile,
    UnitCorrection,
};
use ee_core::settings::{
    CategorySettings, MembershipMode, Metadata, NamespaceSettings, Normalization, RankingMode,
    RankingSettings,
};

use ee_store::idempotency::{self, Known, RETENTION_MS};
use ee_store::{
    Backend, Commit, Enlisted, LogRange, NamespaceRow, NamespaceState, Reads, Restored,
    WriteSession, codec,
};

/// A check of an empty store. Panics if the store fails it.
pub type Check = fn(&dyn Backend);

/// The suite, by name.
pub const CHECKS: &[(&str, Check)] = &[
    ("a view is of one moment", views),
    ("a rolled back transaction leaves nothing", rollback),
    ("an undone command leaves the others", undo),
    ("rows are read as they were written", rows),
    ("members are in order of assignment", members),
    ("the inbox has the items in no category", inbox),
    ("the log is read back from the newest entry", log),
    ("a range of the log is read in either order", log_ranges),
    ("answers are kept and expire", answers),
    ("namespaces are created, listed and deleted", namespaces),
    ("deleted namespaces are purged", purge),
    ("a restore is invisible until it is finished", restore),
    ("sums are read back with their revision", sums),
    ("time does not go back", time),
    ("a namespace is enlisted at its revision", enlist),
];

const NOW: i64 = 1_000_000_000_000;

fn session(store: &dyn Backend) -> Box<dyn WriteSession> {
    store.write_session(Arc::new(|| {})).expect("a session")
}

fn row(name: &str) -> NamespaceRow {
    NamespaceRow {
        id: 0,
        name: name.into(),
        state: NamespaceState::Active,
        settings: NamespaceSettings {
            dimension: 2,
            embedding_model: "model".into(),
            normalization: Normalization::Raw,
            membership: MembershipMode::Multiple,
        },
        profile: Profile {
            description: "described".into(),
            labels: Metadata::from([("label".into(), "value".into())]),
            created_ms: 7,
            ranking: RankingSettings {
                mode: RankingMode::Local,
                fairness: Some(0.25),
            },
        },
        header: Header {
            revision: 1,
            next_sequence: 1,
            ..Header::default()
        },
        sums_revision: 1,
    }
}

fn item(key: &str) -> Item {
    Item {
        id: 0,
        key: key.into(),
        weight: 0.5,
        embedding: vec![1.0, -2.5],
        metadata: Metadata::from([("k".into(), key.into())]),
        created_ms: 3,
    }
}

fn record(key: &str) -> CategoryRecord {
    CategoryRecord {
        key: key.into(),
        settings: CategorySettings {
            window: 3,
            ..CategorySettings::default()
        },
        base: Some(vec![0.25, 4.0]),
        metadata: Metadata::new(),
        anchor: 0,
        created_ms: 9,
    }
}

fn origin(actor: &str) -> Origin {
    Origin {
        time_ms: NOW,
        actor: actor.into(),
        reason: String::new(),
    }
}

fn entry(revision: u64) -> Entry {
    Entry {
        revision,
        origin: origin("writer"),
        request_id: format!("request {revision}"),
        changes: vec![Change::NamespaceCreated],
        effects: Vec::new(),
        images: Vec::new(),
    }
}

/// Runs a transaction, which must commit.
fn write<T>(session: &mut dyn WriteSession, work: impl FnOnce(&mut dyn WriteSession) -> T) -> T {
    session.begin(NOW).expect("begin");
    let done = work(session);
    assert_eq!(session.commit(), Commit::Committed);
    session.acknowledge().expect("acknowledge");
    done
}

/// Runs a command, which is kept.
fn command<T>(session: &mut dyn WriteSession, work: impl FnOnce(&mut dyn WriteSession) -> T) -> T {
    session.begin_command();
    let done = work(session);
    session.keep_command().expect("keep");
    done
}

fn created(session: &mut dyn WriteSession, name: &str) -> i64 {
    write(session, |session| {
        session.create_namespace(&row(name)).expect("create")
    })
}

fn join(session: &mut dyn WriteSession, namespace: i64, item: &Item, to: i64, sequence: u64) {
    let store = session.store(namespace);
    let memberships = store.memberships(item.id).expect("memberships");
    let in_inbox = memberships.is_empty();
    let membership = Membership {
        item: item.id,
        category: to,
        sequence,
        origin: origin("who"),
    };
    store
        .insert_membership(item, &membership, in_inbox)
        .expect("join");
}

fn put(session: &mut dyn WriteSession, namespace: i64, key: &str) -> Item {
    let id = session
        .store(namespace)
        .insert_item(&item(key), true)
        .expect("insert");
    Item { id, ..item(key) }
}

fn keys(items: Vec<Item>) -> Vec<String> {
    items.into_iter().map(|item| item.key).collect()
}

fn views(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    let before = store.view().expect("view");
    assert!(before.namespace_by_name("n").expect("read").is_some());
    write(&mut *session, |session| {
        command(session, |session| put(session, namespace, "i"));
        // Uncommitted rows are seen inside the transaction only.
        let outside = store.view().expect("view");
        assert_eq!(outside.item_by_key(namespace, "i").expect("read"), None);
        session.flush().expect("flush");
        let inside = session.reads().item_by_key(namespace, "i").expect("read");
        assert!(inside.is_some());
    });
    assert_eq!(before.item_by_key(namespace, "i").expect("read"), None);
    let after = store.view().expect("view");
    assert!(after.item_by_key(namespace, "i").expect("read").is_some());
}

fn rollback(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    session.begin(NOW).expect("begin");
    command(&mut *session, |session| put(session, namespace, "i"));
    session.append(namespace, &entry(2)).expect("append");
    session.create_namespace(&row("m")).expect("create");
    session.rollback();
    let view = store.view().expect("view");
    assert_eq!(view.item_by_key(namespace, "i").expect("read"), None);
    assert_eq!(view.namespace_by_name("m").expect("read"), None);
    let mut entries = 0;
    view.entries_after(namespace, 0, &mut |_| {
        entries += 1;
        Ok(())
    })
    .expect("log");
    assert_eq!(entries, 0);
    // The session goes on.
    write(&mut *session, |session| {
        assert_eq!(session.namespace_count().expect("count"), 1);
        command(session, |session| put(session, namespace, "i"));
    });
}

fn undo(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    write(&mut *session, |session| {
        command(session, |session| put(session, namespace, "kept"));
        session.begin_command();
        put(session, namespace, "undone");
        session
            .store(namespace)
            .insert_category(&record("undone"))
            .expect("insert");
        session.undo_command().expect("undo");
        command(session, |session| {
            put(session, namespace, "later");
            session
                .store(namespace)
                .insert_category(&record("c"))
                .expect("insert");
        });
    });
    let view = store.view().expect("view");
    let page = view.items_page(namespace, "", 10).expect("page");
    assert_eq!(keys(page), ["kept", "later"]);
    let records = view.category_records(namespace, "", 10).expect("records");
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].1, record("c"));
}

fn rows(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    let (first, category) = write(&mut *session, |session| {
        command(session, |session| {
            for key in ["c", "a", "b"] {
                put(session, namespace, key);
            }
            let store = session.store(namespace);
            let first = store.item("a").expect("item").expect("stored");
            let changed = Item {
                weight: 2.0,
                embedding: vec![8.0, 8.5],
                ..first
            };
            store.update_item(&changed).expect("update");
            let gone = store.item("c").expect("item").expect("stored");
            store.delete_item(&gone).expect("delete");
            let category = store.insert_category(&record("c")).expect("insert");
            let mut updated = record("c");
            updated.anchor = 5;
            store.update_category(category, &updated).expect("update");
            (changed, category)
        })
    });
    let view = store.view().expect("view");
    assert_eq!(
        view.item_by_key(namespace, "a").expect("read"),
        Some(first.clone())
    );
    assert_eq!(view.item_by_id(namespace, first.id).expect("read"), first);
    assert_eq!(view.item_by_key(namespace, "c").expect("read"), None);
    assert!(view.item_by_id(namespace, i64::MAX).is_err());
    let page = view.items_page(namespace, "", 1).expect("page");
    assert_eq!(keys(page), ["a"]);
    let page = view.items_page(namespace, "a", 9).expect("page");
    assert_eq!(keys(page), ["b"]);
    assert_eq!(
        view.category_id(namespace, "c").expect("id"),
        Some(category)
    );
    assert_eq!(view.category_key(namespace, category).expect("key"), "c");
    let records = view.category_records(namespace, "", 9).expect("records");
    assert_eq!(records[0].1.anchor, 5);
}

fn members(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    let (category, other) = write(&mut *session, |session| {
        command(session, |session| {
            let store = session.store(namespace);
            let category = store.insert_category(&record("c")).expect("insert");
            let other = store.insert_category(&record("d")).expect("insert");
            for (place, key) in ["a", "b", "c", "d"].into_iter().enumerate() {
                let item = put(session, namespace, key);
                let sequence = 2 * place as u64 + 1;
                join(session, namespace, &item, category, sequence);
                if key == "b" {
                    join(session, namespace, &item, other, sequence + 1);
                }
            }
            (category, other)
        })
    });
    write(&mut *session, |session| {
        command(session, |session| {
            let store = session.store(namespace);
            let item = store.item("c").expect("item").expect("stored");
            let memberships = store.memberships(item.id).expect("memberships");
            store
                .delete_membership(&item, &memberships[0], true)
                .expect("leave");
            let oldest = store.oldest_member(category, 2).expect("oldest");
            assert_eq!(oldest.map(|(sequence, _)| sequence), Some(3));
        });
    });
    let view = store.view().expect("view");
    let page = |before, limit| {
        let page = view.members_page(namespace, category, before, limit);
        keys(page.expect("page"))
    };
    assert_eq!(page(None, 9), ["d", "b", "a"]);
    assert_eq!(page(Some(7), 1), ["b"]);
    let found = view.members(namespace, category, 2, 9).expect("members");
    let sequences: Vec<u64> = found.iter().map(|each| each.sequence).collect();
    assert_eq!(sequences, [3, 7]);
    assert!(view.is_member(namespace, &found[0]).expect("member"));
    let nth = |after, before, nth| {
        let found = view.nth_newest_member(namespace, category, after, before, nth);
        found.expect("nth").map(|(sequence, _)| sequence)
    };
    assert_eq!(nth(0, u64::MAX, 0), Some(7));
    assert_eq!(nth(0, 7, 1), Some(1));
    assert_eq!(nth(1, 7, 1), None);
    let both = view.item_by_key(namespace, "b").expect("read").expect("b");
    let memberships = view.memberships_of(namespace, both.id).expect("of");
    let categories: Vec<i64> = memberships.iter().map(|each| each.category).collect();
    assert_eq!(categories, [category, other]);
    assert_eq!(memberships[0].origin, origin("who"));
}

fn inbox(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    write(&mut *session, |session| {
        command(session, |session| {
            let store = session.store(namespace);
            let category = store.insert_category(&record("c")).expect("insert");
            for (place, key) in ["a", "b", "c"].into_iter().enumerate() {
                let item = put(session, namespace, key);
                if key != "b" {
                    join(session, namespace, &item, category, place as u64 + 1);
                }
                if key == "c" {
                    let store = session.store(namespace);
                    let memberships = store.memberships(item.id).expect("memberships");
                    store
                        .delete_membership(&item, &memberships[0], true)
                        .expect("leave");
                }
            }
        });
    });
    let view = store.view().expect("view");
    let page = view.inbox_page(namespace, "", 9).expect("page");
    assert_eq!(keys(page), ["b", "c"]);
    assert_eq!(view.inbox_count(namespace).expect("count"), 2);
    for (key, expected) in [("a", false), ("b", true), ("c", true)] {
        let item = view.item_by_key(namespace, key).expect("read").expect(key);
        let found = view.in_inbox(namespace, key, item.id).expect("inbox");
        assert_eq!(found, expected, "{key}");
    }
}

fn log(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    for revision in 1..=3 {
        write(&mut *session, |session| {
            command(session, |session| {
                session.append(namespace, &entry(revision)).expect("append");
            });
        });
    }
    let view = store.view().expect("view");
    let mut entries = Vec::new();
    view.entries_after(namespace, 1, &mut |entry| {
        entries.push(entry);
        Ok(())
    })
    .expect("log");
    assert_eq!(entries, [entry(3), entry(2)]);
}

fn log_ranges(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    let other = created(&mut *session, "m");
    for revision in 1..=6 {
        write(&mut *session, |session| {
            command(session, |session| {
                let mut own = entry(revision);
                own.request_id = format!("even {}", revision % 2 == 0);
                session.append(namespace, &own).expect("append");
                session.append(other, &entry(revision)).expect("append");
            });
        });
    }
    let view = store.view().expect("view");
    let read = |first, last, newest_first, containing: &[&str], most| {
        let mut revisions = Vec::new();
        let range = LogRange {
            first,
            last,
            newest_first,
            containing,
        };
        view.entries_in(namespace, &range, &mut |row| {
            // A store may hand over an entry that lacks a text, but never leave out one that has it.
            if row.entry.as_ref().is_some_and(|entry| {
                assert_eq!(entry.revision, row.revision);
                containing.iter().all(|text| entry.request_id == *text)
            }) {
                revisions.push(row.revision);
            }
            let full = revisions.len() == most;
            Ok(if full {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })
        .expect("log");
        revisions
    };
    assert_eq!(read(2, 4, false, &[], 9), [2, 3, 4]);
    assert_eq!(read(2, 4, true, &[], 9), [4, 3, 2]);
    assert_eq!(read(0, u64::MAX, true, &[], 2), [6, 5]);
    assert_eq!(read(7, u64::MAX, false, &[], 9), [0; 0]);
    assert_eq!(read(1, 6, false, &["even true"], 9), [2, 4, 6]);
    assert_eq!(read(1, 6, true, &["even false"], 2), [5, 3]);
}

fn answers(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    let outcome = ee_core::command::Outcome::DeleteItems { deleted: 4 };
    write(&mut *session, |session| {
        let answer = codec::encode_command_answer(&outcome, 6);
        session
            .idempotency_put(namespace, "id", 77, answer)
            .expect("put");
    });
    let get = |reads: &dyn Reads, id, fingerprint, now| {
        idempotency::get(reads, namespace, id, fingerprint, now).expect("get")
    };
    let view = store.view().expect("view");
    let known = Known::Answered(codec::Answer::Command(outcome, 6));
    assert_eq!(get(view.reads(), "id", 77, NOW), known);
    assert_eq!(get(view.reads(), "id", 78, NOW), Known::Reused);
    assert_eq!(get(view.reads(), "another", 77, NOW), Known::New);
    let later = NOW + RETENTION_MS + 1;
    assert_eq!(get(view.reads(), "id", 77, later), Known::New);
    session.begin(later).expect("begin");
    session.idempotency_expire(9).expect("expire");
    assert_eq!(session.commit(), Commit::Committed);
    let view = store.view().expect("view");
    assert_eq!(view.idempotency_get(namespace, "id").expect("get"), None);
}

fn namespaces(store: &dyn Backend) {
    let mut session = session(store);
    let ids = ["b", "a", "ab"].map(|name| created(&mut *session, name));
    let view = store.view().expect("view");
    let stored = view.namespace_by_name("a").expect("read").expect("a");
    assert_eq!(
        stored,
        NamespaceRow {
            id: ids[1],
            ..row("a")
        }
    );
    let page = |prefix, after, limit| {
        let view = store.view().expect("view");
        let page = view.namespaces_page(prefix, after, limit).expect("page");
        page.into_iter().map(|row| row.name).collect::<Vec<_>>()
    };
    assert_eq!(page("", "", 9), ["a", "ab", "b"]);
    assert_eq!(page("a", "", 1), ["a"]);
    assert_eq!(page("a", "a", 9), ["ab"]);
    write(&mut *session, |session| {
        let mut changed = stored.clone();
        changed.header.revision = 9;
        changed.sums_revision = 8;
        session.update_namespace(&changed).expect("update");
    });
    let view = store.view().expect("view");
    let changed = view.namespace_by_name("a").expect("read").expect("a");
    assert_eq!((changed.header.revision, changed.sums_revision), (9, 8));
    write(&mut *session, |session| {
        session.delete_namespace(&changed).expect("delete");
        assert_eq!(session.namespace_count().expect("count"), 2);
    });
    assert_eq!(page("", "", 9), ["ab", "b"]);
    assert_ne!(created(&mut *session, "a"), ids[1], "an identifier twice");
}

fn purge(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    let kept = created(&mut *session, "kept");
    write(&mut *session, |session| {
        command(session, |session| {
            for namespace in [namespace, kept] {
                let store = session.store(namespace);
                let category = store.insert_category(&record("c")).expect("insert");
                let item = put(session, namespace, "i");
                join(session, namespace, &item, category, 1);
                session.append(namespace, &entry(1)).expect("append");
            }
        });
    });
    let view = store.view().expect("view");
    let stored = view.namespace_by_name("n").expect("read").expect("n");
    drop(view);
    write(&mut *session, |session| {
        session.delete_namespace(&stored).expect("delete");
    });
    while session.purge().expect("purge") {}
    let view = store.view().expect("view");
    assert_eq!(view.items_page(namespace, "", 9).expect("page"), []);
    assert_eq!(view.category_id(namespace, "c").expect("id"), None);
    assert_eq!(view.items_page(kept, "", 9).expect("page").len(), 1);
    let category = view.category_id(kept, "c").expect("id").expect("c");
    let members = view.members(kept, category, 0, 9).expect("members");
    assert_eq!(members.len(), 1);
}

fn restore(store: &dyn Backend) {
    let mut session = session(store);
    let mut restoring = row("n");
    restoring.state = NamespaceState::Restoring;
    restoring.id = write(&mut *session, |session| {
        session.create_namespace(&restoring).expect("create")
    });
    let id = restoring.id;
    let ids = write(&mut *session, |session| {
        session
            .restore_categories(id, &[record("c"), record("d")])
            .expect("categories")
    });
    let membership = |category: usize, sequence| Membership {
        item: 0,
        category: ids[category],
        sequence,
        origin: origin("before"),
    };
    write(&mut *session, |session| {
        let items = [
            (item("a"), vec![membership(0, 9), membership(1, 4)]),
            (item("b"), vec![]),
        ];
        let restored = session.restore_items(id, &items).expect("items");
        assert_eq!(restored, Restored::Stored);
    });
    for (again, expected) in [
        ((item("a"), vec![]), Restored::ItemTwice("a".into())),
        (
            (item("x"), vec![membership(0, 9)]),
            Restored::MembershipTwice,
        ),
    ] {
        session.begin(NOW).expect("begin");
        let restored = session.restore_items(id, &[again]).expect("items");
        assert_eq!(restored, expected);
        session.rollback();
    }
    let view = store.view().expect("view");
    assert_eq!(view.namespace_by_name("n").expect("read"), None);
    write(&mut *session, |session| {
        session.finish_restore(&restoring).expect("finish");
    });
    let view = store.view().expect("view");
    let active = view.namespace_by_name("n").expect("read").expect("n");
    assert_eq!(active.state, NamespaceState::Active);
    assert_eq!(view.namespace_count().expect("count"), 1);
    let page = view.inbox_page(id, "", 9).expect("page");
    assert_eq!(keys(page), ["b"]);
    let found = view.item_by_key(id, "a").expect("read").expect("a");
    let memberships = view.memberships_of(id, found.id).expect("of");
    let sequences: Vec<u64> = memberships.iter().map(|each| each.sequence).collect();
    assert_eq!(sequences, [4, 9]);
}

fn sums(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    let stats = MemberStats {
        members: 3,
        counting: 2,
        ..MemberStats::default()
    };
    let correction = UnitCorrection::Known(Arc::new(vec![-7, i64::MAX]));
    write(&mut *session, |session| {
        let category = command(session, |session| {
            let store = session.store(namespace);
            store.insert_category(&record("d")).expect("insert");
            store.insert_category(&record("c")).expect("insert")
        });
        // The store keeps corrections where the namespace asks for them.
        let (settings, fair) = (
            &row("n").settings,
            RankingSettings {
                fairness: Some(0.5),
                ..RankingSettings::default()
            },
        );
        let mut draft = CategoryDraft::create(settings, fair, category, record("c"));
        draft.category.stats = stats;
        draft.category.unit_correction = correction.clone();
        draft.sum = vec![i64::MIN, 5];
        session.save_sum(namespace, 6, &draft).expect("save");
    });
    let view = store.view().expect("view");
    let mut loads = Vec::new();
    view.stored_categories(namespace, &mut |load| loads.push(load))
        .expect("load");
    let [first, second] = &loads[..] else {
        panic!("{loads:?}");
    };
    assert_eq!((&*first.record.key, first.revision), ("c", 6));
    assert_eq!(first.sum, Some((stats, vec![i64::MIN, 5])));
    assert_eq!(first.unit_correction, correction);
    assert_eq!(second.unit_correction, UnitCorrection::Zero);
    assert_eq!((&*second.record.key, &second.sum), ("d", &None));
}

fn time(store: &dyn Backend) {
    let mut session = session(store);
    created(&mut *session, "n");
    session.begin(NOW - 5).expect("begin");
    assert_eq!(session.time_ms(), NOW);
    session.rollback();
    session.begin(NOW + 5).expect("begin");
    assert_eq!(session.time_ms(), NOW + 5);
    session.rollback();
}

fn enlist(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    session.begin(NOW).expect("begin");
    let enlisted = session.enlist(namespace, 1).expect("enlist");
    assert_eq!(enlisted, Enlisted::Current);
    session.rollback();
}
