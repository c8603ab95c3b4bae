//! Checks of the log and of stored answers.

use std::ops::ControlFlow;

use ee_store::idempotency::{Known, RETENTION_MS};
use ee_store::{
    Backend, Commit, HistoryStart, LogRange, Reads, Sizes, TrimStep, codec, idempotency,
};

use super::fixtures::{NOW, command, created, entry, session, write};

pub(super) fn log(store: &dyn Backend) {
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

pub(super) fn log_ranges(store: &dyn Backend) {
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

pub(super) fn trims(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    let other = created(&mut *session, "m");
    let mut sizes = Vec::new();
    for revision in 1..=6 {
        write(&mut *session, |session| {
            command(session, |session| {
                let mut own = entry(revision);
                own.request_id = "x".repeat(revision as usize);
                sizes.push(session.append(namespace, &own).expect("append"));
                session.append(other, &entry(revision)).expect("append");
            });
        });
    }
    session.acknowledge().expect("acknowledge");
    let before = store.sizes();
    assert_eq!(before.log_entries, 12);
    let mut trim = |first_revision, entries, bytes| {
        let step = TrimStep {
            first_revision,
            entries,
            bytes,
        };
        let mut trimmed = None;
        write(&mut *session, |session| {
            trimmed = Some(session.trim(namespace, step).expect("trim"));
        });
        session.acknowledge().expect("acknowledge");
        let trimmed = trimmed.expect("it was trimmed");
        let view = store.view().expect("view");
        let start = view.history_start(namespace).expect("start");
        assert_eq!(start, trimmed.start);
        let mut kept = Vec::new();
        let all = LogRange {
            first: 0,
            last: u64::MAX,
            newest_first: false,
            containing: &[],
        };
        view.entries_in(namespace, &all, &mut |row| {
            kept.push(row.revision);
            Ok(ControlFlow::Continue(()))
        })
        .expect("log");
        assert_eq!(kept, Vec::from_iter(start.first_revision..=6));
        (trimmed.entries, trimmed.bytes, start.first_revision)
    };
    // Bounded by entries, by bytes, and by the revision to keep.
    assert_eq!(trim(5, 1, u64::MAX), (1, sizes[0], 2));
    assert_eq!(trim(5, 9, 1), (1, sizes[1], 3));
    assert_eq!(trim(5, 9, u64::MAX), (2, sizes[2] + sizes[3], 5));
    assert_eq!(trim(3, 9, u64::MAX), (0, 0, 5), "it is trimmed already");
    let trimmed = sizes[..4].iter().sum();
    let view = store.view().expect("view");
    let start = view.history_start(namespace).expect("start");
    assert_eq!(start.trimmed_bytes, trimmed);
    assert_eq!(
        view.history_start(other).expect("start"),
        HistoryStart::WHOLE
    );
    let expected = Sizes {
        log_entries: 8,
        log_bytes: before.log_bytes - trimmed,
        ..store.sizes()
    };
    assert_eq!(store.sizes(), expected);
}

pub(super) fn answers(store: &dyn Backend) {
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
