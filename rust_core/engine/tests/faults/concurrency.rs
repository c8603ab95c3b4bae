//! Many write and read at once. The writes' revisions give an order; each read must equal the
//! model at its revision, and the order must agree with real time.

use std::collections::BTreeMap;
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ee_core::command::{Command, Outcome};
use ee_core::namespace::MatchOptions;
use ee_engine::failpoints::{Failpoint, Fault, arm};
use ee_engine::{Engine, Error, Options, QuerySpec, ReadContext, WriteContext};

use crate::common::*;
use crate::random::Random;
use crate::rounds;

const THREADS: u64 = 6;

/// An item's state: the seed of its vector, and its category.
type Seen = Option<(u64, Option<u64>)>;

enum Kind {
    /// What an item was made.
    Wrote(u64, Seen),
    /// What an item was seen to be.
    Saw(u64, Seen),
    /// Members that a category was seen to have.
    Counted(u64, u64),
    /// A ranking by an item: only its revision is looked at.
    Ranked,
}

struct Event {
    begun: Instant,
    ended: Instant,
    revision: u64,
    kind: Kind,
}

fn seen(engine: &Engine, item: u64) -> (Seen, u64) {
    let read = || -> ee_engine::Result<(Seen, u64)> {
        let key = format!("i{item}");
        let at = engine.item(
            &engine.handle("n").unwrap(),
            &key,
            true,
            ReadContext::default(),
        )?;
        let vectors = at.value.embedding.unwrap();
        // The seed stands in the item's weight: no two writes have the same.
        assert_eq!(vectors, vector(at.value.weight as u64));
        let category = at.value.memberships.first();
        let category = category.map(|m| m.category[1..].parse().unwrap());
        Ok((Some((at.value.weight as u64, category)), at.revision))
    };
    match read() {
        Ok(seen) => seen,
        // An answer without a revision: it is looked at as one of no revision.
        Err(Error::ItemNotFound { .. }) => (None, 0),
        Err(error) => panic!("{error}"),
    }
}

fn one_thread(engine: &Engine, thread: u64, seed: u64, steps: u64) -> Vec<Event> {
    let mut random = Random::new(seed * 100 + thread);
    let mut own: BTreeMap<u64, Seen> = BTreeMap::new();
    let mut events = Vec::new();
    for step in 0..steps {
        let begun = Instant::now();
        let (kind, revision) = match random.below(8) {
            0..=3 => {
                let item = thread * 10 + random.below(10);
                let serial = 1 + thread * 10_000 + step;
                let now = own.get(&item).copied().flatten();
                let (command, becomes) = match (now, random.below(4)) {
                    (Some((was, Some(_))), 0) => (unassign_command(item), Some((was, None))),
                    _ => {
                        let category = random.below(3);
                        let mut assignment = assignment(item, category);
                        assignment.item.embedding = Some(vector(serial));
                        assignment.item.weight = Some(serial as f32);
                        let command = Command::Assign(vec![assignment]);
                        (command, Some((serial, Some(category))))
                    }
                };
                let context = WriteContext {
                    request_id: format!("{thread}-{step}"),
                    fingerprint: serial,
                    deadline: (random.below(5) == 0)
                        .then(|| Instant::now() + Duration::from_micros(random.below(3000))),
                    ..WriteContext::default()
                };
                let namespace = engine.handle("n").unwrap();
                let first = engine.write(&namespace, command.clone(), context.clone());
                match first {
                    Err(Error::DeadlineExceeded) => continue,
                    Err(error) => panic!("{error}"),
                    Ok(written) => {
                        if random.below(4) == 0 {
                            let deadline = None;
                            let again = WriteContext {
                                deadline,
                                ..context
                            };
                            let again = engine.write(&namespace, command, again);
                            assert_eq!(again, Ok(replayed(written.clone())));
                        }
                        own.insert(item, becomes);
                        (Kind::Wrote(item, becomes), written.revision)
                    }
                }
            }
            4 | 5 => {
                let item = random.below(THREADS * 10);
                let (seen, revision) = seen(engine, item);
                (Kind::Saw(item, seen), revision)
            }
            6 => {
                let category = random.below(3);
                let key = format!("c{category}");
                let at = engine.category(
                    &engine.handle("n").unwrap(),
                    &key,
                    false,
                    ReadContext::default(),
                );
                let at = at.unwrap();
                (Kind::Counted(category, at.value.member_count), at.revision)
            }
            _ => {
                let namespace = engine.handle("n").unwrap();
                let query = vec![QuerySpec::Item(format!("i{}", random.below(THREADS * 10)))];
                let options = MatchOptions {
                    limit: 3,
                    threads: 1,
                    ..MatchOptions::default()
                };
                match engine.rank(&namespace, query, options, ReadContext::default()) {
                    Ok(at) => (Kind::Ranked, at.revision),
                    Err(Error::ItemNotFound { .. }) => continue,
                    Err(error) => panic!("{error}"),
                }
            }
        };
        let ended = Instant::now();
        events.push(Event {
            begun,
            ended,
            revision,
            kind,
        });
    }
    events
}

fn unassign_command(item: u64) -> Command {
    Command::Unassign(vec![ee_core::command::Unassignment {
        item: format!("i{item}"),
        category: None,
        delete_item: false,
        expected_category: None,
    }])
}

/// Panics unless the events can have happened one after the other.
fn check(first: u64, events: &[Event]) {
    let writes = events.iter().filter_map(|event| match &event.kind {
        Kind::Wrote(item, becomes) => Some((event.revision, (*item, *becomes))),
        _ => None,
    });
    let mut order: Vec<_> = writes.collect();
    order.sort_unstable();
    let revisions: Vec<u64> = order.iter().map(|(revision, _)| *revision).collect();
    let gapless: Vec<u64> = (first + 1..).take(order.len()).collect();
    assert_eq!(revisions, gapless, "each write has a revision of its own");
    let item_at = |item: u64, revision: u64| {
        let until = order.iter().take_while(|(at, _)| *at <= revision);
        until
            .filter(|(_, (of, _))| *of == item)
            .last()
            .and_then(|(_, (_, seen))| *seen)
    };
    for event in events {
        match event.kind {
            Kind::Saw(item, Some(seen)) => {
                assert_eq!(item_at(item, event.revision), Some(seen));
            }
            Kind::Saw(item, None) => {
                // Items are not deleted here: it was not yet written by somebody who had ended.
                let done = order
                    .iter()
                    .find(|(_, (of, _))| *of == item)
                    .map(|(at, _)| *at);
                let wrote = events
                    .iter()
                    .find(|e| matches!(e.kind, Kind::Wrote(..)) && Some(e.revision) == done);
                assert!(wrote.is_none_or(|wrote| wrote.ended >= event.begun));
            }
            Kind::Counted(category, count) => {
                let at = event.revision;
                let items = (0..THREADS * 10).filter_map(|item| item_at(item, at));
                let of = items.filter(|(_, of)| *of == Some(category)).count() as u64;
                assert_eq!(of, count);
            }
            Kind::Wrote(..) | Kind::Ranked => {}
        }
    }
    for later in events.iter().filter(|event| event.revision > 0) {
        for earlier in events.iter().filter(|event| event.ended < later.begun) {
            assert!(earlier.revision <= later.revision);
            if matches!(later.kind, Kind::Wrote(..)) {
                assert!(earlier.revision < later.revision);
            }
        }
    }
}

#[test]
fn answers_are_linearizable_while_namespaces_come_and_go() {
    // What is committed and not yet visible stays so for a while.
    let a_while = Fault::Delay(Duration::from_micros(500));
    arm(Failpoint::WriteCommitted, a_while, 0);
    for round in 0..rounds(2) {
        let directory = tempdir().unwrap();
        let options = Options {
            memory_budget: Some(3000),
            ..Options::default()
        };
        let engine = Engine::open(directory.path(), options).unwrap();
        for name in ["n", "m"] {
            create(&engine, name);
            categories(&engine, name, 3);
        }
        let first = view(&engine, "n").revision;
        let events = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for number in 0..THREADS {
                let (engine, events) = (&engine, &events);
                scope.spawn(move || {
                    let mine = one_thread(engine, number, round, 80);
                    events.lock().unwrap().extend(mine);
                });
            }
            // Somebody uses another namespace, so that the first one leaves memory.
            scope.spawn(|| {
                for item in 0..40 {
                    assign(&engine, "m", item, item % 3);
                }
            });
        });
        check(first, &events.into_inner().unwrap());
        assert_verified(&engine, "n");
        let before = view(&engine, "n");
        drop(engine);
        assert_eq!(view(&open(directory.path()), "n"), before);
    }
}

#[test]
fn a_request_that_comes_many_times_at_once_is_applied_once() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 3);
    for round in 0..10 {
        let before = view(&engine, "n").revision;
        let barrier = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    let command = Command::Assign(vec![assignment(round, round % 3)]);
                    let id = format!("r{round}");
                    let written = write_as(&engine, "n", command, &id).unwrap();
                    assert_eq!(written.revision, before + 1);
                    assert!(matches!(&written.outcome, Outcome::Assign(a) if a[0].changed));
                });
            }
        });
        assert_eq!(view(&engine, "n").revision, before + 1);
    }
}

#[test]
fn a_name_that_is_deleted_and_given_again_never_shows_the_old_one() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    let generation = std::sync::atomic::AtomicU64::new(0);
    let of = std::sync::atomic::Ordering::SeqCst;
    thread::scope(|scope| {
        scope.spawn(|| {
            for next in 1..=60 {
                engine
                    .delete_namespace("n", true, WriteContext::default())
                    .unwrap();
                let mut new = new_namespace("n", ee_core::settings::MembershipMode::Single);
                new.description = next.to_string();
                engine
                    .create_namespace(new, WriteContext::default())
                    .unwrap();
                generation.store(next, of);
            }
        });
        for _ in 0..3 {
            let (engine, generation) = (&engine, &generation);
            scope.spawn(move || {
                while generation.load(of) < 60 {
                    let least = generation.load(of);
                    let read = |namespace| engine.namespace(&namespace, ReadContext::default());
                    match engine.handle("n").and_then(read) {
                        Ok(view) => {
                            let shown = view.description.parse().unwrap_or(0);
                            assert!(shown >= least, "{shown} < {least}");
                        }
                        Err(Error::NamespaceNotFound { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                    let command = Command::Assign(vec![assignment(1, 0)]);
                    let write =
                        |namespace| engine.write(&namespace, command, WriteContext::default());
                    match engine.handle("n").and_then(write) {
                        Err(Error::Rejected(_) | Error::NamespaceNotFound { .. }) => {}
                        other => panic!("{other:?}"),
                    }
                }
            });
        }
    });
}

#[test]
fn a_snapshot_is_of_one_moment_while_others_write() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 3);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for item in 0..150 {
                assign(&engine, "n", item % 50, item % 3);
            }
        });
        let mut copies = 0;
        while !writer.is_finished() {
            let to = format!("copy{copies}");
            // A restore checks that what came has the digest of the trailer.
            crate::model::copy(&engine, "n", &to).unwrap();
            assert_verified(&engine, &to);
            copies += 1;
        }
    });
}
