//! Reads of earlier revisions: each answers as a read did then, to the last bit.

use ee_core::command::undo::MAX_UNDO_CHANGES;
use ee_core::command::{
    Assignment, CategoryPut, Command, ItemPut, PartPut, ProfileUpdate, Unassignment,
};
use ee_core::namespace::{CategoryView, MatchOptions, Ranking};
use ee_core::settings::{MembershipMode, RankingMode};
use ee_engine::{
    At, Engine, Error, ExplainSpec, Explained, PAST_CHANGES, QuerySpec, ReadContext, TrimBound,
    UndoScope, UndoSelection, WriteContext,
};

use crate::common::*;
use crate::random::Random;
use crate::rounds;

// What one undo takes back can be read as it was before.
const _: () = assert!(PAST_CHANGES > MAX_UNDO_CHANGES);

const CATEGORIES: u64 = 4;
const ITEMS: u64 = 12;

/// What reads answer.
#[derive(Debug, PartialEq)]
struct Seen {
    categories: Vec<Result<At<CategoryView>, Error>>,
    rankings: Result<At<Vec<Ranking>>, Error>,
    local: Result<At<Vec<Ranking>>, Error>,
    explained: Result<At<Explained>, Error>,
}

/// What they answer now, or at an earlier revision.
fn seen(engine: &Engine, revision: Option<u64>) -> Seen {
    let namespace = engine.handle("n").unwrap();
    let context = ReadContext::default();
    let rank = |options: MatchOptions| {
        let queries = vec![
            QuerySpec::Vector(vector(5)),
            QuerySpec::Item("i1".into()),
            QuerySpec::Parts(vec![(QuerySpec::Item("i0".into()), 2.0)]),
        ];
        match revision {
            None => engine.rank(&namespace, queries, options, context),
            Some(past) => engine.rank_past(&namespace, past, &queries, options, context),
        }
    };
    let spec = ExplainSpec {
        query: QuerySpec::Item("i0".into()),
        categories: Vec::new(),
        limit: 3,
        member_limit: 5,
        ranking: Some(RankingMode::Local),
        fairness: Some(0.5),
    };
    let category = |key: u64| {
        let key = format!("c{key}");
        match revision {
            None => engine.category(&namespace, &key, true, context),
            Some(past) => engine.category_past(&namespace, past, &key, true, context),
        }
    };
    Seen {
        categories: (0..CATEGORIES).map(category).collect(),
        rankings: rank(MatchOptions::default()),
        local: rank(MatchOptions {
            ranking: Some(RankingMode::Local),
            fairness: Some(0.75),
            ..MatchOptions::default()
        }),
        explained: match revision {
            None => engine.explain(&namespace, &spec, context),
            Some(past) => {
                let found = engine.explain_what_if(&namespace, Some(past), &spec, &[], context);
                found.map(
                    |At {
                         value: (value, _),
                         revision,
                     }| At { value, revision },
                )
            }
        },
    }
}

fn put(item: u64, seed: u64) -> ItemPut {
    ItemPut {
        key: format!("i{item}"),
        embedding: Some(vector(seed)),
        weight: Some(1.0 + (seed % 3) as f32),
        ..ItemPut::default()
    }
}

fn any_command(random: &mut Random, serial: u64) -> Command {
    let key = |category: u64| format!("c{category}");
    let item = random.below(ITEMS);
    let category = random.below(CATEGORIES);
    match random.below(18) {
        // Refused where a part does not exist, or is composite.
        16 | 17 => {
            let part = |own: u64, weight| PartPut {
                item: format!("i{}", (item + own) % ITEMS),
                weight,
            };
            Command::PutItems(vec![ItemPut {
                key: format!("i{item}"),
                parts: Some(vec![part(1, 1.0), part(5, 2.5)]),
                ..ItemPut::default()
            }])
        }
        0 | 9 | 10 => Command::PutCategories(vec![CategoryPut {
            key: key(category),
            base: Some(random.pick(&[true, false]).then(|| vector(serial))),
            window: Some(random.below(4) as u32),
            frozen: Some(random.below(5) == 0),
            min_base_share: Some(random.pick(&[0.0, 0.3])),
            ..CategoryPut::default()
        }]),
        1 => Command::DeleteCategories {
            keys: vec![key(category)],
            allow_missing: true,
        },
        2 => Command::PutItems(vec![put(item, serial), put((item + 1) % ITEMS, serial + 1)]),
        3 => Command::DeleteItems {
            keys: vec![format!("i{item}")],
            allow_missing: true,
        },
        4 => Command::Unassign(vec![Unassignment {
            item: format!("i{item}"),
            category: None,
            delete_item: random.below(2) == 0,
            expected_category: None,
        }]),
        5 => Command::Reanchor {
            key: key(category),
            keep_last: random.below(3) as u32,
        },
        6 => Command::UpdateProfile(ProfileUpdate {
            ranking: Some(random.pick(&[RankingMode::Cosine, RankingMode::Local])),
            fairness: Some(random.pick(&[0.0, 0.5, 1.0])),
            ..ProfileUpdate::default()
        }),
        7 => Command::RenameCategory {
            key: key(category),
            new_key: key(random.below(CATEGORIES + 2)),
        },
        8 => Command::MergeCategories {
            sources: vec![key(category)],
            target: key((category + 1) % CATEGORIES),
        },
        _ => {
            let assign = |item: u64, category: u64| Assignment {
                item: put(item, serial + item),
                category: key(category),
            };
            Command::Assign(vec![
                assign(item, category),
                assign((item + 3) % ITEMS, (category + 1) % CATEGORIES),
            ])
        }
    }
}

/// Writes at random, undos among them, and returns what reads answered at each revision.
fn taught(engine: &Engine, mode: MembershipMode, seed: u64) -> Vec<Seen> {
    let new = new_namespace("n", mode);
    let context = WriteContext::default();
    engine.create_namespace(new, context.clone()).unwrap();
    let mut random = Random::new(seed);
    let mut all = vec![seen(engine, None)];
    categories(engine, "n", CATEGORIES);
    all.push(seen(engine, None));
    for step in 0..80 {
        let revision = all.len() as u64;
        if step % 10 == 9 {
            let first = 2 + random.below(revision - 1);
            let selection = UndoSelection::Revisions {
                first,
                last: (first + 2).min(revision),
            };
            let scope = UndoScope {
                skip_conflicts: true,
                settings: true,
            };
            let namespace = engine.handle("n").unwrap();
            engine
                .undo(&namespace, &selection, scope, &context)
                .unwrap();
        } else {
            // Refused ones change nothing: some categories do not exist.
            let command = any_command(&mut random, seed * 10_000 + step * 20);
            let _ = write(engine, "n", command);
        }
        if view(engine, "n").revision > revision {
            all.push(seen(engine, None));
        }
    }
    assert!(all.len() > 30, "{} revisions", all.len());
    all
}

#[test]
fn each_revision_answers_as_it_did_then() {
    for seed in 0..rounds(6) {
        let mode = [MembershipMode::Single, MembershipMode::Multiple][seed as usize % 2];
        let directory = tempdir().unwrap();
        let engine = open(directory.path());
        let all = taught(&engine, mode, seed);
        let digest = view(&engine, "n").digest;
        let compare = |engine: &Engine| {
            for (revision, expected) in (1..).zip(&all) {
                let found = seen(engine, Some(revision));
                assert_eq!(&found, expected, "seed {seed}, revision {revision}");
            }
        };
        compare(&engine);
        assert_eq!(view(&engine, "n").digest, digest, "reads change nothing");
        assert_verified(&engine, "n");
        drop(engine);
        compare(&open(directory.path()));
    }
}

#[test]
fn the_past_ends_where_the_history_was_trimmed() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    let all = taught(&engine, MembershipMode::Single, 77);
    let newest = all.len() as u64;
    let namespace = engine.handle("n").unwrap();
    let bound = TrimBound::Newest(10);
    engine
        .trim_history(&namespace, bound, WriteContext::default())
        .unwrap();
    let first_revision = newest - 9;
    for revision in first_revision - 1..=newest {
        assert_eq!(seen(&engine, Some(revision)), all[revision as usize - 1]);
    }
    let category =
        |revision| engine.category_past(&namespace, revision, "c0", false, ReadContext::default());
    let trimmed = Error::HistoryTrimmed {
        revision: first_revision - 1,
        first_revision,
    };
    assert_eq!(category(first_revision - 2), Err(trimmed));
    let expected = newest + 1;
    let actual = newest;
    let later = Error::RevisionNotReached { expected, actual };
    assert_eq!(category(expected), Err(later));
}

#[test]
fn more_changes_than_the_limit_are_refused() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 1);
    let before = seen(&engine, None);
    let mut left = PAST_CHANGES as u64;
    let mut put_items = |count: u64| {
        let puts = (left - count..left).map(|item| put(1_000 + item, item));
        write(&engine, "n", Command::PutItems(puts.collect())).unwrap();
        left -= count;
    };
    for _ in 0..10 {
        put_items(10_000);
    }
    assert_eq!(seen(&engine, Some(2)), before);
    let namespace = engine.handle("n").unwrap();
    assign(&engine, "n", 1, 0);
    let refused = engine.category_past(&namespace, 2, "c0", false, ReadContext::default());
    let limit = PAST_CHANGES as u64;
    let what = "changes were made";
    assert_eq!(refused, Err(Error::PastTooFar { limit, what }));
}
