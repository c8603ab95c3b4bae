//! LOCAL, fairness and confidence through the engine: the same bits after detours, restarts and restores, with
//! members in memory or read each time.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use ee_core::command::{Command, ItemPut, ProfileUpdate};
use ee_core::kernels::Kernel;
use ee_core::namespace::{MatchOptions, Ranking};
use ee_core::settings::{MembershipMode, RankingMode, RankingSettings};
use ee_engine::{Engine, Options, QuerySpec, ReadContext, WriteContext};

const LOCAL: RankingSettings = RankingSettings {
    mode: RankingMode::Local,
    fairness: None,
};

fn local(engine: &Engine, name: &str, membership: MembershipMode) {
    let mut new = new_namespace(name, membership);
    new.ranking = LOCAL;
    engine
        .create_namespace(new, WriteContext::default())
        .unwrap();
    categories(engine, name, 12);
}

/// Items of different length, some of them equal.
fn item(item: u64) -> ItemPut {
    let length = 1.0 + (item % 7) as f32;
    let embedding = vector(item % 50).iter().map(|x| x * length).collect();
    ItemPut {
        key: format!("i{item}"),
        embedding: Some(embedding),
        weight: (item.is_multiple_of(5)).then_some(2.5),
        ..ItemPut::default()
    }
}

fn fill(engine: &Engine, name: &str, items: impl Iterator<Item = u64>) {
    for number in items {
        let mut entry = assignment(number, number * 7 % 11);
        entry.item = item(number);
        write(engine, name, Command::Assign(vec![entry])).unwrap();
    }
}

fn ranked(engine: &Engine, name: &str) -> Vec<Ranking> {
    ranked_with(engine, name, true)
}

fn ranked_with(engine: &Engine, name: &str, confidence: bool) -> Vec<Ranking> {
    let queries = (0..40).map(|query| QuerySpec::Vector(vector(9000 + query)));
    let options = MatchOptions {
        explain: true,
        confidence,
        ..MatchOptions::default()
    };
    let namespace = engine.handle(name).unwrap();
    let context = ReadContext::default();
    let found = engine.rank(&namespace, queries.collect(), options, context);
    found.unwrap().value
}

#[test]
fn detours_restarts_kernels_and_caches_change_no_bit() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    local(&engine, "n", MembershipMode::Single);
    fill(&engine, "n", 0..200);
    let expected = ranked(&engine, "n");
    let neighbours = |ranking: &Ranking| {
        let parts = ranking.matches.iter().map(|place| place.parts.as_ref());
        parts.flatten().map(|parts| parts.neighbours.len()).sum()
    };
    let most = expected.iter().map(neighbours).max();
    assert_eq!(most, Some(48 + 8), "the neighbours have spoken");
    assert!(engine.stats().members_loaded > 0);

    // Wrong first, and put right.
    local(&engine, "m", MembershipMode::Single);
    for number in (0..200).rev() {
        let mut entry = assignment(number, number % 12);
        entry.item = item(number);
        write(&engine, "m", Command::Assign(vec![entry])).unwrap();
        if number % 20 == 0 {
            ranked(&engine, "m");
        }
    }
    fill(&engine, "m", 0..200);
    assert_eq!(ranked(&engine, "m"), expected);
    let read = engine.stats().members_read;
    assert_eq!(ranked(&engine, "m"), expected);
    assert_eq!(engine.stats().members_read, read, "they are in memory");
    assert_verified(&engine, "m");
    drop(engine);

    for kernel in Kernel::available() {
        let options = Options {
            kernel: Some(kernel),
            threads: 3,
            ..Options::default()
        };
        let engine = Engine::open(directory.path(), options).unwrap();
        assert_eq!(engine.stats().members_loaded, 0, "nothing is read to open");
        assert_eq!(ranked(&engine, "n"), expected);
        assert_eq!(ranked(&engine, "m"), expected);
        assert_verified(&engine, "n");
    }
}

#[test]
fn members_leave_memory_under_the_budget_and_answers_stay() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    local(&engine, "n", MembershipMode::Multiple);
    fill(&engine, "n", 0..300);
    let expected = ranked(&engine, "n");
    assert_eq!(engine.stats().members_dropped, 0);
    let all = engine.stats();
    assert!(all.members_bytes > 0 && all.memory_bytes > all.members_bytes);
    drop(engine);

    let budget = (all.memory_bytes - all.members_bytes / 2) as usize;
    let engine = Engine::open(
        directory.path(),
        Options {
            memory_budget: Some(budget),
            ..Options::default()
        },
    )
    .unwrap();
    for _ in 0..3 {
        assert_eq!(ranked(&engine, "n"), expected);
        let stats = engine.stats();
        assert!(stats.memory_bytes as usize <= budget, "{stats:?}");
    }
    assert!(engine.stats().members_dropped > 0);
    assert!(engine.stats().members_read > all.members_loaded);
}

#[test]
fn a_ranking_is_changed_stored_and_overridden() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 12);
    fill(&engine, "n", 0..100);
    let digest = view(&engine, "n").digest;
    ranked_with(&engine, "n", false);
    assert_eq!(engine.stats().members_read, 0, "COSINE reads no members");
    let plain = ranked(&engine, "n");
    assert!(
        plain
            .iter()
            .flat_map(|ranking| &ranking.matches)
            .all(|place| { place.rank_score.to_bits() == place.score.to_bits() })
    );
    let members = engine.stats().members_read;
    assert_eq!(members, 100, "confidence reads each member once");
    let update = ProfileUpdate {
        ranking: Some(RankingMode::Local),
        fairness: Some(0.25),
        ..ProfileUpdate::default()
    };
    write(&engine, "n", Command::UpdateProfile(update)).unwrap();
    let ranked_otherwise = view(&engine, "n").digest;
    assert_ne!(ranked_otherwise, digest);
    let local = ranked(&engine, "n");
    assert_ne!(local, plain);
    drop(engine);

    let engine = open(directory.path());
    let ranking = view(&engine, "n").ranking;
    assert_eq!(
        (ranking.mode, ranking.fairness),
        (RankingMode::Local, Some(0.25))
    );
    assert_eq!(ranked(&engine, "n"), local);
    let options = MatchOptions {
        ranking: Some(RankingMode::Cosine),
        explain: true,
        confidence: true,
        ..MatchOptions::default()
    };
    let namespace = engine.handle("n").unwrap();
    let queries = (0..40).map(|query| QuerySpec::Vector(vector(9000 + query)));
    let context = ReadContext::default();
    let found = engine.rank(&namespace, queries.collect(), options, context);
    assert_eq!(found.unwrap().value, plain);
    let digest_with = |ranking, fairness| {
        let update = ProfileUpdate {
            ranking: Some(ranking),
            fairness,
            ..ProfileUpdate::default()
        };
        write(&engine, "n", Command::UpdateProfile(update)).unwrap();
        view(&engine, "n").digest
    };
    assert_eq!(
        digest_with(RankingMode::Local, Some(0.25)),
        ranked_otherwise
    );
    assert_ne!(digest_with(RankingMode::Local, None), ranked_otherwise);
    assert_eq!(
        digest_with(RankingMode::Local, Some(0.5)),
        digest_with(RankingMode::Local, None)
    );
    assert_eq!(digest_with(RankingMode::Cosine, None), digest);
}

#[test]
fn one_query_in_a_hurry_is_answered_from_memory_or_not_at_all() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    local(&engine, "n", MembershipMode::Single);
    fill(&engine, "n", 0..100);
    let namespace = engine.handle("n").unwrap();
    let options = MatchOptions::default();
    let tried = |query| {
        let queries = [QuerySpec::Vector(vector(query))];
        let context = ReadContext::default();
        engine
            .try_rank(&namespace, &queries, &options, context)
            .unwrap()
    };
    let asked = (9000..9040).find(|&query| tried(query).is_none());
    let asked = asked.expect("members have to be read");
    let queries = vec![QuerySpec::Vector(vector(asked))];
    let context = ReadContext::default();
    let found = engine.rank(&namespace, queries, options.clone(), context);
    assert_eq!(tried(asked), Some(found.unwrap()));
}

#[test]
fn what_fairness_needs_of_members_is_read_once_and_follows_writes() {
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    let fairly = |engine: &Engine, name: &str| {
        let query = vec![QuerySpec::Vector(vector(9000))];
        let options = MatchOptions {
            fairness: Some(0.5),
            explain: true,
            ..MatchOptions::default()
        };
        let namespace = engine.handle(name).unwrap();
        let found = engine.rank(&namespace, query, options, ReadContext::default());
        found.unwrap().value
    };
    let read = |engine: &Engine| engine.stats().members_read;
    create(&engine, "plain");
    let mut fair = new_namespace("fair", MembershipMode::Single);
    fair.ranking.fairness = Some(0.5);
    engine
        .create_namespace(fair, WriteContext::default())
        .unwrap();
    for name in ["plain", "fair"] {
        categories(&engine, name, 12);
        fill(&engine, name, 0..100);
    }
    let expected = fairly(&engine, "fair");
    assert_eq!(read(&engine), 0, "writes have followed it");
    assert_eq!(fairly(&engine, "plain"), expected);
    assert_eq!(read(&engine), 100, "no write has followed it");
    for name in ["plain", "fair"] {
        fill(&engine, name, 100..150);
    }
    let expected = fairly(&engine, "fair");
    assert_eq!(fairly(&engine, "plain"), expected);
    assert_eq!(read(&engine), 100, "what was read follows writes");
    assert_verified(&engine, "plain");
    assert_verified(&engine, "fair");
    drop(engine);

    let engine = open(directory.path());
    assert_eq!(fairly(&engine, "fair"), expected);
    assert_eq!(read(&engine), 0, "it is stored where it is asked for");
    assert_eq!(fairly(&engine, "plain"), expected);
    assert_eq!(read(&engine), 150);
}
